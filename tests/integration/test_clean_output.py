"""Whatever stands in the log: no command writes what a terminal obeys, and ids of its tables name the same
authors again.
"""

import json
import random
import re

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from tests.integration.commands import run_to_idle, write_events
from tests.unit.test_terminal import EVIL, obeyed

dice = random.Random(11)


def evil(word: str) -> str:
    """A text with the word and with what a terminal obeys, all of it in the course of the test."""
    signs = list(EVIL.replace("\ufffd", ""))
    dice.shuffle(signs)
    return word + "".join(signs[:12]) + "\x1b[31m\x9b2J\u202e" + dice.choice(signs) + "x"


AUTHORS = [evil(f"id{n}") for n in range(6)]
SOURCES = [evil(f"source{n}") for n in range(3)]
PAPERS = [evil(f"paper{n}") for n in range(12)]


def events() -> list[bytes]:
    stated = []
    for n, paper in enumerate(PAPERS):
        authors = [
            {"author_id": a, "name": evil("Ann [red]"), "affiliations": [evil("Uni")]}
            for a in dice.sample(AUTHORS, 3)
        ]
        stated.append({
            "paper_id": paper, "title": evil("Title [bold]"), "published": f"20{10 + n}", "authors": authors,
            "venue": evil("v"),
            "references": PAPERS[:n], "categories": [evil("cs.")], "doi": evil("10.1/"), "kind": evil("k"),
        })  # fmt: skip
        stated.append(
            {
                "event": "paper.counted",
                "paper_id": paper,
                "source": SOURCES[n % 3],
                "as_of": "2024-01-01",
                "citations": n,
            }
        )
        stated.append(
            {
                "event": "paper.scored",
                "paper_id": paper,
                "source": SOURCES[0],
                "version": evil("v"),
                "novelty": 0.5,
            }
        )
    stated.append({"event": "author.reported", "author_id": AUTHORS[0], "source": SOURCES[1],
                   "as_of": "2024-01-01",
                 "metrics": {"papers": 1, "h_index": 3, "papers_by_year": {"2020": 5}}})  # fmt: skip
    stated.append({"event": "author.merged", "author_id": AUTHORS[5], "into": AUTHORS[4]})
    bad = [{"paper_id": evil("bad"), "title": 5}, {"event": evil("no.event"), "paper_id": evil("bad")}]
    return [json.dumps(event, ensure_ascii=False).encode() for event in (*stated, *bad)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean")
    run_to_idle(folder / "data", write_events(folder / "events.jsonl", events()))
    return folder / "data"


def said(data, *words: str, code: int | None = 0) -> str:
    done = CliRunner().invoke(app, [*words, "--data-dir", str(data)])
    assert code is None or done.exit_code == code, (words, done.output, done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
    assert set(obeyed(done.output)) <= {"\n"}, (words, done.output)
    return done.stdout


def test_every_command_is_clean_and_ids_copy_back(data):
    found = said(data, "search", "ann")
    ids = [re.split(r" {2,}", line.rstrip(" "))[-1] for line in found.splitlines()[1:]]
    assert len(ids) == 5  # one is merged into another
    assert not set(ids) & set(AUTHORS), "all of them need an escape"
    named = [json.loads(said(data, "profile", shown, "--json"))["author_id"] for shown in ids]
    assert named == [one["author_id"] for one in json.loads(said(data, "search", "ann", "--json"))]
    first = ids[0]
    basis = next(
        b for b in json.loads(said(data, "profile", first, "--json"))["metrics"] if b != "references"
    )
    start = "papers.v1:0=3,authors.v1:0=0"
    for words in (
        ("profile", first), ("profile", AUTHORS[0]), ("profile", AUTHORS[5]), ("search", first), ("status",),
        ("verify",),
        ("explain", first, "h_index"), ("explain", first, "citations", "--basis", basis),
        ("compare", first, start),
        ("topics", "describe"), ("topics", "check"), ("dead-letters", "list"),
    ):  # fmt: skip
        said(data, *words)
        said(data, *words, "--json")
    letters = json.loads(said(data, "dead-letters", "list", "--json"))
    assert len(letters) == 2
    for letter in letters:
        said(data, "dead-letters", "show", str(letter["number"]))
        said(data, "dead-letters", "show", str(letter["number"]), "--json")
    for topic in re.findall(r"^\S+", said(data, "topics", "describe"), re.MULTILINE)[1:]:
        said(data, "topics", "dump", topic, "--limit", "500")
    assert len(said(data, "export", "metrics", "--format", "jsonl").splitlines()) == 6
    said(data, "export", "profiles")


@pytest.mark.parametrize(
    "words",
    [
        ("profile", "nobody" + EVIL), ("explain", AUTHORS[0], EVIL),
        ("explain", AUTHORS[0], "h_index", "--basis", EVIL),
        ("explain", "nobody" + EVIL, "h_index"), ("compare", AUTHORS[0], EVIL),
        ("compare", "nobody" + EVIL, "now"),
        ("export", "metrics", "--basis", "counted:" + EVIL), ("export", "metrics", "--format", EVIL),
        ("topics", "dump", EVIL),
        ("verify", "--sample", EVIL), ("verify", "--memory", EVIL), ("status", "--generation", EVIL),
        ("search", EVIL, "--limit", EVIL),
        ("dead-letters", "show", EVIL), (EVIL,), ("search", "--" + EVIL),
        ("export", "profiles", "--output", "/nowhere/" + EVIL[1:]),
    ],
)  # fmt: skip
def test_every_refusal_is_clean(data, words):
    said(data, *words, code=None)
