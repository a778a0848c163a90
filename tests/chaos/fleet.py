"""The services as processes on a cluster: started, killed, stopped in their tracks, and what they said kept
for the post-mortem.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from tests.integration.commands import COMMAND, environment

SESSION_SECONDS = 6
START_SECONDS = 120
DONE_SECONDS = 240


class Worker:
    """One process of a role."""

    def __init__(self, role: str, name: str, folder: Path, env: dict[str, str]):
        self.role, self.name = role, name
        self.said = folder / f"{name}.log"
        with self.said.open("ab") as out:
            self.process = subprocess.Popen(
                [*COMMAND, role, "--port", "0", "--data-dir", str(folder / name)],
                env=environment(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        self.stopped = False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def terminate(self) -> int:
        """A clean stop. A process that has only just begun to start has no handlers yet: its beginning is
        waited for.
        """
        until = time.monotonic() + START_SECONDS
        while b'"serving"' not in self.said.read_bytes() and self.process.poll() is None:
            assert time.monotonic() < until, (
                f"{self.name} does not serve after {START_SECONDS} s:\n{self.tail()}"
            )
            time.sleep(0.05)
        self.process.terminate()
        return self.process.wait(60)

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        self.stopped = True

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.stopped = False

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.said.read_text(errors="replace").splitlines()[-lines:])


class Fleet:
    """folder: for checkpoints (shared), logs and each worker's own files."""

    def __init__(self, url: str, folder: Path, partitions: int = 3, **settings: str):
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.checkpoints = folder / "checkpoints"
        self.env = {
            "SCHOLARSTREAM_LOG": url,
            "SCHOLARSTREAM_CHECKPOINTS": str(self.checkpoints),
            "SCHOLARSTREAM_CHECKPOINT_SECONDS": "2",
            "SCHOLARSTREAM_KAFKA_SESSION_SECONDS": str(SESSION_SECONDS),
            "SCHOLARSTREAM_PARTITIONS": str(partitions),
            "SCHOLARSTREAM_LOG_FORMAT": "json",
        } | {f"SCHOLARSTREAM_{name.upper()}": value for name, value in settings.items()}
        self.workers: list[Worker] = []
        self._numbers = itertools.count(1)
        self._commands: list[subprocess.Popen] = []

    def start(self, role: str) -> Worker:
        worker = Worker(role, f"{role}{next(self._numbers)}", self.folder, self.env)
        self.workers.append(worker)
        return worker

    def of(self, role: str) -> list[Worker]:
        return [worker for worker in self.workers if worker.role == role]

    def kill(self, worker: Worker) -> None:
        self.workers.remove(worker)
        worker.kill()

    def end(self, worker: Worker) -> None:
        """A clean stop: within its bound, exit code 0."""
        self.workers.remove(worker)
        assert (code := worker.terminate()) == 0, f"{worker.name} ended with {code}:\n{worker.tail()}"

    def require_alive(self) -> None:
        """Nobody ended by himself: what passes by itself is waited for."""
        for worker in self.workers:
            assert (code := worker.process.poll()) is None, (
                f"{worker.name} ended by itself with {code}:\n{worker.tail(40)}"
            )

    def ingest(self, source: Path, *words: str) -> subprocess.Popen:
        return self._command("ingest", f"file:{source}", *words)

    def require_done(self, command: subprocess.Popen) -> None:
        said, wrong = command.communicate(timeout=DONE_SECONDS)
        assert command.returncode == 0, f"{command.args[3:]} ended with {command.returncode}: {said} {wrong}"

    def wait_idle(self, seconds: float) -> None:
        """Until everything is published. A cluster that has just come back may refuse the question once or
        twice.
        """
        until = time.monotonic() + seconds
        while True:
            left = max(1.0, until - time.monotonic())
            asked = self._command("status", "--wait-idle", str(left), "--json")
            said, wrong = asked.communicate(timeout=left + 120)
            if asked.returncode == 0:
                return
            self.require_alive()
            stated = "\n".join(f"--- {w.name}\n{w.tail()}" for w in self.workers)
            assert time.monotonic() < until, f"not idle after {seconds:g} s: {said} {wrong}\n{stated}"

    def status(self) -> dict:
        return json.loads(self._command("status", "--json").communicate(timeout=120)[0])

    def _command(self, *words: str) -> subprocess.Popen:
        command = subprocess.Popen(
            [*COMMAND, *words, "--data-dir", str(self.folder / "commands")],
            env=environment(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._commands = [one for one in self._commands if one.returncode is None] + [command]
        return command

    def delete_checkpoints(self) -> None:
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def keep_checkpoints(self) -> None:
        """For `put_back`. The services go on meanwhile, so one or another is gone before it is copied."""
        kept = self.folder / "kept"
        if kept.exists() or not self.checkpoints.exists():
            return
        for found in self.checkpoints.glob("*/*.checkpoint"):
            place = kept / found.relative_to(self.checkpoints)
            place.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(found, place)

    def put_back(self) -> bool:
        """The old checkpoints in place of the new ones; False when none were kept."""
        kept = self.folder / "kept"
        if not kept.exists():
            return False
        self.delete_checkpoints()
        os.replace(kept, self.checkpoints)
        return True

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_) -> None:
        for worker in self.workers:
            worker.resume()
            worker.kill()
        self.workers.clear()
        for command in self._commands:  # of a test that failed
            if command.returncode is None:
                command.kill()
                command.communicate()
