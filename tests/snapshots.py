"""Hand-made snapshots of author-profiles.v1, as the publisher writes them, and a log to put them in."""

from collections.abc import Mapping

import orjson

from services.producer.simulation import demo
from shared.contracts.topics import AUTHOR_PROFILES
from shared.log.port import Log, Message, Partition

SYGNOWSKI = demo.AUTHOR_ID
CITATIONS = (
    61,
    112,
    9,
    204,
    41,
    14,
    6,
    11,
    88,
    23,
    72,
    130,
    41,
)  # of the 13 papers, oldest first: 812 in all


_FURTHER = {
    "citations_self": 0, "e_index": 1.414214, "hm_index": 1.0, "m_index": 0.25, "h5_index": 0,
    "citations_recent": 0, "h_index_recent": 0,
    "mean_citedness_2y": None, "tori": 0.4, "riq": 316, "papers_normalized": 1.0, "citations_normalized": 2.5,
    "papers_first": 2,
    "papers_last": 0, "papers_single": 0, "coauthors": 1, "novelty": None, "ai_score": None,
}  # fmt: skip


def snapshot(
    author_id: str, version: int = 1, *, name: str | None = None, generation: int = 1, **changes
) -> dict:
    """A snapshot of an author with two papers; `changes` replace whole fields."""
    citations = changes.pop("citations", 5)
    numbers = {
        "papers": 2,
        "citations": citations,
        "h_index": 2,
        "g_index": 2,
        "g_index_uncapped": 2,
        "i10_index": 0,
        "i100_index": 0,
        "citations_nonself": citations,
        "h_index_nonself": 2,
    } | _FURTHER
    stated = {
        "author_id": author_id,
        "name": name or author_id.rpartition(":")[2].title(),
        "generation": generation,
        "version": version,
        "as_of": "2026-11-23",
        "field": "LG",
        "affiliations": [{"name": "mila", "papers": 1}],
        "headline": {
            "h_index": 2,
            "papers": 2,
            "citations": citations,
            "novelty": None,
            "ai_score": None,
            "basis": "references",
        },
        "metrics": {"references": numbers},
        "reported": [],
        "citations_by_year": {"2020": citations},
        "papers_by_year": {"2019": 1, "2020": 1},
        "papers_total": 2,
        "papers": [paper("p:1", citations - 2), paper("p:2", 2)],
        "flags": [],
        "provenance": {"definitions": "2026.2", "coverage": {"references": None, "novelty": None}},
    }
    return stated | changes


def paper(paper_id: str, citations: int, **changes) -> dict:
    entry = {
        "paper_id": paper_id,
        "title": f"On {paper_id}",
        "published": "2020-02-03",
        "field": "LG",
        "authors": ["Ada Lovelace", "Emmy Noether"],
        "authors_total": 2,
        "affiliations": ["mila"],
        "citations": citations,
        "novelty": None,
    }
    return entry | changes


def sygnowski(version: int = 48213, more: int = 0) -> dict:
    """The seed's author with his 13 papers and what is reported of him. more: citations to the paper on
    Theano, beyond the first ones.
    """
    counts = [n + more * (p.arxiv == "1605.02688") for n, p in zip(CITATIONS, demo.PAPERS, strict=True)]
    by_paper = sorted(
        zip(counts, demo.PAPERS, strict=True),
        key=lambda x: (-x[0], [-ord(c) for c in x[1].published], x[1].arxiv),
    )
    papers = [
        paper(
            demo.paper_id(p),
            n,
            title=p.title,
            published=p.published,
            field=p.category.rpartition(".")[2],
            authors=list(p.authors),
            authors_total=len(p.authors) + p.truncated,
            affiliations=list(p.institutions),
            url=f"https://arxiv.org/abs/{p.arxiv}",
        )
        for n, p in by_paper
    ]
    ordered = sorted(counts, reverse=True)
    h_index = sum(n >= place for place, n in enumerate(ordered, 1))
    numbers = {
        "papers": 13,
        "citations": sum(counts),
        "h_index": h_index,
        "g_index": 13,
        "g_index_uncapped": 28,
        "i10_index": sum(n >= 10 for n in counts),
        "i100_index": sum(n >= 100 for n in counts),
        "citations_nonself": sum(counts),
        "h_index_nonself": h_index,
    } | _FURTHER
    reported = {
        "source": "scholar-feed",
        "as_of": "2026-11-01",
        **demo.REPORTED["metrics"],
        "violations": ["h_index_exceeds_papers", "h_index_squared_exceeds_citations"],
    }
    years = (3, 8, 19, 35, 52, 74, 91, 118, 137, 150, 125)
    return snapshot(
        SYGNOWSKI,
        version,
        name=demo.AUTHOR,
        affiliations=[
            {"name": "deepmind", "papers": 2},
            {"name": "mila", "papers": 1},
            {"name": "oxford", "papers": 1},
        ],
        headline={
            "h_index": h_index,
            "papers": 13,
            "citations": sum(counts),
            "novelty": None,
            "ai_score": None,
            "basis": "references",
        },
        metrics={"references": numbers},
        reported=[reported],
        citations_by_year={str(2016 + i): n for i, n in enumerate(years)} | {"2026": 125 + more},
        papers_by_year={
            "2016": 2,
            "2018": 2,
            "2019": 1,
            "2020": 2,
            "2021": 2,
            "2022": 1,
            "2023": 2,
            "2024": 1,
        },
        papers_total=13,
        papers=papers,
        flags=["authors_truncated"],
    )


async def publish(log: Log, *snapshots: Mapping) -> None:
    """Appends snapshots as the publisher does: key = author id, an author always in the same partition."""
    count = (await log.topics())[AUTHOR_PROFILES.name].partitions
    batches: dict[Partition, list[Message]] = {}
    for stated in snapshots:
        key = stated["author_id"].encode()
        batches.setdefault(Partition(AUTHOR_PROFILES.name, sum(key) % count), []).append(
            Message(key, orjson.dumps(stated))
        )
    await log.append(batches)


async def erase(log: Log, author: str) -> None:
    """Appends a tombstone, as another client does that erases an author."""
    count = (await log.topics())[AUTHOR_PROFILES.name].partitions
    key = author.encode()
    await log.append({Partition(AUTHOR_PROFILES.name, sum(key) % count): [Message(key, b"")]})


async def profile_topic(log: Log, partitions: int = 1) -> Log:
    """The log, with author-profiles.v1 in it."""
    await log.create([AUTHOR_PROFILES.spec(partitions, 1)])
    return log
