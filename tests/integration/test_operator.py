"""What an operator meets beside the way: an empty log, files that only look like ours, links, arguments that
are no text.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.consumer.catalogue.stage import Catalogue
from services.verify import command as verify_command
from services.verify.command import require_idle
from shared.errors import ScholarstreamError
from shared.log import open_log
from shared.log.port import Message, Partition
from shared.settings import Settings
from shared.stages.session import Session, fingerprint
from shared.stages.stage import Layout
from tests.integration.commands import COMMAND, environment, run_to_idle, scholarstream, write_events

EVENTS = [
    b'{"paper_id": "p:%d", "title": "T", "authors": [{"author_id": "a:1", "name": "Ann Lee"}]}' % n
    for n in range(3)
]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    run_to_idle(folder / "data", write_events(folder / "events.jsonl", EVENTS))
    return folder / "data"


@pytest.fixture
def data(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


def command(data: Path, *words: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of a command in this process."""
    done = CliRunner().invoke(app, [*words, "--data-dir", str(data)])
    assert done.exception is None or isinstance(done.exception, SystemExit), (words, repr(done.exception))
    return done.exit_code, done.stdout, done.stderr


def test_an_empty_log_is_verified(tmp_path):
    run_to_idle(tmp_path / "data")
    code, out, _ = command(tmp_path / "data", "verify")
    assert code == 0 and "equal: 1 events, 0 papers" in out


def test_verify_says_in_one_sentence_what_it_does_not_compare(data):
    code, _, stated = command(data, "verify", "--no-checkpoints")
    sentence = [line for line in stated.splitlines() if line.startswith("not compared: ")]
    assert code == 0 and len(sentence) == 1 and "checkpoints" in sentence[0]
    code, out, _ = command(data, "verify", "--sample", "1", "--json")
    assert {"authors who are not in the sample", "checkpoints"} <= set(json.loads(out)["not_compared"])
    shutil.rmtree(data / "checkpoints")
    code, out, _ = command(data, "verify", "--json")
    assert any(
        "without a checkpoint" in part and "publisher/0" in part for part in json.loads(out)["not_compared"]
    )


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to("nowhere"),
    ],
)
def test_what_only_has_the_name_of_a_checkpoint_is_passed_over(data, make):
    folder = data / "checkpoints" / "g1"
    name = "publisher-0-00000000000000000999.checkpoint"
    make(folder / name)
    code, out, stated = command(data, "verify")
    assert (code, "equal" in out, f"{name}, which is no file" in stated) == (0, True, True)
    run_to_idle(data)
    assert os.path.lexists(folder / name)
    assert command(data, "verify")[0] == 0


def test_a_checkpoint_that_cannot_be_read_is_left_out(data, monkeypatch):
    from shared.stages.store import FolderStore

    def read(self, name):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FolderStore, "read", read)
    code, _, stated = command(data, "verify")
    assert code == 0 and "which cannot be read (Permission denied)" in stated


def test_verify_takes_packs_without_rows_for_nothing_and_events_for_something(data, monkeypatch):
    """A checkpoint sends such packs just after everything is published."""
    monkeypatch.setattr(verify_command, "SETTLE_SECONDS", 0)
    settings = Settings(data_dir=data)

    async def append(batches):
        log = open_log(settings.log_url)
        await log.append(batches)
        await log.close()

    marks = Session(Catalogue(0, Layout(), fingerprint(Layout()))).marks()
    assert marks
    asyncio.run(append(marks))
    assert json.loads(command(data, "status", "--json")[1])["lag"] == sum(map(len, marks.values()))
    assert command(data, "verify")[0] == 0
    asyncio.run(append({Partition("papers.v1", 0): [Message(b"p:9", b"{}")]}))
    code, _, stated = command(data, "verify")
    assert code == 1 and "records behind" in stated
    with pytest.raises(ScholarstreamError, match="behind"):
        asyncio.run(require_idle(settings))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("DELETE FROM p{}; UPDATE partitions SET next = 0 WHERE id = {}", "records are missing: papers.v1"),
        ("DROP TABLE p{}; DELETE FROM partitions WHERE id = {}", "waiting for papers.v1: it does not exist"),
    ],
)
def test_verify_says_that_an_input_is_lost(data, spoil, said):
    """No service that works on is meant, so no number of records that it is behind."""
    with contextlib.closing(sqlite3.connect(data / "log.sqlite")) as file:
        [table] = file.execute("SELECT id FROM partitions WHERE topic = 'papers.v1'").fetchone()
        file.executescript(spoil.format(table, table))
    code, _, stated = command(data, "verify")
    assert code == 1 and said in stated and "behind" not in stated


# ---- links and what else may lie in the data folder


def _link(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path.with_name("elsewhere"))


def _pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


@pytest.mark.parametrize("make", [_link, _pipe])
@pytest.mark.parametrize("name", ["log.sqlite.consumer-g1.lock", "log.sqlite.publisher-g1.lock"])
def test_a_lock_that_is_no_file_is_said(data, make, name):
    make(data / name)
    done = scholarstream("run", "--exit-when-idle", "--no-port", data_dir=data, expect=1)
    assert name in done.stderr and "remove it" in done.stderr
    assert not (data / "elsewhere").exists()


def test_a_log_that_is_a_link_is_read_and_not_written(data):
    (data / "log.sqlite").rename(data / "elsewhere")
    (data / "log.sqlite").symlink_to("elsewhere")
    done = scholarstream("run", "--exit-when-idle", "--no-port", data_dir=data, expect=1)
    assert f"symbolic link; name the file itself, with --log sqlite:///{data}/elsewhere" in done.stderr
    assert command(data, "search", "ann")[0] == 0


def test_output_is_never_written_through_a_link(data, tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out.csv").symlink_to(tmp_path / "mine")
    code, _, stated = command(data, "export", "metrics", "--output", str(tmp_path / "out.csv"))
    assert code == 2 and "is a symbolic link" in stated and (tmp_path / "mine").read_text() == "mine"
    code, out, stated = command(data, "export", "metrics", "--output", str(tmp_path / "new.csv"))
    assert (code, out) == (
        0,
        "",
    ) and f"1 author written to {tmp_path}/new.csv; as of author-profiles.v1:0=" in stated
    assert (tmp_path / "new.csv").read_text().startswith("author_id,")


# ---- what was done


def test_search_and_status_say_what_they_did(data):
    assert "1 of 1 matches among 1 authors; as of author-profiles.v1:0=" in command(data, "search", "ann")[2]
    assert "no author of that name among 1; as of" in command(data, "search", "bob")[2]
    assert (
        "generation 1, 8 stages; as of papers.v1:0=3,authors.v1:0=1" in command(data, "status", "--json")[2]
    )


# ---- arguments


@pytest.mark.parametrize(
    "words",
    [["search"], ["profile"], ["subscribe", "--author"], ["explain", "a:1"], ["compare", "a:1"],
     ["topics", "dump"],
     ["export", "metrics", "--basis"], ["run", "--headline-basis"], ["profile", "a:1", "--as-of"]],
)  # fmt: skip
def test_an_argument_that_is_not_utf_8_is_one_line(data, words):
    code, out, stated = command(data, *words, os.fsdecode(b"Jos\xe9"))
    assert (code, out, stated.count("\n")) == (2, "", 1)
    assert r"'Jos\xe9' is not UTF-8" in stated


def test_such_an_argument_from_a_shell(data, tmp_path):
    """And names of files may be any bytes."""
    run = [*COMMAND, "search", b"Jos\xe9", "--data-dir", str(data)]
    done = subprocess.run(run, capture_output=True, env=environment(), timeout=120)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), done.stderr
    target = os.fsencode(tmp_path) + b"/Jos\xe9.csv"
    run = [*COMMAND, "export", "metrics", "--output", target, "--data-dir", str(data)]
    assert subprocess.run(run, capture_output=True, env=environment(), timeout=120).returncode == 0
    assert os.path.exists(target)
