"""Role locks: on an embedded log, one process holds each role."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from shared.log.lock import RoleLock
from shared.settings import Settings
from shared.stages.stage import Layout


class Roles(contextlib.ExitStack):
    """The roles that this process holds."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[RoleLock] = []

    def describe(self, text: str) -> None:
        """Sets the text that a second process with one of these roles prints."""
        for lock in self.held:
            lock.describe(text)


def hold(settings: Settings, layout: Layout, roles: Sequence[str]) -> Roles:
    """Takes the roles of a generation on an embedded log. On Kafka there is nothing to take.

    Error: AlreadyRunning, when another process holds one of them.
    """
    taken = Roles()
    if not settings.log_url.startswith("sqlite:"):
        return taken
    path = Path(settings.log_url.removeprefix("sqlite:///"))
    try:
        for role in roles:
            taken.held.append(taken.enter_context(RoleLock(path, f"{role}-g{layout.generation}")))
    except BaseException:
        taken.close()
        raise
    return taken
