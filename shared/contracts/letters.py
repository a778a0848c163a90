"""A dead letter: a record or a line that was refused, with its bytes and why. It always fits its topic."""

from hashlib import sha256

from shared.log.port import Headers, Message

WHOLE_BYTES = (72 << 20) - (
    64 << 10
)  # of key and value of a letter that is not cut: with its headers it fits max.message.bytes (72 MiB)
CUT_BYTES = 1 << 20  # of its value that a cut letter keeps
CUT_KEY_BYTES = 1024  # and of its key
DETAIL_CHARACTERS = 4000

# Headers of a letter that is cut.
ORIGINAL_BYTES = "original_bytes"  # of the value as it came
ORIGINAL_SHA256 = "original_sha256"  # hexadecimal, of the same
ORIGINAL_KEY_BYTES = "original_key_bytes"


def letter(
    key: bytes | None,
    value: bytes,
    *,
    reason: str,
    detail: str,
    stage: str,
    topic: str,
    partition: int = 0,
    offset: int,
) -> Message:
    """The letter of what came from (topic, partition, offset), or from a source and a line of it.

    What is larger than WHOLE_BYTES is cut: its headers give the length and the digest of the original, and where that is.
    """
    headers: Headers = (
        ("reason", str(reason).encode()), ("detail", _short(detail).encode(errors="replace")), ("stage", stage.encode()),
        ("source_topic", topic.encode(errors="replace")), ("source_partition", b"%d" % partition), ("source_offset", b"%d" % offset),
    )  # fmt: skip
    if len(key or b"") + len(value) <= WHOLE_BYTES:
        return Message(key, value, headers)
    if len(value) > CUT_BYTES:
        headers += (ORIGINAL_BYTES, b"%d" % len(value)), (ORIGINAL_SHA256, sha256(value).hexdigest().encode())
        value = value[:CUT_BYTES]
    if key is not None and len(key) > CUT_KEY_BYTES:
        headers += ((ORIGINAL_KEY_BYTES, b"%d" % len(key)),)
        key = key[:CUT_KEY_BYTES]
    return Message(key, value, headers)


def _short(text: str) -> str:
    return text if len(text) <= DETAIL_CHARACTERS else f"{text[: DETAIL_CHARACTERS - 1]}…"
