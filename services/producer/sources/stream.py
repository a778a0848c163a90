"""Standard input or a pipe: JSON Lines as they arrive. It cannot be read again, so it has no bookmark."""

import asyncio
import os
import select
import stat
import sys
import uuid
from collections.abc import AsyncGenerator, Iterator

from services.producer.formats.registry import convert
from services.producer.sources.encodings import BOM, check_encoding
from services.producer.sources.file import GZIP, LINE_LIMIT
from services.producer.sources.source import BATCH_ITEMS, Source, SourceItem
from shared.errors import UsageError

POLL_SECONDS = 0.2  # the wait of one read, between two looks at `stop`
CHUNK = 1 << 20


class StreamSource(Source):
    """A stream of JSON Lines. position: the line number, from 1. A batch is what has arrived."""

    def __init__(self, descriptor: int, label: str):
        self.descriptor = descriptor
        self.name = f"{label}@{uuid.uuid4().hex[:8]}"  # each run reads other lines

    @classmethod
    def stdin(cls) -> "StreamSource":
        try:
            descriptor = os.dup(sys.stdin.fileno())
        except (AttributeError, OSError, ValueError):
            raise UsageError("there is no standard input to read from") from None
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise UsageError("standard input is a folder")
        return cls(descriptor, "stdin")

    @classmethod
    def pipe(cls, path: str) -> "StreamSource":
        try:
            return cls(
                os.open(path, os.O_RDONLY), "file:" + os.fsencode(path).decode(errors="backslashreplace")
            )
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        splitter = _Lines(self)
        while (data := os.read(self.descriptor, CHUNK)) != b"":
            yield from splitter.feed(data)
        yield from splitter.end()

    async def batches(self, after: int, stop: asyncio.Event) -> AsyncGenerator[list[SourceItem]]:
        splitter = _Lines(self)
        while not stop.is_set():
            data = await asyncio.to_thread(self._poll)
            if data is None:
                continue
            items = list(splitter.end() if data == b"" else splitter.feed(data))
            for start in range(0, len(items), BATCH_ITEMS):
                yield items[start : start + BATCH_ITEMS]
            if data == b"":
                return

    def _poll(self) -> bytes | None:
        """The bytes that have arrived; b"" at the end; None when nothing came within POLL_SECONDS."""
        ready, _, _ = select.select([self.descriptor], [], [], POLL_SECONDS)
        return os.read(self.descriptor, CHUNK) if ready else None


class _Lines:
    """Cuts a stream of bytes into lines."""

    def __init__(self, source: Source):
        self.source = source
        self.tail = bytearray()
        self.number = 0
        self.fresh = True

    def feed(self, data: bytes) -> Iterator[SourceItem]:
        if self.fresh and len(self.tail) + len(data) >= 4:
            self.tail += data
            data = b""
            check_encoding(bytes(self.tail[:4]), self.source.label)
            if self.tail[:2] == GZIP:
                raise UsageError(
                    "the stream is compressed with gzip; decompress it first: gunzip -c FILE | scholarstream "
                    "ingest -"
                )
            if self.tail[:3] == BOM:
                del self.tail[:3]
            self.fresh = False
        cut = (self.tail + data).split(b"\n") if b"\n" in data or b"\n" in self.tail else [self.tail + data]
        self.tail = cut.pop()
        del self.tail[LINE_LIMIT:]  # the intake refuses a longer line as too large
        for line in cut:
            yield from self._item(line)

    def end(self) -> Iterator[SourceItem]:
        if self.tail:
            yield from self._item(self.tail)
            self.tail = bytearray()

    def _item(self, line: bytearray) -> Iterator[SourceItem]:
        self.number += 1
        raw = bytes(line).rstrip(b"\r\n")
        if raw and not raw.isspace():
            yield SourceItem(self.number, convert(raw, self.source.leave_out))
