"""The g-index, with and without missing papers. Kept incrementally by indices.py."""

from shared.metrics.metric import BOTH, Metric

SOURCE = "Egghe, Scientometrics 69:131, 2006"

G_INDEX = Metric(
    "g_index",
    "g-index",
    "The largest g, at most the number of papers, with g² citations in the g most cited papers together.",
    "max {g ≤ n : c₁ + … + c_g ≥ g²}",
    SOURCE,
    "papers",
    span="h … n",
    bases=BOTH,
    values=lambda a: a.g,
)
G_INDEX_UNCAPPED = Metric(
    "g_index_uncapped",
    "g-index, uncapped",
    "The g-index where g may exceed the number of papers: missing papers have no citations.",
    "max {g : c₁ + … + c_min(g, n) ≥ g²}",
    SOURCE,
    "papers",
    span="g …",
    bases=BOTH,
    values=lambda a: a.g_uncapped,
)
