"""Papers and citations."""

from shared.metrics.metric import BOTH, COUNTED, Metric

PAPERS = Metric(
    "papers",
    "papers",
    "How many papers of the author count now.",
    "n",
    "papers.v1",
    "papers",
    bases=BOTH,
    values=lambda a: a.papers,
)
CITATIONS = Metric(
    "citations",
    "citations",
    "How often other papers cite the author's papers.",
    "Σ cᵢ",
    "references of the papers",
    "citations",
    bases=BOTH,
    values=lambda a: a.citations,
)
PAPERS_COUNTED = Metric(
    "papers_counted",
    "papers counted",
    "Of the author's papers, how many the source gives a count for; only in `counted:SOURCE`.",
    "|{i : the source counts paper i}|",
    "paper.counted",
    "papers",
    span="0 … n",
    bases=(COUNTED,),
    values=lambda a: a.papers_counted,
)
