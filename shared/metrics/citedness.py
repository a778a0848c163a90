"""Two-year mean citedness: the impact factor's formula, of an author's papers."""

from shared.metrics.metric import Metric, ratio

MEAN_CITEDNESS_2Y = Metric(
    "mean_citedness_2y",
    "two-year mean citedness",
    "Citations by papers of last year to the author's papers of the two years before that, for each such "
    "paper.",
    "Σ |{citations by papers of Y − 1 of paper i of Y − 2 or Y − 3}| / |{i : of Y − 2 or Y − 3}|",
    "OpenAlex (2yr_mean_citedness); Garfield, Science 178:471, 1972",
    "citations a paper",
    null="without papers of Y − 2 and Y − 3, and before the first day",
    since="2026.2",
    dated=True,
    digits=6,
    values=lambda a: ratio(a.citations_lately, a.papers_lately, (a.papers_lately > 0) & (a.year > 0)),
)
