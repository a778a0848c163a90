"""`verify` finds any value of any table of any stage's checkpoint that is not what it must be."""

import asyncio
import contextlib
import random
import re
import zlib
from collections.abc import Iterator
from unittest import mock

import numpy as np
import orjson
import pytest

from services.consumer.authors import ai_scores as ranking
from services.publisher.messages import messages_of
from services.publisher.stage import Profiles
from services.runtime.topology import STAGES
from services.verify_checkpoints.stages import CheckpointChecker, check_all
from shared.errors import VerificationFailed
from shared.metrics import rankpoints
from shared.stages.checkpoints import read_header
from shared.stages.stage import Layout
from tests.integration.literatures import simulated
from tests.stages.past import Past, Shelf
from tests.stages.test_scores import limits
from tests.streams import disturbed


class Busy(Past):
    """A service whose publisher never gets through: some authors wait, with their causes, whenever it
    saves.
    """

    resting = False

    def publish(self, session):
        if self.resting:
            return
        stage: Profiles = session.stage
        size = self.dice.randrange(max(1, stage.pending.size // 2))
        snapshots = stage.publish(stage.pending.take(size))
        if snapshots:
            batches = messages_of(snapshots, self.layout.authors, self.layout.generation, 0)
            self.append(batches)
        ends = session.extra.setdefault("public_ends", {})
        for place in self.logs:
            if place.topic == "author-profiles.v1" and place.number == stage.partition:
                ends[str(place.number)] = len(self.logs[place])


def eventful() -> list[list[dict]]:
    """What a simulated literature has none of: papers of this year, scores from elsewhere, words two had
    first in the same month, authors who leave a paper.
    """
    team = [{"author_id": f"a:{n}", "name": f"Author {n}"} for n in range(12)]
    papers = [
        {
            "paper_id": f"new:{n}",
            "title": "entirely fresh words here",
            "published": "2026-10",
            "authors": team,
            "references": ["new:0"],
        }
        for n in range(6)
    ]
    scored = [{"event": "paper.scored", "paper_id": "new:1", "source": "s", "version": "1", "novelty": 0.5}]
    stated = [
        {"event": "paper.cites", "paper_id": "new:2", "source": "s", "references": ["new:1", "elsewhere"]},
        {"event": "paper.withdrawn", "paper_id": "new:3", "kind": "retracted"},
    ]
    day = {"event": "clock.ticked", "author_id": "clock", "date": "2026-11-30"}
    merged = {"event": "author.merged", "author_id": "a:1", "into": "a:0", "revision": 1}
    return [papers + scored, stated, [merged], [day], [papers[5] | {"revision": 1, "authors": team[:1]}]]


@pytest.fixture(scope="module")
def life() -> Iterator[tuple[Past, dict[str, bytes]]]:
    """A busy service and the newest checkpoint of each of its stages. Small cohorts have tables, and four
    papers make a large author.
    """
    made = Busy(Layout(2, 2, terms=2, cohorts=2), seed=4, saves=0)
    events = disturbed(simulated(40), seed=4)
    with contextlib.ExitStack() as patches:
        large = mock.patch.object(ranking, "MANY", 3), mock.patch.object(rankpoints, "SUMMED", 2)
        for patch in (*limits(smallest=2, reference=2, settled=5), *large):
            patches.enter_context(patch)
        for first in range(0, len(events), 40):
            made.tell(*events[first : first + 40])
        *parts, last = eventful()
        for part in parts:
            made.tell(*part)
        made.resting = True  # those who go ahead are still there
        made.tell(*last)
        store = Shelf()
        for session in made.sessions:
            store.write(session.stage.name, session.stage.partition, session.position.next, session.save())
        yield made, store.held


@pytest.fixture
def replays_known(life, monkeypatch):
    """What a stage makes of its input is in its right checkpoint (`test_all_is_well`): it need not run again.
    The publisher runs: its check keeps the causes on the way.
    """
    replay = CheckpointChecker._replay

    async def restore(checker, replayed, end, name, publisher):
        if publisher is None and replayed.stage.name in name:
            replayed.restore(life[1][name])
        else:
            await replay(checker, replayed, end, name, publisher)

    monkeypatch.setattr(CheckpointChecker, "_replay", restore)


def check(life: tuple[Past, dict[str, bytes]], changed: dict[str, bytes] | None = None) -> int:
    made, held = life
    only = changed or held

    async def run() -> int:
        return await check_all(
            await made.log(), made.layout, Shelf(dict(only)), lambda line, fraction=None: None
        )

    return asyncio.run(run())


def tables(raw: bytes) -> Iterator[tuple[str, str, np.dtype, int, int]]:
    """(part, array, type, where it starts, values) of every array that has any."""
    header, at = read_header(raw)
    for part, name, dtype, shape in header["arrays"]:
        count = int(np.prod(shape))
        if count:
            yield part, name, np.dtype(dtype), at, count
        at += np.dtype(dtype).itemsize * count


def sealed(body: bytes) -> bytes:
    return body + zlib.crc32(body).to_bytes(4, "little")


def test_all_is_well(life):
    made, held = life
    assert check(life) == len(held) == len(made.sessions)
    waiting = sum(s.stage.pending.size for s in made.sessions if isinstance(s.stage, Profiles))
    assert waiting >= 5, "or there is nothing to find"


def test_the_example_leaves_no_table_of_any_stage_empty(life):
    """Or a value that is wrong there would be sought by nobody: what a stage keeps from now on must be in
    this example.
    """
    made, held = life
    for stage in STAGES:
        states = [session.stage for session in made.sessions if isinstance(session.stage, stage)]
        parts = {
            part for state in states for part in (*state.parts(), *getattr(state, "progress_parts", dict)())
        }
        saved = [raw for name, raw in held.items() if name.startswith(f"{stage.name}-")]
        assert len(saved) == len(states) > 0
        indexed = {(part, name) for raw in saved for part, name, *_ in read_header(raw)[0]["arrays"]}
        filled = {(part, name) for raw in saved for part, name, *_ in tables(raw)}
        assert {part for part, _ in indexed} == parts, "what is state is saved"
        # of a channel nobody used there is nothing, and a number is that of its target, or of a source
        assert {_unnumbered(*one) for one in indexed - filled} <= {_unnumbered(*one) for one in filled}, (
            stage.name
        )


def _unnumbered(part: str, name: str) -> tuple[str, str]:
    return re.sub(r"\b\d+\b", "#", part), re.sub(r"\d+$", "", name)


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES])
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.usefixtures("replays_known")
def test_one_value_that_is_wrong_is_found_in_every_table(life, stage, seed):
    dice, seen = random.Random(f"{stage} {seed}"), set()
    for checkpoint, raw in life[1].items():
        if not checkpoint.startswith(stage):
            continue
        for part, name, dtype, at, count in tables(raw):
            place = at + dice.randrange(count) * dtype.itemsize
            spoiled = sealed(
                raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 : -4]
            )  # the last bit of a number
            where = f"{checkpoint}: {part}.{name} at {(place - at) // dtype.itemsize}"
            with pytest.raises(VerificationFailed) as found:
                check(life, {checkpoint: spoiled})
                pytest.fail(f"not found: {where}")
            assert found.value.exit_code == 4
            assert checkpoint in str(found.value) and part in str(found.value), (where, str(found.value))
            seen.add(part)
    assert seen, "no checkpoint of this stage"


@pytest.mark.parametrize("field", ["sent", "high", "facts", "next", "last"])
def test_one_number_of_the_header_that_is_wrong_is_found(life, field):
    for checkpoint, raw in life[1].items():
        header, at = read_header(raw)
        held = header[field]
        if not held or (field == "facts" and "day" not in held):
            continue
        if field == "sent":
            held[0] += 1
        elif field in ("high", "facts"):
            held["day" if field == "facts" else next(iter(held))] += 1
        elif field == "last":
            held[1] ^= 1
        else:
            header["next"] -= 1
        said = orjson.dumps(header)
        start = raw.index(b"\n") + 1
        with pytest.raises(VerificationFailed) as found:
            check(
                life, {checkpoint: sealed(raw[:start] + len(said).to_bytes(8, "little") + said + raw[at:-4])}
            )
            pytest.fail(f"not found: {field} of {checkpoint}")
        assert checkpoint in str(found.value)


def test_a_publisher_that_learnt_wrong_things_is_found(life):
    """An author whom nobody knows and who is not public; and one that would never be published again."""
    made, _ = life
    session = next(s for s in made.sessions if isinstance(s.stage, Profiles) and s.stage.pending.size)
    name = f"publisher-{session.stage.partition}-{session.position.next:020}.checkpoint"
    stage = session.stage
    try:
        stage.unplaced["nobody"] = (3, 4, dict.fromkeys(("papers",), 1), {})
        with pytest.raises(VerificationFailed, match=r"unplaced\[nobody\]"):
            check(life, {name: session.save()})
        del stage.unplaced["nobody"]
        held = {name: array.copy() for name, array in stage.pending.dump().items()}
        [slot] = stage.pending.take(1).tolist()
        with pytest.raises(
            VerificationFailed, match=f"waiting: {stage.authors.names[slot]} is neither public"
        ):
            check(life, {name: session.save()})
    finally:
        stage.unplaced.clear()
        stage.pending.load(held)
    assert check(life, {name: session.save()}) == 1
