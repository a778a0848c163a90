"""The setting `kinds`: the stages, `verify` and the truth of the tests read it alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.verify.events import Kinds
from shared.contracts.record_kinds import DEFAULT, RecordKinds
from shared.errors import UsageError
from shared.settings import Settings
from tests.oracle import KINDS, is_of_kinds

names = st.sampled_from(["all", "article", "Article", "-article", "-Peer-Review", " paratext ", "-all"])
kinds = st.sampled_from(
    [None, "", " ", "article", "ARTICLE", " article", "peer-review", "paratext", "all", "data set"]
)


@given(st.lists(names, min_size=1, max_size=4).map(",".join) | st.just(DEFAULT), kinds)
def test_three_readers_agree(setting, kind):
    counts = RecordKinds(setting).count(kind)
    assert counts == Kinds(setting).has(kind) == is_of_kinds({"kind": kind}, setting)


def test_the_default():
    assert DEFAULT == KINDS
    for kind in (
        None,
        "article",
        "preprint",
        "editorial",
        "letter",
        "dataset",
        "book-chapter",
        "anything new",
    ):
        assert RecordKinds(DEFAULT).count(kind)
    for kind in (
        "paratext",
        "peer-review",
        "Retraction",
        "grant",
        "component",
        "journal-issue",
        "proceedings",
    ):
        assert not RecordKinds(DEFAULT).count(kind) and RecordKinds("all").count(kind)


@pytest.mark.parametrize("wrong", ["", ",", "article,,", "-", "--x", "all,- x"])
def test_a_setting_without_names_is_refused(wrong):
    with pytest.raises(ValueError, match="all or kinds"):
        RecordKinds(wrong)


def test_the_setting_is_checked_at_start():
    with pytest.raises(UsageError, match="kinds"):
        Settings.load(kinds="article,,")
    assert Settings.load(kinds="all").kinds == "all"
