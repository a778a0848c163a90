"""The compose file as a running stack, through whichever compose is there: `docker compose` or
`docker-compose`.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import httpx
import yaml

from tests.clusters.cluster import free_ports

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILE, DOCKERFILE = ROOT / "docker-compose.yml", ROOT / "deploy" / "Dockerfile"
COMPOSE = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
PULL_SECONDS = 600

T = TypeVar("T")


def said(*words: str, seconds: float = 60, check: bool = True, **env: str) -> str:
    """Standard output of a command. Error: AssertionError with all it said."""
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, timeout=seconds
    )
    assert not check or done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def compose_here() -> list[str] | None:
    for words in (["docker", "compose"], ["docker-compose"]):
        if (
            shutil.which(words[0])
            and subprocess.run([*words, "version"], capture_output=True, timeout=60).returncode == 0
        ):
            return words
    return None


def what_is_missing() -> str | None:
    """Why the stack cannot be run here; None where it can. Images are fetched where that is possible."""
    if (
        not shutil.which("docker")
        or subprocess.run(["docker", "info"], capture_output=True, timeout=60).returncode
    ):
        return "no Docker engine answers (`docker info`)"
    if compose_here() is None:
        return "there is neither `docker compose` nor `docker-compose`"
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text("utf-8"), re.M)
    for image in sorted(
        {*bases, *(s["image"] for name, s in COMPOSE["services"].items() if name not in OURS)}
    ):
        if subprocess.run(["docker", "image", "inspect", image], capture_output=True, timeout=60).returncode:
            try:
                pulled = subprocess.run(
                    ["docker", "pull", image], capture_output=True, text=True, timeout=PULL_SECONDS
                )
            except subprocess.TimeoutExpired:
                return f"the image {image} cannot be had: no end of `docker pull` after {PULL_SECONDS} s"
            if pulled.returncode:
                return f"the image {image} cannot be had: {pulled.stderr.strip()}"
    return None


class Stack:
    """One project of its own, on free ports."""

    def __init__(self):
        page, prometheus = free_ports(2)
        self.page, self.prometheus = f"http://127.0.0.1:{page}", f"http://127.0.0.1:{prometheus}"
        self._ports = {"PAGE_PORT": str(page), "PROMETHEUS_PORT": str(prometheus)}
        self._words = [*compose_here(), "-p", f"scholarstream-test-{os.getpid()}"]

    def compose(self, *words: str, seconds: float = 120, check: bool = True) -> str:
        return said(*self._words, *words, seconds=seconds, check=check, **self._ports)

    def container(self, service: str) -> str:
        """The id of the only container of a service, running or not."""
        return self.compose("ps", "-a", "-q", service)

    def inspect(self, service: str) -> dict:
        return json.loads(said("docker", "inspect", self.container(service)))[0]

    def inside(self, service: str, program: str) -> str:
        """What a Python program prints that runs in the container."""
        return said("docker", "exec", self.container(service), "python", "-c", program)

    def ready(self, service: str) -> tuple[int, dict]:
        """Status and report of its /readyz."""
        ask = (
            "import http.client; c = http.client.HTTPConnection('127.0.0.1', 8080, timeout=10); "
            "c.request('GET', '/readyz'); "
        )
        status, report = self.inside(
            service, ask + "r = c.getresponse(); print(r.status, r.read().decode())"
        ).split(maxsplit=1)
        return int(status), json.loads(report)

    def targets(self) -> dict[str, list[str]]:
        """What Prometheus scrapes: service → the health of each of its containers."""
        found: dict[str, list[str]] = {}
        for target in httpx.get(f"{self.prometheus}/api/v1/targets", timeout=10).json()["data"][
            "activeTargets"
        ]:
            found.setdefault(target["labels"]["service"], []).append(target["health"])
        return found


def eventually(what: str, ask: Callable[[], T | None], seconds: float) -> T:
    """The first answer that is true. A refused connection is no answer yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if answer := ask():
                return answer
        except (httpx.TransportError, AssertionError) as error:
            last = error
        else:
            last = answer
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s; at last {last!r}"
        time.sleep(0.2)
