#!/bin/sh
# Prints published profiles, one a line, without any code of scholarstream.
# usage: console-consumer.sh BOOTSTRAP [COUNT]; it needs Kafka's scripts on the PATH, or in $KAFKA_HOME/bin.
set -eu
PATH=${KAFKA_HOME:+$KAFKA_HOME/bin:}$PATH
exec kafka-console-consumer.sh --bootstrap-server "$1" --topic author-profiles.v1 --from-beginning \
  --isolation-level read_committed ${2:+--max-messages "$2"}
