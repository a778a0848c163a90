"""OpenAlex' layout: how many works a CPU-second the format reads. The works are invented, their shape and
size are not.

A line of the snapshot has about 6 KB on average (1.6 TB for 250 million works): many works have no abstract
and no references, some have hundreds. `works` follows that: half with an abstract of about 150 words, a third
with about 25 references, three authors, one or two locations, and the fields that the format does not read.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from bench.measure import Figure
from services.producer.formats import openalex
from services.producer.sources import FileSource

SITE = "https://openalex.org/"
WORDS = [
    f"{a}{b}"
    for a in ("ink", "dye", "paper", "quill", "press", "page", "glue")
    for b in ("", "s", "ing", "ed", "less")
]
GIVEN, FAMILY = (
    ("Ada", "Bo", "Chiamaka", "Dov", "Élise", "Fenna"),
    ("Quill", "Ray", "Oduya", "Ne", "Lindqvist", "Marsh"),
)


def works(count: int, seed: int = 1) -> Iterator[bytes]:
    """Lines of a snapshot."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        yield orjson.dumps(_work(number, count, chance))


def _entity(letter: str, number: int, name: str) -> dict[str, object]:
    return {"id": f"{SITE}{letter}{number}", "display_name": name}


def _work(number: int, count: int, chance: random.Random) -> dict[str, object]:
    doi = f"https://doi.org/10.5555/ink.{number}"
    title = " ".join(chance.choices(WORDS, k=chance.randint(4, 14))).capitalize()
    source = _entity("S", chance.randint(1, 50_000), "Annals of Ink") | {
        "issn_l": "0000-0000", "issn": ["0000-0000", "0000-0001"], "is_oa": False, "is_in_doaj": False,
        "is_core": True,
        "host_organization": SITE + "P1", "host_organization_name": "Invented Press",
        "host_organization_lineage": [SITE + "P1"], "host_organization_lineage_names": ["Invented Press"],
        "type": "journal",
    }  # fmt: skip
    place = {
        "id": f"doi:10.5555/ink.{number}", "is_oa": False, "landing_page_url": doi, "pdf_url": None,
        "source": source,
        "license": None, "license_id": None, "version": "publishedVersion", "is_accepted": True,
        "is_published": True,
        "raw_source_name": "Annals of Ink", "raw_type": "journal-article",
    }  # fmt: skip
    cited = (
        chance.choices(range(1, count + 1), k=int(chance.expovariate(1 / 25)))
        if chance.random() < 0.35
        else []
    )
    topic = {
        part: _entity("x", 1, name)
        for part, name in zip(
            ("subfield", "field", "domain"), ("Dyes", "Chemistry", "Physical Sciences"), strict=True
        )
    }
    year, month, day = chance.randint(1950, 2025), chance.randint(1, 12), chance.randint(1, 28)
    return {
        "id": f"{SITE}W{number}", "doi": doi, "title": title, "display_name": title, "publication_year": 2020,
        "publication_date": f"{year}-{month:02}-{day:02}",
        "ids": {"openalex": f"{SITE}W{number}", "doi": doi, "mag": str(number)}, "language": "en",
        "primary_location": place,
        "type": "article", "indexed_in": ["crossref"],
        "open_access": {"is_oa": False, "oa_status": "closed", "oa_url": None,
                        "any_repository_has_fulltext": False},
        "authorships": [_authorship(chance) for _ in range(min(30, 1 + int(chance.expovariate(0.5))))],
        "countries_distinct_count": 1, "institutions_distinct_count": 1, "corresponding_author_ids": [],
        "fwci": 1.5, "has_fulltext": False, "cited_by_count": int(chance.paretovariate(1)) % 1000,
        "citation_normalized_percentile": {"value": 0.5, "is_in_top_1_percent": False,
                                           "is_in_top_10_percent": False},
        "biblio": {"volume": "1", "issue": "2", "first_page": "3", "last_page": "4"}, "is_retracted": False,
        "is_paratext": False,
        "primary_topic": _entity("T", 1, "Inks") | {"score": 0.9} | topic,
        "topics": [_entity("T", n, "Inks") | {"score": 0.9} | topic for n in range(2)],
        "keywords": [_entity("k", 1, "ink")],
        "concepts": [_entity("C", n, "Ink") | {"wikidata": "https://www.wikidata.org/wiki/Q1", "level": 1,
                                               "score": 0.4} for n in range(6)],
        "mesh": [], "locations_count": 1, "locations": [place] * chance.choice((1, 1, 2)),
        "best_oa_location": None,
        "sustainable_development_goals": [], "grants": [], "referenced_works_count": len(cited),
        "referenced_works": [f"{SITE}W{one}" for one in cited],
        "related_works": [f"{SITE}W{n}" for n in range(number, number + 10)],
        "abstract_inverted_index": _inverted(chance) if chance.random() < 0.5 else None,
        "counts_by_year": [{"year": year, "cited_by_count": 1} for year in range(2020, 2026)],
        "updated_date": f"2026-01-{chance.randint(1, 28):02}T06:25:30.{number % 1_000_000:06}",
        "created_date": "2025-10-10",
    }  # fmt: skip


def _authorship(chance: random.Random) -> dict[str, object]:
    name = f"{chance.choice(GIVEN)} {chance.choice(FAMILY)}"
    place = f"Department {chance.randint(1, 500)}, Invented University, Inkstadt 12345, Inkland"
    university = _entity("I", 1, "Invented University") | {
        "ror": "https://ror.org/1", "country_code": "XX", "type": "education", "lineage": [SITE + "I1"],
    }  # fmt: skip
    return {
        "author_position": "middle",
        "author": _entity("A", chance.randint(5_000_000_000, 5_100_000_000), name) | {"orcid": None},
        "institutions": [university],
        "countries": ["XX"], "is_corresponding": False, "raw_author_name": name,
        "raw_affiliation_strings": [place],
        "affiliations": [{"raw_affiliation_string": place, "institution_ids": [SITE + "I1"]}],
    }  # fmt: skip


def _inverted(chance: random.Random) -> dict[str, list[int]]:
    index: dict[str, list[int]] = {}
    for at in range(int(chance.gauss(150, 50)) % 400):
        index.setdefault(chance.choice(WORDS) + str(chance.randint(0, 9)), []).append(at)
    return index


def write(path: Path, count: int) -> int:
    """Writes a file of the snapshot. Returns its size in bytes."""
    with path.open("wb") as out:
        for line in works(count):
            out.write(line + b"\n")
        return out.tell()


def measure(count: int) -> list[Figure]:
    """Reads a file of the snapshot and makes its events, as `ingest` does before the log."""
    with tempfile.TemporaryDirectory(prefix="bench-openalex-") as folder:
        path = Path(folder) / "part_0000.jsonl"
        size = write(path, count)
        return read(path, count, size)


def read(path: Path, count: int, size: int) -> list[Figure]:
    """path: a file of `count` works."""
    made = 0
    quarter = 0
    begin = time.process_time()
    for number, item in enumerate(FileSource(path, openalex.NAME).items()):
        made += len(item.raw)
        if number == count // 2:  # a work makes about two events
            quarter = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent = time.process_time() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return [
        Figure("openalex", "works a CPU-second", count / spent, "", 8_000, 0),
        Figure("openalex", "memory, the last three quarters", (peak - quarter) / 1024, "MB more"),
        Figure("openalex", "a work in the snapshot's layout", size / count, "bytes", digits=0),
        Figure("openalex", "its events", made / count, "bytes", digits=0),
    ]


if __name__ == "__main__":
    for figure in measure(int(sys.argv[1])):
        print(f"{figure.what}: {figure.value:,.{figure.digits}f} {figure.unit}")
