"""Runs the real command line in subprocesses: its words, its output, its exit code.

Every wait has a bound.
"""

import contextlib
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any

SCRIPT = Path(sys.executable).with_name("scholarstream")
COMMAND = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "services.cli"]
LONG = os.environ.get("SCHOLARSTREAM_LONG") == "1"
COMMAND_SECONDS = 120.0  # a command that takes longer fails its test


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the tests, without settings of scholarstream but one: all is published at once."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCHOLARSTREAM_")}
    at_once = {"SCHOLARSTREAM_SCORE_PUBLISH_SECONDS": "0"}
    return clean | at_once | {"PYTHONUNBUFFERED": "1", "NO_COLOR": "1", "COLUMNS": "200"} | dict(extra or {})


def scholarstream(
    *words: str,
    data_dir: Path,
    expect: int | Sequence[int] | None = 0,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end. expect: the allowed exit codes (None: any). A traceback fails the test."""
    done = subprocess.run(
        [*prefix, *COMMAND, *words, "--data-dir", str(data_dir)],
        env=environment(env),
        capture_output=True,
        timeout=COMMAND_SECONDS,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
    )
    output = (
        f"{' '.join(words)} → {done.returncode}\n--- stdout\n{done.stdout[-4000:]}\n--- "
        f"stderr\n{done.stderr[-4000:]}"
    )
    if expect is not None:
        assert done.returncode in ([expect] if isinstance(expect, int) else expect), output
    assert "Traceback" not in done.stderr + done.stdout, output
    return done


class Running:
    """A command that runs until a signal. A thread reads its output as it comes. said: the lines so far."""

    def __init__(self, *words: str, data_dir: Path, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *words, "--data-dir", str(data_dir)],
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if "subscribe" not in words else subprocess.DEVNULL,
            encoding="utf-8",
        )
        self.said: list[str] = []
        self._lines: Queue[str | None] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def line(self, wanted: Callable[[str], object], timeout: float = 60.0) -> str:
        """The next line that is `wanted`. Error: AssertionError with the last lines if none comes in time."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except Empty:
                line = None
            assert line is not None, "no such line in time; the output was:\n" + "\n".join(self.said[-60:])
            self.said.append(line)
            if wanted(line):
                return line

    def address(self) -> str:
        """http://host:port of the page, from what `run` prints."""
        address = re.compile(r"http://[^\s/]+:\d+")
        found = address.search(self.line(address.search))
        assert found is not None
        return found[0]

    def interrupt(self, timeout: float = 10.0) -> tuple[int, float]:
        """Sends SIGINT, as Ctrl-C does. Returns (exit code, seconds until the end)."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout), time.monotonic() - began

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.process.kill()
        self.process.wait(10)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


def write_events(path: Path, events: Sequence[bytes]) -> str:
    """Writes one event on a line. Returns the source for a command line."""
    path.write_bytes(b"".join(event + b"\n" for event in events))
    return f"file:{path}"


def run_to_idle(
    data_dir: Path, *sources: str, env: Mapping[str, str] | None = None, expect: int = 0
) -> subprocess.CompletedProcess[str]:
    """Runs all services in one process over the sources, until everything is published."""
    words = [word for source in sources for word in ("--source", source)]
    return scholarstream(
        "run", *words, "--exit-when-idle", "--port", "0", data_dir=data_dir, env=env, expect=expect
    )


def exported_metrics(data_dir: Path, basis: str = "references") -> list[dict[str, str]]:
    """The rows of `export metrics`: column → text."""
    done = scholarstream("export", "metrics", "--basis", basis, data_dir=data_dir)
    return list(csv.DictReader(io.StringIO(done.stdout)))


def exported_profiles(data_dir: Path) -> dict[str, dict[str, Any]]:
    """author_id → the newest snapshot, from `export profiles`."""
    done = scholarstream("export", "profiles", "--format", "jsonl", data_dir=data_dir)
    return {profile["author_id"]: profile for profile in map(json.loads, done.stdout.splitlines())}


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    """A port that another socket listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
