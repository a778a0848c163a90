"""What the shapes of arXiv's records share: one paper's event from its parts.

https://info.arxiv.org/help/oa/index.html, https://info.arxiv.org/help/prep.html (authors, DOI, journal
reference).
"""

import re
from collections.abc import Iterable, Iterator

from services.producer.formats.fields import Count, Record
from services.producer.formats.left_out import LeftOut
from services.producer.formats.paper import author, published, read
from services.producer.text.names import is_others, is_suffix, spoken
from services.producer.text.texts import latex
from services.producer.text.times import told_date
from shared.identifiers import doi as doi_of
from shared.identifiers import paper_id_of_doi

_BEFORE_DOI = re.compile(r"[\s,;]+(?=(?:https?://\S+?/|doi:\s*)?10\.\d)", re.IGNORECASE)
_BETWEEN_AUTHORS = re.compile(r"\s*[,;:]\s+|\s*[,;]|\s+and\s+", re.IGNORECASE)


def paper(
    bare: str,
    leave_out: Count,
    *,
    revision: int,
    title: str | None,
    abstract: str | None,
    date: str | None,
    categories: Iterable[str],
    authors: list[Record],
    authors_truncated: bool = False,
    venue: str | None = None,
    dois: str | None = None,
) -> Record:
    """The event of one arXiv paper. bare: its id, without version. dois: the text of the field, maybe
    several.

    The first DOI is the article's; the others are mostly errata. arXiv has no list of references.
    """
    journal = first_doi(dois, leave_out)
    other = None if journal is None else paper_id_of_doi(journal)
    paper_id = "arxiv:" + bare
    return published(
        paper_id,
        leave_out,
        revision=revision,
        title=text(title),
        abstract=text(abstract),
        published=read(date, told_date, leave_out, LeftOut.DATE),
        categories=categories,
        venue=text(venue),
        doi=journal or "10.48550/arxiv." + bare.lower(),
        url="https://arxiv.org/abs/" + bare,
        kind="preprint",
        authors=authors,
        authors_truncated=authors_truncated,
        ids=[other] if other else [],
    )


def text(value: str | None) -> str:
    """A title, an abstract or a reference to a journal as plain text; formulae stay as written."""
    return latex(value)


def first_doi(value: str | None, leave_out: Count) -> str | None:
    """The first DOI of a field that may hold several, separated by blanks, commas or semicolons."""
    if not value or not value.strip():
        return None
    first, *others = _BEFORE_DOI.split(value.strip())
    for _ in others:
        leave_out(LeftOut.FURTHER_IDENTIFIER)
    found = doi_of(first)
    if found is None:
        leave_out(LeftOut.IDENTIFIER)
    return found


def authors_of(value: str | None, leave_out: Count) -> tuple[list[Record], bool]:
    """(authors, whether more follow) of arXiv's one line for all: "Ann Lee (1), Bo Li, Jr. and Cy Ode ((1)
    Leiden)".

    What stands in parentheses are affiliations or their numbers. They are left out.
    """
    found: list[Record] = []
    truncated = False
    for name in _names(_without_parentheses(latex(value), leave_out)):
        if is_others(name):
            truncated = True
        else:
            found += author(spoken(name), leave_out)
    return found, truncated


def _names(line: str) -> Iterator[str]:
    """Each name. A suffix behind a comma ("Bo Li, Jr.") belongs to the name before it."""
    name = ""
    for part in _BETWEEN_AUTHORS.split(line):
        part = part.strip().removeprefix("and ")  # behind a comma
        if is_suffix(part) and name:
            name += " " + part
            continue
        if name:
            yield name
        name = part
    if name:
        yield name


def _without_parentheses(line: str, leave_out: Count) -> str:
    """The line without what stands in parentheses, also nested and unclosed ones."""
    kept, depth = [], 0
    for part in re.split(r"([()])", line):
        if part == "(":
            if depth == 0:
                leave_out(LeftOut.AFFILIATION_IN_LINE)
            depth += 1
        elif part == ")":
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(part)
    return " ".join(kept)
