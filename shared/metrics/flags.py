"""What must be known of an author's numbers before they are compared: the codes in `flags` of a snapshot."""

import re
from functools import lru_cache
from typing import NamedTuple

from shared.metrics.coauthors import TEAM

LOW_COVERAGE = 0.5
SELF_CITATIONS_INCLUDED = "self_citations_included"


class Flag(NamedTuple):
    """A code, when it is set, and what it means for a reader."""

    code: str
    meaning: str
    words: str


# In the order in which they are told.
FLAGS = (
    Flag(
        "collective_author",
        "The name's last words are those of a group: Collaboration, Consortium, Group, Team, …; decided by the name alone.",
        "This is a group, not a person: its numbers are not those of one author.",
    ),
    Flag(
        "authors_truncated",
        "At least one paper came with `authors_truncated`.",
        "For at least one paper the source lists only some of the authors, so co-authors may be missing.",
    ),
    Flag(
        "dates_missing",
        "At least one paper has no date.",
        "At least one paper has no date; it counts, but stands in none of the yearly series.",
    ),
    Flag(
        "references_low",
        f"`provenance.coverage.references` is below {LOW_COVERAGE}.",
        "Most of the references of this author's papers lead to papers that are not known here: many citations may be missing, too.",
    ),
    Flag(
        "teams_left_out",
        f"At least one paper has more than {TEAM} authors; `coauthors` leaves it out.",
        f"At least one paper has more than {TEAM} authors; they are not counted as co-authors.",
    ),
    Flag(
        "definitions_changed",
        "This generation follows another version of the definitions than the one before, and the meaning of a number changed with it.",
        "The definition of at least one number has changed: older values of it are not comparable.",
    ),
    Flag(
        SELF_CITATIONS_INCLUDED,
        "The headline's AI score is counted by a source; also with every `scores.ai_score_by_source`.",
        "The AI score rests on citations as a source counts them: self-citations are among them.",
    ),
)
BY_CODE = {flag.code: flag for flag in FLAGS}

_COLLECTIVE = re.compile(
    r"\b(collaborations?|consorti(um|a)|(working|study|research) group|group|teams?|committee|network|initiative|investigators|project)"
    r"(\s+(members|investigators|authors))?[\s.)\]]*$",
    re.IGNORECASE,
)


@lru_cache(1 << 16)
def is_collective(name: str) -> bool:
    """Whether a name is that of a group of people, by its last words: "ATLAS Collaboration", "the Pierre Auger Collaboration"."""
    return _COLLECTIVE.search(name) is not None
