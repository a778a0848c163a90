"""The reasons for a refusal: the codes in the `reason` header of dead letters."""

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """One code for each kind of fault. An event gets the code of its first fault."""

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
    UNUSABLE_RECORD = "unusable_record"


MEANINGS: Mapping[Reason, str] = {
    Reason.MALFORMED_JSON: "The bytes are not one JSON text in UTF-8.",
    Reason.NOT_AN_OBJECT: "The JSON text is not an object.",
    Reason.UNKNOWN_EVENT: "`event` names no event of this topic.",
    Reason.MISSING_FIELD: "A required field is missing.",
    Reason.WRONG_TYPE: "A field has another JSON type than the contract requires.",
    Reason.INVALID_VALUE: "A field has the right type but an impossible value: an impossible date, a "
    "negative count, "
    "an empty id.",
    Reason.LIMIT_EXCEEDED: "A text, a list or a series is longer than the contract allows.",
    Reason.OVERSIZE: "The event has more bytes than the limit of this service.",
    Reason.KEY_MISMATCH: "The key of the record is not the id in the event.",
    Reason.WRONG_PARTITION: "The record is not in the partition of its key.",
    Reason.TOO_MANY_SOURCES: "The event has a new source (paper.scored: a new source and version), and the "
    "partition "
    "(author.reported: the author) already has as many as this log takes.",
    Reason.UNUSABLE_RECORD: "A record of another format cannot be used: it is of no known kind, or cannot be "
    "read.",
    Reason.NO_KEY: "The event has no usable id, so no partition can be chosen.",
    Reason.DATED_AHEAD: "`as_of` or `date` is more than `--days-ahead` days after the append time of the "
    "record.",
    Reason.NOT_A_PACK: "The record is in an internal topic, and no stage of scholarstream wrote it.",
}
