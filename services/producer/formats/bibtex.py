"""BibTeX and biblatex libraries: one entry a record, as bibtexparser 2 reads it (braces and quotes taken
off).

Fields: https://ctan.org/pkg/biblatex. Ids are the DOI, the arXiv id or the PubMed id that an entry states. An
entry without any needs a namespace (`namespace.py`). An entry has no list of references.
"""

import re
from collections.abc import Iterator

from bibtexparser.middlewares.names import split_multiple_persons_names
from bibtexparser.model import Entry

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.kinds import USUAL, is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.namespace import private_id
from services.producer.formats.paper import author, group_name, published, read
from services.producer.text.languages import language_tag
from services.producer.text.names import is_others, spoken
from services.producer.text.texts import latex
from services.producer.text.times import partial_date, told_date
from shared.contracts.record_kinds import RecordKinds
from shared.identifiers import arxiv as arxiv_id
from shared.identifiers import doi as doi_of
from shared.identifiers import isbn as isbn_of
from shared.identifiers import paper_id_of_doi
from shared.identifiers import pmcid as pmcid_of
from shared.identifiers import pmid as pmid_of

NAME = "bibtex"
CONTAINER = Container.BIBTEX
BY_KIND = True
NAMESPACED = True

_OUR_KINDS = {"mvproceedings": "proceedings", "periodical": "journal-issue", "set": "book-set"}
_BOOKS = ("book", "mvbook", "collection", "mvcollection", "reference", "mvreference")
_WORD = re.compile(r"[A-Za-z]+|[0-9]+")
_TIE = re.compile(r"(\$[^$]*\$)|~")  # a blank at which TeX breaks no line


def recognises(record: object) -> bool:
    """Whether it is an entry of bibtexparser: no other format has them."""
    return isinstance(record, Entry)


def events(
    record: Entry,
    leave_out: Count = ignore,
    namespace: str | None = None,
    kinds: RecordKinds = USUAL,
) -> list[Record]:
    """paper.published; [] for a volume of proceedings and the like. Error: InputRefused without any id."""
    kind = str(record.entry_type).lower()
    if kind == "xdata":
        leave_out(LeftOut.NO_EVENT)  # fields for other entries
        return []
    kind = _OUR_KINDS.get(kind, kind)
    if is_left_out(kind, kinds, leave_out):
        return []
    fields: dict[str, str] = {}
    for field in record.fields:
        if isinstance(field.value, str) and field.value.strip():
            fields.setdefault(field.key.lower(), field.value)
    doi, ids = _identifiers(fields, leave_out, is_book=kind in _BOOKS)
    authors, truncated = _authors(fields.get("author", ""), leave_out)
    if "crossref" in fields:
        leave_out(LeftOut.INHERITED)
    return [
        published(
            next((one for one in ids if not one.startswith(("pmcid:", "isbn:"))), None)
            or private_id(NAME, namespace, str(record.key).strip(), "doi"),
            leave_out,
            title=_title(fields),
            abstract=_text(fields.get("abstract")),
            published=_date(fields, leave_out),
            categories=[_text(fields.get("primaryclass") or fields.get("eprintclass"))],
            language=language_tag(fields.get("langid") or fields.get("language")),
            venue=_text(fields.get("journal") or fields.get("journaltitle") or fields.get("booktitle")),
            doi=doi,
            url=_address(fields.get("url")),
            kind=kind,
            authors=authors,
            authors_truncated=truncated,
            ids=ids,
        )
    ]


def _identifiers(fields: dict[str, str], leave_out: Count, *, is_book: bool) -> tuple[str | None, list[str]]:
    """(the DOI, all ids that the entry states: DOI, arXiv, PubMed, PubMed Central, ISBN)."""
    doi = read(_text(fields.get("doi")), doi_of, leave_out, LeftOut.IDENTIFIER)
    scheme = (fields.get("archiveprefix") or fields.get("eprinttype") or "").strip().lower()
    eprint = fields.get("eprint")
    ids = [paper_id_of_doi(doi)] if doi else []
    if scheme in ("", "arxiv") and (found := arxiv_id(eprint)):
        ids.append(f"arxiv:{found}")
    pmid = fields.get("pmid") or (eprint if scheme in ("pubmed", "pmid") else None)
    if found := read(pmid, pmid_of, leave_out, LeftOut.IDENTIFIER):
        ids.append(f"pmid:{found}")
    if found := read(fields.get("pmcid"), pmcid_of, leave_out, LeftOut.IDENTIFIER):
        ids.append(f"pmcid:{found}")
    if is_book:
        ids += [
            f"isbn:{one}" for word in re.split(r"[\s,;]+", fields.get("isbn", "")) if (one := isbn_of(word))
        ]
    return doi, ids


def _title(fields: dict[str, str]) -> str:
    title, subtitle = _text(fields.get("title")), _text(fields.get("subtitle"))
    return f"{title}: {subtitle}" if title and subtitle else title or subtitle


def _date(fields: dict[str, str], leave_out: Count) -> str | None:
    if date := read(_text(fields.get("date")), told_date, leave_out, LeftOut.DATE):
        return date
    # "sep", "September", "9", "9~" # sep. A day would not be sure.
    words = _WORD.findall(fields.get("month", ""))
    month = next((word for word in words if word.isalpha()), words[0] if words else None)
    return read(_text(fields.get("year")), lambda year: partial_date(year, month), leave_out, LeftOut.DATE)


def _authors(value: str, leave_out: Count) -> tuple[list[Record], bool]:
    """(the authors, whether the list says that it is not complete)."""
    found: list[Record] = []
    truncated = False
    for name in _people(value):
        if is_others(name):
            truncated = True
        elif _in_braces(name):  # a group; its commas are its own
            found += author(group_name(_text(name)), leave_out)
        else:
            found += author(spoken(_text(name)), leave_out)
    return found, truncated


def _people(value: str) -> Iterator[str]:
    for name in split_multiple_persons_names(value):
        if name.strip().lower() not in ("", "and"):
            yield name.strip()


def _in_braces(name: str) -> bool:
    """Whether one pair of braces holds the whole name."""
    return name.startswith("{") and name.endswith("}") and "}" not in name[1:-1].replace("\\}", "")


def _text(value: str | None) -> str:
    return latex(_TIE.sub(lambda found: found[1] or " ", value)) if value else ""


def _address(value: str | None) -> str | None:
    """A URL; a tilde in it is one, and \\_ is a low line."""
    return re.sub(r"\\([_%#&~$])", r"\1", value).strip("{} ").removeprefix("\\url{") if value else None
