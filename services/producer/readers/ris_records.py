"""References in RIS: `TY  - JOUR` begins one, `ER  - ` ends it, each line has a tag of two characters.

https://en.wikipedia.org/wiki/RIS_(file_format).
"""

import io
import re

from services.producer.readers.found import Found, Records
from services.producer.readers.text_lines import Lines

_LINE = re.compile(r"\s*([A-Z][A-Z0-9]) {1,2}-(?: (.*)|\s*)$")


def records(stream: io.BufferedReader, head: bytes, name: str) -> Records:
    """The references of a stream as dicts of tag to texts. position: the number of the reference, from 1.

    A line without a tag continues the text above it. Lines between references are dropped. A reference
    without an end ends where the next one begins.
    """
    lines = Lines(stream, name)
    number, last = 0, ""
    record: dict[str, list[str]] | None = None
    begun = b""  # the line that begins the record, when it ended another one
    for line in lines:
        found = _LINE.match(line.rstrip("\r\n"))
        tag = found[1] if found else ""
        if record is not None and tag == "TY":
            number += 1
            raw, _, beginning = lines.taken().rpartition(b"\n")
            yield Found(number, begun + raw, record)
            record, begun = None, beginning + b"\n"
        if tag == "TY":
            record = {}
        if record is None:
            lines.taken()
            continue
        if tag == "ER":
            number += 1
            yield Found(number, begun + lines.taken(), record)
            record, begun = None, b""
        elif found:
            last = tag
            record.setdefault(tag, []).append((found[2] or "").strip())
        elif text := line.strip():
            record[last][-1] = f"{record[last][-1]} {text}".strip()
    if record is not None:
        yield Found(number + 1, begun + lines.taken(), record)
