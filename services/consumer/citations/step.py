"""What one step changed, for the rows and causes that follow from it."""

from typing import NamedTuple

import numpy as np

from services.consumer.citations.changes import CountedPapers, Edges, EndedAuthorships, PaperRows, Presence
from services.consumer.citations.deltas import Deltas


class Step(NamedTuple):
    """The changes of one step, after the state has taken them."""

    edges: Edges
    rows: PaperRows
    presence: Presence
    ended: EndedAuthorships
    deltas: Deltas


class Affected(NamedTuple):
    """Papers whose rows the step sends again, besides those whose citations or description changed."""

    counted: CountedPapers
    regrouped: np.ndarray  # paper slots, ascending: other cohorts by citations or text, or other text scores
    reported: np.ndarray  # paper slots, ascending: other novelty reports
