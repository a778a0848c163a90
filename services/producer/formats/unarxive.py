"""unarXive: papers of arXiv with their reference lists, one object a line.

{"paper_id": "2212.11861", "metadata": {arXiv's metadata as in arxiv_kaggle.py}, "bib_entries": {KEY:
{"bib_entry_raw", "contained_arXiv_ids": [{"id"}], "ids": {"arxiv_id", "doi", "pubmed_id", "open_alex_id"}}},
…}. https://github.com/IllDepence/unarXive
"""

from services.producer.formats import arxiv_kaggle
from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.openalex import short_id
from services.producer.formats.paper import references_of
from services.producer.formats.shapes import Key, Shape, Text, shaped
from shared.identifiers import arxiv, doi, paper_id_of_doi, pmid

NAME = "unarxive"
CONTAINER = Container.JSON


class Ids(Shape):
    arxiv_id: Text = None
    doi: Text = None
    pubmed_id: Key = None
    open_alex_id: Text = None


class Contained(Shape):
    id: Text = None


class Entry(Shape):
    ids: Ids | None = None
    contained_arXiv_ids: list[Contained] | None = None


class Paper(Shape):
    metadata: dict[str, object]
    bib_entries: dict[str, Entry] | None = None


def recognises(record: Record) -> bool:
    """Whether a record has the metadata of arXiv in it, beside a bibliography."""
    metadata = record.get("metadata")
    return (
        isinstance(metadata, dict)
        and record.keys() >= {"paper_id", "bib_entries"}
        and "authors_parsed" in metadata
    )


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """paper.published, with references. Error: InputRefused for a field with another type."""
    paper = shaped(record, Paper, "unarXive")
    made = arxiv_kaggle.events(paper.metadata, leave_out)
    entries = (paper.bib_entries or {}).values()
    for event in made:
        event["references"] = references_of(event["paper_id"], map(_id, entries), leave_out)
    return made


def _id(entry: Entry) -> str | None:
    """One id of the cited paper: arXiv, DOI, PubMed, OpenAlex, else the only arXiv id in the text of the
    entry.
    """
    ids = entry.ids or Ids()
    if bare := arxiv(ids.arxiv_id):
        return "arxiv:" + bare
    if bare := doi(ids.doi):
        return paper_id_of_doi(bare)
    if bare := pmid(ids.pubmed_id):
        return "pmid:" + bare
    if ids.open_alex_id and (short := short_id(ids.open_alex_id)):
        return short
    contained = entry.contained_arXiv_ids or []
    if len(contained) == 1 and (bare := arxiv(contained[0].id)):
        return "arxiv:" + bare
    return None
