"""Ids: the key of an author, its folded form, and the partition of a key."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

_SEED = 0x9747B28C
_M = 0x5BD1E995
_M32 = np.uint32(_M)
_FEW = 24  # below this many keys, plain integers are faster than arrays

ID_BYTES = 256  # bytes of an id in UTF-8, at most
OF_NAME = "name:"  # begins an id made from a name
SIMULATED = "sim:"  # begins the ids of a simulated literature
# Invisible characters, as the inside of a character class of a regular expression: control characters,
# Unicode's Default_Ignorable_Code_Point and interlinear annotation. White space is not among them, because it
# separates words.
_CONTROL = r"\u0000-\u0008\u000E-\u001B\u007F-\u0084\u0086-\u009F"
_IGNORABLE = (
    r"\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164"
    r"\uFE00-\uFE0F\uFEFF\uFFA0\uFFF0-\uFFFB"
    # Not escaped: no escape of these characters is understood by every reader of a JSON Schema.
    + "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
INVISIBLE = _CONTROL + _IGNORABLE
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_DIGEST_BYTES = 20
# NFKC turns "…" into three dots, so no name key contains "…". An id with a digest is never the id of another
# name.
_WITH_DIGEST = re.compile(rf"name:.*…[0-9a-f]{{{2 * _DIGEST_BYTES}}}", re.DOTALL)


def visible(name: str) -> str:
    """The name without invisible characters."""
    return name if name.isascii() and name.isprintable() else _INVISIBLE.sub("", name)


def name_key(name: str) -> str:
    """The key of a name: equal for two spellings of one name. The key of a key is the key itself.

    Invisible characters are removed, Unicode NFKC and case folding applied. Runs of white space become one
    space.
    """
    if name.isascii() and name.isprintable():  # NFKC does not change ASCII
        return " ".join(name.casefold().split())
    name = visible(name)
    while (key := " ".join(unicodedata.normalize("NFKC", name).casefold().split())) != name:
        name = key  # after folding, letters and marks may compose again
    return key


def author_key(author: Mapping[str, Any]) -> str:
    """The key of an author in a byline ({"author_id"?, "name"}): the id, or else an id made from the name."""
    author_id = author.get("author_id")
    return folded_id(author_id) if author_id else _id_of_name(author["name"])


@lru_cache(1 << 14)
def _id_of_name(name: str) -> str:
    return _id_of(name_key(name))


def folded_id(author_id: str) -> str:
    """The id in the form in which ids are compared: behind `name:` stands the key of the name."""
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
    """`name:` and the key of a name.

    An id above ID_BYTES is cut and ends in "…" and a digest of the whole key.
    """
    author_id = OF_NAME + key
    if len(author_id) <= ID_BYTES // 4:
        return author_id
    data = author_id.encode()
    if len(data) <= ID_BYTES:
        return author_id
    end = "…" + blake2b(key.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    whole_characters = data[: ID_BYTES - len(end.encode())].decode(errors="ignore")
    return whole_characters + end


def partitions_of(keys: Sequence[bytes], count: int) -> np.ndarray:
    """The partition of each key among `count` partitions, as int64.

    The same as Kafka's default partitioner: murmur2 of the bytes without the sign bit, modulo `count`.
    Source: org.apache.kafka.common.utils.Utils.murmur2 and toPositive.
    """
    if count == 1:
        return np.zeros(len(keys), np.int64)
    if len(keys) < _FEW:
        return np.array([(_murmur2(key) & 0x7FFFFFFF) % count for key in keys], np.int64)
    return (_murmur2_of(keys) & np.uint32(0x7FFFFFFF)).astype(np.int64) % count


def _murmur2(key: bytes) -> int:
    """murmur2 of one key, from 0 to 2**32 - 1."""
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
    """murmur2 of each key, as uint32.

    Each step takes one word of every key that is long enough. Keys are sorted longest first, so these are one
    slice.
    """
    length = np.fromiter(map(len, keys), np.int64, len(keys))
    order = np.argsort(-length, kind="stable")
    size = length[order]
    data = b"".join(keys) + b"\0\0\0\0"  # a tail's word may reach behind the last key
    flat = np.frombuffer(data, np.uint8)
    start = (np.cumsum(length) - length)[order]
    h = np.uint32(_SEED) ^ size.astype(np.uint32)
    words = size >> 2
    # For each w, how many keys have more than w whole words. These keys come first.
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
    """The four bytes from each position as little-endian integers."""
    b = flat[at[:, None] + np.arange(4)].astype(np.uint32)
    word: np.ndarray = b[:, 0] | b[:, 1] << np.uint32(8) | b[:, 2] << np.uint32(16) | b[:, 3] << np.uint32(24)
    return word
