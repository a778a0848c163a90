"""Where checkpoints are kept: a folder, or an object store that several machines share.

The newest few of each stage and partition (K5).
"""

import os
import re
import stat
import threading
import uuid
from abc import ABC, abstractmethod
from pathlib import Path

from shared.errors import UsageError
from shared.files import read_file
from shared.telemetry.outage import Outage

LAST = 2**63 - 1  # no log has a larger offset
NAME = re.compile(r"(?P<stage>[a-z]+)-(?P<partition>\d+)-(?P<next>\d{20})\.checkpoint")


def position_of(name: str) -> int:
    """The position in the name of a checkpoint. Error: ValueError for another name."""
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no name of a checkpoint")
    return int(match["next"])


class CheckpointStore(ABC):
    """Errors:

    OSError and whatever a store's library raises; a checkpoint that cannot be had is done without (K4).
    """

    def __init__(self, keep: int = 3):
        self.keep = keep
        self.outage = Outage("checkpoints", "checkpoints cannot be kept", "checkpoints are kept again")
        self._told: set[str] = set()
        self._telling = threading.Lock()

    def is_news(self, reason: str) -> bool:
        """Whether this process says so for the first time; it is the same for many stages and partitions.

        From any thread.
        """
        with self._telling:
            news = reason not in self._told
            self._told.add(reason)
        return news

    def names(self, stage: str, partition: int) -> list[str]:
        """Newest position first."""
        found = []
        for name in self._all(f"{stage}-{partition}-"):
            match = NAME.fullmatch(name)
            if match and match["stage"] == stage and int(match["partition"]) == partition:
                found.append((position_of(name), name))
        return [name for position, name in sorted(found, reverse=True) if position <= LAST]

    def write(self, stage: str, partition: int, position: int, raw: bytes) -> None:
        """One atomic object (K2); older ones beyond `keep` go."""
        self._put(f"{stage}-{partition}-{position:020}.checkpoint", raw)
        for old in self.names(stage, partition)[self.keep :]:
            self._remove(old)

    def forget(self, stage: str, partition: int) -> None:
        """Removes all checkpoints of a stage and partition."""
        for name in self.names(stage, partition):
            self._remove(name)

    def passed_over(self) -> list[str]:
        """Names of checkpoints that are none (folders, links, pipes), in order."""
        return []

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Error: FileNotFoundError when another process has removed it."""

    @abstractmethod
    def _all(self, beginning: str) -> list[str]:
        """Names that begin so."""

    @abstractmethod
    def _put(self, name: str, raw: bytes) -> None: ...

    @abstractmethod
    def _remove(self, name: str) -> None: ...


class FolderStore(CheckpointStore):
    def __init__(self, folder: Path, keep: int = 3):
        super().__init__(keep)
        self.folder = folder

    def __str__(self) -> str:
        return str(self.folder)

    def read(self, name: str) -> bytes:
        return read_file(self.folder / name)

    def passed_over(self) -> list[str]:
        return sorted(
            path.name
            for path in self._paths("*.checkpoint")
            if NAME.fullmatch(path.name) and not _is_file(path)
        )

    def _all(self, beginning: str) -> list[str]:
        return [path.name for path in self._paths(f"{beginning}*") if _is_file(path)]

    def _paths(self, pattern: str) -> list[Path]:
        return list(self.folder.glob(pattern)) if self.folder.is_dir() else []

    def _put(self, name: str, raw: bytes) -> None:
        """Unique temporary name, fsync, rename, fsync of the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / name
        temporary = self.folder / f".{name}.{uuid.uuid4().hex}"
        try:
            with open(temporary, "xb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:  # a running service has replaced it
        return False


class ObjectStore(CheckpointStore):
    """Through fsspec: one object a checkpoint, written with one PUT."""

    def __init__(self, url: str, keep: int = 3):
        super().__init__(keep)
        import fsspec

        self.url = url
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UsageError(f"SCHOLARSTREAM_CHECKPOINTS: {url!r} cannot be used: {error}") from None

    def __str__(self) -> str:
        return self.url

    def read(self, name: str) -> bytes:
        return self._fs.cat_file(f"{self._root}/{name}")

    def _all(self, beginning: str) -> list[str]:
        self._fs.invalidate_cache()
        try:
            found = self._fs.ls(self._root, detail=False)
        except FileNotFoundError:
            return []
        return [name for path in found if (name := path.rpartition("/")[2]).startswith(beginning)]

    def _put(self, name: str, raw: bytes) -> None:
        self._fs.makedirs(self._root, exist_ok=True)
        self._fs.pipe_file(f"{self._root}/{name}", raw)

    def _remove(self, name: str) -> None:
        try:
            self._fs.rm_file(f"{self._root}/{name}")
        except FileNotFoundError:
            return


def open_store(place: str | None, data_dir: Path, generation: int, keep: int) -> CheckpointStore:
    """The checkpoints of a generation. place: a folder or a URL, None for the data folder.

    Error: UsageError for a URL of an unknown kind.
    """
    if place and "://" in place:
        return ObjectStore(f"{place.rstrip('/')}/g{generation}", keep)
    return FolderStore(
        (Path(place).expanduser() if place else data_dir / "checkpoints") / f"g{generation}", keep
    )
