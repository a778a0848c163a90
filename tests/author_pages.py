"""A literature for the author's page: a log in memory with papers, snapshots and changes, and its store."""

from pathlib import Path

from services.viewer.store.store import Store
from shared.log.port import Log
from tests.snapshots import paper, snapshot
from tests.stores import fill, publish, topics

ADA = "a:ada"
PAPERS = 120
RETRACTED = "p:7"  # so it does not count, unless the setting `retracted` is `count`
COUNTED = [number for number in range(PAPERS) if f"p:{number}" != RETRACTED]
BYLINES = (
    ["Ada Lovelace"],
    ["Emmy Noether", "Ada Lovelace"],
    ["Emmy Noether", "Grace Hopper", "Mary Somerville", "Sofia K", "A. Lovelace", "Hedy L", "Lise M"],
)
IDS = {
    "Ada Lovelace": ADA, "A. Lovelace": ADA, "Emmy Noether": "a:emmy", "Grace Hopper": "a:grace",
    "Mary Somerville": "name:mary somerville", "Sofia K": "a:sofia", "Hedy L": "a:hedy", "Lise M": "a:lise",
}  # fmt: skip
CATEGORIES = (["cs.LG"], ["stat.AP"], ["math.AP"])
VENUES = ("Notes", "Journal of <b>Engines</b>", None)


def event(number: int) -> dict:
    """A paper of Ada's: p:N, cited by N papers."""
    return {
        "paper_id": f"p:{number}",
        "title": f"On engine {number:03}",
        "published": f"{1990 + number % 30}-02-03",
        "categories": CATEGORIES[number % 3],
        "venue": VENUES[number % 3],
        "abstract": f"We study engine {number}. " * (80 if number == 119 else 5),
        "authors": [{"author_id": IDS[name], "name": name} for name in BYLINES[number % 3]],
        "url": f"https://example.org/{number}",
        "doi": f"10.1000/{number}",
    }


def citing(count: int) -> list[dict]:
    """Papers of somebody else, of which the first N cite p:N."""
    return [
        {
            "paper_id": f"c:{at}",
            "title": f"After {at}",
            "published": "2021",
            "authors": [{"author_id": "a:emmy", "name": "Emmy Noether"}],
            "references": [f"p:{number}" for number in range(PAPERS) if at < number],
        }
        for at in range(count)
    ]


def ada(version: int = 1, **changes) -> dict:
    """Ada's snapshot, with her 100 most cited papers."""
    papers = [
        paper(
            f"p:{number}",
            number,
            title=f"On engine {number:03}",
            published=event(number)["published"],
            field=CATEGORIES[number % 3][0].rpartition(".")[2],
            authors=BYLINES[number % 3][:3],
            authors_total=len(BYLINES[number % 3]),
        )
        for number in reversed(COUNTED)
    ]
    numbers = snapshot(ADA)["metrics"]["references"] | {"h_index": 60, "g_index": 84, "papers": len(COUNTED)}
    citations = sum(COUNTED)
    return snapshot(
        ADA,
        version,
        name="Ada Lovelace",
        aliases=["Augusta Ada King"],
        orcid="0000-0001-2345-6789",
        homepage="https://example.org/ada",
        headline={
            "h_index": 60, "papers": len(COUNTED), "citations": citations, "novelty": None, "ai_score": None,
            "basis": "references",
        },
        metrics={"references": numbers | {"citations": citations}},
        papers=papers[:100],
        papers_total=len(COUNTED),
        **changes,
    )  # fmt: skip


def change(version: int, before: int, after: int) -> dict:
    """A change record of Ada's h-index."""
    return {
        "author_id": ADA, "generation": 1, "version": version, "as_of": None,
        "before": {"h_index": before}, "after": {"h_index": after}, "changed": ["h_index"],
        "causes": [{"kind": "cited", "paper_id": "p:60", "by": "c:1"}], "causes_total": 1,
    }  # fmt: skip


async def literature(folder: Path) -> tuple[Log, Store]:
    """The log and the store that was made from it. The caller closes the store."""
    log = await topics()
    events = [*map(event, range(PAPERS)), *citing(PAPERS)]
    events.append(
        {
            "event": "paper.withdrawn", "paper_id": RETRACTED, "revision": 1, "kind": "retracted",
            "reason": "wrong",
        }
    )  # fmt: skip
    await publish(log, events, [ada()], [change(1, 58, 59), change(2, 59, 60)])
    return log, await fill(log, folder)
