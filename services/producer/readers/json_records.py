"""Records in JSON: lines, one array, objects over several lines, or answers of an API with a list inside.

`{"results": […]}`, `{"message": {"items": […]}}`, `{"items": […]}`, `{"hits": {"hits": […]}}` and `{"data":
[…]}` hold records in their lists; a large one is read element by element.
"""

import io
import re
from collections.abc import Iterator

import orjson

from services.producer.readers import found as found_module
from services.producer.readers.array import Element, Elements
from services.producer.readers.encodings import BOM
from services.producer.readers.found import Found, Records
from services.producer.readers.unpack import AHEAD
from shared.contracts.refusals import Reason
from shared.errors import InputRefused

TAKEN = ". Valid elements were taken"  # of a file; not of a request, which is taken whole or not at all
# Names of lists at the top, and names of objects that have such a list.
_LISTS = frozenset((b"results", b"items", b"hits", b"data", b"docs"))
_AROUND = frozenset((b"message", b"hits", b"response"))
_MAYBE = re.compile(rb'"(?:results|items|hits|data|docs)"\s*:\s*\[')
_RECORD = re.compile(
    rb'\s*\{\s*"(?:id|_id|event|paper_id|author_id)"\s*:'
)  # a list of records begins otherwise
_OPENING = re.compile(rb"(?:^|[\n}\]])\s*\{")  # where an object may begin that is no member of another
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}:,]', re.DOTALL)


def records(stream: io.BufferedReader, head: bytes, name: str) -> Records:
    """The records of a stream. head: its first bytes. Error: InputRefused behind the last record of a broken
    array.
    """
    bom = len(BOM) if head.startswith(BOM) else 0
    head = head[bom:]
    if bom:
        stream.read(bom)
    text = head.lstrip()
    line = text.partition(b"\n")[0]
    if text[:1] == b"[" and not _are_lines(text):
        yield from _array(Elements(stream, found_module.LINE_LIMIT, bom), name)
    elif text[:1] != b"{" or _is_json(line):
        yield from _lines(stream)
    elif (start := list_in(head)) is not None:
        yield from _lists(stream, start, bom, name)
    elif _is_open(line):
        elements = Elements(stream, found_module.LINE_LIMIT, bom, bare=True)
        for element in elements:
            yield from _unfolded(element.number, element.raw)
    else:
        yield from _lines(stream)


def whole_lines(stream: io.BufferedReader) -> Iterator[bytes]:
    """The lines of a stream, cut at LINE_LIMIT, so that memory stays bounded even without line ends."""
    limit = found_module.LINE_LIMIT
    while line := stream.readline(limit):
        if len(line) == limit and not line.endswith(b"\n"):
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(1 << 20)
        yield line


def _lines(stream: io.BufferedReader) -> Records:
    for number, line in enumerate(whole_lines(stream), 1):
        raw = line.rstrip(b"\r\n")
        if raw and not raw.isspace():
            if not _RECORD.match(raw) and _MAYBE.search(raw, 0, AHEAD):
                yield from _unfolded(number, raw)
            else:
                yield Found(number, raw, alone=True)


def _unfolded(number: int, raw: bytes) -> Records:
    """The records in one JSON text: those of its list, or itself."""
    start = list_in(raw[:AHEAD])
    if start is None:
        yield Found(number, raw, alone=b"\n" not in raw)
        return
    stream = io.BufferedReader(io.BytesIO(raw[start:]))
    elements = Elements(stream, found_module.LINE_LIMIT, start, enclosed=True)
    before: Found | None = None
    for element in elements:
        if before is not None:
            yield before._replace(last=False)
        before = _of(number, element)
    faults = elements.faults
    if before is not None:
        yield before._replace(last=not faults)
    if faults:
        hint = f"the list of records is broken: {'; '.join(faults)} (bytes of the line count from 0)"
        yield Found(number, raw, fault=InputRefused(Reason.MALFORMED_JSON, "", hint))


def _lists(stream: io.BufferedReader, start: int, before: int, name: str) -> Records:
    """The elements of a list inside of an object; when other such objects follow, also theirs."""
    stream.read(start)
    number, rest = 0, _Rest(stream, before + start)
    while True:
        elements, bad = Elements(rest, found_module.LINE_LIMIT, rest.before, enclosed=True), 0
        for element in elements:
            number += 1
            bad += not element.is_json
            yield _of(number, element)
        _check(elements, name, bad)
        rest.back(elements.rest(), elements.place)
        if not rest.to_next_list():
            return


class _Rest:
    """What stands behind a list: the end of its object, and maybe further objects. before: the bytes before
    it.
    """

    def __init__(self, stream: io.BufferedReader, before: int):
        self._stream, self._data, self.before = stream, b"", before

    def read1(self, size: int, /) -> bytes:
        data = self._data[:size] if self._data else self._stream.read1(size)
        self._data = self._data[len(data) :]
        return data

    def back(self, data: bytes, place: int) -> None:
        """Takes back bytes that were read too far. place: the number of bytes before them."""
        self._data, self.before = data + self._data, place

    def to_next_list(self) -> bool:
        """Goes to the next list. False: there is none."""
        seen = b""
        while more := self.read1(AHEAD):
            seen += more
            if _MAYBE.search(seen):
                for opening in _OPENING.finditer(seen):
                    if (inner := list_in(seen[opening.end() - 1 :])) is not None:
                        place = opening.end() - 1 + inner
                        self.back(seen[place:], self.before + place)
                        return True
            if len(seen) > 4 * AHEAD:
                self.before += len(seen) - AHEAD
                seen = seen[-AHEAD:]
        return False


def _array(elements: Elements, name: str) -> Records:
    bad = 0
    for element in elements:
        bad += not element.is_json
        yield _of(element.number, element)
    _check(elements, name, bad)


def _of(number: int, element: Element) -> Found:
    return Found(number, element.raw, element.value if element.is_json else None)


def _check(elements: Elements, name: str, bad: int) -> None:
    """Error: InputRefused for an array with faults."""
    if elements.faults:
        faults = "; ".join(elements.faults)
        kept = f", {bad} of its elements became dead letters" if bad else ""
        hint = f"the JSON array is broken: {faults} (bytes count from 0){TAKEN}{kept}"
        raise InputRefused("broken_array", name, hint)


def list_in(head: bytes) -> int | None:
    """The place of the `[` of a list of records within the object that begins in `head`. None: there is none.

    It is a member of the object itself, or of an object in it that is known to hold such a list.
    """
    if not _MAYBE.search(head):
        return None
    path: list[bytes] = []  # the names of the open objects; b"[" for an array
    name = last = b""
    for token in _TOKEN.finditer(head):
        text = token[0]
        if text == b":":
            name = last
        elif text == b"{":
            path.append(name if path else b"{")
            name = b""
        elif text == b"[":
            if name in _LISTS and (len(path) == 1 or (len(path) == 2 and path[1] in _AROUND)):
                return token.start()
            path.append(b"[")
            name = b""
        elif text in (b"}", b"]"):
            if not path:
                return None
            path.pop()
            if not path:
                return None
        elif text == b",":
            name = b""
        else:
            last = text[1:-1]
    return None


def _are_lines(head: bytes) -> bool:
    """Whether a file that begins with a bracket holds lines: the first line is a JSON text, and another
    follows.
    """
    first, _, rest = head.partition(b"\n")
    return rest.lstrip().startswith((b"{", b"[")) and _is_json(first)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_open(line: bytes) -> bool:
    """Whether the first line leaves brackets open, so that its object goes on in the next line."""
    depth = 0
    for token in _TOKEN.finditer(line):
        depth += (token[0] in (b"{", b"[")) - (token[0] in (b"}", b"]"))
    return depth > 0 and line.rstrip()[-1:] in (b"{", b"[", b",", b":")
