"""A file of events: JSON Lines or one JSON array, plain or gzip (by its first bytes). Always UTF-8."""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

import orjson

from services.producer.formats.registry import convert, translate
from services.producer.sources.array import Elements
from services.producer.sources.encodings import BOM, check_encoding
from services.producer.sources.source import Source, SourceItem
from shared.errors import InputRefused, UsageError

GZIP = b"\x1f\x8b"
LINE_LIMIT = 64 << 20  # bytes of one line; a longer one is cut, and the intake refuses it as too large
AHEAD = 1 << 16  # bytes read ahead to distinguish an array from lines

Stream = io.BufferedReader | gzip.GzipFile


class FileSource(Source):
    """A file as a source.

    position: the number of the line, from 1, blank lines included; in an array the number of the element,
    from 1.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser().absolute()
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            raise UsageError(f"there is no file {self.path}") from None
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from None
        if stat.S_ISDIR(facts.st_mode):
            raise UsageError(f"{self.path} is a folder; name its files, for example with {self.path}/*")
        if not os.access(self.path, os.R_OK):
            raise UsageError(f"cannot read {self.path}: no permission")
        self.regular = stat.S_ISREG(facts.st_mode)
        self.size = facts.st_size
        readable = os.fsencode(self.path).decode(errors="backslashreplace")  # a file name may hold any bytes
        self.identity = f"file {readable} {facts.st_size} {facts.st_mtime_ns}"
        # A later version of the file has another name, so that dead letters and ce_ids distinguish their
        # lines.
        self.name = f"file:{readable}@{blake2b(self.identity.encode(), digest_size=4).hexdigest()}"

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        try:
            with self.path.open("rb") as file:
                if file.peek(2)[:2] == GZIP:
                    # A larger buffer around it would lose the lines before damage.
                    with gzip.GzipFile(fileobj=file) as stream:
                        yield from self._items(stream, file, after)
                else:
                    yield from self._items(file, file, after)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            hint = f"the gzip file ends early or is damaged ({error}); the lines before that have been read"
            raise InputRefused("damaged_file", str(self.path), hint) from None
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _items(self, stream: Stream, file: BinaryIO, after: int) -> Iterator[SourceItem]:
        check_encoding(stream.peek(4), str(self.path))
        start = len(stream.read(3)) if stream.peek(3)[:3] == BOM else 0
        if stream.peek(1).lstrip()[:1] == b"[" and not _are_lines(stream.peek(AHEAD)):
            yield from self._elements(stream, file, after, start)
        else:
            yield from self._lines(stream, file, after)

    def _lines(self, stream: Stream, file: BinaryIO, after: int) -> Iterator[SourceItem]:
        for number, line in enumerate(whole_lines(stream), 1):
            if number <= after:
                continue
            raw = line.rstrip(b"\r\n")
            if raw and not raw.isspace():
                self.read = file.tell()
                yield SourceItem(number, convert(raw, self.leave_out))
        self.read = self.size or 0

    def _elements(self, stream: Stream, file: BinaryIO, after: int, start: int) -> Iterator[SourceItem]:
        elements, bad = Elements(stream, LINE_LIMIT, start), 0
        for number, raw, value, is_json in elements:
            bad += not is_json
            if number > after:
                self.read = file.tell()
                yield SourceItem(number, orjson.dumps(translate(value, self.leave_out)) if is_json else raw)
        self.read = self.size or 0
        if elements.faults:
            faults = "; ".join(elements.faults)
            kept = f", {bad} of its elements became dead letters" if bad else ""
            hint = f"the JSON array is broken: {faults} (bytes count from 0). Valid elements were taken{kept}"
            raise InputRefused("broken_array", str(self.path), hint)


def _are_lines(ahead: bytes) -> bool:
    """Whether a file that begins with a bracket holds lines: the first line is a JSON text, and another
    follows.
    """
    first, _, rest = ahead.lstrip().partition(b"\n")
    if not rest.lstrip().startswith((b"{", b"[")):
        return False
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    return True


def whole_lines(stream: Stream) -> Iterator[bytes]:
    """The lines of a stream, cut at LINE_LIMIT, so that memory stays bounded even without line ends."""
    while line := stream.readline(LINE_LIMIT):
        if len(line) == LINE_LIMIT and not line.endswith(b"\n"):
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(1 << 20)
        yield line
