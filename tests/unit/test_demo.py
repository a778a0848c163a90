"""The demo stream: the facts about its author as the seed has them, and a simulated literature that cites
him, found again anywhere.
"""

import asyncio
import itertools
import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from services.producer.simulation import demo
from services.producer.simulation.demo import (
    AUTHOR,
    AUTHOR_ID,
    BACKLOG,
    CALM_RATE,
    EDITION,
    FACTS,
    LIVELY,
    LIVELY_RATE,
    MOST_PAPERS,
    facts,
    rate,
)
from services.producer.sources import open_source
from services.producer.sources.demo import DemoSource
from tests.data import SHARED
from tests.oracle import oracle, valid

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def papers():
    return [event for event in facts() if event["event"] == "paper.published"]


@pytest.fixture(scope="module")
def start():
    """The first events, as the page sees them in its first seconds."""
    return [raw for _, raw in itertools.islice(demo.demo(), FACTS + BACKLOG)]


def test_thirteen_papers_all_his(papers):
    assert len(papers) == len({paper["paper_id"] for paper in papers}) == 13
    for paper in papers:
        assert [author for author in paper["authors"] if author.get("author_id") == AUTHOR_ID] == [
            author for author in paper["authors"] if author["name"] == AUTHOR
        ]
        assert sum(author["name"] == AUTHOR for author in paper["authors"]) == 1


def test_facts_only(papers):
    assert all(valid(event) for event in facts())
    assert not any(event.get("abstract") or event.get("references") for event in papers)


def test_who_is_not_listed_comes_after_those_who_are(papers):
    by_id = {paper["paper_id"]: paper for paper in papers}
    gemini = by_id["arxiv:2312.11805"]
    assert [author["name"] for author in gemini["authors"]] == [
        "Gemini Team",
        "Rohan Anil",
        "Sebastian Borgeaud",
        AUTHOR,
    ]
    assert gemini["authors_truncated"] is True
    atari = by_id["arxiv:1605.01335"]
    assert [author["name"] for author in atari["authors"]] == [AUTHOR, "Henryk Michalewski"]
    assert atari["authors_truncated"] is False


def test_what_is_reported_of_him():
    [reported] = [event for event in facts() if event["event"] == "author.reported"]
    assert reported["metrics"] == {
        "h_index": 102,
        "papers": 13,
        "citations": 9483,
        "novelty": 0.60,
        "ai_score": 35,
    }
    assert (reported["source"], reported["as_of"]) == ("scholar-feed", "2026-11-01")


def test_the_facts_are_those_of_the_seed(papers):
    """Read from the seed in another way: titles, days, fields, authors as listed and institutions are
    equal.
    """
    seeds = sorted((SHARED / "seeds").glob("*.txt"))
    if not seeds:
        pytest.skip(f"the seed is absent (looked in {SHARED / 'seeds'})")
    lines = [line for line in seeds[0].read_text().splitlines() if line]
    told = []
    for at, line in enumerate(lines):
        if found := re.fullmatch(r"([A-Z]{2})([A-Z][a-z]{2}) (\d+), (\d{4})", line):
            field, month, day, year = found.groups()
            names, _, places = lines[at + 2].partition(" · ")
            told.append(
                (
                    datetime.strptime(f"{month} {day} {year}", "%b %d %Y").date().isoformat(),
                    field,
                    lines[at + 1],
                    names.removesuffix(" et al.").split(", "),
                    "et al." in names,
                    places.split(", ") if places else [],
                )
            )
    ours = []
    for paper in papers:
        names = [author["name"] for author in paper["authors"]]
        listed = names if len(names) <= 3 else names[:3]
        places = [place for author in paper["authors"] for place in author.get("affiliations", [])]
        ours.append(
            (
                paper["published"],
                paper["categories"][0].rpartition(".")[2],
                paper["title"],
                listed,
                paper["authors_truncated"],
                places,
            )
        )
    assert len(told) == 13
    assert sorted(ours) == sorted(told)


def test_the_page_has_life_at_once(start):
    profile = oracle(start)[AUTHOR_ID]
    assert profile["name"] == AUTHOR and profile["papers_total"] == 13 and profile["field"] == "LG"
    references = profile["metrics"]["references"]
    assert 3 <= references["h_index"] <= 10 and 40 <= references["citations"] <= 500, references
    assert references["citations_nonself"] == references["citations"]


def test_a_handful_of_citations_a_minute():
    minute = [
        json.loads(raw)
        for _, raw in itertools.islice(demo.demo(), FACTS + BACKLOG, FACTS + BACKLOG + 10 * 60)
    ]
    cites = sum(
        reference.startswith("arxiv:") for event in minute for reference in event.get("references", [])
    )
    assert 5 <= cites / 10 <= 30
    assert rate(FACTS + BACKLOG + 1) == 1.0 and rate(10**9) == 0.2


def test_nothing_simulated_is_attributed_to_him(start):
    for raw in start[FACTS:]:
        event = json.loads(raw)
        assert event["paper_id"].startswith("sim:")
        assert all(author["author_id"].startswith("sim:") for author in event.get("authors", []))


@pytest.mark.parametrize("after", [0, 1, FACTS - 1, FACTS, FACTS + 1, 700])
def test_found_again_at_any_place(after):
    whole = list(itertools.islice(demo.demo(), 720))
    assert (
        list(itertools.islice(demo.demo(after=after), 10)) == [item for item in whole if item[0] > after][:10]
    )


def test_goes_on_into_the_next_edition(monkeypatch):
    monkeypatch.setattr(demo, "EDITION", 600)
    monkeypatch.setattr(demo, "BACKLOG_PAPERS", 300)
    monkeypatch.setattr(demo, "EARLY", 100)
    whole = list(itertools.islice(demo.demo(), 2_000))
    positions = [position for position, _ in whole]
    assert positions == sorted(set(positions))
    ids = [json.loads(raw).get("paper_id") for _, raw in whole]
    assert "sim:demo1.0-599" in ids and "sim:demo1.1-0" in ids and "sim:demo1.3-0" in ids
    dates = [json.loads(raw).get("published") for _, raw in whole[FACTS:]]
    fresh = [
        date
        for date, (_, raw) in zip(dates, whole[FACTS:], strict=True)
        if date and json.loads(raw)["revision"] == 0
    ]
    assert fresh == sorted(fresh)
    for at in (700, 1_000, 1_500):
        assert list(itertools.islice(demo.demo(after=positions[at]), 5)) == whole[at + 1 : at + 6]


def test_far_ahead_is_found_without_making_what_was_before():
    """The 50th edition is a million papers in: making them all would take half a minute."""
    far = demo.demo(after=FACTS + 50 * 2 * EDITION, most=51 * EDITION)
    [(position, raw)] = itertools.islice(far, 1)
    assert position == FACTS + 50 * 2 * EDITION + 1
    assert json.loads(raw)["paper_id"] == "sim:demo1.50-0"


def is_simulated(raw):
    event = json.loads(raw)
    return event["event"] == "paper.published" and event["revision"] == 0 and event["paper_id"][:4] == "sim:"


@pytest.mark.parametrize("most", [1, 599, 600, 601, 1_500])
def test_it_ends_after_its_last_paper(monkeypatch, most):
    monkeypatch.setattr(demo, "EDITION", 600)
    whole = list(demo.demo(most=most))
    papers = {json.loads(raw)["paper_id"] for _, raw in whole[FACTS:] if is_simulated(raw)}
    assert len(papers) == most
    assert whole == list(itertools.islice(demo.demo(most=most + 600), len(whole)))
    for at in (FACTS, len(whole) // 2, len(whole) - 1):
        after = whole[at - 1][0]
        assert list(demo.demo(after=after, most=most)) == whole[at:]
    assert list(demo.demo(after=whole[-1][0], most=most)) == []


def test_it_ends_after_about_a_day():
    seconds = LIVELY / LIVELY_RATE + (MOST_PAPERS - BACKLOG - LIVELY) / CALM_RATE
    assert 23 < seconds / 3600 < 25


async def test_the_source_ends_and_a_restart_adds_nothing(monkeypatch):
    monkeypatch.setattr(demo, "EDITION", 100)
    stop = asyncio.Event()
    source = DemoSource(most=250)
    sent = [item async for batch in source.batches(0, stop) for item in batch]
    assert sum(is_simulated(item.raw) for item in sent[FACTS:]) == 250
    assert [batch async for batch in source.batches(sent[-1].position, stop)] == []


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_the_documents_tell_its_end(page):
    assert f"{MOST_PAPERS:,} simulated papers" in " ".join((ROOT / page).read_text("utf-8").split())


def test_a_source_that_can_be_resumed():
    source = open_source("demo:")
    assert (
        source.endless and source.identity == open_source("demo:1").identity != open_source("demo:2").identity
    )
    assert next(source.items(20)).position == 21
