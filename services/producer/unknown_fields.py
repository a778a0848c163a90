"""Names fields of our events that the contract does not have: they are dropped, and people misspell names."""

import difflib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from shared.contracts import authors, papers

MOST = 100  # different names kept
SHOWN = 10  # in a sentence
_AUTHORS_LOOKED_AT = 3  # of each event; all authors of a source are written alike
_KINDS: Mapping[str, Any] = {**papers.KINDS, **authors.KINDS}
_FIELDS = {kind: frozenset(model.__annotations__) for kind, model in _KINDS.items()}
_OF_AUTHORS = frozenset(papers.Author.__annotations__)
# What other formats call our fields.
_MEANT = {
    "year": "published", "date": "published", "publication_date": "published", "published_date": "published",
    "author": "authors", "creator": "authors", "creators": "authors", "journal": "venue",
    "booktitle": "venue",
    "citations": "references", "cites": "references", "reference": "references",
    "referenced_works": "references",
    "id": "paper_id", "type": "kind", "subjects": "categories", "keywords": "categories",
    "summary": "abstract",
    "lang": "language", "link": "url", "version": "revision", "updated": "revision",
    "affiliation": "affiliations",
    "orcid": "author_id", "citation_count": "citations", "display_name": "name", "website": "homepage",
}  # fmt: skip


class UnknownFields:
    """counts: events with each unknown field; `authors[].x` for a field of an author."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def look(self, raw: bytes, kind: str) -> None:
        """Counts the unknown fields of an event that the contract takes. kind: for example
        "paper.published".
        """
        fields = _FIELDS[kind]
        event = orjson.loads(raw)
        if not event.keys() <= fields:
            self._count(event.keys() - fields, "")
        if kind == "paper.published":
            for author in (event.get("authors") or ())[:_AUTHORS_LOOKED_AT]:
                if not author.keys() <= _OF_AUTHORS:
                    self._count(author.keys() - _OF_AUTHORS, "authors[].")

    def _count(self, names: set[str], where: str) -> None:
        for name in names:
            path = f"{where}{name:.60}"
            if path in self.counts or len(self.counts) < MOST:
                self.counts[path] += 1


def sentence(counts: Mapping[str, int]) -> str:
    """ "unknown fields: year, author; did you mean published, authors?" """
    named = sorted(counts, key=lambda name: (-counts[name], name))[:SHOWN]
    meant = list(dict.fromkeys(one for one in map(_meant, named) if one))
    more = f" and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
    question = f"; did you mean {', '.join(meant)}?" if meant else ""
    return f"unknown fields: {', '.join(named)}{more}{question}"


def _meant(path: str) -> str | None:
    name = path.rpartition(".")[2].lower()
    known = sorted(_OF_AUTHORS if path.startswith("authors[]") else frozenset().union(*_FIELDS.values()))
    if _MEANT.get(name) in known:
        return _MEANT[name]
    close = difflib.get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0.75)
    return close[0] if close else None
