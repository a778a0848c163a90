"""The newest version of each author, whatever order and however often profiles come."""

import json
from typing import Any, NamedTuple, cast

from scholarstream_client.models import Profile


class Newest:
    """Keeps the highest (generation, version) of each author that was seen."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[int, int]] = {}

    def newer(self, text: str | bytes) -> Profile | None:
        """The profile in a JSON text. None: it is not newer than one before, or it is no profile."""
        read = _read(text)
        if read is None or not self._is_newer(read):
            return None
        self._versions[read.author_id] = read.version
        return cast(Profile, read.value)

    def announced(self, text: str | bytes) -> str | None:
        """The author whose newer version a headline announces. None: nothing newer, or no headline."""
        read = _read(text)
        return read.author_id if read is not None and self._is_newer(read) else None

    def _is_newer(self, read: "_Read") -> bool:
        return read.version > self._versions.get(read.author_id, (-1, -1))


class _Read(NamedTuple):
    author_id: str
    version: tuple[int, int]
    value: dict[str, Any]


def _read(text: str | bytes) -> _Read | None:
    """The object with its author and version. None: it has none."""
    try:
        value = json.loads(text)
        author_id, version = value["author_id"], (value["generation"], value["version"])
    except (ValueError, KeyError, TypeError):
        return None
    if not (isinstance(author_id, str) and all(type(number) is int for number in version)):
        return None
    return _Read(author_id, version, value)
