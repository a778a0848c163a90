"""Semantic Scholar: a data set of a release, file by file, then the differences to each new release.

https://api.semanticscholar.org/api-docs/datasets: `release/latest`, `release/ID/dataset/NAME` with the links
of its files, `diffs/A/to/B/NAME` with the links of records that changed and of keys that are gone, release by
release. Links end after a while, so they are asked for before each file. The key of a data set is a number,
and each record replaces the one before, so a difference is a list of records as any other.
"""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

import structlog

from services.producer.formats.containers import Container
from services.producer.live.address import Address
from services.producer.live.fetch import Fetcher
from services.producer.live.pages import Page, json_of
from services.producer.live.place import Place
from services.producer.readers import begin, json_records
from services.producer.readers.found import Found
from services.producer.readers.unpack import DAMAGE, begun, unpacked
from shared.errors import InputRefused, SourceFault, UsageError

_DATA_SETS = ("papers", "authors")  # those whose records stand alone
_RELEASE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOST_FILES = 100_000
logger = structlog.get_logger("live")


class File(NamedTuple):
    """url: a link that ends soon. release: the day of its records."""

    url: str
    release: str


class SemanticScholar:
    """address: …/datasets/v1?dataset=papers; key: of the API; folder: for one file at a time.

    Its place: `began` is the release that is being read, `since` the one that was read before ("": none, all
    files), `token` the number of files that are in the log.
    """

    NAME: ClassVar = "semanticscholar"
    CONTAINER: ClassVar = Container.JSON
    GAP: ClassVar = 1.1
    LOST: ClassVar[frozenset[int]] = frozenset()

    def __init__(self, address: Address, key: str | None, folder: Path):
        self._data_set = address.get("dataset") or _DATA_SETS[0]
        if self._data_set not in _DATA_SETS:
            can = " and ".join(_DATA_SETS)
            raise UsageError(
                f"{address}: of the data sets {can} can be followed; others need all their files at once, so "
                "download them and use ingest"
            )
        self.address, self._folder = address, folder
        self._headers = {"x-api-key": key} if key else {}

    async def page(self, place: Place, fetcher: Fetcher) -> Page:
        if not place.began:
            latest = _release(await self._asked(fetcher, "release", "latest"), "release_id")
            if latest == place.complete:
                return Page([], Place(complete=latest))
            place = replace(place, began=latest, since=place.complete)
        place, files = await self._files(place, fetcher)
        number = int(place.token) if place.token.isdecimal() else 0
        if number >= len(files):
            return Page([], Place(complete=place.began))
        after = replace(place, token=str(number + 1), pages=number + 1, total=0, done=0)
        if number + 1 == len(files):
            after = Place(complete=place.began)
        found = await self._records(files[number], place.done, fetcher)
        return Page(found, after, release=files[number].release, here=place)

    async def _files(self, place: Place, fetcher: Fetcher) -> tuple[Place, list[File]]:
        """The files of the running pass, always in one order. The place is another one when the difference
        from an old release is not there any more: then all files are read.
        """
        if place.since:
            try:
                told = await self._asked(fetcher, "diffs", place.since, "to", place.began, self._data_set)
                return place, _changes(told)
            except SourceFault as fault:
                if fault.status != 404:
                    raise
            logger.warning("no difference to this release, the data set is read anew", release=place.since)
            place = replace(place, since="", token="", done=0)
        told = await self._asked(fetcher, "release", place.began, "dataset", self._data_set)
        return place, _links(told.get("files"), place.began)

    async def _records(self, file: File, done: int, fetcher: Fetcher) -> Iterator[Found]:
        """The records of a file behind the first `done`. Its bytes are on the disk until they are read."""
        self._folder.mkdir(parents=True, exist_ok=True)
        held = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 # it lives until its records are read
        try:
            await fetcher.download(file.url, held)
        except BaseException:
            held.close()
            raise
        held.seek(0)
        return _read(held, done, urlsplit(file.url).path.rpartition("/")[2])

    async def _asked(self, fetcher: Fetcher, *path: str) -> dict[str, Any]:
        url = "/".join([self.address.base, *path])
        return json_of(await fetcher.get(url, kind="json", headers=self._headers))


def _read(held: Any, done: int, name: str) -> Iterator[Found]:
    """Error: InputRefused for a file that is cut or of another kind."""
    with held:
        try:
            head, stream = begun(unpacked(held))
            begin.check_kind(head, name)
            for number, found in enumerate(json_records.records(stream, head, name)):
                if number >= done:
                    yield found
        except DAMAGE as error:
            raise InputRefused("damaged_file", name, f"the file ends early or is damaged ({error})") from None


def _changes(told: dict[str, Any]) -> list[File]:
    """Release by release: what changed, then what is gone."""
    diffs = told.get("diffs")
    if not isinstance(diffs, list) or not all(isinstance(one, dict) for one in diffs):
        raise SourceFault("the answer has no `diffs`")
    files: list[File] = []
    for one in diffs:
        release = _release(one, "to_release")
        files += _links(one.get("update_files"), release) + _links(one.get("delete_files"), release)
    return files


def _links(given: Any, release: str) -> list[File]:
    """Files in the order of their paths; the rest of a link is its signature."""
    if not isinstance(given, list) or not all(isinstance(link, str) for link in given):
        raise SourceFault("the answer has no list of files")
    if len(given) > _MOST_FILES:
        raise SourceFault(f"the answer has {len(given):,} files")
    return [File(link, release) for link in sorted(given, key=lambda link: urlsplit(link).path)]


def _release(told: dict[str, Any], name: str) -> str:
    """The release of that name. Error: SourceFault for a text that is no day."""
    given = told.get(name)
    if not isinstance(given, str) or not _RELEASE.fullmatch(given):
        raise SourceFault(f"{name} of the answer is {given!r:.60}, no day")
    return given
