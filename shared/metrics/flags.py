"""Warnings about an author's numbers: the codes in `flags` of a snapshot."""

import re
from functools import lru_cache
from typing import NamedTuple

from shared.metrics.coauthors import TEAM

LOW_COVERAGE = 0.5
SELF_CITATIONS_INCLUDED = "self_citations_included"


class Flag(NamedTuple):
    """A warning. meaning: when it is set; words: what it means, for the page."""

    code: str
    meaning: str
    words: str


# In the order of the snapshot.
FLAGS = (
    Flag(
        "collective_author",
        "The name is that of a group. Its last words say so (Collaboration, Collaborators, Consortium, "
        "Trialists, Study Group, Task Force, …), or the words before its subject (Task Force on …, "
        "Collaboration ATLAS). Group, Team, Network and Project after only given names and initials are "
        "family names. The name alone decides.",
        "This is a group, not a person: its numbers are not those of one author.",
    ),
    Flag(
        "authors_truncated",
        "At least one paper came with `authors_truncated`.",
        "For at least one paper the source lists only some of the authors. Co-authors may be missing.",
    ),
    Flag(
        "dates_missing",
        "At least one paper has no date.",
        "At least one paper has no date. It counts, but it is in none of the yearly series.",
    ),
    Flag(
        "references_low",
        f"`provenance.coverage.references` is below {LOW_COVERAGE}.",
        "Most references of this author's papers lead to papers that are not known here. Many citations may "
        "be missing too.",
    ),
    Flag(
        "teams_left_out",
        f"At least one paper has more than {TEAM} authors; `coauthors` leaves it out.",
        f"At least one paper has more than {TEAM} authors. They do not count as co-authors.",
    ),
    Flag(
        "definitions_changed",
        "This generation uses another version of the definitions than the one before, and a number changed "
        "its meaning.",
        "The definition of at least one number has changed. Its older values are not comparable.",
    ),
    Flag(
        SELF_CITATIONS_INCLUDED,
        "The headline's AI score uses the counts of a source; also set with every "
        "`scores.ai_score_by_source`.",
        "The AI score uses the citation counts of a source, and these include self-citations.",
    ),
)
BY_CODE = {flag.code: flag for flag in FLAGS}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words for groups of people.
_GROUPS = _words(
    """
    collaboration collaborations collaborator collaborators collaborative collaboratives consortium
    consortia consortiums trialists investigators committee committees subcommittee subcommittees
    initiative initiatives workgroup workgroups alliance association society group groups team teams
    network networks project projects
    """
)
_PAIRS = frozenset({"task force", "task forces", "working party", "working parties"})
_LAST_WORDS = _GROUPS | {pair.split()[-1] for pair in _PAIRS}
_ALSO_PEOPLE = _words("group groups team teams network networks project projects")
_MEMBERS = _words("members investigators authors participants collaborators")
_GIVEN = _words(
    """
    ada adam alan albert alex alexander alice amy ana andrea andreas andrew angela ann anna anne anthony
    antonio barbara ben benjamin bob brian carl carlos carol caroline catherine charles chris christian
    christine christopher claire clara daniel david deborah dennis diana donald dorothy ed edward elena
    elizabeth ella emily emma eric eva evelyn frank frederick gary george giovanni grace greg hannah
    hans harold helen henry hugo ian irene isabel jack jacob james jan jane janet jason jean jennifer
    jessica jim joan joe johann john jonathan jorge jose joseph juan julia julie karen karl kate
    katherine kevin klaus laura lee leo linda lisa louis lucas lucy luis luke marco margaret maria marie
    mario mark martin mary matthew max mei michael michelle miguel mike min mohammed monica nancy
    nicholas nicole nina olga olivia otto pablo patricia patrick paul paula pedro peter philip rachel
    ralph raymond rebecca richard robert roger ronald rosa ruth ryan sam samuel sandra sara sarah scott
    sharon simon sofia stefan stephen steven susan teresa theodore thomas tim timothy tom victor
    victoria vincent walter wei william xiao yi
    """
)
_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]][\s.,;]*$")  # at the end: a year, an abbreviation


@lru_cache(1 << 16)
def is_collective(name: str) -> bool:
    """Whether a name is that of a group of people.

    True for "ATLAS Collaboration", "GBD 2019 Collaborators", "Collaboration ATLAS (2012)"; False for "John
    Network".
    """
    words = re.findall(r"\w+", name)
    if _LAST_WORDS.isdisjoint([word.lower() for word in words]):  # nearly every name
        return False
    while (cut := _IN_BRACKETS.search(name)) and cut.start():
        name = name[: cut.start()]
    lower = [word.lower() for word in re.findall(r"\w+", name)]
    return _ends_in_group(lower) or _begins_with_group(name, words)


def _ends_in_group(words: list[str]) -> bool:
    if len(words) > 1 and words[-1] in _MEMBERS and _group_of(words[:-1]):
        words = words[:-1]
    group = _group_of(words)
    before = words[: len(words) - len(group.split())]
    is_person = before and group in _ALSO_PEOPLE and all(word in _GIVEN or len(word) == 1 for word in before)
    return bool(group) and not is_person


def _group_of(words: list[str]) -> str:
    """The one or two last words, if they name a kind of group, else ""."""
    pair = " ".join(words[-2:])
    return pair if pair in _PAIRS else words[-1] if words and words[-1] in _GROUPS else ""


def _begins_with_group(name: str, words: list[str]) -> bool:
    """Whether the group comes before its subject.

    "Task Force on X" and "ESC Committee for X"; at the beginning also "Consortium, X" and "Collaboration
    ATLAS".
    """
    lower = [word.lower() for word in words]
    ends = [
        at for at in range(1, len(words)) if (group := _group_of(lower[:at])) and group not in _ALSO_PEOPLE
    ]
    if any(lower[at] in ("for", "of", "on") for at in ends):
        return True
    first = [at for at in ends if len(_group_of(lower[:at]).split()) == at - (lower[0] == "the")]
    return any(
        _is_acronym(words[at]) or re.match(r"\W*" + r"\W+".join(words[:at]) + r"\s*,", name) for at in first
    )


def _is_acronym(word: str) -> bool:
    return sum(letter.isupper() for letter in word) > 1
