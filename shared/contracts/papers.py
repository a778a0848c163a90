"""The events of papers.v1: one definition, for checking and for the published schemas."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, with_config
from typing_extensions import NotRequired, TypedDict

from shared.contracts.checking import Count, FullDate, Id, NullIsEmpty, PartialDate, Revision, Text, check_ids, check_size, parse
from shared.contracts.refusals import Reason
from shared.errors import InputRefused

__all__ = ["PaperCounted", "PaperEvent", "PaperPublished", "PaperScored", "PaperWithdrawn", "check_size", "decode"]

ShortText = Annotated[str, StringConstraints(max_length=2000)]


@with_config(extra="ignore")
class Author(TypedDict):
    """An author as printed on the paper. Without author_id the key is `name:` + the normalised name."""

    author_id: NotRequired[Id | None]
    name: Text
    affiliations: NotRequired[Annotated[list[Text], NullIsEmpty, Field(max_length=100)]]


@with_config(extra="ignore")
class PaperPublished(TypedDict):
    """A paper, or a new revision of it; the whole paper each time. `event` may be left out."""

    event: NotRequired[Literal["paper.published"]]
    paper_id: Id
    revision: NotRequired[Revision]
    title: Annotated[str, StringConstraints(max_length=2000)]
    abstract: NotRequired[Annotated[str, StringConstraints(max_length=50_000)] | None]
    published: NotRequired[PartialDate | None]
    categories: NotRequired[Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=100)]], NullIsEmpty, Field(max_length=50)]]
    venue: NotRequired[ShortText | None]
    doi: NotRequired[ShortText | None]
    url: NotRequired[ShortText | None]
    kind: NotRequired[Annotated[str, StringConstraints(max_length=100)] | None]
    authors: NotRequired[Annotated[list[Author], NullIsEmpty, Field(max_length=20_000)]]
    authors_truncated: NotRequired[bool]
    references: NotRequired[Annotated[list[Id], NullIsEmpty, Field(max_length=20_000)]]


@with_config(extra="ignore")
class PaperWithdrawn(TypedDict):
    """The paper no longer counts, and neither do its references."""

    event: Literal["paper.withdrawn"]
    paper_id: Id
    revision: NotRequired[Revision]
    reason: NotRequired[ShortText | None]


@with_config(extra="ignore")
class PaperCounted(TypedDict):
    """How many citations a source counts; of one source the newest as_of wins."""

    event: Literal["paper.counted"]
    paper_id: Id
    source: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    as_of: FullDate
    citations: Count


@with_config(extra="ignore")
class PaperScored(TypedDict):
    """A score somebody else computed; kept in the log, never mixed with ours."""

    event: Literal["paper.scored"]
    paper_id: Id
    source: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    version: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    novelty: NotRequired[Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None]


PaperEvent = PaperPublished | PaperWithdrawn | PaperCounted | PaperScored
EVENTS = {"paper.published": PaperPublished, "paper.withdrawn": PaperWithdrawn, "paper.counted": PaperCounted, "paper.scored": PaperScored}

_published: TypeAdapter = TypeAdapter(PaperPublished)
_adapters = {name: TypeAdapter(event) for name, event in EVENTS.items()}
_event = TypeAdapter(TypedDict("Event", {"event": NotRequired[str]}))  # just enough to choose
DEFAULTS = {
    "revision": 0, "abstract": None, "published": None, "categories": [], "venue": None, "doi": None, "url": None, "kind": None,
    "authors": [], "authors_truncated": False, "references": [],
}  # fmt: skip
NO_AFFILIATIONS: list[str] = []


def decode(raw: bytes) -> dict:
    """The event with its defaults filled in: everything a paper.published may have can be indexed. Error: InputRefused, the first thing wrong."""
    if b'"event"' in raw or b"\\u" in raw:  # `event` may be spelled with escapes
        kind = parse(_event, raw).get("event", "paper.published")
        if kind not in _adapters:
            raise InputRefused(Reason.UNKNOWN_EVENT, "event", f"one of {', '.join(_adapters)}; not {kind[:100]!r}")
        event = parse(_adapters[kind], raw)
    else:
        kind, event = "paper.published", parse(_published, raw)
    if kind != "paper.published":
        if kind == "paper.withdrawn":
            event.setdefault("revision", 0)
        check_ids(raw, {"paper_id": event["paper_id"]})
        return event
    event = DEFAULTS | event
    for author in event["authors"]:
        if "affiliations" not in author:
            author["affiliations"] = NO_AFFILIATIONS
    check_ids(raw, {"paper_id": event["paper_id"], "references": event["references"], "authors.*.author_id": [a.get("author_id") for a in event["authors"]]})
    return event
