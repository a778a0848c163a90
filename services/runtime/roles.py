"""The roles that a process holds on an embedded log: one process each."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from shared.log.lock import RoleLock
from shared.stages.stage import Layout


class Roles(contextlib.ExitStack):
    """The roles this process holds."""

    def __init__(self):
        super().__init__()
        self.held: list[RoleLock] = []

    def describe(self, text: str) -> None:
        """What a second start is told."""
        for lock in self.held:
            lock.describe(text)


def hold(settings, layout: Layout, roles: Sequence[str]) -> Roles:
    """The roles on an embedded log, one process each in a generation. Error: AlreadyRunning."""
    taken = Roles()
    if settings.log_url.startswith("sqlite:"):
        try:
            for role in roles:
                taken.held.append(
                    taken.enter_context(
                        RoleLock(
                            Path(settings.log_url.removeprefix("sqlite:///")), f"{role}-g{layout.generation}"
                        )
                    )
                )
        except BaseException:
            taken.close()
            raise
    return taken
