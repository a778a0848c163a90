"""A simulated literature: papers, authors and citations with the statistical shape of real ones.

Everything is labelled: paper ids begin with `sim:`, author ids with `sim:a`, kind is "simulated", venue
"Simulated literature". A seed decides every byte: only `random.Random.random` is used, whose sequence Python
keeps from version to version.

Citations follow the copying model (Kleinberg et al. 1999): pick a paper, then cite it or a paper that it
cites. In-degrees get a heavy tail as in preferential attachment, at constant cost. Authors are picked in
proportion to their papers so far (Simon 1955), within communities, or are new. The literature grows by a
constant factor each year.
"""

from bisect import bisect
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from math import log2
from random import Random
from typing import Any, NamedTuple

import orjson

from services.producer.simulation.vocabulary import (
    ADJECTIVES,
    FIELDS,
    FIRST_NAMES,
    INSTITUTIONS,
    LAST_NAMES,
    METHODS,
    OBJECTS,
)

KIND = "simulated"
VENUE = "Simulated literature"
FIRST_DAY = date(1990, 1, 1)

# Shares and sizes. Team and reference list sizes are drawn from the cumulated weights.
TEAM_SIZES = list(accumulate((16, 24, 22, 15, 10, 6, 4, 3)))  # 1 to 8 authors, mean 3.3
NEW_AUTHOR = 0.3
OTHER_COMMUNITY = 0.15
COPIED = 0.6  # the share of references copied from the picked paper
LATER = 0.02  # the share of references to one of the next LATER_WITHIN papers
LATER_WITHIN = 50
REVISED = 0.007
WITHDRAWN = 0.003
REVISABLE = 512  # only the newest papers are revised or withdrawn
LANDMARK_COPIED = 0.5


class Landmark(NamedTuple):
    """A real paper that simulated ones may cite after its publication. weight: its share of the first
    citations.
    """

    paper_id: str
    published: str
    weight: int


def simulate(papers: int, seed: int) -> Iterator[bytes]:
    """Events of papers.v1: `papers` publications, oldest first, with about 1 % revisions and withdrawals.

    A longer literature of the same seed begins with the shorter one. References may name later papers, or
    papers that never come.
    """
    for event in Literature(seed).events(papers):
        yield orjson.dumps(event)


class Literature:
    """The papers so far. name: a part of each id, so that two literatures in one log stay apart."""

    def __init__(
        self,
        seed: int,
        name: str | None = None,
        landmarks: Sequence[Landmark] = (),
        cites_landmark: float = 0.0,
        fields: Sequence[str] = FIELDS,
    ):
        """fields: categories, the most frequent first. Frequencies follow Zipf's law."""
        self.random = Random(seed).random
        self.name = name or str(seed)
        self.cites_landmark = cites_landmark  # share of papers that cite a landmark
        self.landmarks = sorted(landmarks, key=lambda landmark: landmark.published)
        self.landmark_dates = [landmark.published for landmark in self.landmarks]
        pool = (i for i, landmark in enumerate(self.landmarks) for _ in range(landmark.weight))
        self.pool = list(pool)  # landmarks; each citation adds one more entry
        self.references: list[list[int]] = []  # by paper
        self.by_field: list[list[int]] = [[] for _ in fields]  # papers
        self.slots: list[list[int]] = [[] for _ in fields]  # authors, once for each of their papers
        self.authors: list[dict[str, Any]] = []
        self.recent: deque[dict[str, Any]] = deque(maxlen=REVISABLE)
        self.fields = fields
        self.frequencies = list(accumulate(1 / rank for rank in range(1, len(fields) + 1)))

    def day(self, paper: int) -> str:
        """The publication date of a paper.

        The number of papers a year doubles every three years in the end.
        """
        return (FIRST_DAY + timedelta(days=int(1095.75 * log2(1 + paper / 200)))).isoformat()

    def events(self, papers: int) -> Iterator[dict[str, Any]]:
        """`papers` publications, with revisions and withdrawals between them."""
        random, recent = self.random, self.recent
        while len(self.references) < papers:
            event = self.paper()
            recent.append(event)
            yield event
            chance = random()
            if chance < WITHDRAWN:
                yield self._withdrawal()
            elif chance < WITHDRAWN + REVISED:
                yield self._revision()

    def paper(self) -> dict[str, Any]:
        """The next publication."""
        random = self.random
        number = len(self.references)
        field = bisect(self.frequencies, random() * self.frequencies[-1])
        published = self.day(number)
        cited = self._cited(number, field)
        self.references.append(cited)
        self.by_field[field].append(number)
        prefix = f"sim:{self.name}-"
        references = [f"{prefix}{paper}" for paper in cited]
        if self.cites_landmark and random() < self.cites_landmark:
            references += self._landmarks(published)
        return {
            "event": "paper.published",
            "paper_id": f"{prefix}{number}",
            "revision": 0,
            "title": self._title(),
            "published": published,
            "categories": [self.fields[field]],
            "venue": VENUE,
            "kind": KIND,
            "authors": self._team(field),
            "references": references,
        }

    def _cited(self, number: int, field: int) -> list[int]:
        random, references = self.random, self.references
        wish = int(41 * random() * random())  # 0 to 40, mean 10, skewed to short lists
        own = self.by_field[field]
        cited: dict[int, None] = {}
        for _ in range(wish):
            if random() < LATER:
                cited[number + 1 + int(random() * LATER_WITHIN)] = None
                continue
            if own and random() >= OTHER_COMMUNITY:
                paper = own[int(random() * len(own))]
            elif number:
                paper = int(random() * number)
            else:
                continue
            if random() < COPIED and (copied := references[paper]):
                paper = copied[int(random() * len(copied))]
            if paper != number:
                cited[paper] = None
        return list(cited)

    def _landmarks(self, published: str) -> list[str]:
        """One or a few landmarks published by that date."""
        random, pool = self.random, self.pool
        cited: list[str] = []
        until = bisect(self.landmark_dates, published)
        while not cited or random() < LANDMARK_COPIED:
            landmark = pool[int(random() * len(pool))]
            if landmark >= until:
                if until == 0 or random() < 0.2:
                    break
                continue
            if self.landmarks[landmark].paper_id in cited:
                break
            cited.append(self.landmarks[landmark].paper_id)
            pool.append(landmark)
        return cited

    def _team(self, field: int) -> list[dict[str, Any]]:
        random = self.random
        team: dict[int, dict[str, Any]] = {}
        for _ in range(1 + bisect(TEAM_SIZES, random() * TEAM_SIZES[-1])):
            slots = self.slots[field if random() >= OTHER_COMMUNITY else int(random() * len(self.fields))]
            if slots and random() >= NEW_AUTHOR:
                author = slots[int(random() * len(slots))]
            else:
                author = self._author()
            slots.append(author)
            team[author] = self.authors[author]
        return list(team.values())

    def _author(self) -> int:
        random, number = self.random, len(self.authors)
        name = (
            f"{FIRST_NAMES[int(random() * len(FIRST_NAMES))]} {LAST_NAMES[int(random() * len(LAST_NAMES))]}"
        )
        institution = INSTITUTIONS[int(random() * random() * len(INSTITUTIONS))]
        self.authors.append(
            {"author_id": f"sim:a{self.name}-{number}", "name": name, "affiliations": [institution]}
        )
        return number

    def _title(self) -> str:
        random = self.random
        adjective = ADJECTIVES[int(random() * len(ADJECTIVES))]
        method = METHODS[int(random() * len(METHODS))]
        thing = OBJECTS[int(random() * len(OBJECTS))]
        shape = random()
        if shape < 0.4:
            return f"{adjective} {method} of {thing}".capitalize()
        other = ADJECTIVES[int(random() * len(ADJECTIVES))]
        if shape < 0.7:
            return f"Towards {adjective} {method} for {other} {thing}"
        if shape < 0.9:
            return (
                f"{method} and {METHODS[int(random() * len(METHODS))]}: a {adjective} view on {thing}"
            ).capitalize()
        return f"Why does {adjective} {method} work for {other} {thing}?"

    def _recent(self) -> int:
        return int(self.random() * len(self.recent))

    def _withdrawal(self) -> dict[str, Any]:
        at = self._recent()
        event = self.recent[at]
        revision = event["revision"] + 1
        self.recent[at] = event | {"revision": revision}  # a later revision publishes the paper again
        return {
            "event": "paper.withdrawn",
            "paper_id": event["paper_id"],
            "revision": revision,
            "reason": "simulated withdrawal",
        }

    def _revision(self) -> dict[str, Any]:
        """A recent paper with another title, and one reference more or fewer."""
        at = self._recent()
        event = self.recent[at]
        references = list(event["references"])
        if references and self.random() < 0.5:
            references.pop(int(self.random() * len(references)))
        else:
            more = f"sim:{self.name}-{int(self.random() * len(self.references))}"
            if more != event["paper_id"] and more not in references:
                references.append(more)
        self.recent[at] = event = event | {"revision": event["revision"] + 1, "references": references}
        return event | {"title": f"{event['title']} (revised)"}
