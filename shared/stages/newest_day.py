"""The newest day, which some stages keep and send on (rule D4)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from shared.columns.grouping import I32
from shared.stages.packs import Rows, numbers
from shared.stages.stage import Stage


class KeepsDay(Stage):
    """A stage with the newest day among its state. day: YYYYMMDD as a number; 0: none yet."""

    day = 0

    def facts(self) -> dict[str, Any]:
        return {"day": self.day}

    def prepare(self, facts: dict[str, Any]) -> None:
        self.day = facts["day"]

    def advance(self, day: int) -> bool:
        """Keeps a later day. False: it is not later."""
        is_later = day > self.day
        self.day = max(day, self.day)
        return is_later


def day_of(kinds: Mapping[str, Rows]) -> int:
    """The day in the rows of a pack; 0 without one."""
    return int(numbers(kinds["day"], "day")[-1]) if "day" in kinds else 0


def day_row(day: int) -> Rows:
    """One row of the kind `day`, or of another kind that has its columns."""
    return {"one": np.zeros(1, I32), "day": np.array([day], I32)}
