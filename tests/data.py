"""Real literatures for tests, read in a few plain lines of our own: independent of the adapters in
services/producer/sources.

The data lies outside the repository; tests that need it are skipped, naming it, where it is absent.
`SCHOLARSTREAM_SHARED` says where it is; by default it is the folder `shared` beside the repository.
"""

import gzip
import json
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SCHOLARSTREAM_SHARED") or Path(__file__).resolve().parents[2] / "shared")
FILES = {
    "aan": "data/aan/aan_papers.jsonl.gz",
    "vis": "data/vis/vis_papers.jsonl.gz",
    "ads_metrics": "data/ads_metrics/ads_metrics_cases.json",
    "aan_scores_papers": "design/scores_expected_aan2004_papers.csv.gz",
    "aan_scores_authors": "design/scores_expected_aan2004_authors.csv.gz",
}

SUFFIXES = {"Jr", "Sr", "II", "III", "IV", "PhD"}


def require(name: str) -> Path:
    """The file of the data set `name` (a key of FILES); skips the test, by name, where it is absent."""
    path = SHARED / FILES[name]
    if not path.is_file():
        pytest.skip(
            f"shared data set {name!r} is absent (looked for {path}; SCHOLARSTREAM_SHARED says where it is)"
        )
    return path


def aan_events(copies: int = 1, papers: int | None = None) -> list[bytes]:
    """The ACL Anthology Network: 19,266 papers, 94,970 references, 15,009 names. `papers`: only the first so
    many.

    With `copies` above 1, that many interleaved replicas with "k:" before paper ids, names and references
    (AAN × 10 of the benchmarks).
    """
    base = list(_lines("aan"))[:papers]
    mark = [""] if copies == 1 else [f"{k}:" for k in range(copies)]
    return [_encode(_aan(paper, k)) for paper in base for k in mark]


def vis_events(papers: int | None = None) -> list[bytes]:
    """Papers of the IEEE visualisation conferences: 3,753 papers with affiliations, abstracts and references
    by DOI.
    """
    return [_encode(_vis(paper)) for paper in list(_lines("vis"))[:papers]]


def _aan(paper: dict, k: str) -> dict:
    month = f"-{paper['month']:02d}" if paper["month"] else ""
    return {
        "event": "paper.published",
        "paper_id": k + paper["id"],
        "title": paper["title"],
        "published": f"{paper['year']}{month}",
        "venue": paper["venue"],
        "doi": paper["doi"],
        "authors": [{"name": k + _spoken(name)} for name in paper["authors"]],
        "references": [k + reference for reference in paper["references"]],
    }


def _vis(paper: dict) -> dict:
    return {
        "event": "paper.published",
        "paper_id": "doi:" + paper["doi"].lower(),
        "title": paper["title"],
        "abstract": paper["abstract"] or None,
        "published": str(paper["year"]),
        "venue": paper["publication_title"],
        "doi": paper["doi"].lower(),
        "authors": [
            {
                "name": _spoken(author["name"]),
                "affiliations": [author["affiliation"]] if author["affiliation"] else [],
            }
            for author in paper["authors"]
            if author["name"]  # two papers have one author, without a name
        ],
        "references": ["doi:" + doi for doi in map(_doi, paper["references"]) if doi],
    }


def _doi(reference: str) -> str | None:
    """None for what stands among the references without being a DOI ("2", "2-u"); some have a blank inside,
    or a full stop behind.
    """
    doi = reference.replace(" ", "").lower().rstrip(".")
    return doi if doi.startswith("10.") and "/" in doi else None


def _spoken(name: str) -> str:
    """ "Last, First" in the order in which it is spoken; "Last, First, Jr." and "First Last, III" too."""
    if any("\x80" <= letter <= "\x9f" for letter in name):  # one name of AAN is UTF-8 read as Latin-1
        name = name.encode("latin-1").decode()
    name = unicodedata.normalize("NFC", name)
    if "," not in name:
        return " ".join(name.split())
    parts = [part.strip() for part in name.split(",") if part.strip()]
    suffixes = [part for part in parts[1:] if part.strip(".") in SUFFIXES]
    given = [part for part in parts[1:] if part.strip(".") not in SUFFIXES]
    return " ".join([*given, parts[0], *suffixes])


def _lines(name: str) -> Iterator[dict]:
    with gzip.open(require(name), "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _encode(event: dict) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
