"""Cohort keys: which papers are compared with which (docs/scores.md, §1 to §3).

A key lists what the papers have in common, the category last. A pooled cohort has papers of all categories,
and its key
lacks this last part: "novelty/2016/en/full/cs.LG" and "novelty/2016/en/full"; "citations/2016/cs.LG" and
"citations/2016"; for counts of a source "counted/openalex/2016/cs.LG" and "counted/openalex/2016".
"""

from urllib.parse import quote

NO_CATEGORY = "none"
NO_COHORT = -1  # in columns of cohort slots
FULL, SHORT = "full", "short"
IMMATURE_PERCENT = 60  # a cohort with a larger share of its papers in bin 0 is immature (§3)
_PARTS = {"novelty": 4, "citations": 2, "counted": 3}  # parts of a pooled key


def novelty_cohort(year: int, language: str, full: bool, category: str) -> str:
    """The cohort of a text: primary category, year of publication, language and class."""
    return f"novelty/{year}/{language}/{FULL if full else SHORT}/{category or NO_CATEGORY}"


def citation_cohort(year: int, category: str) -> str:
    """The cohort for citations: primary category and year of publication."""
    return f"citations/{year}/{category or NO_CATEGORY}"


def counted_cohort(source: str, year: int, category: str) -> str:
    """The cohort for the citation counts of a source. Its name is percent-encoded, so that it is one part."""
    return f"counted/{quote(source, safe='')}/{year}/{category or NO_CATEGORY}"


def pooled_of(key: str) -> str:
    """The key of the pooled cohort. A pooled key is returned unchanged."""
    parts = _PARTS[key.partition("/")[0]]
    return "/".join(key.split("/", parts)[:parts])
