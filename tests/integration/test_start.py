"""Set-up, start and stop as a person meets them: what a second start says, how fast Ctrl-C is, what works
without a network.
"""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.commands import COMMAND, Running, environment, run_to_idle, scholarstream, write_events
from tests.integration.equality import assert_equal_to_oracle, assert_versions_rise
from tests.integration.literatures import simulated

ROOT = Path(__file__).resolve().parents[2]
PROMISE = 2.0  # seconds from Ctrl-C to the end
# a machine that is busy with other things may be late now and then, a service that is too slow is late every
# time
ATTEMPTS = 3
ALONE = (  # a network of its own, in which only loopback works
    "import fcntl, os, socket, struct, sys\n"
    "with socket.socket() as s:\n"
    "    fcntl.ioctl(s, 0x8914, struct.pack('16sh', b'lo', 1))\n"  # SIOCSIFFLAGS, IFF_UP
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


# ---- start


def test_a_second_start_is_reported_the_address_of_the_first(data):
    with Running("run", "--port", "0", data_dir=data) as service:
        address = service.address()
        second = scholarstream("run", "--port", "0", data_dir=data, expect=1)
        assert (
            address in second.stderr
            and f"pid {service.process.pid}" in second.stderr
            and "--data-dir" in second.stderr
        )
        assert service.interrupt()[0] == 0
    with Running("run", "--port", "0", data_dir=data) as again:
        again.address()  # what the first one left behind is in nobody's way


def test_a_start_after_kill_9_is_not_reported_that_somebody_runs(data):
    with Running("run", "--port", "0", data_dir=data) as service:
        service.address()
        service.kill()
    run_to_idle(data)


# ---- stop


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_keeps_its_promise_under_load(how, data, tmp_path):
    """The demo publishes, a second terminal ingests, a third follows: the service still ends in time, and
    nothing is lost.
    """
    events = simulated(4_000, seed=3)
    source = write_events(tmp_path / "events.jsonl", events)
    taken = []
    while len(taken) < ATTEMPTS and min(taken, default=PROMISE) >= PROMISE:
        with Running("run", "--port", "0", data_dir=data) as service:
            service.address()
            with Running("ingest", source, "--restart", "--json", data_dir=data) as ingest:
                with Running("subscribe", "--json", "--from-beginning", data_dir=data) as subscriber:
                    subscriber.line(lambda line: line.startswith("{"))  # it is in the middle of it
                    began = time.monotonic()
                    service.process.send_signal(how)
                    assert service.process.wait(30) == 0, "\n".join(service.said)
                    taken.append(time.monotonic() - began)
                assert ingest.process.wait(60) == 0, "\n".join(ingest.said)
    print("stopped in", ", ".join(f"{seconds:.2f} s" for seconds in taken))
    assert min(taken) < PROMISE
    run_to_idle(data)
    assert_equal_to_oracle(data, events * len(taken))
    assert_versions_rise(data)
    scholarstream("verify", data_dir=data)


def test_the_demo_stops_in_time(data):
    taken = []
    while len(taken) < ATTEMPTS and min(taken, default=PROMISE) >= PROMISE:
        with Running("run", "--demo", "--port", "0", data_dir=data) as service:
            service.address()
            with Running(
                "subscribe", "--author", "a:sygnowski", "--from-beginning", data_dir=data
            ) as subscriber:
                subscriber.line(lambda line: "Sygnowski" in line)
            code, seconds = service.interrupt(30)
            taken.append(seconds)
            assert code == 0, "\n".join(service.said)
    assert min(taken) < PROMISE
    run_to_idle(data)  # it was stopped in the middle of its work
    scholarstream("verify", data_dir=data)


def test_a_second_interrupt_ends_a_slow_stop_at_once(data, tmp_path):
    """Somebody else holds the log, so the last checkpoint cannot be noted: the first Ctrl-C waits for it, the
    second does not.
    """
    with Running("run", "--port", "0", "--shutdown-seconds", "100", data_dir=data) as service:
        at = urlsplit(service.address())
        scholarstream("ingest", write_events(tmp_path / "events.jsonl", simulated()[:200]), data_dir=data)
        scholarstream("status", "--wait-idle", "60", data_dir=data)
        holder = sqlite3.connect(data / "log.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        try:
            service.process.send_signal(signal.SIGINT)
            until_refused((at.hostname, at.port))
            assert service.process.poll() is None, "the stop was not slow: this shows nothing"
            began = time.monotonic()
            service.process.send_signal(signal.SIGINT)
            assert service.process.wait(10) == -signal.SIGINT, "\n".join(service.said)
            assert time.monotonic() - began < PROMISE
        finally:
            holder.rollback()
            holder.close()
    run_to_idle(data)
    assert_equal_to_oracle(data, simulated()[:200])


def until_refused(address: tuple[str, int], seconds: float = 8.0) -> None:
    """Until nobody listens there any more: the service has taken notice of the signal."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            return
    raise AssertionError(f"{address} still answers")


# ---- without a network


def cut_off() -> list[str]:
    """What to put before a command so that it has no network but loopback; skips the test where
    nobody may.
    """
    for unshare in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        prefix = [*unshare, sys.executable, "-c", ALONE]
        if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
            return prefix
    pytest.skip("this user may not cut a process off the network (unshare --net)")


def test_no_network_is_needed(data, tmp_path):
    prefix = cut_off()
    assert subprocess.run([*prefix, sys.executable, "-c",
                           "import socket; socket.create_connection(('192.0.2.1', 80), 5)"],
                          capture_output=True).returncode  # fmt: skip
    events = simulated(300)
    source = write_events(tmp_path / "events.jsonl", events)
    scholarstream("run", "--source", source, "--exit-when-idle", "--port", "0", data_dir=data, prefix=prefix)
    assert_equal_to_oracle(data, events)
    command = [*prefix, *COMMAND, "run", "--demo", "--port", "0", "--data-dir", str(tmp_path / "demo")]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as service:
        try:
            assert "http://127.0.0.1:" in service.stdout.readline()
            service.send_signal(signal.SIGINT)
            said = service.communicate(timeout=30)
            assert service.returncode == 0, said
        finally:
            service.kill()


# ---- set-up, with a stand-in for Python and pip


STAND_IN = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  --version) echo "Python $VERSION" ;;
  -c*) [ "$VERSION" = 3.11.0 ] ;;
  "-m venv"*) for folder; do :; done
    mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" && cp "$0" "$folder/bin/scholarstream" ;;
  "-m pip"*) echo "Collecting numpy==2 (from here)"; exit "$PIP" ;;
esac
"""


class Place:
    """A checkout without packages, and a Python that installs nothing."""

    def __init__(self, folder: Path):
        self.folder, self.python, self.calls = folder, folder / "python", folder / "calls"
        for name in ("requirements.lock", "requirements-dev.lock", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)
        self.python.write_text(STAND_IN)
        self.python.chmod(0o755)

    def set_up(
        self, kind: str = "run", *, pip: int = 0, version: str = "3.11.0", venv: str = ".venv"
    ) -> subprocess.CompletedProcess[str]:
        self.calls.write_text("")
        env = os.environ | {
            "CALLS": str(self.calls),
            "PIP": str(pip),
            "VERSION": version,
            "VENV": venv,
            "PYTHON": str(self.python),
        }
        command = ["sh", str(ROOT / "deploy" / "setup.sh"), kind]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=60)

    def installed(self) -> bool:
        return "-m pip" in self.calls.read_text()


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_set_up_happens_once(place):
    first = place.set_up()
    assert (
        first.returncode == 0
        and "numpy==2" in first.stdout
        and "Ready." in first.stdout
        and place.installed()
    )
    second = place.set_up()
    assert second.returncode == 0 and not second.stdout + second.stderr and not place.installed(), (
        "a second start needs no network"
    )
    assert place.set_up("dev").returncode == 0 and place.installed(), "the tests need more"
    with (place.folder / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert place.set_up().returncode == 0 and not place.installed(), (
        "what the tests need is there, and contains what the service needs"
    )
    with (place.folder / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    assert place.set_up().returncode == 0 and place.installed()


def test_packages_that_cannot_be_installed_are_reported(place):
    failed = place.set_up(pip=1)
    assert failed.returncode == 2 and "is there a network?" in failed.stderr and "Ready" not in failed.stdout
    assert place.set_up().returncode == 0 and place.installed(), "the next attempt begins again"


def test_a_python_that_is_too_old_is_reported(place):
    failed = place.set_up(version="3.9.2")
    assert (
        failed.returncode == 2 and "Python 3.11 or newer" in failed.stderr and "Python 3.9.2" in failed.stderr
    )
    assert not place.installed()


def test_an_environment_that_cannot_be_made_is_reported(place):
    (place.folder / "file").write_text("mine")
    failed = place.set_up(venv="file/venv")
    assert (
        failed.returncode == 2 and "VENV=" in failed.stderr and (place.folder / "file").read_text() == "mine"
    )
