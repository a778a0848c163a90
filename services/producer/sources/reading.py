"""Reads one stream of bytes as records and turns them into events: the way that files and pipes share."""

import io
from collections.abc import Callable, Iterator

from services.producer.conversion import Conversion
from services.producer.formats.containers import Container
from services.producer.items import SourceItem
from services.producer.readers import begin, csv_records, json_records, ris_records
from services.producer.readers.found import Found, Records
from services.producer.readers.unpack import DAMAGE, begun, unpacked
from shared.errors import InputRefused


def items(
    file: io.BufferedReader,
    conversion: Conversion,
    *,
    after: int = 0,
    on_record: Callable[[], None] = lambda: None,
    container: Container | None = None,
) -> Iterator[SourceItem]:
    """The items behind position `after`. on_record: called before each record. container: None when the first
    bytes tell.

    Errors: UsageError when nothing tells the format; InputRefused for a file that is damaged, or of a wrong
    kind.
    """
    name = conversion.file
    try:
        head, stream = begun(unpacked(file))
        begin.check_kind(head, name)
        if not head.strip(b"\xef\xbb\xbf \t\r\n"):
            head = b""  # blank so far; lines may follow
        container = container or begin.container_of(head, name, conversion.usual_container)
        columns = csv_records.header_of(head) if container is Container.CSV else []
        tags = conversion.begin(container, columns)
        skipping: bool | None = None
        for found in _records(container, stream, head, name, tags):
            on_record()
            if skipping is None:  # edges are needed from the beginning: their groups come last
                skipping = bool(after) and not conversion.groups(found)
            if skipping and found.position <= after:
                continue
            yield from conversion.items(found)
        yield from conversion.end(after)
    except DAMAGE as error:
        hint = f"the file ends early or is damaged ({error}); the records before that have been read"
        raise InputRefused("damaged_file", name, hint) from None


def _records(
    container: Container, stream: io.BufferedReader, head: bytes, name: str, tags: tuple[str, ...]
) -> Records:
    if container is Container.XML:
        from services.producer.readers import xml_records

        return _some(xml_records.records(stream, head, name, tags), "an XML file", name)
    if container is Container.BIBTEX:
        from services.producer.readers import bibtex_records

        return bibtex_records.records(stream, head, name)
    reader = {
        Container.JSON: json_records.records,
        Container.CSV: csv_records.records,
        Container.RIS: ris_records.records,
    }
    return reader[container](stream, head, name)


def _some(records: Records, what: str, name: str) -> Records:
    """The records. Error: InputRefused when there are none."""
    found: Found | None = None
    for found in records:
        yield found
    if found is None:
        raise InputRefused("no_records", name, f"the file is {what} without records of this format")
