"""CloudEvents 1.0 in Kafka's binary mode: attributes as headers, the event itself as the value."""

from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote

from shared.log.port import Headers

_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", b"application/json")
_EPOCH = datetime(1970, 1, 1)
_URI = ":/?#[]@!$&'()*+,;=%"  # ce_source is a URI reference; these stay as they are


def cloud_event(kind: str, subject: str, source: str, time_ms: int, identity: str) -> Headers:
    """The headers of an event.

    kind: for example "paper.published"; subject: the key; source: a URI reference (other characters are
    percent-encoded); time_ms: milliseconds since the epoch, UTC; identity: unique for the source, and the
    same when the event is sent again.
    """
    return (
        _SPECVERSION,
        ("ce_id", identity.encode(errors="replace")),
        *_origin(kind, source),
        _time(time_ms),
        ("ce_subject", subject.encode()),
        _CONTENT_TYPE,
    )


@lru_cache(256)
def _origin(kind: str, source: str) -> Headers:
    uri = quote(source.encode(errors="surrogateescape"), safe=_URI)  # a file's name may have any bytes
    return ("ce_type", f"scholarstream.{kind}".encode()), ("ce_source", uri.encode())


@lru_cache(16)  # a batch has one time
def _time(time_ms: int) -> tuple[str, bytes]:
    at = _EPOCH + timedelta(milliseconds=time_ms)
    return "ce_time", at.isoformat(timespec="milliseconds").encode() + b"Z"
