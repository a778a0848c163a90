"""A stage may write to several topics: its targets are numbered over all of them, and each is a channel of
its own.
"""

import pytest

from services.runtime.topology import CONSUMER, PUBLISHER, SCORER, STAGES
from shared.contracts.topics import AUTHOR_CHANGES, METRIC_CHANGES, PAPER_CHANGES, PAPERS
from shared.log.port import Partition, Record
from shared.stages.packs import Kind, decode
from shared.stages.session import Session
from shared.stages.stage import Layout, PackStage, Stage

LAYOUT = Layout(papers=2, authors=3)


class Sorter(Stage):
    """Each record is a letter: lower case goes to paper-changes, upper case to author-changes; the partition
    by its place.
    """

    name, input, outputs, kinds = "sorter", PAPERS, (PAPER_CHANGES, AUTHOR_CHANGES), (Kind("letter"),)

    def step(self, records):
        for record in records:
            letter = record.value.decode()
            targets = self.targets(PAPER_CHANGES if letter.islower() else AUTHOR_CHANGES)
            self.outbox.add(targets[ord(letter) % len(targets)], {"letter": {"letter": [letter]}})

    def parts(self):
        return {}


class Reader(PackStage):
    name, input = "reader", AUTHOR_CHANGES

    def apply(self, pack, offset):
        self.read = getattr(self, "read", "") + "".join(pack.kinds["letter"]["letter"])

    def parts(self):
        return {}


def records(text: str, start: int = 0) -> list[Record]:
    return [Record(start + at, 0, None, letter.encode(), ()) for at, letter in enumerate(text)]


def test_targets_are_numbered_topic_after_topic():
    stage = Sorter(0, LAYOUT)
    assert list(stage.targets(PAPER_CHANGES)) == [0, 1] and list(stage.targets(AUTHOR_CHANGES)) == [2, 3, 4]
    assert [(topic.name, partition) for topic, partition in stage.destinations] == [
        ("paper-changes", 0), ("paper-changes", 1), ("author-changes", 0), ("author-changes", 1),
        ("author-changes", 2),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="not in tuple"):
        stage.targets(METRIC_CHANGES)


def test_rows_go_where_they_belong_and_every_channel_is_marked():
    session = Session(Sorter(0, LAYOUT, "f"))
    session.step(records("abcAB"))
    sent = {place: [decode(m.value) for m in messages] for place, messages in session.flush().items()}
    letters = {
        place: [x for pack in packs for x in pack.kinds["letter"]["letter"]] for place, packs in sent.items()
    }
    papers, authors = (topic.named(LAYOUT.generation) for topic in (PAPER_CHANGES, AUTHOR_CHANGES))
    assert letters == {
        Partition(papers, 1): ["a", "c"],
        Partition(papers, 0): ["b"],
        Partition(authors, 2): ["A"],
        Partition(authors, 0): ["B"],
    }
    marks = {place: decode(message.value) for place, (message,) in session.marks().items()}
    assert {place: (mark.base, mark.end) for place, mark in marks.items()} == {
        Partition(papers, 0): (1, 1), Partition(papers, 1): (2, 2),
        Partition(authors, 0): (1, 1), Partition(authors, 1): (0, 0), Partition(authors, 2): (1, 1),
    }  # fmt: skip


def test_a_successor_numbers_on_in_every_topic():
    session = Session(Sorter(0, LAYOUT, "f"))
    session.step(records("aA"))
    session.flush()
    again = Session(Sorter(0, LAYOUT, "f"))
    again.restore(session.save())
    again.step(records("aA", 2))
    packs = [decode(m.value) for messages in again.flush().values() for m in messages]
    assert [(pack.base, pack.end, pack.kinds["letter"]["n"].tolist()) for pack in packs] == [
        (1, 2, [2]),
        (1, 2, [2]),
    ]


def test_a_receiver_knows_its_channel_by_stage_and_partition():
    sender, reader = Session(Sorter(1, LAYOUT, "f")), Reader(2, LAYOUT, "f")
    sender.step(records("aAaAaD"))
    here = sender.flush()[Partition(AUTHOR_CHANGES.named(1), 2)]
    reader.step([Record(at, 0, *message) for at, message in enumerate(here * 2)])
    assert reader.high == {"sorter/1": 3} and reader.read == "AAD"


def test_stages_stand_in_the_order_of_their_topics():
    """`status` asks in this order, so that idle is not seen too early."""
    for at, stage in enumerate(STAGES):
        assert not [later.name for later in STAGES[at:] if stage.input in later.outputs]
    assert len({stage.name for stage in STAGES}) == len(STAGES) == len({*CONSUMER, *SCORER, *PUBLISHER})
