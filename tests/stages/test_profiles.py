"""The publisher's state, given rows by hand in orders that the other stages rarely produce."""

import numpy as np

from services.consumer.authors.names import COUNTED, REFERENCES
from services.consumer.authors.stage import Authors
from services.publisher.stage import Profiles
from services.publisher.state import LOW, PUBLISHED_IN
from shared.metrics import definitions
from shared.stages import checkpoints
from shared.stages.checkpoints import Position
from shared.stages.packs import Outbox, bytes_column, decode
from shared.stages.stage import Layout

ONE = np.zeros(1, np.int32)
ROW = {"row": ONE, "author": ONE, "paper": ONE, "people": ONE + 1, "byline": bytes_column([b'["A",[]]'])}


def test_what_is_public_of_authors_to_come_is_saved():
    """A publisher that replays knows versions of authors it has not met yet. They are not learnt again, so a
    checkpoint must have them.
    """
    stage = Profiles(0, Layout(), "f")
    public = {"a": (7, 1, dict.fromkeys(REFERENCES, 3), {"s": dict.fromkeys(COUNTED, 1)})}
    stage.learn_public(public)
    again = Profiles(0, Layout(), "f")
    checkpoints.load(again, checkpoints.save(stage, Position()))
    outbox = Outbox(Authors.kinds, 1)
    outbox.add(0, {"author_key": {"key": ["a"]}})
    [(_, raw)] = outbox.flush("f", "authors", 0)
    again.apply(again.accept(decode(raw)), 0)
    assert again.public.version.data[0] == 7
    assert definitions.published("references", again.public.numbers.data[[0]]) == [(3,) * len(REFERENCES)]
    assert not again.unplaced


def card(date: int) -> dict:
    return {
        "paper": ONE,
        "card": bytes_column([b'{"paper_id":"p","authors_total":1']),
        "date": ONE + date,
        "category": [""],
        "truncated": ONE,
    }


def test_a_paper_is_in_no_year_until_its_card_has_come():
    """A flush may be cut anywhere (rule C6), so a row and its state may come before the card of the paper."""
    stage, outbox = Profiles(0, Layout(), "f"), Outbox(Authors.kinds, 1)
    for rows in (
        {
            "author_key": {"key": ["a"]},
            "paper_key": {"key": ["p"]},
            "row": ROW,
            "state": {"row": ONE, "citations": ONE},
        },
        {"card": card(2016_00_00), "row": ROW},
        {"card": card(2017_00_00), "row": ROW},
    ):
        outbox.add(0, rows)
        for _, raw in outbox.flush("f", "authors", 0):
            stage.apply(stage.accept(decode(raw)), 0)
    _, key, count = stage.author.tallies.of(ONE)
    years = [
        (k & LOW, n) for k, n in zip(key.tolist(), count.tolist(), strict=True) if k & ~LOW == PUBLISHED_IN
    ]
    assert years == [(2017, 1)]
