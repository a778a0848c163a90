"""The differences that a verification finds."""

from typing import Any, NamedTuple

SHOWN = 20  # differences that a message lists
LONGEST_VALUE = 120  # characters of a value in a message


class ProfileDifference(NamedTuple):
    """One published value that differs from the recomputed one.

    subject: an author key, or the position of a record in the log. The values are JSON values, of any type.
    """

    subject: str
    what: str
    published: Any
    recomputed: Any

    def __str__(self) -> str:
        published, recomputed = _short(self.published), _short(self.recomputed)
        return f"  {self.subject}\n    {self.what}: published {published}, recomputed {recomputed}"


class Differences:
    """Keeps the first SHOWN differences, and counts all of them and their subjects."""

    def __init__(self) -> None:
        self.first: list[ProfileDifference] = []
        self.count = 0
        self.subjects: set[str] = set()

    def add(self, subject: str, what: str, published: Any, recomputed: Any) -> None:
        """Notes one difference."""
        self.count += 1
        self.subjects.add(subject)
        if len(self.first) < SHOWN:
            self.first.append(ProfileDifference(subject, what, published, recomputed))

    def compare(self, subject: str, what: str, published: Any, recomputed: Any) -> None:
        """Notes a difference if the two values differ."""
        if published != recomputed:
            self.add(subject, what, published, recomputed)

    def __str__(self) -> str:
        count, subjects = f"{self.count:,} differences", f"{len(self.subjects):,} authors or places"
        head = f"published and recomputed differ: {count}, {subjects}"
        rest = [f"  … and {self.count - len(self.first):,} more"] if self.count > len(self.first) else []
        return "\n".join([head, *map(str, self.first), *rest])


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) and value.isprintable() else repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"
