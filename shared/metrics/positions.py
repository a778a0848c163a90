"""Where the author stands in the lists of authors."""

from shared.metrics.metric import Metric

SOURCE = "author lists of the papers"

PAPERS_FIRST = Metric("papers_first", "papers as first author", "Papers whose list of authors begins with the author, alone or not.",
                      "|{i : first of aᵢ}|", SOURCE, "papers", span="0 … n", since="2026.2", values=lambda a: a.first)  # fmt: skip
PAPERS_LAST = Metric("papers_last", "papers as last author", "Papers of at least two authors whose list ends with the author.",
                     "|{i : last of aᵢ ≥ 2}|", SOURCE, "papers", span="0 … n", since="2026.2", values=lambda a: a.last)  # fmt: skip
PAPERS_SINGLE = Metric("papers_single", "papers as single author", "Papers that the author wrote alone.", "|{i : aᵢ = 1}|", SOURCE,
                       "papers", span="0 … first", since="2026.2", values=lambda a: a.single)  # fmt: skip
