"""Makes dead letters: a refused record or line, with its bytes and the reason.

A letter always fits its topic.
"""

from hashlib import sha256

from shared.log.port import Message

# Bytes of key and value of a letter that is not cut. With 64 KiB of headers it fits max.message.bytes (72
# MiB).
WHOLE_BYTES = (72 << 20) - (64 << 10)
CUT_BYTES = 1 << 20  # bytes of the value that a cut letter keeps
CUT_KEY_BYTES = 1024  # bytes of the key that a cut letter keeps
DETAIL_CHARACTERS = 4000

# Headers of a letter that is cut.
ORIGINAL_BYTES = "original_bytes"  # length of the original value
ORIGINAL_SHA256 = "original_sha256"  # hexadecimal digest of the original value
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
    """The letter for a refused record at (topic, partition, offset), or for a line of a source.

    A letter above WHOLE_BYTES is cut. Its headers then have the length, the digest and the position of the
    original.
    """
    headers: tuple[tuple[str, bytes], ...] = (
        ("reason", str(reason).encode()),
        ("detail", _short(detail).encode(errors="replace")),
        ("stage", stage.encode()),
        ("source_topic", topic.encode(errors="replace")),
        ("source_partition", b"%d" % partition),
        ("source_offset", b"%d" % offset),
    )
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
