"""Shares of one as whole numbers, so that sums do not depend on their order: multiples of 2^-40, rounded down."""

import numpy as np

UNIT = 1 << 40  # sums stay exact below 2^23, that is 8 million papers or citations of one author
MILLION = 10**6


def share_of(parts: np.ndarray) -> np.ndarray:
    """1/parts in units; parts ≥ 1."""
    return UNIT // parts.astype(np.int64)


def millionths(units: np.ndarray) -> np.ndarray:
    """Units as millionths, to the nearest one, halves up; units ≥ 0."""
    whole, rest = units >> 40, units & UNIT - 1
    return whole * MILLION + (rest * MILLION + UNIT // 2 >> 40)


def root(squares: np.ndarray) -> np.ndarray:
    """The integer square root; squares ≥ 0, below 2^62."""
    root = np.sqrt(squares.astype(np.float64)).astype(np.int64)
    root -= root * root > squares
    return root + ((root + 1) ** 2 <= squares)


def decimals(values: np.ndarray, digits: int) -> np.ndarray:
    """Each value in units of 10^-digits, as Python's `round` has it: ties are decided by the exact value of the double. int64."""
    scaled = values * 10**digits
    units = np.rint(scaled)
    for at in np.flatnonzero(np.abs(scaled - np.floor(scaled) - 0.5) < 1e-6).tolist():
        units[at] = np.rint(round(float(values[at]), digits) * 10**digits)
    return units.astype(np.int64)
