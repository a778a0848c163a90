"""Lines of text of a stream of bytes: UTF-8, otherwise Windows-1252, which reads every Western file."""

import io
from collections.abc import Iterator

from services.producer.readers import found as found_module
from services.producer.readers.encodings import BOM
from shared.errors import InputRefused


def text_of(raw: bytes) -> str:
    """The text of some bytes. A byte that no encoding explains becomes U+FFFD."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


class Lines:
    """The lines of a stream as text, each with its line end; `taken` gives their bytes since the last call.

    One record may not be longer than LINE_LIMIT: then nothing tells where the next one begins.
    """

    def __init__(self, stream: io.BufferedReader, name: str):
        self._stream, self._name = stream, name
        self._bytes: list[bytes] = []
        self._size = 0
        self.number = 0  # of the last line
        if stream.peek(3)[:3] == BOM:
            stream.read(3)

    def __iter__(self) -> Iterator[str]:
        limit = found_module.LINE_LIMIT
        while line := self._stream.readline(limit + 1):
            self.number += 1
            self._size += len(line)
            if self._size > limit:
                hint = (
                    f"a record that ends behind line {self.number:,} has more than {limit:,} bytes; "
                    "the records before it have been read"
                )
                raise InputRefused("damaged_file", self._name, hint)
            self._bytes.append(line)
            yield text_of(line)

    def taken(self) -> bytes:
        """The bytes of the lines since the last call, without the last line end."""
        raw = b"".join(self._bytes).rstrip(b"\r\n")
        self._bytes, self._size = [], 0
        return raw
