"""Why an event was refused: the codes in the `reason` header of dead letters."""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """One code for one kind of fault. An event has the code of its first fault."""

    MALFORMED_JSON = "malformed_json"
    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_EVENT = "unknown_event"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    INVALID_VALUE = "invalid_value"
    LIMIT_EXCEEDED = "limit_exceeded"
    OVERSIZE = "oversize"
    KEY_MISMATCH = "key_mismatch"
    WRONG_PARTITION = "wrong_partition"
    NO_KEY = "no_key"
    DATED_AHEAD = "dated_ahead"
    NOT_A_PACK = "not_a_pack"
    TOO_MANY_SOURCES = "too_many_sources"


MEANINGS: Mapping[Reason, str] = {
    Reason.MALFORMED_JSON: "The bytes are not one JSON text in UTF-8.",
    Reason.NOT_AN_OBJECT: "The JSON text is not an object.",
    Reason.UNKNOWN_EVENT: "`event` names no event of this topic.",
    Reason.MISSING_FIELD: "A field that the event must have is not there.",
    Reason.WRONG_TYPE: "A field has another JSON type than the contract says.",
    Reason.INVALID_VALUE: "A field has the right type, but a value that cannot be: an impossible date, a negative count, an empty id.",
    Reason.LIMIT_EXCEEDED: "A text, a list or a series is longer than the contract allows.",
    Reason.OVERSIZE: "The whole event has more bytes than the limit of this service.",
    Reason.KEY_MISMATCH: "The key of the record is not the id in the event.",
    Reason.WRONG_PARTITION: "The record is not in the partition of its key.",
    Reason.TOO_MANY_SOURCES: "The event is the first of its source (paper.scored: of its source and version), and as many others as this "
    "log takes have come before it in the partition (author.reported: for the author).",
    Reason.NO_KEY: "The event has no usable id, so it cannot have a place in a topic.",
    Reason.DATED_AHEAD: "`as_of` or `date` is more than `--days-ahead` days after the append time of the record.",
    Reason.NOT_A_PACK: "The record is in an internal topic, and none of our stages wrote it.",
}
