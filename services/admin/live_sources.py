"""How far the live sources of a data folder are, by their bookmarks."""

import time
from pathlib import Path
from typing import NamedTuple

from services.producer.bookmark import PROGRESS_FOLDER, read
from services.producer.live.place import in_words, place_of
from shared.settings import Settings

_MOST = 1_000  # bookmarks looked at


class SourceStatus(NamedTuple):
    """position: records read. complete: the day or release up to which all is read, "" for none. at: when
    the last page was read, RFC 3339, "" for never. place: in words.
    """

    source: str
    position: int
    complete: str
    at: str
    place: str


def live_sources(settings: Settings) -> list[SourceStatus]:
    """The live sources that this data folder has bookmarks of, by name. Damaged bookmarks are passed over."""
    found: list[SourceStatus] = []
    for path in sorted(Path(settings.data_dir, PROGRESS_FOLDER).glob("*.json"))[:_MOST]:
        try:
            kept = read(path)
            place = place_of(kept.place)
        except (OSError, ValueError):
            continue
        if kept.place is not None:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(place.at)) if place.at else ""
            found.append(SourceStatus(kept.name, kept.position, place.complete, at, in_words(place)))
    return sorted(found)
