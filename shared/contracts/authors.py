"""The events of authors.v1: one definition, for checking and for the published schemas."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, with_config
from typing_extensions import NotRequired, TypedDict

from shared.contracts.checking import FullDate, Id, NullIsEmpty, Revision, Text, check_ids, parse
from shared.contracts.refusals import Reason
from shared.errors import InputRefused

Link = Annotated[str, StringConstraints(max_length=2000)]
Number = Annotated[int, Field(strict=True, ge=0, le=2**53)]


@with_config(extra="ignore")
class AuthorDescribed(TypedDict):
    """What the author is called, and where else to look."""

    event: Literal["author.described"]
    author_id: Id
    revision: NotRequired[Revision]
    name: Text
    orcid: NotRequired[Annotated[str, StringConstraints(max_length=100)] | None]
    homepage: NotRequired[Link | None]
    aliases: NotRequired[Annotated[list[Text], NullIsEmpty, Field(max_length=1000)]]


@with_config(extra="ignore")
class Reported(TypedDict, total=False):
    """Author-level numbers as somebody else reports them."""

    h_index: Number | None
    papers: Number | None
    citations: Number | None
    g_index: Number | None
    i10_index: Number | None
    i100_index: Number | None
    novelty: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None
    ai_score: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None


@with_config(extra="ignore")
class AuthorReported(TypedDict):
    """A source's numbers; of one source the newest as_of wins. Kept apart from ours, and checked."""

    event: Literal["author.reported"]
    author_id: Id
    source: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    as_of: FullDate
    metrics: Reported


@with_config(extra="ignore")
class AuthorMerged(TypedDict):
    """author_id is the same person as `into`. Accepted; takes effect in a later release."""

    event: Literal["author.merged"]
    author_id: Id
    into: Id
    revision: NotRequired[Revision]


@with_config(extra="ignore")
class AuthorSeparated(TypedDict):
    """Undoes a merge. Accepted; takes effect in a later release."""

    event: Literal["author.separated"]
    author_id: Id
    revision: NotRequired[Revision]


@with_config(extra="ignore")
class ClockTicked(TypedDict):
    """The day; the newest is `as_of` of what is published after it."""

    event: Literal["clock.ticked"]
    author_id: Literal["clock"]
    date: FullDate


EVENTS = {
    "author.described": AuthorDescribed, "author.reported": AuthorReported, "author.merged": AuthorMerged,
    "author.separated": AuthorSeparated, "clock.ticked": ClockTicked,
}  # fmt: skip
_adapters = {name: TypeAdapter(event) for name, event in EVENTS.items()}
_event = TypeAdapter(TypedDict("Event", {"event": NotRequired[str]}))


def decode(raw: bytes) -> dict:
    """The event with its defaults filled in. Error: InputRefused, the first thing wrong."""
    kind = parse(_event, raw).get("event")
    if kind is None:
        raise InputRefused(Reason.MISSING_FIELD, "event", f"one of {', '.join(EVENTS)}")
    if kind not in EVENTS:
        raise InputRefused(Reason.UNKNOWN_EVENT, "event", f"one of {', '.join(EVENTS)}; not {kind[:100]!r}")
    event = parse(_adapters[kind], raw)
    check_ids(raw, {"author_id": event["author_id"], "into": event.get("into")})
    if kind in ("author.described", "author.merged", "author.separated"):
        event.setdefault("revision", 0)
    if kind == "author.described":
        event = {"orcid": None, "homepage": None, "aliases": []} | event
    return event
