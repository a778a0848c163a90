"""Fixed values of the stage: the state of a paper, the position of an author, and an empty column."""

import numpy as np

from shared.columns.grouping import I32, I64
from shared.stages.packs import Ragged

# The `status` of a paper row: only known as a citing paper; withdrawn; published.
CITING_ONLY, ABSENT, PRESENT = -1, 0, 1
HIDDEN = 2  # in the state only: published, but retracted and therefore not counted
FIRST, LAST = 1, 2  # bits of an authorship's `place`: first author, last author
NO_ROW = -1  # row number of an author on a paper that another partition describes

NO_SLOTS = np.zeros(0, I32)
NO_KEYS = np.zeros(0, I64)
NO_LISTS = Ragged(NO_SLOTS, NO_SLOTS)
NO_BYTES = Ragged(NO_SLOTS, np.zeros(0, np.uint8))
