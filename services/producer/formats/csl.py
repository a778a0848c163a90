"""CSL-JSON, what reference managers give to citation processors: one object a reference.

https://citeproc-js.readthedocs.io/en/latest/csl-json/markup.html. `id` is private to the file; a reference
without DOI and PubMed id needs a namespace.
"""

from typing import Any

from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Fields, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.formats.namespace import private_id
from services.producer.formats.paper import author, group_name, published, read
from services.producer.text.languages import language_tag
from services.producer.text.names import is_others, spoken_parts
from services.producer.text.texts import plain
from services.producer.text.times import partial_date
from shared.identifiers import doi as doi_of
from shared.identifiers import isbn as isbn_of
from shared.identifiers import paper_id_of_doi
from shared.identifiers import pmcid as pmcid_of
from shared.identifiers import pmid as pmid_of

NAME = "csl"
CONTAINER = Container.JSON
NAMESPACED = True

_TYPES = frozenset(
    (
        "article", "article-journal", "article-magazine", "article-newspaper", "bill", "book", "broadcast",
        "chapter",
        "classic", "collection", "dataset", "document", "entry", "entry-dictionary", "entry-encyclopedia",
        "event",
        "figure", "graphic", "hearing", "interview", "legal_case", "legislation", "manuscript", "map",
        "motion_picture", "musical_score", "pamphlet", "paper-conference", "patent", "performance",
        "periodical",
        "personal_communication", "post", "post-weblog", "regulation", "report", "review", "review-book",
        "software",
        "song", "speech", "standard", "thesis", "treaty", "webpage",
    )
)  # fmt: skip


def recognises(record: Record) -> bool:
    """Whether it has `id`, a type of CSL, a title in one piece, and a name or date as CSL writes them."""
    return (
        isinstance(record.get("type"), str)
        and record["type"] in _TYPES
        and isinstance(record.get("id"), (str, int))
        and isinstance(record.get("title", ""), str)
        and (_has_names(record.get("author")) or _has_date(record.get("issued")))
        and not record.keys() & {"prefix", "indexed", "authorships", "metadata", "attributes", "event"}
    )


def _has_names(authors: Any) -> bool:
    return isinstance(authors, list) and any(
        isinstance(one, dict) and one.keys() & {"family", "literal"} for one in authors
    )


def _has_date(issued: Any) -> bool:
    return isinstance(issued, dict) and bool(issued.keys() & {"date-parts", "raw", "literal"})


def events(record: Record, leave_out: Count = ignore, namespace: str | None = None) -> list[Record]:
    """paper.published. Error: InputRefused for a wrong type, or for no id without a namespace."""
    fields = Fields(record, "CSL")
    kind = fields.optional_text("type") or ""
    doi = read(_as_text(fields, "DOI"), doi_of, leave_out, LeftOut.IDENTIFIER)
    pmid = read(_as_text(fields, "PMID"), pmid_of, leave_out, LeftOut.IDENTIFIER)
    pmcid = read(_as_text(fields, "PMCID"), pmcid_of, leave_out, LeftOut.IDENTIFIER)
    ids = [paper_id_of_doi(doi)] if doi else []
    ids += [f"pmid:{pmid}"] if pmid else []
    paper_id = ids[0] if ids else private_id(NAME, namespace, (_as_text(fields, "id") or "").strip(), "DOI")
    ids += [f"pmcid:{pmcid}"] if pmcid else []
    if kind == "book":
        ids += [f"isbn:{one}" for word in (_as_text(fields, "ISBN") or "").split() if (one := isbn_of(word))]
    authors, truncated = _authors(fields, leave_out)
    return [
        published(
            paper_id,
            leave_out,
            title=plain(fields.optional_text("title")),
            abstract=plain(fields.optional_text("abstract")),
            published=_date(fields, leave_out),
            language=language_tag(fields.optional_text("language")),
            venue=plain(fields.optional_text("container-title")),
            doi=doi,
            url=fields.optional_text("URL"),
            kind=kind,
            authors=authors,
            authors_truncated=truncated,
            ids=ids,
        )
    ]


def _as_text(fields: Fields, name: str) -> str | None:
    """A text; a number as one."""
    value = fields.record.get(name)
    return (
        str(value) if isinstance(value, int) and not isinstance(value, bool) else fields.optional_text(name)
    )


def _authors(fields: Fields, leave_out: Count) -> tuple[list[Record], bool]:
    found: list[Record] = []
    truncated = False
    for one in fields.objects("author"):
        literal, given = one.optional_text("literal"), one.optional_text("given")
        family = [
            one.optional_text(part) for part in ("dropping-particle", "non-dropping-particle", "family")
        ]
        whole = " ".join(part.strip() for part in family if part)
        if is_others(literal or whole):
            truncated = True
            continue
        suffix = one.optional_text("suffix")
        name = (
            group_name(plain(literal)) if literal else spoken_parts(family=whole, given=given, suffix=suffix)
        )
        found += author(name, leave_out)
    return found, truncated


def _date(fields: Fields, leave_out: Count) -> str | None:
    """The first of `date-parts` ([[2019, 5, 3]], also as strings). `raw` and `literal` are texts: no date."""
    issued = fields.record.get("issued")
    parts = issued.get("date-parts") if isinstance(issued, dict) else None
    first = parts[0] if isinstance(parts, list) and parts and isinstance(parts[0], list) else []
    told = [part if isinstance(part, (str, int)) else None for part in [*first, None, None, None][:3]]
    date = partial_date(*told)
    if issued and date is None:
        leave_out(LeftOut.DATE)
    return date
