"""Turns the body of a request into messages for the log. It takes processor time, so a thread does it."""

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import Any, NamedTuple

from services.producer import cloud_events
from services.producer.conversion import OWN, Conversion
from services.producer.formats.containers import Container
from services.producer.items import SourceItem
from services.producer.push.answers import refusal
from services.producer.push.asked import BATCH, STRUCTURED, Asked
from services.producer.readers import json_records
from services.producer.readers.begin import check_kind
from services.producer.readers.found import Found
from services.producer.readers.unpack import begun
from services.producer.sources import reading
from services.producer.validation import Intake, Taken
from shared.errors import InputRefused, UsageError

BODY = "the body"
NOTHING = "Nothing of this request was taken."
REFUSED = "Nothing of this request is an event that the log takes; `refusals` says why."


class Limits(NamedTuple):
    """The limits of one event. Others are of whole requests."""

    max_event_bytes: int
    days_ahead: int
    refused_share: float = 1.0
    refused_window: int = 1 << 62
    refused_run: int = 1 << 62


class Contents(NamedTuple):
    """What a request holds. records: how many were read. left_out, unknown: as in `Counts`."""

    taken: Taken
    records: int
    left_out: Mapping[str, int]
    unknown: Mapping[str, int]

    @property
    def good(self) -> int:
        return self.taken.papers + self.taken.authors

    def scopes(self) -> set[str]:
        """The scopes that its events need."""
        names = {"paper": "papers", "author": "authors", "clock": "clock"}
        return {names[kind.partition(".")[0]] for kind in self.taken.kinds}

    def report(self, accepted: bool = True) -> dict[str, Any]:
        """The answer to the client. accepted: whether the good events are, or would be, taken."""
        taken = self.taken
        refused = taken.refused.total()
        return {
            "accepted": self.good if accepted else 0,
            "papers": taken.papers if accepted else 0,
            "authors": taken.authors if accepted else 0,
            "records": self.records,
            "refused": refused,
            "refused_by_reason": dict(sorted(taken.refused.items())),
            "refusals": [
                {"line": position, "reason": str(why.reason), "field": why.field, "hint": why.hint}
                for position, why in taken.refusals
            ],
            "refusals_left_out": refused - len(taken.refusals),
            "left_out": dict(sorted((str(what), count) for what, count in self.left_out.items())),
            "unknown_fields": dict(sorted(self.unknown.items())),
        }


def digest_of(asked: Asked, body: bytes) -> bytes:
    """Distinguishes requests: equal ones hold the same events."""
    told = f"{asked.media} {asked.format} {asked.namespace} {sorted((asked.binary or {}).items())}"
    return blake2b(body, digest_size=16, salt=blake2b(told.encode(), digest_size=16).digest()).digest()


def contents_of(
    asked: Asked,
    body: bytes,
    *,
    partitions: Mapping[str, int],
    newest: int,
    limits: Limits,
    kinds: str,
    most: int,
) -> Contents:
    """What a body holds. newest: as of `Intake`. kinds: as of `Conversion`. most: events and records.

    Error: HTTPException 400 for a body that is no list of records, 413 for one with more than `most`.
    """
    left_out: Counter[str] = Counter()

    def leave_out(what: str) -> None:
        left_out[what] += 1

    conversion = Conversion(BODY, asked.format, asked.namespace, leave_out, kinds)
    items: list[SourceItem] = []
    try:
        for item in _items(asked, body, conversion, most):
            items.append(item)
            if len(items) > most:
                _refuse_many(most)
    except (InputRefused, UsageError) as error:
        hint = (error.hint if isinstance(error, InputRefused) else str(error)).partition(json_records.TAKEN)[
            0
        ]
        raise refusal(HTTPStatus.BAD_REQUEST, f"{hint[:1].upper()}{hint[1:]}. {NOTHING}") from None
    # The source of one request: its events get the same ids when it is sent again.
    intake = Intake(f"{asked.source}@{digest_of(asked, body).hex()}", partitions, limits)
    intake.newest = newest
    return Contents(intake.take(items), conversion.records, left_out, intake.unknown.counts)


def _refuse_many(most: int) -> None:
    detail = f"More than {most:,} events or records (--intake-events). {NOTHING} Send fewer at once."
    raise refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


def _items(asked: Asked, body: bytes, conversion: Conversion, most: int) -> Iterator[SourceItem]:
    """Errors: InputRefused, UsageError, HTTPException 413."""
    if not body.strip(b"\xef\xbb\xbf \t\r\n"):
        raise UsageError(f"{BODY} holds no event")

    def on_record() -> None:
        if conversion.records >= most:
            _refuse_many(most)

    if asked.binary is not None or asked.media in (STRUCTURED, BATCH):
        yield from _enveloped(asked, body, conversion)
    else:
        container = Container.JSON if asked.format == OWN else None
        file: Any = io.BufferedReader(io.BytesIO(body))
        yield from reading.items(file, conversion, on_record=on_record, container=container)


def _enveloped(asked: Asked, body: bytes, conversion: Conversion) -> Iterator[SourceItem]:
    conversion.begin(Container.JSON, [])
    if asked.binary is not None:
        try:
            one = cloud_events.of_headers(asked.binary, body)
        except InputRefused as refused:
            yield SourceItem(1, body, refusal=refused)
        else:
            yield from cloud_events.within(Found(1, body), one, conversion)
    elif asked.media == STRUCTURED:
        check_kind(body[:512], BODY)
        yield from cloud_events.items([Found(1, body)], conversion)
    else:
        check_kind(body[:512], BODY)
        if not body.lstrip().startswith(b"["):
            raise UsageError(f"a batch is a JSON array, but {BODY} begins otherwise")
        head, stream = begun(io.BufferedReader(io.BytesIO(body)))
        yield from cloud_events.items(json_records.records(stream, head, BODY), conversion)
