"""Public snapshots of authors that have no slot yet."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from shared.columns.column import Arrays


class Unplaced(dict[str, tuple[Any, ...]]):
    """Author → (version, digest, numbers, counted): public, but not in the state yet, because the state
    replays.

    It is saved, because the position up to which the public topic was read is saved too.
    """

    @property
    def nbytes(self) -> int:
        return 500 * len(self)

    def dump(self) -> Arrays:
        return {"": np.frombuffer(orjson.dumps(self), np.uint8)}

    canonical = dump

    def load(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.clear()
        self.update(orjson.loads(arrays[""].tobytes()))
