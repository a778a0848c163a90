"""ORCID records as XML (API 2.0 to 3.0 and the yearly public data file): one <record:record> a person.

https://info.orcid.org/documentation/integration-guide/orcid-record/. Works in a record have no list of
authors, so a record describes a person and publishes no paper. In place of a record that is locked,
deactivated or replaced by another stands an <error:error>; only the last kind tells something: which iD
replaces which.
"""

import re
from typing import NamedTuple

from services.producer.formats import paper
from services.producer.formats.containers import Container
from services.producer.formats.elements import Element, child, children, text, text_of
from services.producer.formats.fields import Count, Record, ignore
from services.producer.formats.left_out import LeftOut
from services.producer.text.names import spoken, spoken_parts
from services.producer.text.times import milliseconds
from shared.contracts.refusals import Reason
from shared.errors import InputRefused
from shared.identifiers import orcid as orcid_of

NAME = "orcid"
CONTAINER = Container.XML
_ERROR = "{http://www.orcid.org/ns/error}error"
RECORDS = ("{http://www.orcid.org/ns/record}record", _ERROR)
_REPLACED = re.compile(r"refer to account:?\s*(\S+?)\.?\s+ORCID\s+(\S+?)\.?\s*$", re.IGNORECASE)


def recognises(record: Element) -> bool:
    """Whether it is a record, or an error in place of one, in a namespace of ORCID."""
    return record.tag in RECORDS


class Person(NamedTuple):
    """What a record says of a person, as texts of the record.

    revision: the newest of its times in milliseconds. primary: the iD of the record that replaced this one.
    has_works: it lists works.
    """

    orcid: str
    credit: str
    given: str
    family: str
    aliases: list[str]
    homepages: list[str]
    revision: int
    primary: str
    has_works: bool


def events(record: Element, leave_out: Count = ignore) -> list[Record]:
    """author.described, or author.merged for a record that another one replaced. Error: InputRefused."""
    if record.tag == _ERROR:
        return replaced(text_of(record, "developer-message"), leave_out)
    return described(_read(record), leave_out)


def described(person: Person, leave_out: Count) -> list[Record]:
    """The events of one record. Error: InputRefused without a valid ORCID iD."""
    orcid, primary = orcid_of(person.orcid), orcid_of(person.primary)
    if orcid is None:
        hint = "must be an ORCID iD with a right check digit (ORCID record)"
        raise InputRefused(Reason.INVALID_VALUE, "orcid-identifier.path", hint)
    if primary is not None and primary != orcid:
        return [paper.merged(paper.OF_ORCID + orcid, paper.OF_ORCID + primary, revision=person.revision)]
    if person.has_works:
        leave_out(LeftOut.WORK)
    name = spoken(person.credit) or spoken_parts(family=person.family, given=person.given)
    aliases = dict.fromkeys(alias for one in person.aliases if (alias := spoken(one)) and alias != name)
    return paper.described(
        paper.OF_ORCID + orcid,
        name,
        leave_out,
        orcid=orcid,
        homepage=next((one.strip() for one in person.homepages if "://" in one), None),
        aliases=aliases,
        revision=person.revision,
    )


def replaced(message: str, leave_out: Count) -> list[Record]:
    """author.merged for the message that another iD replaced this one; [] for other errors. It tells
    no time.
    """
    found = _REPLACED.search(message)
    into, orcid = (orcid_of(found[1]), orcid_of(found[2])) if found else (None, None)
    if orcid is None or into is None or orcid == into:
        leave_out(LeftOut.ERROR)
        return []
    return [paper.merged(paper.OF_ORCID + orcid, paper.OF_ORCID + into, revision=0)]


def _read(record: Element) -> Person:
    person = child(record, "person")
    person = record if person is None else person
    name = child(person, "name")
    others, addresses = child(person, "other-names"), child(person, "researcher-urls")
    times = (milliseconds(text(one)) for one in record.iter("{*}last-modified-date"))
    primary = next(record.iter("{*}primary-record"), None)
    return Person(
        orcid=text_of(record, "orcid-identifier", "path") or (record.get("path") or "").strip("/"),
        credit=text_of(name, "credit-name"),
        given=text_of(name, "given-names"),
        family=text_of(name, "family-name"),
        aliases=[text_of(one, "content") for one in children(others, "other-name")],
        homepages=[text_of(one, "url") for one in children(addresses, "researcher-url")],
        revision=max(times, default=0),
        primary=text_of(primary, "orcid-identifier", "path"),
        has_works=next(record.iter("{*}work-summary"), None) is not None,
    )
