"""The viewer's store says what the log says: against the oracle, for random literatures, in any cut."""

import tempfile
from pathlib import Path

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.viewer.store.connection import is_current
from services.viewer.store.fill.filler import Filler
from services.viewer.store.fill.following import follow
from services.viewer.store.fill.rules import Rules
from services.viewer.store.place import StorePlace
from services.viewer.store.store import Store
from shared.contracts.topics import AUTHOR_METRICS, AUTHOR_PROFILES, PAPERS
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from tests.foreign_changes import changes_of_others
from tests.literature import encode, event_lists
from tests.oracle import oracle
from tests.stores import fill, publish, told, topics

ADA = {"author_id": "a:ada", "name": "Ada Lovelace"}


def event(paper_id: str, **more) -> dict:
    return {"paper_id": paper_id, "title": f"On {paper_id}", "authors": [ADA], "references": [], **more}


async def all_papers(store: Store, author_id: str, **more) -> list[dict]:
    """Every page of an author's papers."""
    found, cursor = [], None
    while True:
        page = await store.papers_of(author_id, cursor=cursor, limit=2, **more)
        if page is None:
            return []
        found += page["items"]
        if (cursor := page["next_cursor"]) is None:
            return found


def as_snapshot(profile: dict) -> dict:
    """What the store reads of a profile of the oracle."""
    name = profile["name"] or profile["author_id"].removeprefix("name:")
    papers = [(one["paper_id"], one["citations"]) for one in profile["papers"]]
    more = {"redirect": profile["redirect"]} if profile["redirect"] else {}
    return told(
        profile["author_id"],
        name,
        papers,
        field=profile["field"],
        papers_by_year=profile["papers_by_year"],
        **more,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=event_lists,
    rules=st.sampled_from([Rules(), Rules(retracted="count"), Rules(kinds="all"), Rules(kinds="paratext")]),
)
async def test_papers_and_citations_of_every_author_are_those_of_the_oracle(events, rules):
    raw = [encode(one) for one in events]
    profiles = oracle(raw, retracted=rules.retracted, kinds=rules.kinds)
    papers = [one for one in raw if orjson.loads(one).get("event", "paper.published").startswith("paper.")]
    log = await topics()
    half = len(papers) // 2
    with tempfile.TemporaryDirectory() as folder:
        await publish(log, papers[:half])
        (await fill(log, Path(folder), rules)).close()  # and once more, from there
        await publish(log, papers[half:], [as_snapshot(one) for one in profiles.values()])
        store = await fill(log, Path(folder), rules)
        try:
            for author_id, profile in profiles.items():
                if profile["redirect"]:
                    assert (await store.author(author_id))["author_id"] == profile["redirect"]
                    continue
                expected = {one["paper_id"]: one for one in profile["papers"]}
                found = await all_papers(store, author_id)
                assert len(found) == len({one["paper_id"] for one in found}) == profile["papers_total"]
                for one in found:
                    truth = expected[one["paper_id"]]
                    assert one["citations"] == truth["citations"]
                    assert (one["title"], one["published"]) == (truth["title"], truth["published"])
                    assert one["authors_total"] == truth["authors_total"]
                    assert one["venue"] == truth.get("venue") and one["doi"] == truth.get("doi")
                    assert (one["field"] or "").rpartition(".")[2] == (truth["field"] or "")
                    citing = await store.citing(one["paper_id"], limit=100)
                    assert len(citing["items"]) == one["citations"]
                page = await store.coauthors(author_id, limit=100)
                assert len(page["items"]) == profile["metrics"]["references"]["coauthors"] if page else True
        finally:
            store.close()


async def test_sorts_filters_and_pages_agree(tmp_path):
    log = await topics()
    papers = [
        event(f"p{n}", published=str(2000 + n % 4), venue="VU"[n % 2], title=f"{chr(97 + n % 5)} {n}",
              references=[f"p{m}" for m in range(n)], categories=[["cs.LG", "stat.ML"][n % 2]],
              authors=[ADA, {"name": "Bob"}][:: 1 if n % 3 else -1])
        for n in range(11)
    ]  # fmt: skip
    await publish(log, papers, [told("a:ada", "Ada Lovelace", [("p0", 10)])])
    store = await fill(log, tmp_path)
    everything = await all_papers(store, "a:ada")
    assert [one["citations"] for one in everything] == list(range(10, -1, -1))
    dated = await all_papers(store, "a:ada", sort="date")
    assert [one["year"] for one in dated] == sorted((one["year"] for one in dated), reverse=True)
    titled = await all_papers(store, "a:ada", sort="title")
    assert [one["title"] for one in titled] == sorted(one["title"] for one in papers)
    from services.viewer.store.papers import Filters

    some = await all_papers(
        store, "a:ada", filters=Filters(year_from=2001, year_to=2002, field="stat.ML", venue="U")
    )
    expected = {one["paper_id"] for n, one in enumerate(papers) if n % 4 in (1, 2) and n % 2}
    assert {one["paper_id"] for one in some} == expected
    first = await all_papers(store, "a:ada", filters=Filters(position="first"))
    last = await all_papers(store, "a:ada", filters=Filters(position="last"))
    facets = await store.facets("a:ada")
    assert (len(first), len(last), 11) == (facets["first"], facets["last"], facets["total"])
    assert facets["years"][0] == {"value": "2003", "papers": 2}
    assert (await store.field("cs.LG"))["papers_by_year"] == {"2000": 3, "2002": 3}
    assert sum(one["papers"] for one in (await store.fields())["items"]) == 11
    top = await store.field_papers("cs.LG", limit=3)
    assert [one["paper_id"] for one in top["items"]] == ["p0", "p2", "p4"]
    after = await store.field_papers("cs.LG", limit=3, cursor=top["next_cursor"])
    assert [one["paper_id"] for one in after["items"]] == ["p6", "p8", "p10"] and after["next_cursor"] is None
    newest = await store.newest(limit=2)
    assert [one["paper_id"] for one in newest["items"]] == ["p10", "p9"]
    store.close()


async def test_a_paper_is_revised_withdrawn_and_published_again(tmp_path):
    log = await topics()
    await publish(log, [event("p", abstract="about zebras", references=["q"]), event("q", title="Cited")])
    store = await fill(log, tmp_path)
    assert (await store.paper("q"))["citations"] == 1 and (await store.search("zebras"))["papers"]
    await publish(log, [event("p", title="Anew", revision=1, references=["x"])])
    (await fill(log, tmp_path)).close()
    paper = await store.paper("p")
    assert (paper["title"], paper["abstract"], paper["revision"], paper["revisions"]) == ("Anew", None, 1, 2)
    assert (await store.paper("q"))["citations"] == 0 and not (await store.search("zebras"))["papers"]
    assert (await store.paper("x"))["state"] == "unknown" and (
        paper["references_total"],
        paper["references_known"],
    ) == (1, 0)
    await publish(log, [{"event": "paper.withdrawn", "paper_id": "p", "revision": 1, "reason": "an error"}])
    (await fill(log, tmp_path)).close()
    paper = await store.paper("p")
    assert (paper["state"], paper["reason"]) == ("withdrawn", "an error")
    assert not (await store.search("anew"))["papers"] and (await store.counts())["papers"] == 1
    await publish(
        log, [event("p", title="Back", revision=1, references=["q"]), event("p", title="old", revision=0)]
    )
    (await fill(log, tmp_path)).close()
    assert (await store.paper("p"))["title"] == "Back" and (await store.paper("q"))["citations"] == 1
    assert [one["paper_id"] for one in (await store.references("p"))["items"]] == ["q"]
    store.close()


def withdrawn(kind: str, revision: int = 0, **more) -> dict:
    return {"event": "paper.withdrawn", "paper_id": "p", "kind": kind, "revision": revision, **more}


async def test_a_retracted_paper_leaves_the_lists_and_comes_back_as_it_was(tmp_path):
    log = await topics()
    await publish(log, [event("p", abstract="zebras", references=["q"], categories=["cs.LG"]), event("q")])
    await publish(log, [withdrawn("retracted", 7, reason="made up"), event("p", title="Late", revision=9)])
    await publish(log, [event("p", abstract="zebras", references=["q"], categories=["cs.LG"], revision=9)])
    store = await fill(log, tmp_path)
    page = await store.paper("p")
    assert (page["state"], page["retracted"], page["reason"]) == ("retracted", True, "made up")
    assert page["title"] == "On p" and page["abstract"] == "zebras" and page["authors"]
    assert (await store.paper("q"))["citations"] == 0 and not (await store.search("zebras"))["papers"]
    assert [one["paper_id"] for one in (await store.newest())["items"]] == ["q"]
    assert (await store.citing("q"))["items"] == [] and not (await store.field_papers("cs.LG"))["items"]
    await publish(log, [withdrawn("reinstated", 6)])  # an old word
    (await fill(log, tmp_path)).close()
    assert (await store.paper("p"))["state"] == "retracted"
    await publish(log, [withdrawn("reinstated", 7)])
    (await fill(log, tmp_path)).close()
    page = await store.paper("p")
    assert (page["state"], page["retracted"], page["reason"]) == ("published", False, None)
    assert (await store.paper("q"))["citations"] == 1 and (await store.counts())["citations"] == 1
    assert [one["paper_id"] for one in (await store.search("zebras"))["papers"]] == ["p"]
    assert [one["paper_id"] for one in (await store.field_papers("cs.LG"))["items"]] == ["p"]
    store.close()


async def test_a_retracted_paper_that_counts_is_marked(tmp_path):
    log = await topics()
    await publish(log, [event("p", references=["q"]), event("q"), withdrawn("retracted", reason="made up")])
    store = await fill(log, tmp_path, Rules(retracted="count"))
    (card,) = (await store.citing("q"))["items"]
    assert (card["paper_id"], card["state"], card["retracted"]) == ("p", "published", True)
    assert (await store.paper("p"))["reason"] == "made up" and not (await store.paper("q"))["retracted"]
    store.close()


async def test_a_record_of_a_kind_that_does_not_count_is_not_listed(tmp_path):
    log = await topics()
    await publish(log, [event("p", references=["q"]), event("q")])
    store = await fill(log, tmp_path)
    await publish(log, [event("p", revision=1, kind="Paratext", title="Front matter", references=["q"])])
    (await fill(log, tmp_path)).close()
    page = await store.paper("p")
    assert (page["state"], page["title"], page["authors"]) == ("left_out", "Front matter", [])
    assert (await store.paper("q"))["citations"] == 0 and (await store.counts())["papers"] == 1
    assert not (await store.search("front matter"))["papers"]
    await publish(log, [event("p", revision=2, kind="article", references=["q"])])
    (await fill(log, tmp_path)).close()
    assert (await store.paper("q"))["citations"] == 1
    store.close()


def cites(source: str, references: list[str], revision: int = 0) -> dict:
    told = {"event": "paper.cites", "paper_id": "p", "source": source, "revision": revision}
    return told | {"references": references}


async def test_a_paper_cites_what_its_record_or_any_source_says(tmp_path):
    log = await topics()
    rules = Rules(max_citing_sources=2)

    async def after(*events: dict) -> list[str]:
        await publish(log, events)
        store = await fill(log, tmp_path, rules)
        page = await store.references("p")
        found = sorted(one["paper_id"] for one in page["items"]) if page else []
        for paper_id in "abc":
            paper = await store.paper(paper_id)
            assert paper is None or paper["citations"] == (paper_id in found)
        store.close()
        return found

    assert await after(cites("x", ["a"])) == []  # the record may come later
    assert await after(event("p", references=["b", "p"])) == ["a", "b"]
    assert await after(cites("y", ["b", "c"], 5), cites("y", [], 4)) == ["a", "b", "c"]
    assert await after(event("p", revision=1)) == ["a", "b", "c"]
    assert await after(cites("x", []), cites("z", ["d"])) == ["b", "c"]  # no room for a third source
    assert await after(cites("y", [], 5)) == []
    assert await after(event("p", revision=2, references=["a"]), cites("x", ["a", "b"])) == ["a", "b"]
    assert await after(cites("x", [])) == ["a"]
    assert await after(withdrawn("removed", 2), cites("x", ["c"])) == []
    assert await after(event("p", revision=3)) == ["c"]
    assert await after(cites("x", ["a"], 9) | {"as_of": "9999-12-31"}) == ["c"]  # dated ahead: refused


async def test_an_erased_author_is_gone_and_may_come_back(tmp_path):
    log = await topics()
    ada = told(
        "a:ada", "Ada Lovelace", [("p", 0)], version=9, orcid="0000-0002-1825-0097", aliases=["Ada Byron"]
    )
    await publish(log, [event("p")], [ada])
    store = await fill(log, tmp_path)
    for query in ("lovelace", "byron", "0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097"):
        assert [one["author_id"] for one in (await store.search(query))["authors"]] == ["a:ada"], query
    await publish(log, profiles=["a:ada"])
    (await fill(log, tmp_path)).close()
    assert await store.author("a:ada") is None and (await store.counts())["authors"] == 0
    assert not (await store.search("byron"))["authors"] and not (await store.search("byorn"))["authors"]
    assert (await store.papers_of("a:ada"))["items"][0]["authors"][0]["name"] == "Ada Lovelace"
    await publish(log, profiles=[told("a:ada", "Ada King", [("p", 0)], version=2)])
    (await fill(log, tmp_path)).close()
    assert (await store.author("a:ada"))["name"] == "Ada King"
    store.close()


async def test_records_that_are_no_events_and_no_snapshots_change_nothing(tmp_path):
    log = await topics()
    good, bad = told("a:ada", "Ada Lovelace", [("p", 0)]), told("a:bob", "Bob", [("p", 0)])
    odd = [b"", b"[]", b"{", b'{"paper_id": 5}', orjson.dumps(event("other")), b"\xff"]
    await log.append({Partition(PAPERS.name, 0): [Message(b"p", one) for one in odd] + [Message(None, b"x")]})
    strange = [
        bad | {"version": 5, "headline": {"h_index": 2**70}}, bad | {"version": 6, "name": None},
        bad | {"version": 7, "papers": None}, bad | {"version": 8, "papers_by_year": []},
        *(bad | {"version": 9, name: value}
          for name in ("name", "field", "orcid", "homepage", "redirect", "affiliations", "papers_by_year")
          for value in (7, 2.5, True, ["x"], {"x": 1}, {"9" * 30: 1})
          if not (name == "affiliations" and value == ["x"])),
    ]  # fmt: skip
    values = [
        b"[]",
        b"{",
        *(str(one).replace("'", '"').encode() for one in strange),
        *map(orjson.dumps, strange[1:]),
    ]
    await log.append({Partition(AUTHOR_PROFILES.name, 0): [Message(b"a:bob", one) for one in values]})
    await publish(log, [event("p")], [good])
    store = await fill(log, tmp_path)
    assert (await store.author("a:ada"))["version"] == "1-1" and (await store.counts()) == {
        "papers": 1,
        "authors": 1,
    }
    store.close()


async def test_fields_with_the_same_end_are_told_apart(tmp_path):
    log = await topics()
    papers = [event(f"s{n}", categories=["stat.AP"]) for n in range(2)]
    papers += [event(f"m{n}", categories=["math.AP"], authors=[{"name": "Bob"}]) for n in range(3)]
    profiles = [
        told("a:ada", "Ada", [("s0", 0)], field="AP"),
        told("name:bob", "Bob", [("m0", 0)], field="AP"),
    ]
    await publish(log, papers, profiles)
    store = await fill(log, tmp_path)
    assert (await store.author("a:ada"))["field"] == "stat.AP" and (await store.author("name:bob"))[
        "field"
    ] == "math.AP"
    page = await store.field_authors("stat.AP")
    assert [one["author_id"] for one in page["items"]] == ["a:ada"] and (await store.field("math.AP"))[
        "authors"
    ] == 1
    store.close()


async def test_changes_in_short_and_who_moved(tmp_path):
    log = await topics()

    def change(author_id, version, before, after):
        changed = [name for name in after if before.get(name) != after[name]]
        return {
            "author_id": author_id, "generation": 1, "version": version, "as_of": None, "before": before,
            "after": after,
            "changed": changed, "causes": [{"kind": "cited", "paper_id": "p", "by": f"q{version}"}] * 7,
            "causes_total": 7,
        }  # fmt: skip

    records = [
        change("a:ada", 1, {}, {"h_index": 1, "citations": 1}),
        change("a:bob", 2, {"h_index": 4, "citations": 40}, {"h_index": 4, "citations": 90}),
        change("a:ada", 3, {"h_index": 1, "citations": 1}, {"h_index": 2, "citations": 4}),
        change("a:ada", 4, {"h_index": 2, "citations": 4}, {"h_index": 3, "citations": 9}),
    ]
    await publish(log, [event("p")], [told("a:ada", "Ada", [("p", 9)])], records[:3])
    for one in changes_of_others(records[3]):
        await log.append({Partition(AUTHOR_METRICS.name, 0): [Message(b"a:ada", orjson.dumps(one))]})
    await publish(log, changes=records[3:])
    store = await fill(log, tmp_path)
    page = await store.changes(limit=3)
    assert [one["version"] for one in page["items"]] == ["1-4", "1-3", "1-2"]
    assert page["items"][0]["changed"] == {"h_index": [2, 3], "citations": [4, 9]}
    assert len(page["items"][0]["causes"]) == 5 and page["items"][0]["causes_total"] == 7
    assert len((await store.changes("a:ada", cursor=page["next_cursor"]))["items"]) == 1
    assert (await store.changes("a:nobody")) is None
    bob = await store.moved_today()
    assert [one["author_id"] for one in bob] == ["a:bob"]  # a new author did not move
    store.close()


async def test_a_store_of_another_log_is_made_anew(tmp_path):
    import asyncio

    stop = asyncio.Event()
    for paper_id in ("one", "two"):
        log = await topics(MemoryLog())
        await publish(log, [event(paper_id)])
        stop.clear()
        following = asyncio.create_task(follow(log, StorePlace(tmp_path), 1 << 20, stop))
        store = Store(StorePlace(tmp_path))
        async with asyncio.timeout(60):
            while True:
                try:
                    if await store.paper(paper_id):
                        break
                except Exception:  # there is none yet
                    pass
                await asyncio.sleep(0.01)
        stop.set()
        await following
        store.close()
    store = Store(StorePlace(tmp_path))
    assert await store.paper("one") is None
    store.close()


async def test_a_store_of_other_settings_is_made_anew(tmp_path):
    import asyncio

    log, place = await topics(), StorePlace(tmp_path)
    await publish(log, [event("p"), withdrawn("retracted")])
    states = []

    def is_made_under(rules: Rules) -> bool:
        return (tmp_path / "current").exists() and is_current(tmp_path / place.current(), rules.text)

    for rules in (Rules(), Rules(), Rules(retracted="count")):
        stop = asyncio.Event()
        following = asyncio.create_task(follow(log, place, 1 << 20, stop, rules=rules))
        async with asyncio.timeout(60):
            while not is_made_under(rules):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        stop.set()
        await following
        store = Store(StorePlace(tmp_path))
        states.append(((await store.paper("p"))["state"], place.current()))
        store.close()
    first, again, other = states
    assert first == again and first[0] == "retracted"
    assert other[0] == "published" and other[1] != first[1]


async def test_a_rebuild_goes_on_beside_readers(tmp_path):
    import asyncio

    log, stop, place = await topics(), asyncio.Event(), StorePlace(tmp_path)
    await publish(log, [event("p")])
    following = asyncio.create_task(follow(log, place, 1 << 20, stop))
    store = Store(StorePlace(tmp_path))
    async with asyncio.timeout(60):
        while not (tmp_path / "current").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        first = place.current()
        assert await store.paper("p")
        place.want_rebuild()
        while StorePlace(tmp_path).current() == first:
            assert await store.paper("p")
        assert await store.paper("p")
    stop.set()
    await following
    store.close()
    assert [path.name for path in tmp_path.glob("*.sqlite")] == [StorePlace(tmp_path).current()]


async def test_a_killed_filler_goes_on_without_doubling(tmp_path):
    log = await topics()
    await publish(log, [event(f"p{n}", references=["p0"]) for n in range(5)])
    filler = Filler(log, tmp_path / "viewer-1.sqlite")
    assert await filler.start()
    real, calls = filler._counts.write, []

    def fail():
        calls.append(1)
        real()
        raise RuntimeError("killed")

    filler._counts.write = fail
    try:
        await filler.step()
    except RuntimeError:
        filler.close()
    assert calls
    store = await fill(log, tmp_path)
    assert (await store.paper("p0"))["citations"] == 4 and (await store.counts())["papers"] == 5
    store.close()
