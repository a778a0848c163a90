"""With how many people the author has written."""

from shared.metrics.metric import Metric

TEAM = 50  # a paper of more authors makes nobody a co-author: who is one of thousands has not written with each of them

COAUTHORS = Metric("coauthors", "co-authors",
                   f"Distinct other people on the author's papers; papers of more than {TEAM} authors are left out.",
                   f"|∪ᵢ authors of paper i, where aᵢ ≤ {TEAM}| − 1", "author lists of the papers", "people", since="2026.2",
                   values=lambda a: a.coauthors)  # fmt: skip
