"""Shares as whole numbers: multiples of 2^-40, rounded down.

So a sum does not depend on the order of addition.
"""

from typing import TypeVar

import numpy as np

UnitsT = TypeVar("UnitsT", int, np.ndarray)

UNIT = 1 << 40  # sums are exact below 2^23: 8 million papers or citations of one author
MILLION = 10**6


def share_of(parts: np.ndarray) -> np.ndarray:
    """1/parts in units. parts must be at least 1."""
    return UNIT // parts.astype(np.int64)


def millionths(units: UnitsT) -> UnitsT:
    """Units in millionths, halves rounded up. units must not be negative. Takes a number or a column."""
    whole, rest = units >> 40, units & UNIT - 1
    rounded: UnitsT = whole * MILLION + (rest * MILLION + UNIT // 2 >> 40)
    return rounded


def root(squares: np.ndarray) -> np.ndarray:
    """The integer square root. squares must be from 0 to 2^62 − 1."""
    found: np.ndarray = np.sqrt(squares.astype(np.float64)).astype(np.int64)
    found -= found * found > squares
    found += (found + 1) ** 2 <= squares
    return found


def decimals(values: np.ndarray, digits: int) -> np.ndarray:
    """Each value in units of 10^-digits, as int64.

    Rounds as Python's `round`: the exact double decides ties.
    """
    scaled = values * 10**digits
    units: np.ndarray = np.rint(scaled)
    for at in np.flatnonzero(np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6).tolist():
        units[at] = np.rint(round(float(values[at]), digits) * 10**digits)
    whole: np.ndarray = units.astype(np.int64)
    return whole
