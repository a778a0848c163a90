"""Bytes that the state of all stages needs, by what they are for. Every table is counted for one thing;
names, which stages share, once.
"""

import sys
from collections import Counter

from bench.measure import Figure
from bench.stages import Pipeline
from shared.columns.dictionary import Dictionary, NameList

AUTHOR, AUTHORSHIP, CITATION, PAPER, CARD, PAIR = (
    "author",
    "authorship",
    "citation",
    "paper",
    "card",
    "word pair",
)
AIMS = {AUTHOR: 200, AUTHORSHIP: 40, CITATION: 32, PAPER: 250}
FOR = {
    "catalogue": {"authors": AUTHOR, "author_no": AUTHOR, "members": AUTHORSHIP, "references": CITATION},
    "directory": dict.fromkeys(("authors", "table"), AUTHOR),
    "aliases": dict.fromkeys(("authors", "author_slots", "resolver", "ids"), AUTHOR),
    "terms": dict.fromkeys(("pairs", "first", "holder", "shared"), PAIR),
    "cohorts": {},
    "citations": {
        **dict.fromkeys(
            ("authors", "author_slots", "author_no", "canonical", "other_no", "remote_coauthor_ids"), AUTHOR
        ),
        **dict.fromkeys(("members", "byline_authors", "as_published.bylines"), AUTHORSHIP),
        "cited_by": CITATION,
    },
    "authors": {
        **dict.fromkeys(
            ("authors", "remote_coauthors", "author_slots", "remote_coauthor_slots", "indices", "sums"),
            AUTHOR,
        ),
        **dict.fromkeys(("recent.authors", "percentiles.authors", "percentiles.cited.authors"), AUTHOR),
        **dict.fromkeys(("row_slots", "authorships", "lists", "recent.counts"), AUTHORSHIP),
        **dict.fromkeys(
            ("percentiles.rows", "percentiles.cited.rows", "percentiles.by_cohort.members"), AUTHORSHIP
        ),
    },
    "publisher": {
        **dict.fromkeys(
            (
                "authors",
                "written",
                "numbers",
                "evidence",
                "version",
                "floor",
                "tallies",
                "about",
                "truncated_papers",
            ),
            AUTHOR,
        ),
        **dict.fromkeys(
            (
                "redirect",
                "others",
                "score_counts",
                "public_version",
                "public_digest",
                "public_numbers",
                "public_counted",
                "waiting",
                "why",
            ),
            AUTHOR,
        ),
        **dict.fromkeys(
            ("row_author", "row_paper", "row_citations", "row_written", "row_fact", "row_ranked", "held"),
            AUTHORSHIP,
        ),
        "cards": CARD,
    },
}  # a part, or a table with all its columns; what is not named here is for papers


def of(pipeline: Pipeline) -> list[Figure]:
    used: dict[str, Counter[str]] = {}
    strings: set[int] = set()
    for session in pipeline.sessions:
        stage = session.stage
        here = used.setdefault(stage.name, Counter())
        parts = dict(stage.parts()) | (stage.progress_parts() if hasattr(stage, "progress_parts") else {})
        for name, part in parts.items():
            here[_thing(stage.name, name)] += _bytes(part, strings)
    rows = {session.stage.name: session.stage.rows() for session in pipeline.sessions}
    counts = {
        AUTHOR: rows["authors"]["authors"],
        AUTHORSHIP: rows["authors"]["authorships"],
        CITATION: rows["citations"]["citations"],
        PAPER: rows["catalogue"]["papers"],
        CARD: rows["catalogue"]["papers"],
        PAIR: rows["terms"]["terms"],
    }
    figures = []
    for thing, count in counts.items():
        figures.append(
            Figure(
                "memory",
                f"{thing}, all stages",
                sum(u[thing] for u in used.values()) / count,
                "bytes",
                AIMS.get(thing),
                0,
            )
        )
        figures += [
            Figure("memory", f"  in {stage}", u[thing] / count, "bytes", None, 0)
            for stage, u in used.items()
            if u[thing]
        ]
    figures.append(Figure("memory", "everything", sum(sum(u.values()) for u in used.values()) / 1e6, "MB"))
    return figures


def _thing(stage: str, part: str) -> str:
    """What one entry of a part is for: the longest name in FOR that the part has, or that its table has."""
    while part not in FOR[stage]:
        if "." not in part:
            return PAPER
        part = part.rpartition(".")[0]
    return FOR[stage][part]


def _bytes(part, strings: set[int]) -> int:
    """What a table takes up; of a string that several tables hold only the first one's."""
    if not isinstance(part, NameList):
        return part.nbytes
    own = sum(sys.getsizeof(name) for name in part.names if id(name) not in strings)
    strings.update(map(id, part.names))
    size = own + sys.getsizeof(part.names)
    if isinstance(part, Dictionary):
        size += sys.getsizeof(part.slots) + 32 * len(part.slots)  # the table, and its numbers
    return size
