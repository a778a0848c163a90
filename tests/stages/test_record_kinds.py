"""Records of a kind that does not count are kept, and are in no number."""

import pytest

from tests.stages.memory import Pipeline
from tests.stages.test_retractions import LAYOUTS, paper


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_kind_that_does_not_count_is_as_if_removed(layout):
    pipeline = Pipeline(layout).tell(paper("p", "a"), paper("q", "b", "p", kind="paratext"))
    assert pipeline.numbers("a")["citations"] == 0 and "b" not in pipeline.profiles
    pipeline.tell(paper("q", "b", "p", kind="article", revision=1))
    assert pipeline.numbers("a")["citations"] == 1 and pipeline.profiles["b"]["papers_total"] == 1
    pipeline.tell(paper("q", "b", "p", kind="Peer-Review", revision=2))
    assert pipeline.numbers("a")["citations"] == 0 and pipeline.profiles["b"]["papers_total"] == 0


def test_all_counts_everything():
    pipeline = Pipeline(LAYOUTS[0]._replace(kinds="all")).tell(paper("q", "b", kind="paratext"))
    assert pipeline.profiles["b"]["papers_total"] == 1
