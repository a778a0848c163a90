"""Columns of rows by their type. A pack holds columns of three types; each kind of row says which."""

from typing import cast

import numpy as np

from shared.stages.packs import Ragged, Rows


def numbers(rows: Rows, name: str) -> np.ndarray:
    """A column of one number a row."""
    return cast(np.ndarray, rows[name])


def lists(rows: Rows, name: str) -> Ragged:
    """A column of one list, or one byte string, a row."""
    return cast(Ragged, rows[name])


def strings(rows: Rows, name: str) -> list[str]:
    """A column of one string a row."""
    return cast(list[str], rows[name])
