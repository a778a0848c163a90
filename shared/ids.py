"""Names of things: author keys, and the partition of a key."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

_SEED = 0x9747B28C
_M = 0x5BD1E995
_M32 = np.uint32(_M)
_FEW = 24  # below this many keys, plain integers are faster than arrays


ID_BYTES = 256  # of an id, in UTF-8, at most
OF_NAME = "name:"  # how an id begins that is made from a name
# Characters without an own look, as the inside of a regular expression's class: control characters, Unicode's
# Default_Ignorable_Code_Point, interlinear annotation. White space among the control characters is not here: it parts words.
_CONTROL = r"\u0000-\u0008\u000E-\u001B\u007F-\u0084\u0086-\u009F"
_IGNORABLE = (
    r"\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFE00-\uFE0F\uFEFF\uFFA0"
    r"\uFFF0-\uFFFB"
    + "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # no escape for these is read everywhere
)
INVISIBLE = _CONTROL + _IGNORABLE
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_DIGEST_BYTES = 20
# NFKC writes "…" as three dots, so no key of a name has one: an id with a digest is never the id of another name.
_WITH_DIGEST = re.compile(rf"name:.*…[0-9a-f]{{{2 * _DIGEST_BYTES}}}", re.DOTALL)


def visible(name: str) -> str:
    """The name without characters that have no look of their own."""
    return name if name.isascii() and name.isprintable() else _INVISIBLE.sub("", name)


def name_key(name: str) -> str:
    """The name as two spellings of one name have it: what is visible in Unicode NFKC, case folded, runs of whitespace one space, none at
    the ends. The key of a key is the key itself."""
    if name.isascii() and name.isprintable():  # NFKC changes no ASCII
        return " ".join(name.casefold().split())
    name = visible(name)
    while (key := " ".join(unicodedata.normalize("NFKC", name).casefold().split())) != name:
        name = key  # folding may leave letters and marks that compose once more
    return key


def author_key(author: Mapping[str, Any]) -> str:
    """Key of an author of a paper ({"author_id"?, "name"}): the id if there is one, else the one made from the name."""
    author_id = author.get("author_id")
    return folded_id(author_id) if author_id else _id_of(name_key(author["name"]))


def folded_id(author_id: str) -> str:
    """The id as ids are compared: one that begins with `name:` is the id of the name behind it, however that is spelled."""
    if not author_id.startswith(OF_NAME) or _WITH_DIGEST.fullmatch(author_id):
        return author_id
    key = name_key(author_id[len(OF_NAME) :])
    return _id_of(key) if key else author_id


def is_spelling_of(key: bytes | None, author_id: str) -> bool:
    """Whether the key of a record names the author with this folded id."""
    try:
        return key is not None and folded_id(key.decode()) == author_id
    except UnicodeDecodeError:
        return False


def _id_of(key: str) -> str:
    """`name:` and the key of a name; one of more than ID_BYTES is its beginning, "…" and a digest of the whole key."""
    author_id = OF_NAME + key
    if len(author_id) <= ID_BYTES // 4:
        return author_id
    data = author_id.encode()
    if len(data) <= ID_BYTES:
        return author_id
    end = "…" + blake2b(key.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return (
        data[: ID_BYTES - len(end.encode())].decode(errors="ignore") + end
    )  # what is ignored: a part of a character at the cut


def partitions_of(keys: Sequence[bytes], count: int) -> np.ndarray:
    """The partition of each key among `count`: int64, as Kafka's default partitioner (murmur2 of the bytes, sign bit off, modulo).

    Source: org.apache.kafka.common.utils.Utils.murmur2 and toPositive.
    """
    if count == 1:
        return np.zeros(len(keys), np.int64)
    if len(keys) < _FEW:
        return np.array([(_murmur2(key) & 0x7FFFFFFF) % count for key in keys], np.int64)
    return (_murmur2_of(keys) & np.uint32(0x7FFFFFFF)).astype(np.int64) % count


def _murmur2(key: bytes) -> int:
    """murmur2 of one key, 0..2**32-1."""
    length = len(key)
    h = _SEED ^ length
    whole = length & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * _M & 0xFFFFFFFF
        k ^= k >> 24
        h = (h * _M & 0xFFFFFFFF) ^ (k * _M & 0xFFFFFFFF)
    if length & 3:
        h = (h ^ int.from_bytes(key[whole:], "little")) * _M & 0xFFFFFFFF
    h ^= h >> 13
    h = h * _M & 0xFFFFFFFF
    return h ^ h >> 15


def _murmur2_of(keys: Sequence[bytes]) -> np.ndarray:
    """murmur2 of each key (uint32): word by word over all keys that are that long, longest first so that they are one slice."""
    length = np.fromiter(map(len, keys), np.int64, len(keys))
    order = np.argsort(-length, kind="stable")
    size = length[order]
    data = b"".join(keys) + b"\0\0\0\0"  # a tail's word may reach behind the last key
    flat = np.frombuffer(data, np.uint8)
    start = (np.cumsum(length) - length)[order]
    h = np.uint32(_SEED) ^ size.astype(np.uint32)
    words = size >> 2
    # How many keys have more than w whole words: keys are sorted by length, so they are the first ones.
    having = len(keys) - np.searchsorted(
        words[::-1], np.arange(int(words[0]) if len(words) else 0), side="right"
    )
    for w, many in enumerate(having.tolist()):
        k = _word(flat, start[:many] + 4 * w) * _M32
        k ^= k >> np.uint32(24)
        h[:many] = (h[:many] * _M32) ^ (k * _M32)
    tail = size & 3
    some = np.flatnonzero(tail)
    if len(some):
        left = tail[some]
        rest = _word(flat, start[some] + 4 * words[some]) & (
            (np.uint32(1) << (8 * left).astype(np.uint32)) - np.uint32(1)
        )
        h[some] = (h[some] ^ rest) * _M32
    h ^= h >> np.uint32(13)
    h *= _M32
    h ^= h >> np.uint32(15)
    out = np.empty_like(h)
    out[order] = h
    return out


def _word(flat: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The four bytes from each place as little-endian integers."""
    b = flat[at[:, None] + np.arange(4)].astype(np.uint32)
    return b[:, 0] | b[:, 1] << np.uint32(8) | b[:, 2] << np.uint32(16) | b[:, 3] << np.uint32(24)
