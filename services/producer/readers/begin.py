"""Tells by its first bytes how a file holds records, or what kind of file it is that holds none."""

import re

from services.producer.formats.containers import Container
from services.producer.readers.encodings import BOM, check_encoding
from shared.errors import InputRefused

# What people take for a file of records, with what to do about it.
_WRONG = (
    (re.compile(rb"%PDF-"), "is a PDF; its text is not a record of a paper"),
    (re.compile(rb"PAR1"), "is Parquet, which is not read; take the source's JSON files"),
    (re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"), "is a zip archive; unpack it first: unzip FILE"),
    (re.compile(rb"BZh[1-9]"), "is packed with bzip2; unpack it first: bunzip2 FILE"),
    (re.compile(rb"\xfd7zXZ"), "is packed with xz; unpack it first: unxz FILE"),
    (re.compile(rb"7z\xbc\xaf"), "is a 7z archive; unpack it first"),
    (re.compile(rb"SQLite format 3"), "is an SQLite database"),
    (re.compile(rb".{257}ustar", re.DOTALL), "is a tar archive; unpack it first: tar xf FILE"),
    (
        re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL),
        "is a page of HTML, no records; the address may need a key, or another path",
    ),
)
_BIBTEX = re.compile(rb"(?:^|\n)[ \t]*@[A-Za-z]+[ \t]*[{(]")
_RIS = re.compile(rb"(?:^|\n)[ \t]*TY {1,2}- ?")
_SUFFIXES = {
    ".bib": Container.BIBTEX,
    ".bibtex": Container.BIBTEX,
    ".ris": Container.RIS,
    ".csv": Container.CSV,
    ".tsv": Container.CSV,
    ".xml": Container.XML,
}
PACKED = (".gz", ".zst")


def suffix_of(name: str) -> str:
    """The suffix of a file name in lower case, without that of its packing."""
    name = name.lower()
    for end in PACKED:
        name = name.removesuffix(end)
    dot = name.rpartition("/")[2].rfind(".")
    return name.rpartition("/")[2][dot:] if dot >= 0 else ""


def check_kind(head: bytes, name: str) -> None:
    """Error: InputRefused for a file that cannot hold records. head: its first bytes, unpacked."""
    check_encoding(head[:4], name)
    for pattern, what in _WRONG:
        if pattern.match(head):
            raise InputRefused("wrong_file", name, f"the file {what}")


def container_of(head: bytes, name: str, usual: Container = Container.JSON) -> Container:
    """How a file holds records: by its first bytes, else by its suffix, else `usual`."""
    head = head.removeprefix(BOM).lstrip()
    if head[:1] in (b"{", b"["):
        return Container.JSON
    if head[:1] == b"<":
        return Container.XML
    if (suffix := suffix_of(name)) in _SUFFIXES:
        return _SUFFIXES[suffix]
    if _RIS.search(head):
        return Container.RIS
    if _BIBTEX.search(head):
        return Container.BIBTEX
    first, _, rest = head.partition(b"\n")
    return Container.CSV if rest and first.count(b",") >= 2 and b"{" not in first else usual
