"""Names of things: author keys, and the partition of a key."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_SEED = 0x9747B28C
_M = 0x5BD1E995
_M32 = np.uint32(_M)
_FEW = 24  # below this many keys, plain integers are faster than arrays


def name_key(name: str) -> str:
    """The name as two spellings of one name have it: Unicode NFKC, case folded, runs of whitespace one space, none at the ends."""
    if name.isascii():  # NFKC changes no ASCII
        return " ".join(name.casefold().split())
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def author_key(author: Mapping[str, Any]) -> str:
    """Key of an author of a paper ({"author_id"?, "name"}): the id if there is one, else `name:` and the name's key."""
    return author.get("author_id") or "name:" + name_key(author["name"])


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
    having = len(keys) - np.searchsorted(words[::-1], np.arange(int(words[0]) if len(words) else 0), side="right")
    for w, many in enumerate(having.tolist()):
        k = _word(flat, start[:many] + 4 * w) * _M32
        k ^= k >> np.uint32(24)
        h[:many] = (h[:many] * _M32) ^ (k * _M32)
    tail = size & 3
    some = np.flatnonzero(tail)
    if len(some):
        left = tail[some]
        rest = _word(flat, start[some] + 4 * words[some]) & ((np.uint32(1) << (8 * left).astype(np.uint32)) - np.uint32(1))
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
