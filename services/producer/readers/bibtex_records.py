"""Entries of a BibTeX file, read by bibtexparser in pieces of a few hundred entries."""

import io
import logging
import re
from collections.abc import Iterator

from bibtexparser.entrypoint import parse_string
from bibtexparser.model import DuplicateBlockKeyBlock, Entry, ParsingFailedBlock, String

from services.producer.readers.found import Found, Records
from services.producer.readers.text_lines import Lines
from shared.contracts.refusals import Reason
from shared.errors import InputRefused

logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it warns of entries that become dead letters
PIECE = 1 << 18  # characters of a piece, about
_BEGINS = re.compile(r"[ \t]*@[A-Za-z]+[ \t]*[{(]")


def records(stream: io.BufferedReader, head: bytes, name: str) -> Records:
    """The entries of a stream. position: the number of the entry, from 1; entries that cannot be read count
    too.

    An entry with a key that an earlier one has is refused: which of the two is meant cannot be told.
    """
    number, keys, strings = 0, set[str](), dict[str, str]()
    for piece in _pieces(Lines(stream, name)):
        library = parse_string("".join(strings.values()) + piece)
        for block in library.blocks:
            if isinstance(block, String):
                strings[block.key] = f"{block.raw}\n"
                continue
            if not isinstance(block, Entry | ParsingFailedBlock):
                continue  # a comment or preamble
            if isinstance(block, ParsingFailedBlock) and _is_known_string(block, strings):
                continue
            number += 1
            raw = (block.raw or "").encode(errors="replace")
            key = block.key if isinstance(block, Entry | DuplicateBlockKeyBlock) else None
            if isinstance(block, Entry) and block.key not in keys:
                keys.add(block.key)
                yield Found(number, raw, block)
            elif isinstance(block, Entry) or key is not None:
                hint = f"an earlier entry has the key {key!r:.100} too; which one is meant cannot be told"
                yield Found(number, raw, fault=InputRefused(Reason.UNUSABLE_RECORD, "key", hint))
            else:
                why = getattr(block.error, "abort_reason", None) or str(block.error)
                hint = f"the entry cannot be read: {' '.join(why.split()):.300}"
                yield Found(number, raw, fault=InputRefused(Reason.UNUSABLE_RECORD, "", hint))


def _is_known_string(block: ParsingFailedBlock, strings: dict[str, str]) -> bool:
    """A @string that stands in every piece and again in this one is no entry."""
    return (block.raw or "").lstrip().lower().startswith("@string")


def _pieces(lines: Lines) -> Iterator[str]:
    """The text in pieces that end before a line which begins an entry."""
    piece: list[str] = []
    size = 0
    for line in lines:
        if _BEGINS.match(line):
            lines.taken()
            if size >= PIECE:
                yield "".join(piece)
                piece, size = [], 0
        piece.append(line)
        size += len(line)
    if piece:
        yield "".join(piece)
