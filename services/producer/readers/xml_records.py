"""Elements of an XML file, one record at a time, with lxml.

No entity of the document is resolved and no document type is read: a local file or an endless entity cannot
come in. Names of characters as HTML has them (&uuml;) become the characters.
"""

import html.entities
import io
import re

from lxml import etree

from services.producer.readers import found as found_module
from services.producer.readers.found import Found, Records
from shared.errors import InputRefused

_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]*);")
_OF_XML = frozenset((b"amp", b"lt", b"gt", b"quot", b"apos"))
_PIECE = 1 << 16
_LONGEST = 40  # bytes of the name of a character
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)


def records(stream: io.BufferedReader, head: bytes, name: str, tags: tuple[str, ...] = ("*",)) -> Records:
    """The elements with these tags. position: the number of the element, from 1.

    Error: InputRefused behind the last record of an XML text that is cut or broken, or before a record above
    LINE_LIMIT bytes.
    """
    text = _Text(stream, name)
    number = 0
    try:
        parsing = etree.iterparse(
            text,
            events=("end",),
            tag=tags,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        for _, element in parsing:
            number += 1
            text.since_last = 0
            yield Found(number, etree.tostring(element, encoding="utf-8", with_tail=False), element)
            _forget(element)
    except etree.XMLSyntaxError as error:
        hint = f"the XML is broken: {error.msg}. The {number:,} records before that have been read"
        raise InputRefused("damaged_file", name, hint) from None


def _forget(element: etree._Element) -> None:
    """Frees the element, and what stands before it in the elements around it."""
    element.clear()
    inner: etree._Element | None = element
    while inner is not None:
        around = inner.getparent()
        if around is not None:
            while inner.getprevious() is not None:
                del around[0]
        inner = around


class _Text:
    """The bytes of an XML text without its document type, named characters as numbers."""

    def __init__(self, stream: io.BufferedReader, name: str):
        self._stream, self._name = stream, name
        self._held = b""  # the beginning of an entity, maybe
        self._begun = False
        self.since_last = 0  # bytes since the last record

    def read(self, _: int = -1) -> bytes:
        """More bytes; b"" at the end."""
        while True:
            data = self._stream.read1(_PIECE)
            if not data:
                held, self._held = self._held, b""
                return held
            self.since_last += len(data)
            if self.since_last > found_module.LINE_LIMIT:
                hint = (
                    f"there is no end of a record within {found_module.LINE_LIMIT:,} bytes; is it "
                    "another format?"
                )
                raise InputRefused("damaged_file", self._name, hint)
            data = self._held + data
            if not self._begun:
                if self._is_doctype_open(data):
                    self._held = data
                    continue
                data, self._begun = _DOCTYPE.sub(b"", data, count=1), True
            cut = data.rfind(b"&", max(0, len(data) - _LONGEST))
            self._held = data[cut:] if cut >= 0 and b";" not in data[cut:] else b""
            data = data[: len(data) - len(self._held)]
            if data:
                return _ENTITY.sub(_numbered, data) if b"&" in data else data

    def _is_doctype_open(self, data: bytes) -> bool:
        """Whether more bytes are needed to find the end of the document type."""
        if len(data) > 1 << 20:
            return False
        start = data.upper().find(b"<!DOCTYPE")
        return start >= 0 and _DOCTYPE.search(data) is None


def _numbered(found: re.Match[bytes]) -> bytes:
    """The numbers of a named character. An unknown name stays as a text, with its signs."""
    if found[1] in _OF_XML:
        return found[0]
    characters = html.entities.html5.get(f"{found[1].decode()};")
    if characters is None:
        return b"&amp;" + found[1] + b";"
    return b"".join(b"&#%d;" % ord(character) for character in characters)
