"""The whole stack as containers, as a fresh machine would run it: the page, the targets, and what is killed
comes back.
"""

import time

import httpx
import pytest

from services.viewer.api import FIRST_AUTHOR
from tests.deploy.stack import COMPOSE, OURS, Stack, eventually, what_is_missing

BUILD_SECONDS, PAGE_SECONDS, BACK_SECONDS = 400, 120, 90

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def stack():
    if missing := what_is_missing():
        pytest.skip(f"the stack needs Docker: {missing}")
    stack = Stack()
    try:
        stack.compose("up", "--build", "-d", seconds=BUILD_SECONDS)
        yield stack
    except BaseException:
        print(stack.compose("logs", "--tail", "20", check=False))
        raise
    finally:
        stack.compose("down", "-v", "--remove-orphans", check=False)


class Profile:
    """A reader of the demo's author: versions never go back."""

    def __init__(self, stack: Stack):
        self.address = f"{stack.page}/api/v1/authors/{FIRST_AUTHOR}"
        self.version = 0

    def read(self) -> dict | None:
        answer = httpx.get(self.address, timeout=30)
        if answer.status_code != 200:
            return None
        profile = answer.json()
        if profile["version"] < self.version:
            pytest.fail(f"version {profile['version']} after {self.version}")
        return profile

    def later(self) -> dict | None:
        """One with a higher version than any seen, where there is one."""
        profile = self.read()
        if profile is None or profile["version"] == self.version:
            return None
        self.version = profile["version"]
        return profile


def test_the_demo_runs_and_survives(stack):
    profile = Profile(stack)
    name = eventually("the demo's author", profile.later, PAGE_SECONDS)["name"]
    page = httpx.get(stack.page, follow_redirects=True, timeout=30)
    assert page.status_code == 200 and f"<h1>{name}" in page.text.replace("\n", "")
    eventually("the numbers move", profile.later, PAGE_SECONDS)
    eventually(
        "green targets", lambda: stack.targets() == {service: ["up"] for service in OURS}, BACK_SECONDS
    )
    for service in COMPOSE["services"]:
        eventually(
            f"{service} is healthy",
            lambda s=service: stack.inspect(s)["State"]["Health"]["Status"] == "healthy",
            BACK_SECONDS,
        )
    for service in OURS:
        assert_confined(stack, service)

    stack.compose("kill", "consumer")
    assert not stack.inspect("consumer")["State"]["Running"]
    stack.compose("start", "consumer")
    eventually("the consumer works again", lambda: works(stack, "consumer"), BACK_SECONDS)
    profile.later()  # what was under way to the page
    eventually("numbers after a killed consumer", profile.later, BACK_SECONDS)

    stack.compose("kill", "kafka")
    for service in OURS:
        eventually(
            f"{service} says that it waits", lambda s=service: says_that_it_waits(stack, s), BACK_SECONDS
        )
    stack.compose("start", "kafka")
    for service in OURS:
        eventually(f"{service} works again", lambda s=service: works(stack, s), BACK_SECONDS)
    profile.later()
    eventually("numbers after a killed Kafka", profile.later, BACK_SECONDS)
    for service in OURS:
        assert stack.inspect(service)["RestartCount"] == 0, f"{service} ended, it did not wait"

    began = time.monotonic()
    stack.compose("stop", *OURS)
    assert {service: stack.inspect(service)["State"]["ExitCode"] for service in OURS} == dict.fromkeys(
        OURS, 0
    )
    assert time.monotonic() - began < 60


def works(stack: Stack, service: str) -> bool:
    status, report = stack.ready(service)
    return status == 200 and bool(report["parts"])


def says_that_it_waits(stack: Stack, service: str) -> bool:
    status, report = stack.ready(service)
    return status == 503 and "waiting" in {part["state"] for part in report["parts"].values()}


def assert_confined(stack: Stack, service: str) -> None:
    """Not root, nothing gained by setuid programs, and a root that cannot be written, really."""
    assert stack.inside(service, "import os; print(os.getuid())") != "0"
    stated = stack.inside(
        service,
        "print(*[line for line in open('/proc/1/status') if line.startswith(('NoNewPrivs', 'CapBnd'))])",
    ).split()
    assert stated == ["CapBnd:", "0" * 16, "NoNewPrivs:", "1"] or stated == [
        "NoNewPrivs:",
        "1",
        "CapBnd:",
        "0" * 16,
    ]
    mounts = stack.inside(service, "print(open('/proc/1/mounts').read())").splitlines()
    root = next(options for _, place, _, options, *_ in map(str.split, mounts) if place == "/")
    assert "ro" in root.split(",")
