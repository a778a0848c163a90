#!/bin/sh
# What the HTTP API answers to curl. usage: api.sh ADDRESS AUTHOR_ID
set -eu
address=$1
id=$(printf %s "$2" | sed 's/%/%25/g; s/\//%2F/g; s/?/%3F/g; s/#/%23/g; s/ /%20/g')
author=$address/api/v1/authors/$id

echo "search:"
curl -fsS --get --data-urlencode "q=$2" "$address/api/v1/search"
echo
echo "profile and its version:"
etag=$(curl -fsS -o /dev/null -D - "$author" | tr -d '\r' | sed -n 's/^[Ee][Tt][Aa][Gg]: //p')
echo "$etag"
echo "the same again costs nothing:"
curl -sS -o /dev/null -w '%{http_code}\n' -H "If-None-Match: $etag" "$author"
echo "why the h-index is what it is:"
curl -fsS "$author/explain/h_index"
echo
echo "what changed last:"
curl -fsS "$author/changes"
echo
echo "the first event of the stream:"
curl -fsSN --max-time 10 "$author/events" | sed -n '/^id: /{p;q;}'
