"""ORCID records as JSON, as the API gives them: {"orcid-identifier": {"path": …}, "person": {"name": …}, …}.

The same record as in `orcid.py`; a text is an object {"value": …}, a time milliseconds in one.
"""

from collections.abc import Iterator
from typing import Any

from services.producer.formats import orcid
from services.producer.formats.containers import Container
from services.producer.formats.fields import Count, Record, ignore

NAME = "orcid"
CONTAINER = Container.JSON
DEEPEST = 12  # levels of objects that are searched for times


def recognises(record: Record) -> bool:
    """Whether it is a record, or an error in place of one."""
    if record.keys() >= {"developer-message", "error-code", "response-code"}:
        return True
    return isinstance(record.get("orcid-identifier"), dict) and record.keys() >= {"person", "history"}


def events(record: Record, leave_out: Count = ignore) -> list[Record]:
    """As `orcid.events`."""
    if "developer-message" in record:
        return orcid.replaced(_text(record, "developer-message"), leave_out)
    return orcid.described(_read(record), leave_out)


def _read(record: Record) -> orcid.Person:
    person = _object(record, "person")
    name = _object(person, "name")
    others, addresses = _object(person, "other-names"), _object(person, "researcher-urls")
    works = _object(_object(record, "activities-summary"), "works")
    return orcid.Person(
        orcid=_text(_object(record, "orcid-identifier"), "path"),
        credit=_text(name, "credit-name"),
        given=_text(name, "given-names"),
        family=_text(name, "family-name"),
        aliases=[_text(one, "content") for one in _list(others, "other-name")],
        homepages=[_text(one, "url") for one in _list(addresses, "researcher-url")],
        revision=max(_times(record, DEEPEST), default=0),
        primary=_primary(record) or _primary(_object(record, "history")),
        has_works=bool(_list(works, "group")),
    )


def _primary(record: Record) -> str:
    deprecated = _object(record, "deprecated") or _object(record, "deprecated-record")
    return _text(_object(_object(deprecated, "primary-record"), "orcid-identifier"), "path")


def _object(record: Record, name: str) -> Record:
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def _list(record: Record, name: str) -> list[Record]:
    value = record.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(record: Record, name: str) -> str:
    value = record.get(name)
    value = value.get("value") if isinstance(value, dict) else value
    return value if isinstance(value, str) else ""


def _times(value: Any, deepest: int) -> Iterator[int]:
    """Each `last-modified-date` in milliseconds."""
    if deepest == 0:
        return
    if isinstance(value, list):
        for one in value:
            yield from _times(one, deepest - 1)
    elif isinstance(value, dict):
        for name, one in value.items():
            if name == "last-modified-date" and isinstance(one, dict):
                time = one.get("value")
                if isinstance(time, int) and not isinstance(time, bool) and 0 <= time < 2**53:
                    yield time
            elif isinstance(one, (dict, list)):
                yield from _times(one, deepest - 1)
