"""A file of events: JSON Lines, plain or gzip (told by its first bytes, not by its name), or one JSON array."""

import gzip
import io
import os
import stat
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson

from services.producer.sources.foreign import convert, translate
from services.producer.sources.source import Source, SourceItem
from shared.errors import InputRefused, UsageError

GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
LINE_LIMIT = 64 << 20  # bytes of one line; what goes beyond is cut off here, and refused as too large by the intake
ARRAY_LIMIT = 256 << 20  # bytes of a file that is one JSON array: it is read whole


class FileSource(Source):
    """position: the line number, from 1 (blank lines count); in an array the number of the element, from 1."""

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser().absolute()
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            raise UsageError(f"there is no file {self.path}") from None
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from None
        if stat.S_ISDIR(facts.st_mode):
            raise UsageError(f"{self.path} is a folder; name the files in it one by one (a shell does that with {self.path}/*)")
        if not os.access(self.path, os.R_OK):
            raise UsageError(f"cannot read {self.path}: no permission")
        self.regular = stat.S_ISREG(facts.st_mode)
        self.size = facts.st_size
        readable = os.fsencode(self.path).decode(errors="backslashreplace")  # a file name may be no UTF-8
        self.identity = f"file {readable} {facts.st_size} {facts.st_mtime_ns}"
        # Line 7 of this very file is another thing than line 7 of what the file will be tomorrow: letters and ce_ids tell them apart.
        self.name = f"file:{readable}@{blake2b(self.identity.encode(), digest_size=4).hexdigest()}"

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        try:
            with self.path.open("rb") as file:
                if file.peek(2)[:2] == GZIP:
                    with gzip.GzipFile(fileobj=file) as stream:  # no larger buffer around it: it would swallow what comes before damage
                        yield from self._items(stream, file, after)
                else:
                    yield from self._items(file, file, after)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            hint = f"the gzip file ends early or is damaged ({error}); what came before it has been read"
            raise InputRefused("damaged_file", str(self.path), hint) from None
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror or error}") from None

    def _items(self, stream: io.BufferedReader | gzip.GzipFile, file: BinaryIO, after: int) -> Iterator[SourceItem]:
        if stream.peek(3)[:3] == BOM:
            stream.read(3)
        if stream.peek(1).lstrip()[:1] == b"[":
            yield from self._elements(stream, file, after)
        else:
            yield from self._lines(stream, file, after)

    def _lines(self, stream: BinaryIO, file: BinaryIO, after: int) -> Iterator[SourceItem]:
        for number, line in enumerate(whole_lines(stream), 1):
            if number <= after:
                continue
            raw = line.rstrip(b"\r\n")
            if raw and not raw.isspace():
                self.read = file.tell()
                yield SourceItem(number, convert(raw))
        self.read = self.size

    def _elements(self, stream: BinaryIO, file: BinaryIO, after: int) -> Iterator[SourceItem]:
        whole = stream.read(ARRAY_LIMIT + 1)
        if len(whole) > ARRAY_LIMIT:
            limit = ARRAY_LIMIT >> 20
            raise UsageError(f"{self.path} is one JSON array of over {limit} MiB; make JSON Lines of it first: jq -c '.[]' {self.path}")
        try:
            elements = orjson.loads(whole)
        except orjson.JSONDecodeError:  # lines after all, the first of which happens to begin with a bracket
            yield from self._lines(io.BytesIO(whole), file, after)
            return
        for number, element in enumerate(islice(elements, after, None), after + 1):
            yield SourceItem(number, orjson.dumps(translate(element)))
        self.read = self.size


def whole_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines as they are, cut at LINE_LIMIT; memory stays bounded even where a file has no line ends at all."""
    while line := stream.readline(LINE_LIMIT):
        if len(line) == LINE_LIMIT and not line.endswith(b"\n"):
            rest = line
            while rest and not rest.endswith(b"\n"):
                rest = stream.readline(1 << 20)
        yield line
