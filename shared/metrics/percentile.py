"""Percentiles in a cohort (docs/scores.md, §1 and §4): mid-ranks from tables that are cut now and then, not from the live histogram.

A cohort is a set of comparable papers, each in one bin (a small integer). P(b) = (2·L + E) / (2·n): L papers in lower bins, E in bin b, n
in all. All three stay integers until this one division.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from shared.columns.column import Column
from shared.columns.grouping import I8, I32, I64, starts_of
from shared.columns.lists import ListColumn

SMALLEST = (
    30  # papers below which a cohort says nothing: the standard error of a percentile is then above 0.09
)
IMMATURE_PERCENT = 60  # more papers than that in bin 0: too young to tell them apart (§3)
NO_VALUE = -1.0
OWN, POOLED, NOWHERE = 0, 1, 2  # where a percentile comes from


def midrank(bins: Sequence[int], counts: Sequence[int], value: int) -> float:
    """P(value) in a cohort that has counts[i] papers in bins[i]. Error: ZeroDivisionError for an empty cohort."""
    lower = sum(count for b, count in zip(bins, counts, strict=True) if b < value)
    equal = sum(count for b, count in zip(bins, counts, strict=True) if b == value)
    return (2 * lower + equal) / (2 * sum(counts))


def should_cut(changes, size):
    """Whether a cohort of `size` papers is cut after so many changes; for numbers or columns."""
    return changes >= np.maximum(8, -(-size // 8))


class Percentiles(NamedTuple):
    """Of many papers. value: the percentile, NO_VALUE where there is none; source: OWN, POOLED or NOWHERE; immature: of the cohort that
    it comes from; table: the version and size of its table (0: none)."""

    value: np.ndarray
    source: np.ndarray
    immature: np.ndarray
    version: np.ndarray
    size: np.ndarray


class Tables:
    """The last cut table of every cohort, by slot. A cohort without one counts as too small."""

    def __init__(self):
        self.version, self.size, self.immature = Column(I32), Column(I32), Column(I8)
        self.counts = ListColumn(I32, I32)  # bin, papers in it and below; bins ascending

    def resize(self, cohorts: int) -> None:
        for part in (self.version, self.size, self.immature, self.counts):
            part.resize(cohorts)

    def replace(
        self,
        cohorts: np.ndarray,
        versions: np.ndarray,
        lengths: np.ndarray,
        bins: np.ndarray,
        counts: np.ndarray,
    ) -> None:
        """New tables of distinct cohorts; lengths: bins of each, bins and counts one table after another, bins ascending, counts > 0."""
        lengths = lengths.astype(I64)
        before = np.append(0, np.cumsum(counts, dtype=I64))
        start = starts_of(lengths)
        upto = before[1:] - np.repeat(before[start], lengths)
        size = before[start + lengths] - before[start]
        first = np.minimum(start, max(len(bins) - 1, 0))
        zeros = (
            np.where((lengths > 0) & (bins[first] == 0), counts[first], 0)
            if len(bins)
            else np.zeros(len(cohorts), I64)
        )
        self.version.data[cohorts], self.size.data[cohorts] = versions, size
        self.immature.data[cohorts] = 100 * zeros > IMMATURE_PERCENT * size
        self.counts.replace(cohorts, lengths, bins, upto)

    def percentiles(self, own: np.ndarray, pooled: np.ndarray, bins: np.ndarray) -> Percentiles:
        """Where papers in these bins stand: in their own cohort, in the pooled one where that is too small, else nowhere."""
        size = self.size.data
        source = np.where(
            size[own] >= SMALLEST, OWN, np.where(size[pooled] >= SMALLEST, POOLED, NOWHERE)
        ).astype(I8)
        cohort = np.where(source == POOLED, pooled, own)
        value = np.full(len(own), NO_VALUE)
        somewhere = np.flatnonzero(source != NOWHERE)
        at, b = cohort[somewhere], bins[somewhere]
        lower, upto = self._below(at, b), self._below(at, b + 1)
        value[somewhere] = (lower + upto) / (2 * size[at])  # 2·L + E
        immature = np.where(source == NOWHERE, 0, self.immature.data[cohort])
        return Percentiles(value, source, immature, self.version.data[cohort], size[cohort])

    def _below(self, cohorts: np.ndarray, bins: np.ndarray) -> np.ndarray:
        """Papers of each cohort in bins below: a binary search in all tables at once."""
        start = self.counts.offset.data[cohorts].astype(I64)
        low, high = start.copy(), start + self.counts.length.data[cohorts]
        held, upto = (column.data for column in self.counts.values)
        while len(low) and (low < high).any():
            middle = (low + high) >> 1
            right = (low < high) & (held[np.minimum(middle, len(held) - 1)] < bins)
            high = np.where(right | (low >= high), high, middle)
            low = np.where(right, middle + 1, low)
        return np.where(low > start, upto[np.maximum(low - 1, 0)], 0).astype(I64)

    @property
    def nbytes(self) -> int:
        return self.version.nbytes + self.size.nbytes + self.immature.nbytes + self.counts.nbytes

    def dump(self):
        columns = {"version": self.version.view, "size": self.size.view, "immature": self.immature.view}
        return columns | {f"counts.{name}": values for name, values in self.counts.dump().items()}

    canonical = dump

    def load(self, arrays) -> None:
        for name in ("version", "size", "immature"):
            getattr(self, name).load({"": arrays[name]})
        self.counts.load(
            {
                name.removeprefix("counts."): values
                for name, values in arrays.items()
                if name.startswith("counts.")
            }
        )
