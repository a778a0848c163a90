"""Streams as the world sends them: late, twice, out of order, corrected, withdrawn. The last word on each
paper stays computable.
"""

import json
import random
from collections.abc import Sequence

from tests.oracle import author_key


def disturbed(events: Sequence[bytes], seed: int) -> list[bytes]:
    """`events` shuffled, with repeats, older revisions that say something else, withdrawals, counts, author
    events, merges.
    """
    dice = random.Random(seed)
    events = [json.loads(raw) for raw in events]
    papers = [event for event in events if event.get("event", "paper.published") == "paper.published"]
    stream: list[dict] = [
        event for event in events if event.get("event", "paper.published") != "paper.published"
    ]
    for paper in papers:
        fate = dice.random()
        paper |= {"revision": dice.choice((0, 1, 5))}
        if (
            fate < 0.25
        ):  # an older revision with other authors, references and title, at any place in the stream
            other = dice.choice(papers)
            stream.append(
                paper
                | {
                    "revision": dice.randrange(
                        paper["revision"] + 1
                    ),  # now and then the very same: then the later one wins
                    "title": paper["title"] + " (draft)",
                    "authors": paper["authors"][1:] + other["authors"][:1],
                    "references": [*paper["references"][::2], other["paper_id"], paper["paper_id"]],
                    "published": None,
                }
            )
        elif fate < 0.35:
            stream.append(
                {
                    "event": "paper.withdrawn",
                    "paper_id": paper["paper_id"],
                    "revision": dice.choice((0, paper["revision"], paper["revision"] + 1)),
                }
            )
        if fate > 0.95:
            stream.append(
                paper
                | {
                    "revision": paper["revision"] + 2,
                    "references": [*paper["references"], *paper["references"], "not:here"],
                }
            )
        stream.extend([paper] * dice.choice((1, 1, 1, 2, 3)))
        if 0.5 < fate < 0.6:
            for source in dice.sample(("openalex", "crossref"), dice.choice((1, 2))):
                for _ in range(2):
                    day = dice.choice(("2026-02-07", "2026-02-08", "2026-03-01"))
                    stream.append(
                        {
                            "event": "paper.counted",
                            "paper_id": paper["paper_id"],
                            "source": source,
                            "as_of": day,
                            "citations": dice.choice((0, 1, 9, 10, 11, 120, 4_000)),
                        }
                    )
        if fate > 0.98:
            paper["authors"] = [
                {"author_id": f"a:{paper['paper_id']}", "name": "Somebody Known"},
                *paper["authors"],
            ]
            stream.append(
                {
                    "event": "author.described",
                    "author_id": f"a:{paper['paper_id']}",
                    "name": "Somebody Well Known",
                }
            )
            metrics = {"h_index": dice.randrange(5), "papers": dice.randrange(5)}
            metrics |= {
                "papers_by_year": {"2026": metrics["h_index"], "1999": 1},
                "citations": 3 * metrics["h_index"],
            }
            stream.append(
                {
                    "event": "author.reported",
                    "author_id": f"a:{paper['paper_id']}",
                    "source": "scholar-feed",
                    "as_of": "2026-11-01",
                    "metrics": metrics,
                }
            )
    stream += merges(papers, dice)
    stream.append({"event": "clock.ticked", "author_id": "clock", "date": "2026-11-23"})
    dice.shuffle(stream)
    return [json.dumps(event, ensure_ascii=False).encode() for event in stream]


def merges(papers: Sequence[dict], dice: random.Random) -> list[dict]:
    """About one author in twenty is merged: into anybody, a co-author, or one who is merged himself; a third
    of them not for long.
    """
    teams = [[author_key(author) for author in paper["authors"]] for paper in papers if paper["authors"]]
    everybody = sorted({author for team in teams for author in team})
    merged = dice.sample(everybody, len(everybody) // 20)
    found = []
    for author in merged:
        of_his = [team for team in dice.sample(teams, min(len(teams), 20)) if author in team] or [everybody]
        into = dice.choice(dice.choice((everybody, merged, dice.choice(of_his))))
        found.append({"event": "author.merged", "author_id": author, "into": into, "revision": 1})
        if dice.random() < 0.3:
            found.append({"event": "author.separated", "author_id": author, "revision": 2})
        elif dice.random() < 0.2:
            found.append(
                {
                    "event": "author.merged",
                    "author_id": author,
                    "into": dice.choice(everybody),
                    "revision": dice.choice((0, 1, 2)),
                }
            )
    return found


def bytes_of(events: Sequence[bytes]) -> bytes:
    """One event a line."""
    return b"".join(event + b"\n" for event in events)
