"""Standard input or a pipe: records as they arrive. It cannot be read again, so it has no bookmark."""

import asyncio
import io
import os
import queue
import select
import stat
import sys
import threading
import uuid
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from services.producer.conversion import Conversion
from services.producer.items import SourceItem
from services.producer.sources import reading
from services.producer.sources.source import BATCH_ITEMS, Source
from shared.errors import ScholarstreamError, UsageError

POLL_SECONDS = 0.2  # the wait of one read, between two looks at `stop`
BUFFER = 1 << 16

_Arrived = SourceItem | Exception | None  # None: the end


class StreamSource(Source):
    """A stream of records. position: as in a file. A batch is what has arrived."""

    def __init__(self, descriptor: int, label: str, name: str | None = None, namespace: str | None = None):
        self.descriptor, self.format, self.namespace = descriptor, name, namespace
        self.name = f"{label}@{uuid.uuid4().hex[:8]}"  # each run reads other lines

    @classmethod
    def stdin(cls, name: str | None = None, namespace: str | None = None) -> "StreamSource":
        try:
            descriptor = os.dup(sys.stdin.fileno())
        except (AttributeError, OSError, ValueError):
            raise UsageError("there is no standard input to read from") from None
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise UsageError("standard input is a folder")
        return cls(descriptor, "stdin", name, namespace)

    @classmethod
    def pipe(cls, path: str, name: str | None = None, namespace: str | None = None) -> "StreamSource":
        try:
            label = "file:" + os.fsencode(path).decode(errors="backslashreplace")
            return cls(os.open(path, os.O_RDONLY), label, name, namespace)
        except OSError as error:
            raise UsageError(f"cannot read {path}: {error.strerror}") from None

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        yield from self._items(threading.Event())

    def _items(self, stopped: threading.Event) -> Iterator[SourceItem]:
        conversion = Conversion(self.label, self.format, self.namespace, self.leave_out, self.kinds)
        file: Any = io.BufferedReader(_Polled(self.descriptor, stopped), BUFFER)

        def on_record() -> None:
            self.records = conversion.records

        yield from reading.items(file, conversion, on_record=on_record)
        on_record()

    async def batches(self, after: int, stop: asyncio.Event) -> AsyncGenerator[list[SourceItem]]:
        """Another thread reads, so that what has arrived goes on while the next record has not ended."""
        arrived: queue.Queue[_Arrived] = queue.Queue(2 * BATCH_ITEMS)
        stopped = threading.Event()
        reading = threading.Thread(target=self._read_into, args=(arrived, stopped), daemon=True)
        reading.start()
        try:
            while not stop.is_set():
                batch, end = await asyncio.to_thread(_take, arrived)
                if batch:
                    yield batch
                if isinstance(end, Exception):
                    raise end
                if end:
                    return
        finally:
            stopped.set()
            while reading.is_alive():
                _drop(arrived)
                await asyncio.to_thread(reading.join, POLL_SECONDS)

    def _read_into(self, arrived: "queue.Queue[_Arrived]", stopped: threading.Event) -> None:
        end: Exception | None = None
        try:
            for item in self._items(stopped):
                if stopped.is_set():
                    break
                arrived.put(item)
        except (ScholarstreamError, OSError) as error:
            end = error
        arrived.put(end)


def _take(arrived: "queue.Queue[_Arrived]") -> tuple[list[SourceItem], Exception | bool]:
    """(what has arrived, whether the stream has ended or the error that ended it). It waits POLL_SECONDS."""
    batch: list[SourceItem] = []
    try:
        one = arrived.get(timeout=POLL_SECONDS)
        while isinstance(one, SourceItem):
            batch.append(one)
            if one.last and len(batch) >= BATCH_ITEMS:
                return batch, False
            one = arrived.get(block=not one.last)  # events of one record stay together
    except queue.Empty:
        return batch, False
    return batch, one or True


def _drop(arrived: "queue.Queue[_Arrived]") -> None:
    """Makes room, so that the reading thread sees that it is to stop."""
    try:
        while True:
            arrived.get_nowait()
    except queue.Empty:
        pass


class _Polled(io.RawIOBase):
    """The bytes of a descriptor as they arrive; the end when `stopped` is set."""

    def __init__(self, descriptor: int, stopped: threading.Event):
        self._descriptor, self._stopped = descriptor, stopped

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._stopped.is_set():
            ready, _, _ = select.select([self._descriptor], [], [], POLL_SECONDS)
            if ready:
                data = os.read(self._descriptor, len(buffer))
                buffer[: len(data)] = data
                return len(data)
        return 0
