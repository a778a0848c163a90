"""arXiv by OAI-PMH 2.0: a harvest of everything, then of what changed, in lists that a token continues.

https://www.openarchives.org/OAI/openarchivesprotocol.html, https://info.arxiv.org/help/oa/index.html. The
first harvest asks without a day; a later one from a day before the last response date, because days are all
that arXiv tells of a change. A token ends with the day; a lost one goes back to the last complete day, when
the records came in the order of their days.
"""

import re
from dataclasses import replace
from typing import ClassVar

import structlog
from lxml import etree

from services.producer.formats.containers import Container
from services.producer.formats.elements import Element, child, children, local, text_of
from services.producer.live.address import Address
from services.producer.live.fetch import Fetcher
from services.producer.live.pages import Page, checked_token
from services.producer.live.place import Place, begun, ended, overlapping, turned
from services.producer.readers.found import Found
from services.producer.text.times import told_date
from shared.errors import PlaceLost, SourceFault

_LIST = ("metadataPrefix", "set", "from", "until")
_EMPTY = "noRecordsMatch"
_LOST = "badResumptionToken"
# https://www.w3.org/TR/xml/#charsets, as themselves and as numbers
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]"
    r"|&#0*(?:[0-8]|1[124-9]|2[0-9]|3[01]);"
    r"|&#x0*(?:[0-8bcef]|1[0-9a-f]);",
    re.IGNORECASE,
)
logger = structlog.get_logger("live")


class ArXiv:
    """address: …/oai?set=cs&metadataPrefix=arXiv; both may be left out. Other repositories of arXiv's formats
    work too.
    """

    NAME: ClassVar = "arxiv"
    CONTAINER: ClassVar = Container.XML
    GAP: ClassVar = 3.0
    LOST: ClassVar = frozenset({400, 404, 410})

    def __init__(self, address: Address):
        self.address = address
        self._is_known = False  # whether the repository has introduced itself

    async def page(self, place: Place, fetcher: Fetcher) -> Page:
        if not self._is_known:
            await self._identify(fetcher)
        if not place.began:
            place = replace(place, since=overlapping(place.complete) or self.address.get("from"))
        body = await fetcher.get(self._url(place), kind="xml")
        root = _parsed(body)
        codes = {one.get("code", ""): text_of(one).strip() for one in children(root, "error")}
        if _LOST in codes:
            raise PlaceLost(f"{_LOST}: {codes[_LOST]:.200}", of_token=True)
        if codes and set(codes) != {_EMPTY}:
            raise SourceFault("; ".join(f"{code}: {text:.200}" for code, text in codes.items()))
        place = begun(place, _day_of(root))
        if codes:
            return Page([], ended(turned(place, token="", days=[], records=0)))
        listed = child(root, "ListRecords")
        if listed is None:
            raise SourceFault("the answer has no ListRecords; the address is not that of an OAI-PMH server")
        records = list(children(listed, "record"))
        days = [text_of(one, "header", "datestamp")[:10] for one in records]
        resumption = child(listed, "resumptionToken")
        token = checked_token(text_of(resumption).strip())
        total = 0 if resumption is None else _number(resumption.get("completeListSize", ""))
        after = turned(
            place,
            token=token,
            days=days if all(told_date(day) == day for day in days) else [],
            records=len(records),
            total=total,
        )
        found = [
            Found(n, etree.tostring(one, encoding="utf-8", with_tail=False), one)
            for n, one in enumerate(records)
        ]
        return Page(found, after if token else ended(after))

    def _url(self, place: Place) -> str:
        base = self.address._replace(query=())
        if place.token:  # it excludes everything else
            return base.url(verb="ListRecords", resumptionToken=place.token)
        given = {name: self.address.get(name) for name in _LIST}
        given["metadataPrefix"] = given["metadataPrefix"] or "arXiv"
        return base.url(verb="ListRecords", **given | {"from": place.since})

    async def _identify(self, fetcher: Fetcher) -> None:
        """Asks the repository about itself, once. Says when it may forget deletions."""
        url = self.address._replace(query=()).url(verb="Identify")
        root = _parsed(await fetcher.get(url, kind="xml"))
        told = child(root, "Identify")
        if told is None:
            raise SourceFault("the answer has no Identify; the address is not that of an OAI-PMH server")
        deleted = text_of(told, "deletedRecord").strip()
        if deleted != "persistent":
            logger.warning(
                "the source may delete records without a word", source=str(self.address), deleted=deleted[:40]
            )
        self._is_known = True


def _parsed(body: bytes) -> Element:
    """The root of an answer. Signs that XML forbids, which real harvests have, become blanks.

    Error: SourceFault.
    """
    try:
        root = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        try:
            text = _FORBIDDEN.sub(" ", body.decode(errors="replace"))
            root = etree.fromstring(text.encode(), _parser())
        except (etree.XMLSyntaxError, ValueError):
            hint = f"the answer of {len(body):,} bytes is cut, or is no XML: {error!s:.100}"
            raise SourceFault(hint) from None
    if local(root) != "OAI-PMH":
        raise SourceFault(f"the answer is <{local(root):.40}>, not <OAI-PMH>")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _day_of(root: Element) -> str:
    """The day of an answer by the clock of its server. Error: SourceFault."""
    day = text_of(root, "responseDate").strip()[:10]
    if told_date(day) != day or len(day) != 10:
        raise SourceFault(f"the answer has no responseDate, but {day!r}")
    return day


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
