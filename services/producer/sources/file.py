"""A file of events or records: plain, gzip or Zstandard (by its first bytes)."""

import os
import stat
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from services.producer.conversion import Conversion
from services.producer.items import SourceItem
from services.producer.sources import reading
from services.producer.sources.source import Source
from shared.errors import UsageError


class FileSource(Source):
    """A file as a source.

    position: the number of the line, from 1, blank lines included; otherwise the number of the record, from
    1. name: of its format; None when the records tell. namespace: of ids that are private to the file.
    """

    def __init__(self, path: str | Path, name: str | None = None, namespace: str | None = None):
        self.path, self.format, self.namespace = Path(path).expanduser().absolute(), name, namespace
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            raise UsageError(f"there is no file {self.path}") from None
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from None
        if stat.S_ISDIR(facts.st_mode):
            raise UsageError(f"{self.path} is a folder")
        if not os.access(self.path, os.R_OK):
            raise UsageError(f"cannot read {self.path}: no permission")
        self.regular = stat.S_ISREG(facts.st_mode)
        self.size = facts.st_size
        readable = os.fsencode(self.path).decode(errors="backslashreplace")  # a file name may hold any bytes
        words = f"file {readable} {facts.st_size} {facts.st_mtime_ns}"
        # The same file read as another format, or in another namespace, gives other events.
        self.identity = " ".join([words, *([f"{name or ''}:{namespace or ''}"] if name or namespace else [])])
        # A later version of the file has another name, so that dead letters and ce_ids distinguish their
        # lines.
        self.name = f"file:{readable}@{blake2b(self.identity.encode(), digest_size=4).hexdigest()}"

    def items(self, after: int = 0) -> Iterator[SourceItem]:
        conversion = Conversion(str(self.path), self.format, self.namespace, self.leave_out, self.kinds)
        try:
            with self.path.open("rb") as file:

                def on_record() -> None:
                    self.read, self.records = file.tell(), conversion.records

                yield from reading.items(file, conversion, after=after, on_record=on_record)
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror or error}") from None
        self.read, self.records = self.size or 0, conversion.records
