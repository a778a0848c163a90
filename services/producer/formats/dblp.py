"""dblp: one XML file of all records, https://dblp.org/xml/ (format: https://dblp.org/xml/docu/dblpxml.pdf).

A publication is an element of PAPERS with @key and @mdate, a person a <www key="homepages/…"> with all names
of that person. dblp's key of a person is the name itself, with a number when several people have it ("Li Wang
0001"). Names without a number may still belong to several people; a disambiguation page tells so, behind all
papers of the file.
"""

import re

from services.producer.formats.containers import Container
from services.producer.formats.elements import Element, children, local, text_of, texts_of
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.kinds import USUAL, is_left_out
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import author, described, merged, published, read, withdrawn
from services.producer.text.names import spoken
from services.producer.text.texts import plain
from services.producer.text.times import milliseconds, partial_date
from shared.contracts.record_kinds import RecordKinds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import arxiv as arxiv_id
from shared.identifiers import doi as doi_of
from shared.identifiers import orcid as orcid_of
from shared.identifiers import paper_id_of_doi

NAME = "dblp"
CONTAINER = Container.XML
BY_KIND = True
PAPERS = (
    "article",
    "inproceedings",
    "proceedings",
    "book",
    "incollection",
    "phdthesis",
    "mastersthesis",
    "data",
)
RECORDS = (*PAPERS, "www", "person")

_KINDS = {"informal": "preprint", "data": "data", "software": "software", "edited": "edited"}  # by publtype
_HOMONYM = re.compile(r" [0-9]{4}$")
_OF_COMPUTING_REPOSITORY = re.compile(r"journals/corr/(?:abs-)?([0-9]{4})-([0-9]{4,5})$")


def recognises(record: Element) -> bool:
    """Whether it is a dblp element with a key and the day of its last change."""
    return record.tag in RECORDS and bool(record.get("key")) and bool(record.get("mdate"))


def events(record: Element, leave_out: Count = ignore, kinds: RecordKinds = USUAL) -> list[Record]:
    """The events of one element: a paper, a withdrawal, or a person with the names merged into one.

    Error: InputRefused.
    """
    key, revision = (record.get("key") or "").strip(), milliseconds(record.get("mdate"))
    if not key:
        raise InputRefused(Reason.MISSING_FIELD, "key", "must be given (dblp record)")
    if record.tag not in RECORDS:
        raise InputRefused(
            Reason.INVALID_VALUE, "", "must be an element of dblp, such as article (dblp record)"
        )
    publtype = (record.get("publtype") or "").split()
    if record.tag in ("www", "person"):
        return _person(record, key, publtype, revision, leave_out)
    if "withdrawn" in publtype:
        return [withdrawn("dblp:" + key, revision=revision, reason="withdrawn (dblp)")]
    kind = "data-record" if record.tag == "data" else local(record)
    if is_left_out(kind, kinds, leave_out):
        return []
    return [_paper(record, key, publtype, kind, revision, leave_out)]


def _paper(
    record: Element, key: str, publtype: list[str], kind: str, revision: int, leave_out: Count
) -> Record:
    doi, ids = _identifiers(record, key)
    month = _first_month(text_of(record, "month"))
    kind = next((_KINDS[one] for one in publtype if one in _KINDS), kind)
    authors: list[Record] = []
    for name in texts_of(record, "author"):
        name = " ".join(name.split())
        authors += author(_without_number(name), leave_out, author_id="dblp:" + name)
    if any(True for _ in children(record, "cite")):
        leave_out(LeftOut.REFERENCE_WITHOUT_ID)
    return published(
        "dblp:" + key,
        leave_out,
        revision=revision,
        title=plain(text_of(record, "title")).removesuffix("."),
        published=read(
            text_of(record, "year"), lambda year: partial_date(year, month), leave_out, LeftOut.DATE
        ),
        venue=plain(text_of(record, "journal") or text_of(record, "booktitle")),
        doi=doi,
        url="https://dblp.org/rec/" + key,
        kind=kind,
        authors=authors,
        ids=ids,
    )


def _identifiers(record: Element, key: str) -> tuple[str | None, list[str]]:
    """(the DOI, other ids of the paper): of the electronic editions <ee>, and of the keys that arXiv's
    papers have.
    """
    editions = [one.strip() for one in texts_of(record, "ee")]
    doi = next((found for one in editions if "doi.org/" in one and (found := doi_of(one))), None)
    of_key = _OF_COMPUTING_REPOSITORY.match(key)
    arxiv = next((bare for one in editions if "arxiv.org/" in one and (bare := arxiv_id(one))), None)
    arxiv = arxiv or (arxiv_id(f"{of_key[1]}.{of_key[2]}") if of_key else None)
    return doi, [*([paper_id_of_doi(doi)] if doi else []), *([f"arxiv:{arxiv}"] if arxiv else [])]


def _person(record: Element, key: str, publtype: list[str], revision: int, leave_out: Count) -> list[Record]:
    """The person and the merges of the other names; [] for pages that are not one person's."""
    names = [" ".join(name.split()) for name in texts_of(record, "author") if name.strip()]
    if not key.startswith("homepages/") or "disambiguation" in publtype or not names:
        leave_out(LeftOut.NO_EVENT)
        return []
    person, name = "dblp:" + names[0], _without_number(names[0])
    addresses = [one.strip() for one in texts_of(record, "url")]
    aliases = dict.fromkeys(alias for one in names[1:] if (alias := _without_number(one)) and alias != name)
    return [
        *described(
            person,
            name,
            leave_out,
            orcid=next(
                (found for one in addresses if "orcid.org/" in one and (found := orcid_of(one))), None
            ),
            homepage=next((one for one in addresses if "://" in one and "orcid.org/" not in one), None),
            aliases=aliases,
            revision=revision,
        ),
        *(
            merged("dblp:" + other, person, revision=revision)
            for other in dict.fromkeys(names[1:])
            if other and other != names[0]
        ),
    ]


def _without_number(name: str) -> str | None:
    """The name as it is spoken, without the number that distinguishes namesakes."""
    return spoken(_HOMONYM.sub("", name))


def _first_month(text: str) -> str:
    """ "January/February" and "Jan-Mar" begin in January."""
    return re.split(r"[\s/–-]", text.strip(), maxsplit=1)[0]
