"""Exports every published profile, or its numbers, as a file."""

import re
import tempfile
from array import array
from collections.abc import AsyncIterator, Mapping
from typing import Any, TextIO

import orjson

from services.queries.profiles import ReadPositions, json_object, opened_log, profile_positions, version_of
from shared.errors import UsageError
from shared.log.port import Log, Record
from shared.metrics import definitions
from shared.plain import exact, meant, safe_json

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
)  # fixed by contracts.md
NUMBERS = (*_FIRST, *(name for name in definitions.names(REFERENCES) if name not in _FIRST))
COLUMNS = ("author_id", "name", *NUMBERS)
ONLY_COUNTED = tuple(
    name for name in definitions.names("counted") if name not in NUMBERS
)  # last columns where a source counts
QUOTED = re.compile('[",\n\r\v\f\x1c-\x1e\x85\u2028\u2029]')  # what takes a row apart somewhere
COMPUTED = re.compile(
    r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
)  # what a spreadsheet takes for a formula, as OWASP lists it


def columns_of(basis: str) -> tuple[str, ...]:
    """Of an export: the columns of all bases first, so that files of two bases can be laid side by side."""
    return COLUMNS if basis == REFERENCES else COLUMNS + ONLY_COUNTED


async def export_metrics(
    settings,
    basis: str,
    out: TextIO,
    format: str = "csv",
    *,
    raw_cells: bool = False,
    read: ReadPositions | None = None,
) -> int:
    """Every author's numbers on a basis ("references" or "counted:SOURCE"), one row an author, by author_id in code point order.

    format: "csv" (columns_of(basis) as its header) or "jsonl". raw_cells: texts in CSV as they are, else a spreadsheet computes none of
    them (`cell`); read: gets the positions up to which the log was read. Returns the number of authors. In memory are the rows, not the
    snapshots.
    Errors: UsageError for another format or a basis that nobody's profile has.
    """
    _check_format(format, ("csv", "jsonl"))
    if basis != REFERENCES and not basis.removeprefix(COUNTED):
        raise UsageError("--basis counted: needs the name of a source, for example counted:openalex")
    if basis != REFERENCES and not basis.startswith(COUNTED):
        raise UsageError(f"--basis {basis!r} is neither references nor counted:SOURCE")
    rows, bases, columns = NewestRows(), {REFERENCES}, columns_of(basis)
    async with opened_log(settings) as log:
        async for record in _all_records(log, read):
            version = version_of(record)
            if not record.value:
                rows.drop(record.key)
            if version is None or not rows.is_newer(record.key, version):
                continue
            try:
                snapshot = orjson.loads(record.value)
                row = _row(snapshot, basis, columns, format, raw_cells)
            except (KeyError, TypeError, ValueError, AttributeError):  # another client wrote it
                continue
            bases.update(snapshot["metrics"])
            rows.put(record.key, version, row)
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


async def export_profiles(
    settings, out: TextIO, format: str = "jsonl", *, read: ReadPositions | None = None
) -> int:
    """The newest snapshot of every author as JSON, one a line, by author_id in code point order. read: as for `export_metrics`. Returns
    their number.

    The log is read from end to end, once; snapshots wait for their turn in a temporary file, in memory is where each of them lies there.
    """
    _check_format(format, ("jsonl",))
    places = NewestRows()
    with tempfile.TemporaryFile() as kept:
        async with opened_log(settings) as log:
            async for record in _all_records(log, read):
                version = version_of(record)
                if not record.value:
                    places.drop(record.key)
                if (
                    version is not None
                    and places.is_newer(record.key, version)
                    and (snapshot := json_object(record.value))
                ):
                    value = record.value if b"\n" not in record.value else orjson.dumps(snapshot)
                    places.put(record.key, version, b"%d %d" % (kept.tell(), len(value)))
                    kept.write(value)
        for there in places.in_order():
            at, length = map(int, there.split())
            kept.seek(at)
            out.write(safe_json(kept.read(length)) + "\n")
    return len(places)


class NewestRows:
    """One row of text for each author: the one of the highest version."""

    def __init__(self):
        self._slots: dict[bytes, int] = {}
        self._generation, self._version = array("i"), array("q")
        self._rows: list[bytes] = []

    def is_newer(self, key: bytes, version: tuple[int, int]) -> bool:
        slot = self._slots.get(key)
        return slot is None or version > (self._generation[slot], self._version[slot])

    def put(self, key: bytes, version: tuple[int, int], row: bytes) -> None:
        slot = self._slots.setdefault(key, len(self._rows))
        if slot == len(self._rows):
            self._rows.append(row)
            self._generation.append(version[0])
            self._version.append(version[1])
        else:
            self._rows[slot], self._generation[slot], self._version[slot] = row, *version

    def drop(self, key: bytes | None) -> None:
        """A tombstone: the author was erased."""
        self._slots.pop(key, None)

    def in_order(self):
        for key in sorted(self._slots):  # UTF-8 sorts as the code points do
            yield self._rows[self._slots[key]]

    def __len__(self) -> int:
        return len(self._slots)


def cell(value: Any, raw: bool = False) -> str:
    """One cell of CSV. A text that a spreadsheet would compute gets an apostrophe in front, unless raw; numbers are written as they are."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = value if raw or not COMPUTED.match(value) else "'" + value
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text


def _row(snapshot: Mapping, basis: str, columns: tuple[str, ...], format: str, raw_cells: bool) -> bytes:
    numbers = snapshot["metrics"].get(basis)
    if numbers is None:  # this source counts none of the author's papers
        nothing = {metric.name: None if metric.null else 0 for metric in definitions.COMPUTED["counted"]}
        numbers = nothing | {"papers": snapshot["papers_total"]}
    told = [snapshot["author_id"], snapshot.get("name"), *(numbers.get(name) for name in columns[2:])]
    if format == "jsonl":
        return safe_json(orjson.dumps(dict(zip(columns, told, strict=True)))).encode() + b"\n"
    return (",".join(cell(value, raw_cells) for value in told) + "\n").encode()


def _check_format(format: str, known: tuple[str, ...]) -> None:
    if format not in known:
        raise UsageError(f"--format {format!r}: this export knows {' and '.join(known)}")


async def _all_records(log: Log, read: ReadPositions | None = None) -> AsyncIterator[Record]:
    """Every record until nothing more comes: what was replaced (and compacted away) while this reads stands further on. read: gets the
    positions up to which it was read."""
    read = {} if read is None else read
    for partition, position in (await profile_positions(log, True)).items():
        read[partition] = position
        while records := await log.read(partition, position):
            position = read[partition] = records[-1].offset + 1
            for record in records:
                yield record
