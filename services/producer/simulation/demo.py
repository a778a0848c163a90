"""The demo stream: facts about one real author, then a simulated literature that cites his papers.

The facts are titles, dates, fields, listed authors, institutions and the numbers of an index; no abstracts.
All simulated papers are labelled (literature.py). They cite him; none is attributed to him.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

import orjson

from services.producer.simulation.literature import Landmark, Literature

AUTHOR_ID = "a:sygnowski"
AUTHOR = "Jakub Sygnowski"
REPORTED: dict[str, Any] = {
    "event": "author.reported",
    "author_id": AUTHOR_ID,
    "source": "scholar-feed",
    "as_of": "2026-11-01",
    "metrics": {"h_index": 102, "papers": 13, "citations": 9483, "novelty": 0.60, "ai_score": 35},
}


class Paper(NamedTuple):
    """A paper of the author.

    authors: at most the first three. truncated: there are more, and only he is known of them. weight: the
    share of simulated citations.
    """

    arxiv: str
    published: str
    category: str
    title: str
    authors: tuple[str, ...]
    truncated: bool = True
    institutions: tuple[str, ...] = ()
    weight: int = 2


PAPERS = (
    Paper("1605.01335", "2016-05-04", "cs.LG", "Learning from the memory of Atari 2600",
          (AUTHOR, "Henryk Michalewski"), False),
    Paper("1605.02688", "2016-05-09", "cs.SC",
          "Theano: A Python framework for fast computation of mathematical expressions",
          ("The Theano Development Team", "Rami Al-Rfou", "Guillaume Alain"), weight=9),
    Paper("1806.07917", "2018-06-06", "cs.NE", "Meta-Learning by the Baldwin Effect",
          ("Chrisantha Thomas Fernando", AUTHOR, "Simon Osindero")),
    Paper("1807.05960", "2018-07-16", "cs.LG", "Meta-Learning with Latent Embedding Optimization",
          ("Andrei A. Rusu", "Dushyant Rao", AUTHOR), weight=8),
    Paper("1906.05201", "2019-06-12", "stat.ML", "Task Agnostic Continual Learning via Meta Learning",
          ("Xu He", AUTHOR, "Alexandre Galashov"), weight=3),
    Paper("2009.04875", "2020-09-10", "cs.LG", "Importance Weighted Policy Learning and Adaptation",
          ("Alexandre Galashov", AUTHOR, "Guillaume Desjardins"), weight=1),
    Paper("2010.03053", "2020-10-06", "cs.LG",
          "Sequential Changepoint Detection in Neural Networks with Checkpoints",
          ("Michalis K. Titsias", AUTHOR, "Yutian Chen"), False, weight=1),
    Paper("2103.09575", "2021-03-17", "cs.LG", "Regularized Behavior Value Estimation",
          ("Caglar Gulcehre", "Sergio Gómez Colmenarejo", "Ziyu Wang")),
    Paper("2107.12808", "2021-07-27", "cs.LG", "Open-Ended Learning Leads to Generally Capable Agents",
          ("Open Ended Learning Team", "Adam Stooke", "Anuj Mahajan"), weight=5),
    Paper("2207.02099", "2022-07-05", "cs.LG",
          "An Empirical Study of Implicit Regularization in Deep Offline RL",
          ("Caglar Gulcehre", "Srivatsan Srinivasan", AUTHOR), institutions=("deepmind",)),
    Paper("2301.07608", "2023-01-18", "cs.LG", "Human-Timescale Adaptation in an Open-Ended Task Space",
          ("Adaptive Agent Team", "Jakob Bauer", "Kate Baumli"), institutions=("oxford",), weight=4),
    Paper("2312.11805", "2023-12-19", "cs.CL", "Gemini: A Family of Highly Capable Multimodal Models",
          ("Gemini Team", "Rohan Anil", "Sebastian Borgeaud"), weight=9),
    Paper("2403.05530", "2024-03-08", "cs.CL",
          "Gemini 1.5: Unlocking multimodal understanding across millions of tokens of context",
          ("Gemini Team", "Petko Georgiev", "Ving Ian Lei"), institutions=("deepmind", "mila"), weight=7),
)  # fmt: skip

# The simulated part consists of editions. Each is a literature of its own, so that memory stays bounded and a
# restart finds its position within a second.
EDITION = 20_000  # papers
FIRST_CITES = 0.03  # the share of papers in the backlog that cite him
CITES = 0.1  # the share afterwards: about nine citations a minute at LIVELY_RATE
# The backlog is sent at once. It is large enough that his scores are settled when the page opens: novelty
# needs
# 1,000 papers before his first one, and 30 papers with a long enough title in the cohort of each of his
# papers
# (docs/scores.md, 2.3).
BACKLOG = 10_000  # events
BACKLOG_PAPERS = 9_900  # the others are revisions and withdrawals
EARLY = 1_500  # papers of the backlog before his first one
BACKLOG_DAYS = (date(2004, 1, 1), date(2016, 5, 1), date(2026, 10, 31))  # first, first after EARLY, last
FIELDS = ("cs.LG", "cs.CL", "cs.SC", "cs.NE", "stat.ML", "cs.CV", "cs.RO", "math.OC")  # his fields come first
LIVELY = 900  # events at LIVELY_RATE, a quarter of an hour; then CALM_RATE
LIVELY_RATE = 1.0
CALM_RATE = 0.2
MOST_PAPERS = 28_000  # then it ends, after about a day, so that a forgotten demo fills no disk


def facts() -> Iterator[dict[str, Any]]:
    """The author, the reported numbers, and his 13 papers, oldest first."""
    yield {"event": "author.described", "author_id": AUTHOR_ID, "name": AUTHOR}
    yield REPORTED
    for paper in PAPERS:
        yield published(paper)


def published(paper: Paper) -> dict[str, Any]:
    """The event of papers.v1 for one of his papers."""
    names = paper.authors if AUTHOR in paper.authors else (*paper.authors, AUTHOR)
    authors: list[dict[str, Any]] = [
        {"author_id": AUTHOR_ID, "name": name} if name == AUTHOR else {"name": name} for name in names
    ]
    if paper.institutions:  # known for the paper, not by author; the page shows them with the paper
        authors[0]["affiliations"] = list(paper.institutions)
    return {
        "event": "paper.published",
        "paper_id": paper_id(paper),
        "title": paper.title,
        "published": paper.published,
        "categories": [paper.category],
        "url": f"https://arxiv.org/abs/{paper.arxiv}",
        "kind": "preprint",
        "authors": authors,
        "authors_truncated": paper.truncated,
    }


def paper_id(paper: Paper) -> str:
    return f"arxiv:{paper.arxiv}"


FACTS = len(PAPERS) + 2


class Edition(Literature):
    """EDITION simulated papers.

    The first edition begins with the backlog; each later one is one day later.
    """

    def __init__(self, seed: int, number: int):
        landmarks = [Landmark(paper_id(paper), paper.published, paper.weight) for paper in PAPERS]
        super().__init__(seed * 1_000_003 + number, f"demo{seed}.{number}", landmarks, CITES, FIELDS)
        self.number = number

    def paper(self) -> dict[str, Any]:
        in_backlog = self.number == 0 and len(self.references) < BACKLOG_PAPERS
        self.cites_landmark = FIRST_CITES if in_backlog else CITES
        return super().paper()

    def day(self, paper: int) -> str:
        first, middle, last = BACKLOG_DAYS
        if self.number == 0 and paper < EARLY:
            return (first + (middle - first) * paper / EARLY).isoformat()
        if self.number == 0 and paper < BACKLOG_PAPERS:
            return (middle + (last - middle) * (paper - EARLY) / (BACKLOG_PAPERS - EARLY)).isoformat()
        return (last + timedelta(days=1 + self.number)).isoformat()


def demo(seed: int = 1, after: int = 0, most: int = MOST_PAPERS) -> Iterator[tuple[int, bytes]]:
    """(position, event) after position `after`. The first FACTS positions are the facts.

    most: how many simulated papers there are.

    Positions start at 1. An edition reserves two positions for each paper, far more than it needs, so that
    its first position is known without the editions before it.
    """
    if after < FACTS:
        for position, event in enumerate(facts(), 1):
            if position > after:
                yield position, orjson.dumps(event)
    number = max(0, after - FACTS - 1) // (2 * EDITION)
    while (left := most - number * EDITION) > 0:
        first = FACTS + 1 + number * 2 * EDITION
        for position, event in enumerate(Edition(seed, number).events(min(EDITION, left)), first):
            if position > after:
                yield position, orjson.dumps(event)
        number += 1


def rate(position: int) -> float:
    """Events a second at a position after the backlog."""
    return LIVELY_RATE if position <= FACTS + BACKLOG + LIVELY else CALM_RATE
