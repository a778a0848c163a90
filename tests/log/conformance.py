"""What every log must do. An adapter's tests inherit `Conformance` and give it logs; nothing here knows which
one it is.
"""

import asyncio
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import Fenced, LogError, UnknownTopic, UsageError
from shared.log.port import Log, Message, Partition, Record, TopicSpec

MIB = 1 << 20
BOUND = 10.0  # seconds that anything may take before a test gives up

messages = st.builds(
    Message,
    st.none() | st.binary(max_size=20),
    st.binary(max_size=200),
    st.lists(st.tuples(st.text(min_size=1, max_size=10), st.binary(max_size=30)), max_size=4).map(tuple),
)
batches = st.dictionaries(st.integers(0, 2), st.lists(messages, min_size=1, max_size=6), min_size=1)


def texts(*values: str) -> list[Message]:
    return [Message(None, value.encode()) for value in values]


async def everything(log: Log, partition: Partition, offset: int = 0, **bounds) -> list[Record]:
    found: list[Record] = []
    while records := await log.read(partition, offset, **bounds):
        found += records
        offset = records[-1].offset + 1
    return found


class Conformance(ABC):
    """`log` and `other` are two handles on one log, as two processes have them. `topic` is a name that no
    other test uses.
    """

    @pytest.fixture
    @abstractmethod
    async def log(self) -> Log: ...

    @pytest.fixture
    @abstractmethod
    async def other(self, log: Log) -> Log: ...

    @pytest.fixture
    def topic(self) -> str:
        return f"t-{uuid.uuid4().hex[:8]}"

    @pytest.fixture
    async def partitions(self, log: Log, topic: str) -> Sequence[Partition]:
        await log.create([TopicSpec(topic, 3)])
        return [Partition(topic, number) for number in range(3)]

    # ---- topics

    async def test_a_topic_is_as_it_was_created(self, log, other, topic):
        specs = [
            TopicSpec(f"{topic}-a", 2, compacted=True),
            TopicSpec(f"{topic}-b", 1, retention_ms=86_400_000, durable=False),
        ]
        await log.create(specs)
        for held in (await log.topics(), await other.topics()):
            assert [held[spec.name]._replace(durable=spec.durable) for spec in specs] == specs
            assert all(held[spec.name].durable >= spec.durable for spec in specs), (
                "a log may keep a topic better than it must, not worse"
            )
        assert await log.check(specs) == []

    async def test_creating_again_changes_nothing(self, log, other, partitions, topic):
        await log.append({partitions[0]: texts("kept")})
        await log.create([TopicSpec(topic, 3)])
        await other.create([TopicSpec(topic, 3)])
        assert [r.value for r in await everything(log, partitions[0])] == [b"kept"]

    @pytest.mark.parametrize("change", [{"partitions": 4}, {"compacted": True}, {"retention_ms": 5}])
    async def test_a_topic_cannot_become_another(self, log, partitions, topic, change):
        with pytest.raises(UsageError, match=topic):
            await log.create([TopicSpec(topic, 3)._replace(**change)])
        assert (await log.topics())[topic] == TopicSpec(topic, 3)

    async def test_what_is_not_as_it_must_be_is_reported(self, log, partitions, topic):
        assert await log.check([TopicSpec(topic, 3)]) == []
        [found] = await log.check([TopicSpec(topic, 5)])
        assert found.topic == topic and found.loses
        [found] = await log.check([TopicSpec(f"{topic}-no", 1)])
        assert (found.topic, found.held, found.loses) == (f"{topic}-no", "missing", False)

    async def test_a_deleted_topic_is_gone(self, log, other, partitions, topic):
        await log.append({partitions[0]: texts("x")})
        await log.delete([topic, f"{topic}-never"])
        async with asyncio.timeout(BOUND):
            while topic in await other.topics():
                pass  # a cluster takes a moment
        with pytest.raises(UnknownTopic, match=topic):
            await log.append({partitions[0]: texts("y")})

    async def test_a_topic_made_anew_is_another_one(self, log, other, partitions, topic):
        names = [topic, f"{topic}-never"]
        before = await log.identities(names)
        assert (
            before == await other.identities(names)
            and set(before) == {topic}
            and before[topic].partitions == 3
        )
        assert before[topic].id
        await log.delete([topic])
        async with asyncio.timeout(BOUND):
            while await other.identities(names):
                pass  # a cluster takes a moment
        await log.create([TopicSpec(topic, 2)])
        for handle in (log, other):
            async with asyncio.timeout(BOUND):
                while topic not in (after := await handle.identities(names)):
                    pass
            assert after[topic].partitions == 2 and after[topic].id and after[topic].id != before[topic].id

    async def test_what_does_not_exist_is_named(self, log, partitions, topic):
        for missing in (Partition(f"{topic}-no", 0), Partition(topic, 3)):
            with pytest.raises(UnknownTopic, match=missing.topic):
                await log.append({missing: texts("x")})
            with pytest.raises(UnknownTopic, match=missing.topic):
                await log.read(missing, 0)
            with pytest.raises(UnknownTopic, match=missing.topic):
                await log.bounds([missing])
            with pytest.raises(UnknownTopic, match=missing.topic):
                await log.wait({missing: 0}, 0.1)

    async def test_an_unknown_topic_in_a_batch_appends_nothing(self, log, partitions, topic):
        with pytest.raises(UnknownTopic):
            await log.append({partitions[0]: texts("x"), Partition(f"{topic}-no", 0): texts("y")})
        assert await log.read(partitions[0], 0) == []

    # ---- append and read

    async def test_offsets_follow_on_in_each_partition(self, log, partitions):
        first, second, _ = partitions
        assert await log.append({first: texts("a", "b"), second: texts("x")}) == {first: 0, second: 0}
        assert await log.append({second: texts("y"), first: texts("c")}) == {first: 2, second: 1}
        assert [(r.offset, r.value) for r in await log.read(first, 0)] == [(0, b"a"), (1, b"b"), (2, b"c")]
        assert [(r.offset, r.value) for r in await log.read(second, 0)] == [(0, b"x"), (1, b"y")]
        assert await log.bounds(partitions) == {first: (0, 3), second: (0, 2), partitions[2]: (0, 0)}

    async def test_a_record_comes_back_as_it_went_in(self, log, other, partitions):
        sent = [
            Message(None, b""),
            Message(b"", b"\x00\xff" * 50),
            Message(
                "Müller".encode(), b"v", (("h", b"1"), ("h", b""), ("Größe", bytes(range(256))), ("h", b"1"))
            ),
            Message(b"k", b"v", (("ce_id", b"7"),)),
            Message(b"k", b"v", (("ce_id", b"8"),)),
        ]
        before = time.time_ns() // 1_000_000
        await log.append({partitions[1]: sent})
        for reader in (log, other):
            records = await reader.read(partitions[1], 0)
            assert [Message(r.key, r.value, tuple(r.headers)) for r in records] == sent
            assert all(before <= r.timestamp <= time.time_ns() // 1_000_000 for r in records)
            assert [bool(r.headers) for r in records] == [False, False, True, True, True]
            assert [len(r.headers) for r in records] == [0, 0, 4, 1, 1] and records[3].headers[0] == (
                "ce_id",
                b"7",
            )

    async def test_headers_that_were_read_can_be_appended(self, log, partitions):
        await log.append({partitions[0]: [Message(b"k", b"v", (("a", b"1"), ("b", b"2")))]})
        [record] = await log.read(partitions[0], 0)
        await log.append({partitions[1]: [Message(record.key, record.value, record.headers)]})
        [copy] = await log.read(partitions[1], 0)
        assert tuple(copy.headers) == (("a", b"1"), ("b", b"2"))

    async def test_large_records(self, log, partitions):
        sent = [Message(b"k", bytes([i]) * 8 * MIB) for i in range(2)]
        await log.append({partitions[0]: sent})
        assert [r.value for r in await everything(log, partitions[0])] == [m.value for m in sent]

    async def test_reading_is_bounded_by_records(self, log, partitions):
        await log.append({partitions[0]: texts(*map(str, range(10)))})
        assert [r.offset for r in await log.read(partitions[0], 2, max_records=3)] == [2, 3, 4]
        assert [r.offset for r in await everything(log, partitions[0], max_records=3)] == list(range(10))

    async def test_reading_is_bounded_by_bytes_but_gives_at_least_one(self, log, partitions):
        await log.append({partitions[0]: [Message(None, bytes(size)) for size in (100, 100, 5000, 10)]})
        assert [r.offset for r in await log.read(partitions[0], 0, max_bytes=250)] == [0, 1]
        assert [r.offset for r in await log.read(partitions[0], 2, max_bytes=250)] == [2]
        assert [r.offset for r in await everything(log, partitions[0], max_bytes=1)] == [0, 1, 2, 3]

    async def test_reading_never_waits(self, log, partitions):
        await log.append({partitions[0]: texts("x")})
        async with asyncio.timeout(1):
            assert await log.read(partitions[0], 1) == []
            assert await log.read(partitions[0], 100) == []
            assert await log.read(partitions[1], 0) == []

    async def test_the_other_handle_sees_everything_at_once(self, log, other, partitions):
        for i in range(5):
            await log.append({partitions[0]: texts(str(i))})
            assert [r.value for r in await other.read(partitions[0], i)] == [str(i).encode()]
            assert (await other.bounds([partitions[0]]))[partitions[0]] == (0, i + 1)

    async def test_calls_of_one_process_keep_their_order(self, log, partitions):
        firsts = await asyncio.gather(
            *(log.append({partitions[0]: texts(f"{i}a", f"{i}b")}) for i in range(300))
        )
        assert [f[partitions[0]] for f in firsts] == list(range(0, 600, 2))
        values = [r.value.decode() for r in await everything(log, partitions[0])]
        assert values == [f"{i}{x}" for i in range(300) for x in "ab"]

    async def test_two_writers_never_share_an_offset(self, log, other, partitions):
        async def write(handle: Log, name: str) -> list[int]:
            return [
                (await handle.append({partitions[0]: texts(f"{name}{i}")}))[partitions[0]] for i in range(60)
            ]

        mine, theirs = await asyncio.gather(write(log, "m"), write(other, "t"))
        assert sorted(mine + theirs) == list(range(120)) and mine == sorted(mine) and theirs == sorted(theirs)
        at = {r.offset: r.value for r in await everything(log, partitions[0])}
        assert [at[o] for o in mine] == [b"m%d" % i for i in range(60)]

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(st.lists(batches, max_size=8), st.integers(1, 7), st.integers(1, 500))
    def test_it_is_a_list_for_each_partition(self, runner, script, max_records, max_bytes):
        """Against the plain model: whatever was appended, in whatever batches, is read back in whatever
        pieces.
        """

        async def check(log: Log) -> None:
            topic = f"m-{uuid.uuid4().hex[:8]}"
            await log.create([TopicSpec(topic, 3)])
            model: dict[int, list[Message]] = {0: [], 1: [], 2: []}
            for batch in script:
                firsts = await log.append({Partition(topic, number): sent for number, sent in batch.items()})
                assert firsts == {Partition(topic, number): len(model[number]) for number in batch}
                for number, sent in batch.items():
                    model[number] += sent
            for number, sent in model.items():
                records = await everything(
                    log, Partition(topic, number), max_records=max_records, max_bytes=max_bytes
                )
                assert [r.offset for r in records] == list(range(len(sent)))
                assert [Message(r.key, r.value, tuple(r.headers)) for r in records] == sent
                assert (await log.bounds([Partition(topic, number)])) == {
                    Partition(topic, number): (0, len(sent))
                }

        runner(check)

    @pytest.fixture
    @abstractmethod
    def runner(self):
        """Calls an async function with a log, in a loop of its own."""

    # ---- times

    async def test_the_first_record_since_a_time(self, log, other, partitions):
        assert await log.first_since(partitions[0], 0) == 0, "a partition without records ends at 0"
        await log.append({partitions[0]: texts("a", "b")})
        [first, _] = await other.read(partitions[0], 0)
        for handle in (log, other):
            assert await handle.first_since(partitions[0], 0) == 0
            assert await handle.first_since(partitions[0], first.timestamp) == 0
            assert await handle.first_since(partitions[0], first.timestamp + 3_600_000) == 2
        with pytest.raises(UnknownTopic):
            await log.first_since(Partition(f"{partitions[0].topic}-no", 0), 0)

    async def test_where_times_fall_the_first_record_that_reaches_a_time_counts(self, log, topic):
        """Whatever stands behind it, and whatever the number of records: no search by halves."""
        base = 1_700_000_000_000
        steps = [0, 10, 10, 90, 20, 0, 30, 95, 95, 40, 50, 200, 60, 70]
        partition = await self.written_at(log, topic, [base + step for step in steps])
        assert [r.timestamp - base for r in await everything(log, partition)] == steps
        for step in {around + off for around in steps for off in (-1, 0, 1)}:
            right = next((at for at, one in enumerate(steps) if one >= step), len(steps))
            assert await log.first_since(partition, base + step) == right, step

    @abstractmethod
    async def written_at(self, log: Log, topic: str, times: Sequence[int]) -> Partition:
        """A partition of a new topic with one record for each of these append times, as an old log or a
        foreign writer has them.
        """

    # ---- compaction

    async def test_compaction_keeps_the_newest_of_each_key_and_all_offsets(self, log, topic):
        await log.create([TopicSpec(topic, 1, compacted=True)])
        partition = Partition(topic, 0)
        for start in range(0, 60_000, 3_000):
            await log.append(
                {partition: [Message(b"k%d" % (i % 50), b"%d" % i) for i in range(start, start + 3_000)]}
            )
        records = await everything(log, partition, max_records=10_000)
        assert [r.offset for r in records] == sorted({r.offset for r in records})
        assert all(r.value == b"%d" % r.offset and r.key == b"k%d" % (r.offset % 50) for r in records)
        assert {r.key: r.offset for r in records} == {b"k%d" % i: 60_000 - 50 + i for i in range(50)}
        assert (await log.bounds([partition]))[partition][1] == 60_000

    # ---- waiting

    async def test_waiting_ends_at_once_where_there_is_something(self, log, partitions):
        await log.append({partitions[0]: texts("x")})
        async with asyncio.timeout(BOUND):
            assert await log.wait({partitions[1]: 0, partitions[0]: 0}, 60)

    async def test_waiting_ends_after_its_time(self, log, partitions):
        await log.append({partitions[0]: texts("x")})
        async with asyncio.timeout(BOUND):
            assert not await log.wait({partitions[0]: 1, partitions[1]: 0}, 0.05)

    @pytest.mark.parametrize("who", ["log", "other"])
    async def test_an_append_wakes_who_waits(self, request, log, other, partitions, who):
        """Of this handle or of another one, long before the time is over."""
        waiting = asyncio.create_task(log.wait({partitions[0]: 0, partitions[2]: 0}, 60))
        assert not await log.wait({partitions[2]: 0}, 0.05)
        assert not waiting.done()
        await {"log": log, "other": other}[who].append({partitions[2]: texts("x")})
        async with asyncio.timeout(BOUND):
            assert await waiting

    async def test_who_waits_for_something_else_waits_on(self, log, partitions):
        waiting = asyncio.create_task(log.wait({partitions[0]: 0}, 0.3))
        await log.append({partitions[1]: texts("x")})
        assert not await waiting

    async def test_many_may_wait(self, log, other, partitions):
        waiting = [
            asyncio.create_task(log.wait({partition: 0}, 60)) for partition in partitions for _ in range(20)
        ]
        await other.append({partition: texts("x") for partition in partitions})
        async with asyncio.timeout(BOUND):
            assert all(await asyncio.gather(*waiting))

    # ---- the fence

    async def test_a_fence_writes_to_several_topics_at_once(self, log, other, partitions, topic):
        await log.create([TopicSpec(f"{topic}-too", 1)])
        second = Partition(f"{topic}-too", 0)
        fence = await log.fence(topic)
        firsts = await fence.append({partitions[0]: texts("a", "b"), second: texts("x")})
        assert firsts == {partitions[0]: 0, second: 0}
        await fence.append({partitions[0]: texts("c")})
        assert [r.value for r in await everything(other, partitions[0])] == [b"a", b"b", b"c"]
        assert [r.value for r in await everything(other, second)] == [b"x"]
        await fence.close()
        await fence.close()

    async def test_who_has_the_fence_is_the_only_one_to_write(self, log, other, partitions, topic):
        old = await log.fence(topic)
        await old.append({partitions[0]: texts("old")})
        neighbour = await log.fence(f"{topic}-another")
        new = await other.fence(topic)
        with pytest.raises(Fenced):
            await old.append({partitions[0]: texts("too late")})
        await new.append({partitions[0]: texts("new")})
        await neighbour.append({partitions[0]: texts("another")})
        with pytest.raises((Fenced, LogError)):
            await old.append({partitions[0]: texts("too late")})
        assert [r.value for r in await everything(log, partitions[0])] == [b"old", b"new", b"another"]

    # ---- who works on what

    async def test_one_process_works_on_everything(self, log, partitions, topic):
        await log.create([TopicSpec(f"{topic}-too", 2)])
        all_of_them = {*partitions, Partition(f"{topic}-too", 0), Partition(f"{topic}-too", 1)}
        assigned = log.assignments(f"role-{topic}", [topic, f"{topic}-too"])
        async with asyncio.timeout(3 * BOUND):
            while await anext(assigned) != all_of_them:
                pass
        await assigned.aclose()

    # ---- the end

    async def test_sync_and_close_are_bounded_and_repeatable(self, log, partitions):
        await log.append({partitions[0]: texts("x")})
        async with asyncio.timeout(BOUND):
            await log.sync()
            await log.sync()
            await log.close()
            await log.close()
        with pytest.raises(LogError):
            await log.append({partitions[0]: texts("y")})

    async def test_a_cancelled_append_harms_nobody(self, log, partitions):
        gone = asyncio.create_task(log.append({partitions[0]: texts("perhaps")}))
        kept = asyncio.create_task(log.append({partitions[1]: texts("surely")}))
        gone.cancel()
        await kept
        assert [r.value for r in await log.read(partitions[1], 0)] == [b"surely"]
        assert [r.value for r in await log.read(partitions[0], 0)] in ([], [b"perhaps"])
