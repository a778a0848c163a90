"""Reads one JSON array element by element, in bounded memory. A fault costs only the element that it is in.

A message names the place of a fault: the number of bytes before it, after decompression.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import orjson

CHUNK = 1 << 20
SPACE = b" \t\r\n"
SHOWN = 5  # faults named in a message
# A whole string, or the quote of a string without an end so far, or a bracket. No string holds a raw control
# character.
_TOKEN = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+"|["\[\]{}]')
_OPEN_STRING = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\[^\x00-\x1f])*+\\?')
_SCALAR = re.compile(rb"[^,\] \t\r\n]+|\]")
_FIRST_NAME = re.compile(rb'\{\s*("(?:[^"\\\x00-\x1f]++|\\.)*+")\s*:')
_OPENINGS = rb'"paper_id"|"event"|"author_id"|"id"|"doi"'  # how elements begin, before the first is read


class Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...


class Element(NamedTuple):
    """An element of an array. number: from 1. raw: its bytes. value: their JSON value; None if is_json is
    false.
    """

    number: int
    raw: bytes
    value: object
    is_json: bool


class Elements:
    """Iterates the elements of the array in `stream`. faults: the faults so far, as texts.

    limit: the most bytes of an element. A longer one is cut there and given as not JSON. start: the number of
    bytes before the stream. enclosed: the array is a part of a JSON text, which goes on behind its bracket
    (`rest`). bare: there are no brackets and commas, only elements.
    """

    def __init__(
        self, stream: Stream, limit: int, start: int = 0, *, enclosed: bool = False, bare: bool = False
    ):
        self._enclosed, self._bare = enclosed, bare
        self._stream, self._limit = stream, limit
        self._data = bytearray()  # the bytes at hand
        self._at = 0  # the position in them
        self._before = start  # how many bytes came before them
        self._ended = self._is_cut = False  # cut: the last element has no end
        self._opening: re.Pattern[bytes] | None = None
        self._faults: list[str] = []
        self._count = 0

    @property
    def faults(self) -> list[str]:
        more = self._count - len(self._faults)
        return [*self._faults, f"and {more} more"] if more else self._faults

    def __iter__(self) -> Iterator[Element]:
        self._next()
        self._at += not self._bare  # the bracket
        number, comma, parted = 0, None, True  # comma: its place, if nothing follows it so far
        while (byte := self._next()) is not None:
            if byte == b"," and parted:
                self._fault("a comma too many", self.place)
                self._at += 1
            elif byte == b",":
                comma, parted = self.place, True
                self._at += 1
            elif byte == b"]" and not self._bare and self._closes(comma):
                return
            elif byte == b"]":
                comma, parted = None, True
            else:
                if not parted and not self._bare:
                    self._fault("a comma is missing", self.place)
                number += 1
                element = self._element(number)
                yield element
                comma, parted = None, not element.is_json and self._next() != b","
        if not self._is_cut and not self._bare:
            self._fault("the file ends without a ]", self.place)

    @property
    def place(self) -> int:
        """The number of bytes before the next one."""
        return self._before + self._at

    def rest(self) -> bytes:
        """The bytes that were read from the stream and belong to no element."""
        return bytes(self._data[self._at :])

    def _fault(self, what: str, place: int) -> None:
        self._count += 1
        if len(self._faults) < SHOWN:
            self._faults.append(f"{what} at byte {place}")

    def _closes(self, comma: int | None) -> bool:
        """Whether the bracket here ends the array; otherwise it is one too many."""
        bracket = self.place
        self._at += 1
        if self._enclosed:
            if comma is not None:
                self._fault("a comma too many before ]", comma)
            return True
        last = self._next() is None
        if not last:
            self._fault("a ] too early", bracket)
        elif comma is not None:
            self._fault("a comma too many before ]", comma)
        return last

    # ---- one element

    def _element(self, number: int) -> Element:
        place, end = self.place, self._end()
        if end is not None:
            raw = bytes(self._data[self._at : end])
            try:
                value = orjson.loads(raw)
            except orjson.JSONDecodeError as error:
                fault = f"is no JSON ({error.msg})"
            else:
                self._learn_opening(raw)
                self._at = end
                return Element(number, raw, value, True)
        else:
            fault = "has no end"
        self._fault(f"element {number} {fault}, it begins", place)
        self._learn_opening(bytes(self._data[self._at : self._at + CHUNK]))
        return Element(number, self._up_to_next(end), None, False)

    def _end(self) -> int | None:
        """The end of the element that begins here.

        None: it has none, its string has none, or it passes the limit.
        """
        first = bytes(self._data[self._at : self._at + 1])
        if first not in (b"{", b"[", b'"'):
            return self._end_of_scalar()
        at, depth = self._at, 0
        while True:
            for token in _TOKEN.finditer(self._data, at):
                byte = self._data[token.start()]
                if byte in b"{[":
                    depth += 1
                elif byte in b"}]":
                    depth -= 1
                elif token.end() == token.start() + 1:  # a quote alone
                    at = token.start()
                    break
                at = token.end()
                if depth == 0:
                    return at
            else:
                at = max(at, len(self._data))
            begun = _OPEN_STRING.match(self._data, at)
            if begun is not None and begun.end() < len(self._data):
                return None
            if len(self._data) - self._at > self._limit or not self._read():
                return None

    def _end_of_scalar(self) -> int | None:
        while True:
            found = _SCALAR.match(self._data, self._at)
            end = self._at if found is None else found.end()
            if end != len(self._data) or not self._read():
                return end
            if len(self._data) - self._at > self._limit:
                return None

    def _learn_opening(self, raw: bytes) -> None:
        """Learns from the first element how elements begin."""
        if self._opening is None:
            named = _FIRST_NAME.match(raw)
            self._opening = re.compile(rb"\{\s*(?:%s)\s*:" % (re.escape(named[1]) if named else _OPENINGS))

    def _up_to_next(self, end: int | None) -> bytes:
        """The bytes of a broken element: up to `end`, or to the next element if that comes first."""
        start, opening = self._at, self._opening
        assert opening is not None  # `_learn_opening` came first
        found = opening.search(self._data, start + 1, len(self._data) if end is None else end)
        while found is None and end is None:
            excess = len(self._data) - CHUNK - (start + self._limit)
            if excess > 0:
                del self._data[start + self._limit : start + self._limit + excess]
                self._before += excess
            seen = max(start + 1, len(self._data) - CHUNK)
            if not self._read():
                end, self._is_cut = len(self._data), True
            found = opening.search(self._data, seen)
        self._at = found.start() if found is not None else len(self._data) if end is None else end
        self._is_cut = self._is_cut and found is None
        return bytes(self._data[start : self._at]).rstrip(SPACE + b",")[: self._limit]

    # ---- bytes

    def _next(self) -> bytes | None:
        """The next byte that is no white space, without taking it; None: the end.

        Drops the bytes before it.
        """
        while True:
            rest = self._data[self._at :] if self._at > CHUNK else None
            if rest is not None:
                self._before += self._at
                self._data, self._at = rest, 0
            while self._at < len(self._data) and self._data[self._at] in SPACE:
                self._at += 1
            if self._at < len(self._data):
                return bytes(self._data[self._at : self._at + 1])
            if not self._read():
                return None

    def _read(self) -> bool:
        """Reads more bytes. False at the end."""
        more = b"" if self._ended else self._stream.read1(max(CHUNK, min(len(self._data), 8 * CHUNK)))
        self._ended = not more
        self._data += more
        return bool(more)
