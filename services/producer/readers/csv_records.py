"""Rows of a CSV file with a header, as dicts by the names of its columns."""

import csv
import io

from services.producer.readers import found as found_module
from services.producer.readers.found import Found, Records
from services.producer.readers.text_lines import Lines
from shared.contracts.refusals import Reason
from shared.errors import InputRefused


def records(stream: io.BufferedReader, head: bytes, name: str) -> Records:
    """The rows of a stream. position: the number of the row, the header not counted.

    A row with fewer columns than the header has "" in the others; further columns are dropped.
    """
    csv.field_size_limit(found_module.LINE_LIMIT)
    lines = Lines(stream, name)
    text = iter(lines)
    rows = csv.reader(text, delimiter=_delimiter(head))
    header: list[str] | None = None
    number = 0
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            number += 1
            fault = InputRefused(Reason.UNUSABLE_RECORD, "", f"the row cannot be read: {error}")
            yield Found(number, lines.taken(), fault=fault)
            rows = csv.reader(text, delimiter=_delimiter(head))
            continue
        raw = lines.taken()
        if row is None:
            return
        if not any(row):
            continue
        if header is None:
            header = [column.strip() for column in row]
            continue
        number += 1
        row += [""] * (len(header) - len(row))
        yield Found(number, raw, dict(zip(header, row, strict=False)))


def header_of(head: bytes) -> list[str]:
    """The names of the columns in the first line."""
    line = head.lstrip(b"\xef\xbb\xbf \r\n").partition(b"\n")[0].decode(errors="replace")
    try:
        return [column.strip() for column in next(csv.reader([line], delimiter=_delimiter(head)), [])]
    except csv.Error:
        return []


def _delimiter(head: bytes) -> str:
    line = head.lstrip(b"\xef\xbb\xbf \r\n").partition(b"\n")[0]
    return max(",", "\t", ";", key=lambda mark: line.count(mark.encode()))
