"""Progress and differences of a verification."""

from typing import Any, NamedTuple, Protocol

SHOWN = 20


class Report(Protocol):
    """Hears about progress: a line for people, and how much of the step is done (0 to 1) or None."""

    def __call__(self, line: str, fraction: float | None = None) -> None: ...


class ProfileDifference(NamedTuple):
    """One thing that is not as it must be. subject: an author, or where in the log."""

    subject: str
    what: str
    published: Any
    recomputed: Any

    def __str__(self) -> str:
        return f"  {self.subject}\n    {self.what}: published {_short(self.published)}, recomputed {_short(self.recomputed)}"


class Differences:
    """The first SHOWN differences and how many there are, of how many subjects."""

    def __init__(self) -> None:
        self.first: list[ProfileDifference] = []
        self.count = 0
        self.subjects: set[str] = set()

    def add(self, subject: str, what: str, published: Any, recomputed: Any) -> None:
        self.count += 1
        self.subjects.add(subject)
        if len(self.first) < SHOWN:
            self.first.append(ProfileDifference(subject, what, published, recomputed))

    def __str__(self) -> str:
        head = f"published and recomputed differ: {self.count:,} differences, {len(self.subjects):,} authors or places"
        rest = [f"  … and {self.count - len(self.first):,} more"] if self.count > len(self.first) else []
        return "\n".join([head, *map(str, self.first), *rest])


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= 120 else text[:119] + "…"
