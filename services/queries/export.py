"""Exports all published profiles, or their metrics, as a file."""

import re
import tempfile
from array import array
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, TextIO

import orjson

from services.queries.profiles import ReadPositions, json_object, opened_log, profile_positions, version_of
from shared.errors import UsageError
from shared.log.port import Log, Record
from shared.metrics import definitions
from shared.plain import exact, meant, safe_json
from shared.settings import Settings

REFERENCES = "references"
COUNTED = "counted:"
_FIRST = (
    "papers",
    "citations",
    "h_index",
    "g_index",
    "i10_index",
    "citations_nonself",
    "h_index_nonself",
)  # their order is part of the contract (docs/contracts.md)
NUMBERS = (*_FIRST, *(name for name in definitions.names(REFERENCES) if name not in _FIRST))
COLUMNS = ("author_id", "name", *NUMBERS)
ONLY_COUNTED = tuple(
    name for name in definitions.names("counted") if name not in NUMBERS
)  # last columns of an export on the basis of a source
QUOTED = re.compile(
    '[",\n\r\v\f\x1c-\x1e\x85\u2028\u2029]'
)  # characters at which some reader ends a cell or row
COMPUTED = re.compile(
    r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
)  # beginnings that a spreadsheet reads as a formula (OWASP, CSV injection)


def columns_of(basis: str) -> tuple[str, ...]:
    """The columns of an export. Columns of all bases come first, so that files of two bases can be
    compared."""
    return COLUMNS if basis == REFERENCES else COLUMNS + ONLY_COUNTED


async def export_metrics(
    settings: Settings,
    basis: str,
    out: TextIO,
    format: str = "csv",
    *,
    raw_cells: bool = False,
    read: ReadPositions | None = None,
) -> int:
    """Writes the metrics of every author on one basis, one row an author, in code point order of author_id.

    basis: "references" or "counted:SOURCE"; format: "csv" (with columns_of(basis) as header) or "jsonl";
    raw_cells: writes text as it is in CSV, where else a spreadsheet computes none of it (`cell`); read:
    receives the positions up to which the log was read. Returns the number of authors. Holds the rows in
    memory, not the snapshots.

    Errors: UsageError for another format, or a basis that no profile has.
    """
    _check_format(format, ("csv", "jsonl"))
    _check_basis(basis)
    columns = columns_of(basis)
    rows, bases = await _metric_rows(settings, basis, format, raw_cells, read)
    if len(rows) and basis not in bases:
        if meant(basis) in bases:
            return await export_metrics(settings, meant(basis), out, format, raw_cells=raw_cells, read=read)
        raise UsageError(
            f"no profile has numbers '{exact(basis)}'; there are: {', '.join(map(exact, sorted(bases)))}"
        )
    if format == "csv":
        out.write(",".join(columns) + "\n")
    for row in rows.in_order():
        out.write(row.decode())
    return len(rows)


def _check_basis(basis: str) -> None:
    if basis != REFERENCES and not basis.removeprefix(COUNTED):
        raise UsageError("--basis counted: needs the name of a source, for example counted:openalex")
    if basis != REFERENCES and not basis.startswith(COUNTED):
        raise UsageError(f"--basis {basis!r} is neither references nor counted:SOURCE")


async def _metric_rows(
    settings: Settings, basis: str, format: str, raw_cells: bool, read: ReadPositions | None
) -> tuple["NewestRows", set[str]]:
    """The row of each author, and all bases that profiles have."""
    rows, bases, columns = NewestRows(), {REFERENCES}, columns_of(basis)
    async with opened_log(settings) as log:
        async for key, version, value in _newer_records(log, rows, read):
            try:
                snapshot = orjson.loads(value)
                row = _row(snapshot, basis, columns, format, raw_cells)
            except (KeyError, TypeError, ValueError, AttributeError):  # another client wrote it
                continue
            bases.update(snapshot["metrics"])
            rows.put(key, version, row)
    return rows, bases


async def _newer_records(
    log: Log, rows: "NewestRows", read: ReadPositions | None
) -> AsyncIterator[tuple[bytes, tuple[int, int], bytes]]:
    """(key, version, value) of each snapshot that is newer than the row of its author. Drops erased
    authors.
    """
    async for record in _all_records(log, read):
        version = version_of(record)
        if not record.value:
            rows.drop(record.key)
        if record.key is not None and version is not None and rows.is_newer(record.key, version):
            yield record.key, version, record.value


async def export_profiles(
    settings: Settings, out: TextIO, format: str = "jsonl", *, read: ReadPositions | None = None
) -> int:
    """Writes the newest snapshot of every author as JSON, one a line, in code point order of author_id.

    format: "jsonl"; read: as for `export_metrics`. Returns the number of authors. Error: UsageError for
    another format.

    The log is read once. Snapshots wait in a temporary file; only their places in the file are in memory.
    """
    _check_format(format, ("jsonl",))
    places = NewestRows()  # "offset length" in the file
    with tempfile.TemporaryFile() as file:
        async with opened_log(settings) as log:
            async for key, version, value in _newer_records(log, places, read):
                if snapshot := json_object(value):
                    line = value if b"\n" not in value else orjson.dumps(snapshot)
                    places.put(key, version, b"%d %d" % (file.tell(), len(line)))
                    file.write(line)
        for place in places.in_order():
            offset, length = map(int, place.split())
            file.seek(offset)
            out.write(safe_json(file.read(length)) + "\n")
    return len(places)


class NewestRows:
    """One row of text for each author, of the highest version."""

    def __init__(self) -> None:
        self._slots: dict[bytes, int] = {}
        self._generation, self._version = array("i"), array("q")
        self._rows: list[bytes] = []

    def is_newer(self, key: bytes, version: tuple[int, int]) -> bool:
        """Whether a version is above the one that is held. version: (generation, version)."""
        slot = self._slots.get(key)
        return slot is None or version > (self._generation[slot], self._version[slot])

    def put(self, key: bytes, version: tuple[int, int], row: bytes) -> None:
        """Sets the row of an author."""
        slot = self._slots.setdefault(key, len(self._rows))
        if slot == len(self._rows):
            self._rows.append(row)
            self._generation.append(version[0])
            self._version.append(version[1])
        else:
            self._rows[slot], self._generation[slot], self._version[slot] = row, *version

    def drop(self, key: bytes | None) -> None:
        """Removes the row of an author that a tombstone erased."""
        if key is not None:
            self._slots.pop(key, None)

    def in_order(self) -> Iterator[bytes]:
        """The rows by author key, in code point order."""
        for key in sorted(self._slots):  # UTF-8 sorts in code point order
            yield self._rows[self._slots[key]]

    def __len__(self) -> int:
        return len(self._slots)


def cell(value: Any, raw: bool = False) -> str:
    """One cell of CSV. Unless raw, a text that a spreadsheet would compute gets an apostrophe in front."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = value if raw or not COMPUTED.match(value) else "'" + value
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


def _row(
    snapshot: Mapping[str, Any], basis: str, columns: tuple[str, ...], format: str, raw_cells: bool
) -> bytes:
    numbers = snapshot["metrics"].get(basis)
    if numbers is None:  # this source counts none of the author's papers
        nothing = {metric.name: None if metric.null else 0 for metric in definitions.COMPUTED["counted"]}
        numbers = nothing | {"papers": snapshot["papers_total"]}
    values = [snapshot["author_id"], snapshot.get("name"), *(numbers.get(name) for name in columns[2:])]
    if format == "jsonl":
        return safe_json(orjson.dumps(dict(zip(columns, values, strict=True)))).encode() + b"\n"
    return (",".join(cell(value, raw_cells) for value in values) + "\n").encode()


def _check_format(format: str, known: tuple[str, ...]) -> None:
    if format not in known:
        raise UsageError(f"--format {format!r}: this export knows {' and '.join(known)}")


async def _all_records(log: Log, read: ReadPositions | None = None) -> AsyncIterator[Record]:
    """Every record of author-profiles.v1, until no more come.

    A newer record may replace (compact away) an unread one meanwhile; it comes later. read: receives the
    positions up to which the log was read.
    """
    read = {} if read is None else read
    for partition, position in (await profile_positions(log, True)).items():
        read[partition] = position
        while records := await log.read(partition, position):
            position = read[partition] = records[-1].offset + 1
            for record in records:
                yield record
