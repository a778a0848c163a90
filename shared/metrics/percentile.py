"""Percentiles in a cohort (docs/scores.md, §1 and §4): mid-ranks from tables that are cut from time to time.

A cohort is a set of comparable papers. Each paper is in one bin, a small integer. P(b) = (2·L + E) / (2·n),
with L papers in lower bins, E papers in bin b, and n papers in all. All three are integers until this one
division.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from shared.columns.column import Arrays, Column
from shared.columns.grouping import I8, I32, I64, starts_of
from shared.columns.lists import ListColumn
from shared.metrics.cohorts import IMMATURE_PERCENT

SMALLEST = 30  # papers of a usable cohort: with fewer, the standard error of a percentile exceeds 0.09
NO_VALUE = -1.0
OWN, POOLED, NOWHERE = 0, 1, 2  # source of a percentile: own cohort, pooled cohort, none

CountsT = TypeVar("CountsT", int, np.ndarray)


def midrank(bins: Sequence[int], counts: Sequence[int], value: int) -> float:
    """P(value) in a cohort with counts[i] papers in bins[i]. Error: ZeroDivisionError for an empty cohort."""
    lower = sum(count for b, count in zip(bins, counts, strict=True) if b < value)
    equal = sum(count for b, count in zip(bins, counts, strict=True) if b == value)
    return (2 * lower + equal) / (2 * sum(counts))


def should_cut(changes: CountsT, size: CountsT) -> Any:
    """Whether a cohort of `size` papers needs a new table after `changes` changes.

    Takes numbers or columns.
    """
    return changes >= np.maximum(8, -(-size // 8))


class Percentiles(NamedTuple):
    """The percentiles of many papers, as columns.

    value: the percentile, NO_VALUE for none; source: OWN, POOLED or NOWHERE; immature: whether the cohort is
    immature;
    version, size: of the cohort's table, 0 for none.
    """

    value: np.ndarray
    source: np.ndarray
    immature: np.ndarray
    version: np.ndarray
    size: np.ndarray


class Tables:
    """The newest table of every cohort, by cohort slot. A cohort without a table counts as too small."""

    def __init__(self) -> None:
        self.version, self.size, self.immature = Column(I32), Column(I32), Column(I8)
        self.counts = ListColumn(I32, I32)  # bin, papers in this bin and below; bins ascending

    def resize(self, cohorts: int) -> None:
        """Makes room for so many cohorts."""
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
        """Takes new tables of distinct cohorts.

        lengths: number of bins of each table; bins, counts: table after table, bins ascending, counts above
        0.
        """
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
        """The percentiles of papers in these bins, in their own cohort, or in the pooled one if that is too
        small.
        """
        size = self.size.data
        pooled_or_none = np.where(size[pooled] >= SMALLEST, POOLED, NOWHERE)
        source = np.where(size[own] >= SMALLEST, OWN, pooled_or_none).astype(I8)
        cohort = np.where(source == POOLED, pooled, own)
        value = np.full(len(own), NO_VALUE)
        somewhere = np.flatnonzero(source != NOWHERE)
        at, b = cohort[somewhere], bins[somewhere]
        lower, upto = self._below(at, b), self._below(at, b + 1)
        value[somewhere] = (lower + upto) / (2 * size[at])  # 2·L + E
        immature = np.where(source == NOWHERE, 0, self.immature.data[cohort])
        return Percentiles(value, source, immature, self.version.data[cohort], size[cohort])

    def _below(self, cohorts: np.ndarray, bins: np.ndarray) -> np.ndarray:
        """The number of papers of each cohort in lower bins. One binary search runs in all tables at once."""
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
        """Bytes of all columns."""
        return self.version.nbytes + self.size.nbytes + self.immature.nbytes + self.counts.nbytes

    def dump(self) -> Arrays:
        """The arrays of a checkpoint, by name."""
        columns = {"version": self.version.view, "size": self.size.view, "immature": self.immature.view}
        return columns | {f"counts.{name}": values for name, values in self.counts.dump().items()}

    canonical = dump

    def load(self, arrays: Arrays) -> None:
        """Takes the arrays of a checkpoint."""
        for name in ("version", "size", "immature"):
            getattr(self, name).load({"": arrays[name]})
        lists = {name: values for name, values in arrays.items() if name.startswith("counts.")}
        self.counts.load({name.removeprefix("counts."): values for name, values in lists.items()})
