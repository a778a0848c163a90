"""A simulated literature: papers, authors and citations that nobody wrote, with the shape of those that somebody did.

Everything is labelled: paper ids begin with `sim:`, author ids with `sim:a`, kind is "simulated", venue "Simulated literature". A seed
decides every byte: only `random.Random.random` is used, whose sequence Python keeps from version to version.

Citations: the copying model (Kleinberg et al. 1999): pick a paper, cite it or one that it cites; so in-degrees have a heavy tail
as in preferential attachment, at constant cost and with the references held anyway. Authors: an author is picked again in proportion
to the papers already written (Simon 1955), within communities, or is new. The literature grows by a constant factor a year.
"""

from bisect import bisect
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import accumulate
from math import log2
from random import Random
from typing import NamedTuple

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
COPIED = 0.6  # a reference is one of the references of the paper picked
LATER = 0.02  # a reference is to a paper that comes within the next LATER_WITHIN
LATER_WITHIN = 50
REVISED = 0.007
WITHDRAWN = 0.003
REVISABLE = 512  # among so many of the newest papers
LANDMARK_COPIED = 0.5


class Landmark(NamedTuple):
    """A paper from outside that the simulated ones may cite once it is published. weight: how often at first, relative to the others."""

    paper_id: str
    published: str
    weight: int


def simulate(papers: int, seed: int) -> Iterator[bytes]:
    """Events of papers.v1: `papers` publications, oldest first, and among them about 1 % revisions and withdrawals.

    A longer literature of the same seed begins with the shorter one. References may be to papers that come later, or never.
    """
    for event in Literature(seed).events(papers):
        yield orjson.dumps(event)


class Literature:
    """What has been published so far. name: goes into every id, so that two literatures in one log are two."""

    def __init__(
        self,
        seed: int,
        name: str | None = None,
        landmarks: Sequence[Landmark] = (),
        cites_landmark: float = 0.0,
    ):
        self.random = Random(seed).random
        self.name = name or str(seed)
        self.cites_landmark = cites_landmark  # share of papers that cite a landmark
        self.landmarks = sorted(landmarks, key=lambda landmark: landmark.published)
        self.landmark_dates = [landmark.published for landmark in self.landmarks]
        pool = (i for i, landmark in enumerate(self.landmarks) for _ in range(landmark.weight))
        self.pool = list(pool)  # and once more for each citation: the rich get richer
        self.references: list[list[int]] = []  # by paper
        self.by_field: list[list[int]] = [[] for _ in FIELDS]  # papers
        self.slots: list[list[int]] = [[] for _ in FIELDS]  # authors, once for each paper of theirs
        self.authors: list[dict] = []
        self.recent: deque[dict] = deque(maxlen=REVISABLE)
        self.fields = list(accumulate(1 / rank for rank in range(1, len(FIELDS) + 1)))

    def day(self, paper: int) -> str:
        """Publication date: the number of papers grows with the time, doubling every three years at last."""
        return (FIRST_DAY + timedelta(days=int(1095.75 * log2(1 + paper / 200)))).isoformat()

    def events(self, papers: int) -> Iterator[dict]:
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

    def paper(self) -> dict:
        """The next publication."""
        random = self.random
        number = len(self.references)
        field = bisect(self.fields, random() * self.fields[-1])
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
            "categories": [FIELDS[field]],
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
            if random() < COPIED and (theirs := references[paper]):
                paper = theirs[int(random() * len(theirs))]
            if paper != number:
                cited[paper] = None
        return list(cited)

    def _landmarks(self, published: str) -> list[str]:
        """One or a few of the landmarks published by then."""
        random, pool, cited = self.random, self.pool, []
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

    def _team(self, field: int) -> list[dict]:
        random, team = self.random, {}
        for _ in range(1 + bisect(TEAM_SIZES, random() * TEAM_SIZES[-1])):
            slots = self.slots[field if random() >= OTHER_COMMUNITY else int(random() * len(FIELDS))]
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
        home = INSTITUTIONS[int(random() * random() * len(INSTITUTIONS))]
        self.authors.append({"author_id": f"sim:a{self.name}-{number}", "name": name, "affiliations": [home]})
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
            return f"{method} and {METHODS[int(random() * len(METHODS))]}: a {adjective} view on {thing}".capitalize()
        return f"Why does {adjective} {method} work for {other} {thing}?"

    def _recent(self) -> int:
        return int(self.random() * len(self.recent))

    def _withdrawal(self) -> dict:
        at = self._recent()
        event = self.recent[at]
        revision = event["revision"] + 1
        self.recent[at] = event | {
            "revision": revision
        }  # a revision after the withdrawal brings the paper back
        return {
            "event": "paper.withdrawn",
            "paper_id": event["paper_id"],
            "revision": revision,
            "reason": "simulated withdrawal",
        }

    def _revision(self) -> dict:
        """The paper again with another title, and one more reference or one fewer."""
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
