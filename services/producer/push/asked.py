"""What a request asks for, by its head alone: who sends, what, how packed. It is checked before the body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request

from services.producer.conversion import OWN
from services.producer.formats.namespace import is_namespace
from services.producer.formats.registry import names
from services.producer.push.answers import refusal
from services.producer.push.tokens import SCOPES, Token, Tokens

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
JSON = ("application/json",)
LINES = (
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
    "application/jsonlines", "application/json-lines", "application/json-seq",
)  # fmt: skip
OF_FORMATS = (
    "application/xml", "text/xml", "application/atom+xml", "text/csv", "text/tab-separated-values",
    "application/x-bibtex", "text/x-bibtex", "application/x-research-info-systems",
    "application/vnd.citationstyles.csl+json", "application/octet-stream", "text/plain",
)  # fmt: skip
CODINGS = {"": "", "identity": "", "gzip": "gzip", "x-gzip": "gzip", "zstd": "zstd"}
MOST_KEY = 255
_PARAMETERS = ("format", "namespace", "check")
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}


class Asked(NamedTuple):
    """source: "http", or "http:" and the name of the token. scopes: what it may send. media: of the body.

    coding: "", gzip or zstd. binary: the headers of a CloudEvent in binary mode. key: Idempotency-Key.
    """

    source: str
    scopes: frozenset[str]
    media: str
    coding: str
    format: str
    namespace: str | None
    check: bool
    binary: Mapping[str, str] | None
    key: str | None


def asked_of(request: Request, tokens: Tokens | None) -> Asked:
    """tokens: None when none are needed. Error: HTTPException 400, 401, 403, 415."""
    _require_no_page(request)
    token = _token(request, tokens)
    media, binary = _media(request)
    given = request.query_params
    for name in given:
        if name not in _PARAMETERS or len(given.getlist(name)) > 1:
            what = "is given twice" if name in _PARAMETERS else f"is none; there are {', '.join(_PARAMETERS)}"
            raise refusal(HTTPStatus.BAD_REQUEST, f"the parameter {name!r:.60} {what}")
    return Asked(
        source=f"http:{token.name}" if token else "http",
        scopes=token.scopes if token else frozenset(SCOPES),
        media=media,
        coding=_coding(request),
        format=_format(given.get("format"), media, binary is not None),
        namespace=_namespace(given.get("namespace")),
        check=_check(given.get("check", "")),
        binary=binary,
        key=_key(request),
    )


def _require_no_page(request: Request) -> None:
    """Error: HTTPException 403 for a page of another origin: browsers send what any page asks them to."""
    origin = request.headers.get("origin")
    own = request.headers.get("host", "").lower()
    if (origin is not None and urlsplit(origin).netloc.lower() != own) or request.headers.get(
        "sec-fetch-site", "none"
    ) in ("cross-site", "same-site"):
        raise refusal(HTTPStatus.FORBIDDEN, "Pages of other origins may not send events.")


def _token(request: Request, tokens: Tokens | None) -> Token | None:
    if tokens is None:
        return None
    given = request.headers.get("authorization")
    if given is None:
        detail = "This service takes events with a token only: Authorization: Bearer TOKEN."
        raise refusal(HTTPStatus.UNAUTHORIZED, detail, WWW_Authenticate='Bearer realm="scholarstream"')
    token = tokens.of(given)
    if token is None:
        challenge = 'Bearer realm="scholarstream", error="invalid_token"'
        raise refusal(HTTPStatus.UNAUTHORIZED, "This token is not known.", WWW_Authenticate=challenge)
    return token


def _media(request: Request) -> tuple[str, Mapping[str, str] | None]:
    """(type of the body, the headers of a CloudEvent in binary mode)."""
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    media = media.strip().lower()
    if "charset" in parameters.lower() and "utf-8" not in parameters.lower().replace('"', ""):
        raise refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be UTF-8.")
    is_cloud_event = media in (STRUCTURED, BATCH)
    binary = None
    if not is_cloud_event and "ce-specversion" in request.headers:
        binary = {name: value for name, value in request.headers.items() if name.startswith("ce-")}
        if media not in JSON:
            raise refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "The data of a CloudEvent is an event of ours: Content-Type: application/json.",
            )
    elif not is_cloud_event and media not in (*JSON, *LINES, *OF_FORMATS):
        raise refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type: {media!r:.100} is not taken. Lines of events are {LINES[0]}, an event or an "
            f"array {JSON[0]}, CloudEvents {STRUCTURED} or {BATCH}.",
        )
    return media, binary


def _coding(request: Request) -> str:
    given = request.headers.get("content-encoding", "").strip().lower()
    if given not in CODINGS:
        detail = f"Content-Encoding: {given!r:.60} is not taken; gzip and zstd are."
        raise refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, Accept_Encoding="gzip, zstd")
    return CODINGS[given]


def _format(given: str | None, media: str, is_binary: bool) -> str:
    if given is None:
        if media in OF_FORMATS:
            detail = f"{media} needs the name of its format: ?format=NAME."
            raise refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
        return OWN
    if given != OWN and given not in names():
        detail = f"format: there is no {given!r:.60}; there are {', '.join((OWN, *names()))}"
        raise refusal(HTTPStatus.BAD_REQUEST, detail)
    return given


def _namespace(given: str | None) -> str | None:
    if given is not None and not is_namespace(given):
        detail = f"namespace: {given!r:.60} is not right; 1 to 40 letters, digits, dots, dashes or low lines"
        raise refusal(HTTPStatus.BAD_REQUEST, detail)
    return given


def _check(given: str) -> bool:
    if given not in _FLAGS:
        raise refusal(HTTPStatus.BAD_REQUEST, f"check: {given!r:.60} is not right; 1 or 0 is")
    return _FLAGS[given]


def _key(request: Request) -> str | None:
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given.strip()
    if len(key) >= 2 and key[0] == key[-1] == '"':  # the draft has a string of structured fields
        key = key[1:-1]
    if not 1 <= len(key) <= MOST_KEY:
        raise refusal(HTTPStatus.BAD_REQUEST, f"Idempotency-Key must have 1 to {MOST_KEY} characters.")
    return key
