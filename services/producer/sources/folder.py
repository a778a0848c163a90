"""The files of a folder, in the order in which they are read: of its manifests, otherwise all with a known
suffix.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from services.producer.readers.begin import PACKED, suffix_of
from shared.errors import UsageError
from shared.files import read_file
from shared.plain import tell

MANIFESTS = ("manifest", "manifest.json")
SUFFIXES = frozenset(
    (".json", ".jsonl", ".ndjson", ".jsonlines", ".xml", ".csv", ".tsv", ".bib", ".bibtex", ".ris")
)
MOST_BYTES = 64 << 20  # of a manifest


def files_of(folder: Path) -> list[Path]:
    """The files to read, sorted by their paths.

    Where a folder has a manifest, the files below it are those that the manifest names; others are left over
    from an earlier download. Says what is missing and what is left over. Error: UsageError for a folder
    without files.
    """
    manifests = {path.parent: _named(path) for path in sorted(_walk(folder)) if path.name in MANIFESTS}
    found: list[Path] = []
    left_over = 0
    for path in sorted(_walk(folder)):
        if path.name in MANIFESTS or not _is_known(path):
            continue
        listed = next((manifests[above] for above in path.parents if manifests.get(above)), None)
        if listed is None or any(_ends_with(path, name) for name in listed.get(path.name, ())):
            found.append(path)
        else:
            left_over += 1
    if not found:
        known = ", ".join(sorted(SUFFIXES))
        raise UsageError(f"{folder} has no file with a known suffix ({known}, also with .gz or .zst)")
    _tell_differences(folder, manifests, found, left_over)
    return found


def _tell_differences(
    folder: Path, manifests: dict[Path, dict[str, list[str]]], found: list[Path], left_over: int
) -> None:
    for place, listed in manifests.items():
        here = [path for path in found if path.is_relative_to(place)]
        names = [name for same in listed.values() for name in same]
        missing = (
            [name for name in names if not any(_ends_with(path, name) for path in here if path.name in name)]
            if len(names) > len(here)
            else []
        )
        if missing:
            tell(f"{place}: {len(missing):,} files of the manifest are not here, the first is {missing[0]}")
    if left_over:
        tell(f"{folder}: {left_over:,} files are not in the manifest and are not read")


def _walk(folder: Path) -> Iterator[Path]:
    """Every regular file that is not hidden."""
    try:
        for place, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield from (Path(place, name) for name in files if not name.startswith("."))
    except OSError as error:
        raise UsageError(f"cannot read {folder}: {error.strerror}") from None


def _is_known(path: Path) -> bool:
    """Whether the suffix is known; a packed file needs no other one."""
    suffix = suffix_of(path.name)
    return suffix in SUFFIXES or (suffix == "" and path.name.lower().endswith(PACKED))


def _named(manifest: Path) -> dict[str, list[str]]:
    """The paths that a manifest names, by the name of the file. {} when it names none: then it is no
    manifest.

    OpenAlex has {"entries": [{"url": "s3://openalex/data/works/updated_date=2024-01-01/part_000.gz"}]}.
    """
    try:
        told = orjson.loads(read_file(manifest, MOST_BYTES))
    except (OSError, ValueError):
        return {}
    named: dict[str, list[str]] = {}
    for text in _addresses(told):
        path = unquote(urlsplit(text).path).lstrip("/")
        named.setdefault(path.rpartition("/")[2], []).append(path)
    return named


def _addresses(told: Any, depth: int = 0) -> Iterator[str]:
    """The values of `url`, `path`, `file` and `key` anywhere in a manifest."""
    if isinstance(told, dict):
        for name, value in told.items():
            if isinstance(value, str) and name in ("url", "path", "file", "key"):
                yield value
            elif depth < 8:
                yield from _addresses(value, depth + 1)
    elif isinstance(told, list) and depth < 8:
        for value in told:
            yield from _addresses(value, depth + 1)


def _ends_with(path: Path, name: str) -> bool:
    """Whether a path is the file that a manifest names: the folder and the name are the same."""
    return path.parts[-2:] == tuple(name.split("/"))[-2:] or "/" not in name
