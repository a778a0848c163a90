"""The newest version of each author, whatever order and however often profiles come."""

import json
from typing import cast

from scholarstream_client.models import Profile


class Newest:
    """Keeps the highest (generation, version) of each author that was seen."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[int, int]] = {}

    def newer(self, text: str | bytes) -> Profile | None:
        """The profile in a JSON text. None: it is not newer than one before, or it is no profile."""
        try:
            profile = json.loads(text)
            author_id, version = profile["author_id"], (profile["generation"], profile["version"])
        except (ValueError, KeyError, TypeError):
            return None
        if not (isinstance(author_id, str) and all(type(number) is int for number in version)):
            return None
        if version <= self._versions.get(author_id, (-1, -1)):
            return None
        self._versions[author_id] = version
        return cast(Profile, profile)
