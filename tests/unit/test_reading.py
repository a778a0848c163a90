"""Reading from the log file: a profile, a search, a subscription, exports."""

import asyncio
import csv
import io
import json
from contextlib import aclosing, asynccontextmanager
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.output import print_comparison, print_profile
from services.queries import profiles as reading
from services.queries.export import COMPUTED, NewestRows, cell, export_metrics, export_profiles
from services.queries.profiles import author_of, find, positions_text, profile, search, subscribe
from shared.contracts.topics import AUTHOR_PROFILES
from shared.errors import LogUnavailable, ScholarstreamError, UnknownTopic, UsageError
from shared.log import open_log
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from tests.snapshots import SYGNOWSKI, profile_topic, publish, snapshot, sygnowski

HEADER = (
    "author_id,name,papers,citations,h_index,g_index,i10_index,citations_nonself,h_index_nonself,g_index_uncapped,i100_index,"
    "citations_self,e_index,hm_index,m_index,h5_index,citations_recent,h_index_recent,mean_citedness_2y,tori,riq,papers_normalized,"
    "citations_normalized,papers_first,papers_last,papers_single,coauthors,novelty,ai_score\n"
)
COUNTED_HEADER = HEADER.replace("\n", ",papers_counted\n")


@asynccontextmanager
async def published(tmp_path, *told: dict, partitions: int = 1):
    """(settings, log): a log file with these snapshots."""
    settings = SimpleNamespace(log_url=f"sqlite:///{tmp_path}/log.sqlite", kafka=None)
    log = open_log(settings.log_url)
    try:
        await profile_topic(log, partitions)
        if told:
            await publish(log, *told)
        yield settings, log
    finally:
        await log.close()


async def exported(settings, basis: str = "references", format: str = "csv") -> str:
    out = io.StringIO()
    await export_metrics(settings, basis, out, format)
    return out.getvalue()


# ---- one profile, a search


async def test_a_profile_is_the_newest_snapshot(tmp_path):
    async with published(
        tmp_path, snapshot("a:1", 3), snapshot(SYGNOWSKI, 9), sygnowski(10), snapshot("a:1", 4), partitions=3
    ) as (
        settings,
        _,
    ):
        assert await profile(settings, SYGNOWSKI) == sygnowski(10)
        assert await profile(settings, "a:1") == snapshot("a:1", 4)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("sygnowski", "did you mean a:sygnowski"),
        ("a:sygnowsky", "did you mean a:sygnowski"),
        ("jakub", "Jakub Sygnowski"),
        ("q", "search NAME"),
    ],
)
async def test_an_unknown_author_is_said_so_with_near_ones(tmp_path, asked, hint):
    async with published(tmp_path, sygnowski()) as (settings, _):
        with pytest.raises(ScholarstreamError, match=hint) as refused:
            await profile(settings, asked)
        assert refused.value.exit_code == 1


def test_a_merged_author_says_who_has_the_papers(capsys):
    print_profile(snapshot("a:old", papers_total=0, papers=[], redirect="a:new"))
    assert (
        capsys.readouterr().out
        == "a:old is merged into a:new, which has all its papers: scholarstream profile a:new\n"
    )


def test_what_is_reported_says_which_of_it_cannot_be_and_which_is_not_all(capsys):
    series = {"papers": 4, "papers_by_year": {"2021": 3, "2019": 2}, "citations": 9, "citations_by_year": {}}
    codes = ["papers_by_year_exceed_papers", "citations_by_year_below_citations", "of_a_later_release"]
    print_profile(
        snapshot("a:1", reported=[{"source": "s", "as_of": "2026-01-01", **series, "violations": codes}])
    )
    told = [
        line
        for line in capsys.readouterr().out.splitlines()
        if "reported by" in line or line.startswith("  ")
    ]
    assert told[:4] == [
        "reported by s as of 2026-01-01: papers 4, papers_by_year 2019:2 2021:3, citations 9, "
        "citations_by_year no year",
        "  impossible: papers_by_year_exceed_papers",
        "  incomplete: citations_by_year_below_citations",
        "  impossible: of_a_later_release",
    ]


def test_what_changed_is_told_as_exactly_as_the_numbers(capsys):
    moved = {
        "m_index": (0.272727, 0.363636),
        "ai_score": (15.333333, 12.361111),
        "citations": (9_041, 10_094),
        "novelty": (None, 0.7),
    }
    end = {"point": "now", "cut": "papers.v1:0=9", "known": True}
    found = {"name": "A", "author_id": "a:1", "before": end, "after": end, "years": {}, "citations": [],
             "metrics": {
        "references": {name: {"before": before, "after": after} for name, (before, after) in moved.items()}
    }, "papers_added": [], "papers_withdrawn": [], "papers_left": [], "papers_revised": []}  # fmt: skip
    print_comparison(found)
    told = [
        line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.startswith("references")
    ]
    assert told == [
        ["m_index", "0.273", "0.364", "+0.0909"],
        ["ai_score", "15.33", "12.36", "-2.97"],
        ["citations", "9,041", "10,094", "+1,053"],
        ["novelty", "-", "0.7"],
    ]


async def test_search_tells_who_was_found(tmp_path):
    async with published(tmp_path, sygnowski(), snapshot("a:1", name="Jakub Other")) as (settings, _):
        found = await search(settings, "JAKUB", 10)
        assert found == [
            {"author_id": SYGNOWSKI, "name": "Jakub Sygnowski", "papers": 13, "h_index": 11},
            {"author_id": "a:1", "name": "Jakub Other", "papers": 2, "h_index": 2},
        ]
        assert await search(settings, "jakub", 1) == found[:1]


async def test_a_search_says_how_many_match_among_how_many_and_up_to_where_it_read(tmp_path, monkeypatch):
    told = [snapshot(f"a:{n}", name=f"Jakub {n}") for n in range(30)] + [
        snapshot("b", name="Other"),
        snapshot("a:1", 2, name="Jakub 1"),
    ]
    async with published(tmp_path, *told) as (settings, _):
        found = await find(settings, "jakub", 10)
        assert (len(found.authors), found.total, found.known, found.at) == (
            10,
            30,
            31,
            "author-profiles.v1:0=32",
        )
        monkeypatch.setattr(reading, "COUNTED_MOST", 20)
        assert (await find(settings, "jakub", 10)).total == 20
        assert len((await find(settings, "jakub", 25)).authors) == 25


async def test_an_export_says_up_to_where_it_read(tmp_path):
    async with published(tmp_path, snapshot("a", 1), snapshot("a", 2)) as (settings, _):
        for export in (export_metrics(settings, "references", io.StringIO(), read=(one := {})),
                       export_profiles(settings, io.StringIO(), read=(two := {}))):  # fmt: skip
            assert await export == 1
        assert one == two == {Partition(AUTHOR_PROFILES.name, 0): 2}
        assert positions_text(one) == "author-profiles.v1:0=2"


async def test_an_id_is_taken_as_a_table_shows_it(tmp_path):
    evil, plain = "a\x9b\n1", "a\\u009b1"
    async with published(tmp_path, snapshot(evil), snapshot(plain), snapshot("x ")) as (settings, log):
        assert (await profile(settings, "a\\u009b\\u000a1"))["author_id"] == evil
        assert (await profile(settings, plain))["author_id"] == plain, "the id itself goes first"
        assert (await profile(settings, "a\\u005cu009b1"))["author_id"] == plain
        assert (await profile(settings, "x\\u0020"))["author_id"] == "x "
        assert await author_of(log, "a\\u009b\\u000a1") == evil
        assert (await search(settings, "a\\u009b\\u000a1"))[0]["author_id"] == evil
        with pytest.raises(ScholarstreamError, match=r"no author 'b\\u009b'"):
            await profile(settings, "b\x9b")


async def test_no_log_and_no_profiles_are_said_so(tmp_path):
    nowhere = SimpleNamespace(log_url=f"sqlite:///{tmp_path}/none.sqlite", kafka=None)
    with pytest.raises(LogUnavailable, match="there is no log"):
        await profile(nowhere, "a:1")
    empty = SimpleNamespace(log_url=f"sqlite:///{tmp_path}/empty.sqlite", kafka=None)
    await open_log(empty.log_url).close()
    for read in (profile(empty, "a:1"), search(empty, "a", 1), exported(empty)):
        with pytest.raises(UnknownTopic, match="nothing was published"):
            await read


# ---- a subscription


async def take(snapshots, count: int) -> list[tuple[str, int]]:
    async with asyncio.timeout(10):
        return [
            (told["author_id"], told["version"]) for told in [await anext(snapshots) for _ in range(count)]
        ]


async def test_a_subscription_from_the_beginning_tells_what_is_there_and_then_what_comes(tmp_path):
    async with (
        published(tmp_path, snapshot("a:1"), snapshot("a:2")) as (settings, log),
        aclosing(subscribe(settings, from_beginning=True)) as snapshots,
    ):
        assert await take(snapshots, 2) == [("a:1", 1), ("a:2", 1)]
        await publish(log, snapshot("a:2", 5))
        assert await take(snapshots, 1) == [("a:2", 5)]


async def test_a_subscription_tells_of_one_author_only_what_comes(tmp_path):
    async with (
        published(tmp_path, snapshot("a:1"), snapshot("a:2")) as (settings, log),
        aclosing(subscribe(settings, "a:1")) as snapshots,
    ):
        first = asyncio.create_task(anext(snapshots))
        version = 2
        while not first.done():  # nothing says from when on the subscription is there
            await publish(log, snapshot("a:2", version), snapshot("a:1", version))
            version += 1
            await asyncio.wait([first], timeout=0.05)
            assert version < 200
        assert first.result()["author_id"] == "a:1"
        assert first.result()["version"] > 1


async def test_versions_rise_strictly_and_none_comes_twice(monkeypatch):
    log = MemoryLog()
    await log.create([AUTHOR_PROFILES.spec(1, 1)._replace(compacted=False)])  # so that everything is seen
    monkeypatch.setattr(reading, "open_log", lambda *_, **__: log)
    told = [(1, 3), (1, 3), (1, 2), (2, 1), (1, 9), (2, 1), (2, 2)]
    at = Partition(AUTHOR_PROFILES.name, 0)
    await log.append(
        {
            at: [
                Message(b"a:1", orjson.dumps(snapshot("a:1", version, generation=generation)))
                for generation, version in told
            ]
        }
    )
    await log.append(
        {at: [Message(b"a:1", b"not a snapshot"), Message(b"a:9", orjson.dumps(snapshot("a:9")))]}
    )
    async with aclosing(
        subscribe(SimpleNamespace(log_url="memory:", kafka=None), from_beginning=True)
    ) as snapshots:
        async with asyncio.timeout(5):
            got = [await anext(snapshots) for _ in range(4)]
    assert [(one["author_id"], one["generation"], one["version"]) for one in got] == [
        ("a:1", 1, 3),
        ("a:1", 2, 1),
        ("a:1", 2, 2),
        ("a:9", 1, 1),
    ]


# ---- exports


async def test_metrics_are_one_row_an_author_in_order(tmp_path):
    told = [
        snapshot("b", 1, name="Replaced"),
        snapshot("name:é", name='Quote "and", comma'),
        snapshot("Z", name="Zed\nline"),
        sygnowski(),
        snapshot("b", 2, name="Bea", citations=7),
    ]
    async with published(tmp_path, *told, partitions=2) as (settings, _):
        text = await exported(settings)
        assert text.startswith(HEADER)
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [row["author_id"] for row in rows] == ["Z", SYGNOWSKI, "b", "name:é"]
        assert [row["name"] for row in rows] == ["Zed\nline", "Jakub Sygnowski", "Bea", 'Quote "and", comma']
        assert rows[2] == {
            "author_id": "b", "name": "Bea", "papers": "2", "citations": "7", "h_index": "2", "g_index": "2",
            "i10_index": "0",
            "citations_nonself": "7", "h_index_nonself": "2", "g_index_uncapped": "2", "i100_index": "0",
            "citations_self": "0", "e_index": "1.414214", "hm_index": "1.0", "m_index": "0.25",
            "h5_index": "0", "citations_recent": "0",
            "h_index_recent": "0", "mean_citedness_2y": "", "tori": "0.4", "riq": "316",
            "papers_normalized": "1.0",
            "citations_normalized": "2.5", "papers_first": "2", "papers_last": "0", "papers_single": "0",
            "coauthors": "1",
            "novelty": "", "ai_score": "",
        }  # fmt: skip
        as_lines = [json.loads(line) for line in (await exported(settings, format="jsonl")).splitlines()]
        assert [
            {name: "" if value is None else str(value) for name, value in line.items()} for line in as_lines
        ] == rows


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("Ann\rLee", '"Ann\rLee"'),
        ("Ann\r\nLee", '"Ann\r\nLee"'),
        ('=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'),
        ("@sum", "'@sum"),
        ("-2+3", "'-2+3"),
        ("+1", "'+1"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("\rx", '"\'\rx"'),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("O'Neill", "O'Neill"),
        ("Ann\u2028Lee", '"Ann\u2028Lee"'),
    ],
)
async def test_a_text_stays_in_its_cell_and_is_not_computed(tmp_path, name, cell):
    async with published(tmp_path, snapshot("a:1", name=name)) as (settings, _):
        text = await exported(settings)
        assert text == HEADER + f"a:1,{cell}," + text.rpartition(f"{cell},")[2]
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert [len(row) for row in rows] == [len(rows[0])] * 2
        assert rows[1][1].removeprefix("'") == name
        out = io.StringIO()
        await export_metrics(settings, "references", out, raw_cells=True)
        assert list(csv.reader(io.StringIO(out.getvalue(), newline="")))[1][1] == name


@given(st.one_of(st.integers(), st.floats(allow_nan=False)))
def test_a_number_stays_a_number(number):
    assert cell(number) == str(number)


@given(
    st.text(
        alphabet=st.one_of(
            st.sampled_from("=+-@\t\r\n\v\f\x1c\x85\u2028 \"',;1a"), st.characters(exclude_categories=["Cs"])
        )
    )
)
def test_any_text_is_one_cell_of_csv_however_the_file_is_cut_into_lines(text):
    for raw in (True, False):
        row = f"x,{cell(text, raw)},y\n"
        [read] = csv.reader(io.StringIO(row, newline=""))
        assert (read[0], read[2:]) == ("x", ["y"])
        assert read[1] == text or (not raw and read[1] == "'" + text)
    assert not COMPUTED.match(read[1]), "the last one read is not raw"


@given(st.lists(st.text(min_size=1, max_size=4), unique=True, max_size=12))
def test_rows_are_in_code_point_order(author_ids):
    rows = NewestRows()
    for author_id in author_ids:
        rows.put(author_id.encode(), (1, 1), author_id.encode())
    assert [row.decode() for row in rows.in_order()] == sorted(author_ids)


async def test_an_author_without_papers_stays_with_zeros(tmp_path):
    nothing = dict.fromkeys(snapshot("x")["metrics"]["references"], 0)
    async with published(
        tmp_path, snapshot("a:1", papers=[], papers_total=0, metrics={"references": nothing}, name="Gone")
    ) as (
        settings,
        _,
    ):
        assert await exported(settings) == HEADER + "a:1,Gone" + ",0" * 27 + "\n"


async def test_a_counted_basis_has_the_same_columns_and_its_own(tmp_path):
    numbers = snapshot("x")["metrics"]["references"]
    counted = {
        "papers": 2,
        "papers_counted": 1,
        "citations": 40,
        "h_index": 1,
        "g_index": 2,
        "g_index_uncapped": 6,
        "i10_index": 1,
        "i100_index": 0,
        "e_index": 6.244998,
        "hm_index": 0.5,
        "m_index": None,
    }
    told = (
        snapshot("a:1", name="One", metrics={"references": numbers, "counted:openalex": counted}),
        snapshot("a:2", name="Two"),
    )
    async with published(tmp_path, *told) as (settings, _):
        none = "," * 15  # what only reference lists tell
        assert await exported(settings, "counted:openalex") == (
            COUNTED_HEADER
            + f"a:1,One,2,40,1,2,1,,,6,0,,6.244998,0.5{none},1\na:2,Two,2,0,0,0,0,,,0,0,,0,0{none},0\n"
        )


@pytest.mark.parametrize(
    ("basis", "format"),
    [("counted:nobody", "csv"), ("reported", "csv"), ("counted:", "csv"), ("references", "xml")],
)
async def test_what_cannot_be_exported_is_said_so(tmp_path, basis, format):
    async with published(tmp_path, snapshot("a:1")) as (settings, _):
        with pytest.raises(UsageError):
            await exported(settings, basis, format)


async def test_an_export_of_nothing_is_a_header(tmp_path):
    async with published(tmp_path) as (settings, _):
        assert await exported(settings) == HEADER
        assert await exported(settings, "counted:openalex") == COUNTED_HEADER


async def test_profiles_are_the_newest_snapshots_in_order(tmp_path):
    told = [snapshot("b", 1), snapshot("a", 1, name="two\nlines"), snapshot("b", 2), sygnowski()]
    async with published(tmp_path, *told, partitions=2) as (settings, _):
        out = io.StringIO()
        assert await export_profiles(settings, out) == 3
        assert [json.loads(line) for line in out.getvalue().splitlines()] == [told[1], told[3], told[2]]
        with pytest.raises(UsageError):
            await export_profiles(settings, out, "csv")
