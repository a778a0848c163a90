"""Compares a published snapshot with the recomputed one."""

from collections.abc import Mapping

OF_TABLES = ("small_cohort", "pooled_cohort")  # reasons that the tables of cohorts decide
SELF_CITATIONS = "self_citations_included"  # the flag that the headline decides
OF_NAMES_AND_VERSIONS = (
    "collective_author",
    "definitions_changed",
)  # flags that do not depend on what is counted


def _grounds(told: Mapping) -> dict:
    """What a score rests on, without names of definitions and what has its own comparison."""
    return {name: value for name, value in told.items() if name not in ("definition", "reported", "flags")}


def _stands(told: Mapping) -> tuple[float | None, bool | None, bool | None]:
    return told.get("percentile"), told.get("immature"), told.get("pooled")


def _rounded(percentile: float | None, immature: bool, pooled: bool) -> tuple[float | None, bool, bool]:
    return None if percentile is None else round(percentile, 6), immature, pooled


def _without_nulls(entry: Mapping) -> dict:
    return {name: value for name, value in entry.items() if value is not None}
