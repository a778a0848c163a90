"""Bytes of a file or a pipe as they are, or unpacked: gzip and Zstandard, told by their first bytes.

Unpacking is by pieces, so a bomb costs time and no memory.
"""

import gzip
import io
import zlib
from typing import BinaryIO, Protocol

import zstandard

GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)  # what damaged files raise
AHEAD = 1 << 16  # bytes of a file that are looked at before it is read
_PIECE = 1 << 10  # packed bytes at a time; 128 KiB may come of four of them
_WINDOW = 1 << 27  # bytes that a Zstandard file may refer back


class Bytes(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def unpacked(file: io.BufferedReader, window: int = _WINDOW) -> Bytes:
    """The bytes in a file. window: bytes that Zstandard may refer back. Errors while reading: DAMAGE."""
    head = file.peek(4)[:4]
    if head[:2] == GZIP:
        return gzip.GzipFile(fileobj=file)
    return _Zstandard(file, window) if head == ZSTANDARD else file


class _Zstandard:
    """Frame by frame, so that a file that ends in a frame is damaged."""

    def __init__(self, file: BinaryIO, window: int):
        self._window = window
        self._file, self._unused, self._rest = file, b"", io.BytesIO()
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def read1(self, size: int, /) -> bytes:
        while not (data := self._rest.read(size)):
            packed = self._unused or self._file.read(_PIECE)
            if not packed:
                if self._frame is not None:
                    raise EOFError("it ends within a frame")
                return b""
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor(max_window_size=self._window).decompressobj()
            self._rest = io.BytesIO(self._frame.decompress(packed[:_PIECE]))
            self._unused = packed[_PIECE:]
            if self._frame.eof:
                self._unused = self._frame.unused_data + self._unused
                self._frame = None
        return data


class _Joined(io.RawIOBase):
    """First `head`, then the rest of `stream`. A read gives what one read of the stream gives."""

    def __init__(self, head: bytes, stream: Bytes):
        self._head, self._stream = head, stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        data = self._head[: len(buffer)] if self._head else self._stream.read1(len(buffer))
        self._head = self._head[len(data) :] if self._head else b""
        buffer[: len(data)] = data
        return len(data)


def begun(stream: Bytes) -> tuple[bytes, io.BufferedReader]:
    """(its first bytes, the stream from its beginning). The bytes go to the end of the first line that is not
    blank, to AHEAD bytes, or to the end.

    Damage behind the first bytes is no error here: reading on raises it.
    """
    head = b""
    while len(head) < AHEAD and b"\n" not in head.lstrip():
        try:
            more = stream.read1(AHEAD)
        except DAMAGE:
            if not head:
                raise
            break
        if not more:
            break
        head += more
    return head, joined(head, stream)


def joined(head: bytes, stream: Bytes) -> io.BufferedReader:
    """The stream with `head` before it."""
    return io.BufferedReader(_Joined(head, stream), AHEAD)
