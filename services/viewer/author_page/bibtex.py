"""Papers as BibTeX. Source of the format: Oren Patashnik, "BibTeXing" (1988), and biblatex for UTF-8."""

import re
from collections.abc import Mapping, Sequence
from zlib import crc32

from services.viewer.pages.isolation import tame, title_of
from services.viewer.pages.paper_list import external_address
from services.viewer.store.rows import PaperCard

TYPES: Mapping[str, str] = {
    "article": "article", "journal-article": "article", "book": "book", "book-chapter": "incollection",
    "dissertation": "phdthesis", "proceedings-article": "inproceedings", "report": "techreport",
}  # fmt: skip
IN = {"article": "journal", "inproceedings": "booktitle", "incollection": "booktitle"}
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "#": r"\#", "$": r"\$", "%": r"\%", "&": r"\&",
    "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip
NOT_IN_KEYS = re.compile(r"[^0-9A-Za-z:./+-]+")


def write(papers: Sequence[PaperCard], last: bool) -> str:
    """The entries, each followed by an empty line."""
    return "".join(f"{entry(paper)}\n\n" for paper in papers)


def entry(paper: PaperCard) -> str:
    """One entry, with all authors that the card names."""
    kind = TYPES.get(paper["kind"] or "", "article" if paper["venue"] else "misc")
    people = [person["name"] for person in paper["authors"]]
    if paper["authors_total"] > len(people):
        people.append("others")
    address = external_address(paper)
    fields = {
        "author": " and ".join(_person(name) for name in people),
        "title": f"{{{_text(title_of(paper))}}}",
        IN.get(kind, "howpublished"): _text(paper["venue"] or ""),
        "year": str(paper["year"] or ""),
        "month": (paper["published"] or "")[5:7].lstrip("0"),
        "doi": _bare(paper["doi"] or ""),
        "url": _bare(address or ""),
        "abstract": _text(paper["abstract"] or ""),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return f"@{kind}{{{_key(paper['paper_id'])},\n" + ",\n".join(lines) + "\n}"


def _key(paper_id: str) -> str:
    """The id as a key. What BibTeX does not take becomes a hyphen; a checksum keeps such keys apart."""
    plain = NOT_IN_KEYS.sub("-", paper_id)
    return plain if plain == paper_id else f"{plain.strip('-') or 'paper'}-{crc32(paper_id.encode()):08x}"


def _person(name: str) -> str:
    """A name in braces if BibTeX would take an "and" or a comma in it for its own."""
    text = _text(name)
    return f"{{{text}}}" if re.search(r"\band\b|,", text) else text


def _text(text: str) -> str:
    return "".join(SPECIAL.get(letter, letter) for letter in tame(" ".join(text.split())))


def _bare(text: str) -> str:
    """An address as it is, without what would end the field."""
    return tame(text).replace("\\", "").replace("{", "%7B").replace("}", "%7D")
