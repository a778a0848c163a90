"""The number of people that the author has written with."""

from shared.metrics.metric import Metric

# Authors of a paper; a larger paper makes no co-authors, because its thousands have not written together
TEAM = 50

COAUTHORS = Metric(
    "coauthors",
    "co-authors",
    f"Distinct other people on the author's papers, without papers of more than {TEAM} authors.",
    f"|∪ᵢ authors of paper i, where aᵢ ≤ {TEAM}| − 1",
    "author lists of the papers",
    "people",
    since="2026.2",
    values=lambda a: a.coauthors,
)
