"""A backup without write access can be looked at with every command that reads, by root too."""

import shutil
import subprocess
import sys

import pytest

from tests.integration.commands import environment, run_to_idle, scholarstream, write_events

EVENTS = [
    b'{"paper_id": "p:%d", "title": "On %d", "published": "2020", "authors": [{"author_id": "a:1", "name": '
    b'"Ann Lee"}], "references": [%s]}' % (n, n, b'"p:0"' if n else b"")
    for n in range(5)
]
EVERY = [
    "profile a:1", "search ann", "export metrics", "export profiles", "explain a:1 h_index",
    "compare a:1 papers.v1:0=2,authors.v1:0=1",
    "verify", "verify --memory 20MB --no-checkpoints", "status", "status --wait-idle 5", "topics describe",
    "topics check",
    "topics dump papers.v1", "dead-letters list", "profile a:1 --as-of now",
]  # fmt: skip
LOOK = """
import sys
from typer.testing import CliRunner
from services.cli.main import app
for words in sys.argv[2:]:
    done = CliRunner().invoke(app, [*words.split(), "--data-dir", sys.argv[1]])
    print(done.exit_code, words, done.output[-300:] if done.exit_code else "", repr(done.exception or ""))
"""
MOUNT = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && ! touch "$0/x" 2>/dev/null && exec "$@"'


def can_mount(folder) -> bool:
    return (
        subprocess.run(["unshare", "-m", "sh", "-c", MOUNT, folder, "true"], capture_output=True).returncode
        == 0
    )


def files_of(folder) -> dict:
    """Every file in it → when it was changed last, and what is in it."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backup")
    run_to_idle(folder / "data", write_events(folder / "events.jsonl", EVENTS))
    return folder / "data"


@pytest.mark.parametrize("beside", ["alone", "wal", "wal and shm"])
def test_every_command_reads_a_read_only_file_system(data, tmp_path, beside):
    if shutil.which("unshare") is None or not can_mount(tmp_path):
        pytest.skip("a read-only file system needs unshare -m and the right to mount")
    backup = tmp_path / "backup"
    shutil.copytree(data, backup)
    if beside != "alone":
        (backup / "log.sqlite-wal").touch()
    if beside == "wal and shm":
        (backup / "log.sqlite-shm").write_bytes(bytes(32768))
    before = files_of(backup)
    command = ["unshare", "-m", "sh", "-c", MOUNT, backup, sys.executable, "-c", LOOK, backup, *EVERY]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment(), timeout=240)
    assert [line.split(" ", 1)[0] for line in done.stdout.splitlines()] == ["0"] * len(EVERY), (
        done.stdout + done.stderr
    )
    assert files_of(backup) == before


def test_a_folder_that_cannot_be_written_is_read(data, tmp_path):
    """The same without a mount; root may write in any folder, and nothing changes all the same."""
    backup = tmp_path / "backup"
    shutil.copytree(data, backup)
    shutil.rmtree(backup / "ingest")
    held = files_of(backup)
    for path in [*held, backup / "checkpoints", backup]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for words in ("search ann", "verify"):
            scholarstream(*words.split(), data_dir=backup)
    finally:
        backup.chmod(0o755)
    assert files_of(backup) == held
