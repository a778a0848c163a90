"""Which papers are compared with which: cohort keys (docs/scores.md, §1 to §3).

A key is what the papers have in common, most general first and the category last, so a pooled cohort (all categories) has the key of an own
one without its last part: "novelty/2016/en/full/cs.LG" and "novelty/2016/en/full"; "citations/2016/cs.LG" and "citations/2016"; for what a
source counts "counted/openalex/2016/cs.LG" and "counted/openalex/2016".
"""

from urllib.parse import quote

NO_CATEGORY = "none"
NO_COHORT = -1  # in columns of cohorts' numbers
FULL, SHORT = "full", "short"
_PARTS = {"novelty": 4, "citations": 2, "counted": 3}  # of a pooled key


def novelty_cohort(year: int, language: str, full: bool, category: str) -> str:
    """Of texts: their primary category, year of publication, language and class."""
    return f"novelty/{year}/{language}/{FULL if full else SHORT}/{category or NO_CATEGORY}"


def citation_cohort(year: int, category: str) -> str:
    """Of citations: primary category and year of publication."""
    return f"citations/{year}/{category or NO_CATEGORY}"


def counted_cohort(source: str, year: int, category: str) -> str:
    """Of the citations that a source counts; its name percent-encoded, so that it is one part."""
    return f"counted/{quote(source, safe='')}/{year}/{category or NO_CATEGORY}"


def pooled_of(key: str) -> str:
    """The key of the pooled cohort of an own one; a pooled key is its own."""
    parts = _PARTS[key.partition("/")[0]]
    return "/".join(key.split("/", parts)[:parts])
