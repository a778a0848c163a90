"""Where the store is: a folder with a file for each rebuild, and the name of the current one.

A rebuild makes a new file beside the old one, and names it in `current` when it is complete. So readers
always have a whole store, and no file is ever replaced under an open connection.
"""

import os
import re
from pathlib import Path

from shared.errors import Busy
from shared.settings import NO_STORE, Settings

FOLDER = "viewer-store"  # in the data folder
CURRENT, WANTED = "current", "rebuild"
_NAME = re.compile(r"viewer-\d{1,9}\.sqlite")


def folder_of(settings: Settings) -> Path | None:
    """The folder of the store. None: the viewer keeps no store."""
    if settings.store == NO_STORE:
        return None
    return Path(settings.store).expanduser() if settings.store else settings.data_dir / FOLDER


class StorePlace:
    """The folder of a store."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._current = folder / CURRENT
        self._seen: tuple[int, int] | None = None
        self._name = ""

    def current(self) -> str:
        """The name of the current file. Error: Busy if there is none yet."""
        try:
            facts = self._current.stat()
            seen = facts.st_ino, facts.st_mtime_ns
            if seen != self._seen:
                self._name, self._seen = self._current.read_text().strip(), seen
        except OSError:
            raise Busy("The store of this viewer is being made; try again in a moment.") from None
        if not _NAME.fullmatch(self._name):
            raise Busy(f"{self._current} names no store")
        return self._name

    def next_name(self) -> str:
        """A name that no file has yet."""
        numbers = [int(name.split("-")[1].split(".")[0]) for name in self._names()]
        return f"viewer-{max(numbers, default=0) + 1}.sqlite"

    def set_current(self, name: str) -> None:
        """Makes a complete file the current one."""
        new = self.folder / f"{CURRENT}.new"
        new.write_text(name)
        os.replace(new, self._current)

    def forget_current(self) -> None:
        """There is no current file any more, until the next one is complete."""
        self._current.unlink(missing_ok=True)

    def remove_others(self, *kept: str) -> None:
        """Deletes every store file but these. Readers that have one open keep it until they ask again."""
        for name in self._names():
            if name not in kept:
                for path in (name, f"{name}-wal", f"{name}-shm"):
                    (self.folder / path).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return [path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]

    # ---- asking for a rebuild

    def want_rebuild(self) -> None:
        """Asks the process that fills the store to make it anew."""
        (self.folder / WANTED).touch()

    def is_rebuild_wanted(self) -> bool:
        return (self.folder / WANTED).exists()

    def rebuild_begins(self) -> None:
        (self.folder / WANTED).unlink(missing_ok=True)
