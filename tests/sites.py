"""A viewer over a small log with everything that its pages show. All people and papers are invented."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.viewer.api import Viewer, application
from services.viewer.profile_index import ProfileIndex
from services.viewer.store.lag import StoreLag
from services.viewer.store.place import CURRENT, StorePlace
from services.viewer.store.store import Store
from shared.log.port import Log
from tests.snapshots import paper
from tests.stores import fill, publish, told, topics

ADA, BOB, EMMY = "a:ada", "x/papers, y", "name:emmy noether"
MARKUP = "\"'><script>alert(1)</script>"
RETRACTED, WITHDRAWN, CITED_ONLY, LARGE = (
    "arxiv:2101.00001",
    "p:withdrawn",
    "doi:10.1000/cited-only",
    "p:large",
)
FIRST, SIMULATED = "p/0", "sim:1-0"
DOI = "10.1234/ABC.5"
LONG = (
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2
)  # no break in it
_PEOPLE = (
    {"author_id": ADA, "name": "Ada Lovelace", "affiliations": ["Analytical Society"]},
    {"author_id": BOB, "name": "Bob Ó Briain"},
    {"author_id": "a:wang-1", "name": "Jun Wang", "affiliations": ["Fudan University"]},
    {"author_id": "a:wang-2", "name": "Jun Wang", "affiliations": ["University of Oslo"]},
    {"name": "Emmy Noether"},
)
_FIELDS = ("cs.LG", "math.AP", "stat.AP")


def events() -> list[dict]:
    """papers.v1. The paper p/N cites all before it, so p/0 is cited most."""
    return [
        *(_engines(n) for n in range(30)),
        {
            "paper_id": LARGE, "title": f"A paper of many {LONG}", "published": "2020-03-04", "venue": LONG,
            "categories": ["physics.ins-det", LONG[:100]], "references": ["p/0"], "authors_truncated": True,
            "authors": [
                *({"name": f"Person {n:02d}"} for n in range(44)), {"name": LONG, "affiliations": [LONG]},
            ],
        },
        {
            "paper_id": RETRACTED, "title": "A cure for all", "published": "2021-01-01",
            "categories": ["cs.LG"], "authors": [_PEOPLE[1]], "references": ["p/1"],
            "url": "https://arxiv.org/abs/2101.00001",
        },
        {
            "event": "paper.withdrawn", "paper_id": RETRACTED, "revision": 1, "kind": "retracted",
            "reason": "The data were made up.",
        },
        {
            "paper_id": WITHDRAWN, "title": "Too early", "published": "2021-01-01", "authors": [_PEOPLE[0]],
            "references": [],
        },
        {
            "event": "paper.withdrawn", "paper_id": WITHDRAWN, "revision": 1,
            "reason": "The author asked for it.",
        },
        {
            "paper_id": MARKUP, "title": MARKUP, "abstract": MARKUP, "venue": MARKUP, "doi": MARKUP,
            "url": "javascript:alert(1)", "published": "2022", "categories": [MARKUP],
            "authors": [{"author_id": MARKUP, "name": MARKUP, "affiliations": [MARKUP]}],
            "references": [MARKUP + "2", "p/0"],
        },
        {
            "paper_id": SIMULATED, "title": "\u202eelpmis", "published": "2023-05-06",
            "categories": ["cs.LG"], "references": ["p/0"],
            "authors": [{"author_id": "sim:a1-0", "name": "مريم \u202eميرزاخاني"}],
        },
    ]  # fmt: skip


def _engines(n: int) -> dict:
    return {
        "paper_id": f"p/{n}",
        "title": f"On analytical engines, part {n}",
        "published": f"{1990 + n}-0{1 + n % 9}",
        "categories": [_FIELDS[0 if n < 24 else n % 3], "cs.AI"],
        "venue": "Notes of the Society",
        "authors": [_PEOPLE[n % 5], _PEOPLE[(n + 1) % 5]][: 1 + n % 2],
        "references": [f"p/{m}" for m in range(n)] + [CITED_ONLY] * (n == 3),
        "abstract": "An engine that weaves algebraic patterns. " * 12,
        "doi": DOI if n == 5 else None,
    }


def profiles() -> list[dict]:
    """author-profiles.v1."""
    standing = {
        "novelty": {
            "reasons": ["short_text"], "new_pairs": 1200, "pairs": 3000,
            "cohort": "novelty/1990/en/full/cs.LG", "cohort_size": 2214, "table": 1,
        },
        "citations": None,
    }  # fmt: skip
    coverage = {"references": 0.9, "novelty": 0.5}
    ada = told(
        ADA, "Ada Lovelace", [("p/0", 32)], h_index=9, field="LG",
        papers_by_year={"1990": 1, "2019": 2},
        affiliations=[{"name": "Analytical Society", "papers": 6}], orcid="0000-0002-1825-0097",
        aliases=["Augusta Ada King"], provenance={"definitions": "2026.3", "coverage": coverage},
    )  # fmt: skip
    ada["papers"] = [paper("p/0", 32, title="On analytical engines, part 0", novelty=0.83, standing=standing)]
    counted = {"papers": 1, "papers_counted": 1, "citations": 44, "h_index": 1}
    bob = told(BOB, "Bob Ó Briain", [("p/1", 5)], field="AP", papers_by_year={"2005": 1})
    bob["metrics"] = {**bob["metrics"], "counted:openalex": counted}
    return [
        ada,
        bob,
        _wang(1, "Fudan University", {"1992": 1, "2018": 1}, "AP"),
        _wang(2, "University of Oslo", {"2003": 2}, "LG"),
        told(EMMY, "Emmy Noether", [("p/4", 2)], field="LG"),
        told("a:old", "Old Name", redirect=ADA),
        told(MARKUP, MARKUP, [(MARKUP, 0)], field=MARKUP, affiliations=[{"name": MARKUP, "papers": 1}]),
        told("sim:a1-0", "مريم \u202eميرزاخاني", [(SIMULATED, 0)], field="LG"),
    ]  # fmt: skip


def _wang(number: int, place: str, years: dict[str, int], field: str) -> dict:
    """One of two namesakes."""
    return told(
        f"a:wang-{number}",
        "Jun Wang",
        [(f"p/{number}", 3)],
        field=field,
        affiliations=[{"name": place, "papers": 3}],
        papers_by_year=years,
    )


def changes() -> list[dict]:
    """author-metrics.v1."""
    return [
        {
            "author_id": ADA, "generation": 1, "version": 1, "as_of": None,
            "before": {"h_index": 8, "citations": 31}, "after": {"h_index": 9, "citations": 32},
            "changed": ["h_index", "citations"],
            "causes": [{"kind": "cited", "paper_id": "p/0", "by": "p/29"}], "causes_total": 1,
        },
        {
            "author_id": MARKUP, "generation": 1, "version": 1, "as_of": None, "before": {"citations": 0},
            "after": {"citations": 1}, "changed": ["citations"], "causes": [], "causes_total": 0,
        },
    ]  # fmt: skip


class Service:
    """What a viewer needs of its store. It is filled once."""

    def __init__(self, log: Log, store: Store):
        self.store, self.lag, self.fraction = store, StoreLag(log, store), None


async def small_log() -> Log:
    """The log."""
    log = await topics()
    await publish(log, events(), profiles(), changes())
    return log


async def store_of(log: Log, folder: Path) -> Store:
    """The store of the small log, which the caller closes.

    A store that is in the folder is taken as it is: that of another log with the same records.
    """
    return Store(StorePlace(folder)) if (folder / CURRENT).exists() else await fill(log, folder)


async def viewer_over(log: Log, folder: Path, *, with_store: bool = True) -> tuple[Viewer, Store]:
    """A viewer of the log, and its store, which the caller closes."""
    store = await store_of(log, folder)
    index = ProfileIndex(log)
    await index.catch_up()
    service = Service(log, store) if with_store else None
    return Viewer(index, asyncio.Event(), None, service), store


@asynccontextmanager
async def site(folder: Path, *, with_store: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a viewer over the small log. `store` and `service` are attributes of it."""
    log = await small_log()
    viewer, store = await viewer_over(log, folder, with_store=with_store)
    transport = httpx.ASGITransport(application(viewer), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://viewer") as client:
        client.store, client.service = store, viewer.context.service
        yield client
    store.close()
