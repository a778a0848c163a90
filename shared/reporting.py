"""How long work reports its progress."""

from typing import Protocol


class Report(Protocol):
    """Receives the progress of long work."""

    def __call__(self, line: str, fraction: float | None = None) -> None:
        """line: the current step, for a person; fraction: the done part of the step, 0 to 1; None:
        unknown.
        """
