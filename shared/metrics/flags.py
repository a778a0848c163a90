"""Warnings about an author's numbers: the codes in `flags` of a snapshot."""

from typing import NamedTuple

from shared.ids import OF_NAME
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
        "name_only",
        f"The id of the author is a bare name (it begins with `{OF_NAME}`): the papers have no id of this "
        "author. The id alone decides.",
        "This profile is a name, not a person: papers of namesakes may be among them, and papers under "
        "another spelling are missing.",
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
        "retracted_papers",
        "At least one published paper of the author is retracted (`paper.withdrawn` of kind `retracted`). "
        "The setting `retracted` says whether such papers count.",
        "At least one paper of this author is retracted.",
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
