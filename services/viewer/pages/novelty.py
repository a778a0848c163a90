"""The novelty of one paper and why, in sentences."""

from collections.abc import Mapping
from typing import Any

from services.viewer.pages.field_names import field_in_words
from services.viewer.pages.scores import REASONS, cohort_in_words, rounded
from services.viewer.pages.words import number, plural

Entry = Mapping[str, Any]


def novelty_in_words(paper: Entry, evidence: Entry | None) -> list[str]:
    """Sentences.

    paper: as the store has it; evidence: the same paper in the newest snapshot of one of its authors. None:
    no snapshot lists it, so the grounds are not known here.
    """
    listed = evidence if evidence is not None else paper
    value = listed.get("novelty")
    standing = ((evidence or {}).get("standing") or {}).get("novelty")
    why = "; ".join(REASONS.get(code, code.replace("_", " ")) for code in (standing or {}).get("reasons", ()))
    if value is None:
        return [f"It has no novelty: {why}." if why else "It has no novelty yet."]
    said = [
        f"Novelty {rounded('novelty', value)}. It has more new word combinations than that share of "
        f"{cohort_in_words(standing, field_in_words, 'of all fields')}."
    ]
    if standing and standing.get("pairs"):
        said.append(
            f"{number(standing['new_pairs'] or 0)} of its {plural(standing['pairs'], 'word pair')} are in no "
            "earlier paper here."
        )
    if why:
        said.append(f"This is provisional: {why}.")
    if standing is None:
        said.append("The newest snapshots of its authors do not list it, so its grounds are not shown here.")
    return said
