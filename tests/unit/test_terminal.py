"""What commands print: nothing that a terminal obeys, ids that copy back, JSON that means the same; and where
`--output` writes.
"""

import io
import json
import os
import stat
import sys
import threading
import unicodedata

import orjson
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from services.cli import output as terminal
from services.cli.output import as_json, output, print_table
from shared.errors import UsageError
from shared.plain import clean, exact, lines, meant, titled
from shared.telemetry import logs

EVIL = (
    "\x00\x07\t\n\v\f\r\x1b\x7f\x80\x85\x9b\x9f\xa0\xad\u061c\u1680\u2007\u200b\u200c\u200d\u200e\u202a\u202e\u2028\u2029\u202f\u2066\u2069"
    "\u3000\ufeff\ufffd\\u[]'\" "
)
TEXTS = st.text(
    st.one_of(st.sampled_from(EVIL), st.sampled_from("aZ0-é名🙂"), st.characters(exclude_categories=["Cs"])),
    max_size=40,
)


def obeyed(text: str) -> list[str]:
    """What of a text a terminal would obey. Written down once more, by what Unicode says of it."""
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return [
        c
        for c in text
        if unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") or unicodedata.bidirectional(c) in bidi
    ]


@given(TEXTS)
def test_no_way_of_writing_leaves_what_a_terminal_obeys(text):
    assert obeyed(clean(text)) == obeyed(exact(text)) == obeyed(as_json({text: [text]})) == []
    assert set(obeyed(lines(text))) <= {"\n"}
    assert set(obeyed(as_json({text: text}, orjson.OPT_INDENT_2))) <= {"\n"}


@given(TEXTS)
def test_json_means_the_same(text):
    assert json.loads(as_json({text: [text]})) == {text: [text]}


@given(TEXTS, TEXTS)
def test_an_id_copies_back_and_no_other_looks_like_it(one, other):
    assert meant(exact(one)) == one
    assert (exact(one) == exact(other)) == (one == other)


@given(st.text(alphabet=st.sampled_from("\\u0d8f9bA5cDF"), max_size=30))
def test_whatever_is_typed_means_a_text(typed):
    assert meant(typed).encode().decode() == meant(typed)


def test_log_lines_are_clean(capsys):
    for format in ("json", "console"):
        logs.configure("info", format)
        structlog.get_logger("x").warning("a\x9b\u202e", reason="b\x1b[2J\x7f\u2028", n=5)
        said = capsys.readouterr().err
        assert "\\u009b" in said and set(obeyed(said)) <= {"\n"}


@given(TEXTS)
def test_a_table_shows_ids_as_they_can_be_copied(text):
    out = io.StringIO()
    console = terminal.console
    try:
        terminal.console = lambda: terminal.Console(file=out, highlight=False, width=terminal.WIDE)
        print_table(("id", "end"), [(exact(text), "|")])
    finally:
        terminal.console = console
    _, row = out.getvalue().split("\n")[:2]
    shown = row.rpartition("|")[0].rstrip(" ")
    assert meant(shown) == text
    assert obeyed(shown) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A long\u2028\n title", "A long   title"),
        ("Jean\xa0Dupont", "Jean Dupont"),
        ("a\r\nb\tc", "a b c"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("👩\u200d🔬", "👩\u200d🔬"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("\x1b[2J\x9b2J\x7f", "\\u001b[2J\\u009b2J\\u007f"),
        ("\u202eabc\u202c\u2066x\u2069", "\\u202eabc\\u202c\\u2066x\\u2069"),
    ],
)
def test_texts(text, shown):
    assert clean(text) == shown


@pytest.mark.parametrize(
    "title", ["", " ", "\t\n", "\u200b", "\u00a0\u2003", "\u2800", "\x00\u202e", "\u3164", None]
)
def test_a_blank_title_is_said_to_be_none(title, capsys):
    assert titled(title) == "(untitled)" and titled("<b></b>") == "<b></b>"
    listed = [{"citations": 1, "title": title, "authors": [], "authors_total": 0, "published": None}]
    terminal._print_papers(listed)
    found = {"author_id": "a", "metric": "papers", "basis": "references", "value": 1, "sentence": "1 paper."}
    terminal.print_reason(found | {"columns": ["citations"], "papers": listed, "next": None})
    assert capsys.readouterr().out.count("(untitled)") == 2


def test_markup_in_a_cell_is_text(capsys):
    print_table(("[bold]name", "x"), [("[red]Ann[/red]", 1)], right=("x",))
    assert "[red]Ann[/red]" in (out := capsys.readouterr().out) and "[bold]name" in out


# ---- where a file is written


def written(path, text="new\n"):
    with output(str(path)) as out:
        out.write(text)


def test_a_file_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "x.csv"
    target.write_text("old\n")
    with output(str(target)) as out:
        out.write("new\n")
        assert target.read_text() == "old\n"
    assert target.read_text() == "new\n"
    with pytest.raises(RuntimeError), output(str(target)) as out:
        out.write("half")
        raise RuntimeError
    assert target.read_text() == "new\n"
    assert os.listdir(tmp_path) == ["x.csv"]


@pytest.mark.parametrize("dangling", [False, True])
def test_a_symbolic_link_is_refused_and_its_target_untouched(tmp_path, dangling):
    secret, link = tmp_path / "secret", tmp_path / "link"
    if not dangling:
        secret.write_text("mine")
    link.symlink_to(secret)
    with pytest.raises(UsageError, match=r"symbolic link.*secret"):
        written(link)
    assert link.is_symlink() and secret.exists() != dangling
    assert dangling or secret.read_text() == "mine"


def test_a_link_in_the_place_of_the_draft_is_not_followed(tmp_path, monkeypatch):
    class Known:
        hex = "0"

    monkeypatch.setattr(terminal.uuid, "uuid4", Known)
    secret = tmp_path / "secret"
    secret.write_text("mine")
    (tmp_path / ".x.0.part").symlink_to(secret)
    with pytest.raises(UsageError, match="File exists"):
        written(tmp_path / "x")
    assert secret.read_text() == "mine"


def test_the_file_reaches_the_disk_before_its_name(tmp_path, monkeypatch):
    done, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(terminal.os, "fsync", lambda n: done.append("fsync") or fsync(n))
    monkeypatch.setattr(terminal.os, "replace", lambda *a: done.append("replace") or replace(*a))
    written(tmp_path / "x")
    assert done == ["fsync", "replace"]


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: None])
def test_what_cannot_be_written_is_said(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(UsageError, match="--output"):
        written(tmp_path / "x" if (tmp_path / "x").exists() else tmp_path / "x" / "y")


def test_a_pipe_is_written_and_stays_a_pipe(tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    written(pipe)
    reader.join(10)
    assert got == ["new\n"] and stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_its_name_is_written_where_it_goes(tmp_path, name, capfd):
    written(name)
    assert capfd.readouterr().out == "new\n"


def test_a_terminal_that_data_is_written_to_is_kept_clean(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    written("-", "a\x9b\n")
    assert sys.stdout.getvalue() == "a\\u009b\n"
