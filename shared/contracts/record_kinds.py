"""Which kinds of record count: the setting `kinds`."""

import re
from functools import lru_cache

ALL = "all"
# What is about a paper, or holds papers, and is none itself. Sources give these kinds authors too.
LEFT_OUT = (
    "book-series",
    "book-set",
    "component",
    "data-record",
    "erratum",
    "grant",
    "instrument",
    "journal",
    "journal-issue",
    "journal-volume",
    "libguides",
    "paratext",
    "peer-review",
    "physical-object",
    "proceedings",
    "proceedings-series",
    "project",
    "report-series",
    "resource-collection",
    "retraction",
    "standard-series",
    "supplementary-materials",
)
DEFAULT = ",".join([ALL, *(f"-{kind}" for kind in LEFT_OUT)])
FORM = (
    "all or kinds with commas between them; a kind behind - does not count: all,-paratext or article,preprint"
)


class RecordKinds:
    """The kinds that count. A record without a kind counts. Upper and lower case are the same."""

    def __init__(self, setting: str) -> None:
        """setting: as FORM says. Error: ValueError for a setting that names no kind."""
        names = [name.strip().casefold() for name in setting.split(",")]
        if not all(re.fullmatch(r"-?[^-\s].*", name) for name in names):
            raise ValueError(FORM)
        self._left_out = frozenset(name[1:] for name in names if name.startswith("-"))
        self._named = frozenset(name for name in names if not name.startswith("-"))

    def count(self, kind: str | None) -> bool:
        """Whether a record of this kind counts."""
        return not kind or _counts(self._named, self._left_out, kind)


@lru_cache(1 << 10)
def _counts(named: frozenset[str], left_out: frozenset[str], kind: str) -> bool:
    name = kind.strip().casefold()
    return not name or ((ALL in named or name in named) and name not in left_out)
