"""The log on real Apache Kafka: the conformance suite, and what is Kafka's own: transactions, groups,
security, traps of aiokafka.
"""

import asyncio
import time
import zlib
from contextlib import aclosing

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import ClusterAuthorizationFailedError, KafkaConnectionError

from shared.contracts.topics import PAPER_CHANGES
from shared.errors import Fenced, InputLost, LogError, LogUnavailable, UsageError
from shared.log.kafka import client
from shared.log.kafka.connection import KafkaConnection
from shared.log.kafka.log import KafkaLog
from shared.log.kafka.options import KafkaOptions
from shared.log.kafka.topics import needed_configs
from shared.log.port import Message, Partition, TopicSpec
from shared.stages import inputs as inputs_module
from shared.stages.inputs import Inputs, Witness
from shared.stages.stage import Layout
from tests.clusters.cluster import free_ports
from tests.clusters.processes import PASSWORD, USER, ProcessCluster
from tests.log.conformance import BOUND, Conformance, everything, texts


class TestKafka(Conformance):
    @pytest.fixture
    async def log(self, kafka):
        log = KafkaLog(kafka)
        yield log
        await log.close()

    @pytest.fixture
    async def other(self, log, kafka):
        other = KafkaLog(kafka)
        yield other
        await other.close()

    async def written_at(self, log, topic, times):
        """The writer chooses the times of a topic that is not as ours are."""
        made = NewTopic(topic, 1, 1, topic_configs={"message.timestamp.type": "CreateTime"})
        await log._ask_admin("create a topic", lambda admin: admin.create_topics([made]))
        await log._settled([topic])
        foreign = AIOKafkaProducer(bootstrap_servers=log.connection.servers)
        await foreign.start()
        try:
            for at in times:
                await foreign.send_and_wait(topic, b"%d" % at, partition=0, timestamp_ms=at)
        finally:
            await foreign.stop()
        return Partition(topic, 0)

    @pytest.fixture
    def runner(self, kafka):
        def run(check):
            async def main():
                log = KafkaLog(kafka)
                try:
                    await check(log)
                finally:
                    await log.close()

            asyncio.run(main())

        return run


@pytest.fixture
async def log(kafka):
    log = KafkaLog(kafka)
    yield log
    await log.close()


@pytest.fixture
async def here(log, request):
    topic = f"k-{abs(hash((request.node.name, time.time_ns()))):x}"
    await log.create([TopicSpec(topic, 1)])
    return Partition(topic, 0)


# ---- transactions of somebody else in a topic that we read


async def test_aborted_records_are_not_read_and_markers_are_not_waited_for(log, here, kafka):
    """A marker has an offset of its own but is no record: an idle log is idle nevertheless."""
    foreign = AIOKafkaProducer(bootstrap_servers=kafka.removeprefix("kafka://"), transactional_id=here.topic)
    await foreign.start()
    try:
        await foreign.begin_transaction()
        await foreign.send_and_wait(here.topic, b"kept", partition=0)
        await foreign.commit_transaction()
        await foreign.begin_transaction()
        await foreign.send_and_wait(here.topic, b"aborted", partition=0)
        await foreign.abort_transaction()
    finally:
        await foreign.stop()
    [record] = await log.read(here, 0)
    assert (record.offset, record.value) == (0, b"kept")
    end = (await log.bounds([here]))[here][1]
    assert end == 4  # two records, two markers
    assert await log.read(here, 1) == []
    assert await log.settled(here, 1) == end
    assert not await log.wait({here: 1}, 0.3)
    await log.append({here: texts("later")})
    assert await log.wait({here: 1}, BOUND)
    assert [r.value for r in await log.read(here, 1)] == [b"later"]


async def test_an_open_transaction_is_waited_for(log, here, kafka):
    foreign = AIOKafkaProducer(bootstrap_servers=kafka.removeprefix("kafka://"), transactional_id=here.topic)
    await foreign.start()
    try:
        await foreign.begin_transaction()
        await foreign.send_and_wait(here.topic, b"not yet", partition=0)
        await log.append({here: texts("behind it")})
        assert await log.read(here, 0) == [] and (await log.bounds([here]))[here] == (0, 0)
        waiting = asyncio.create_task(log.wait({here: 0}, BOUND))
        await foreign.commit_transaction()
        assert await waiting
        assert [r.value for r in await everything(log, here)] == [b"not yet", b"behind it"]
    finally:
        await foreign.stop()


async def test_what_a_fenced_writer_had_begun_is_never_seen(log, here, kafka):
    """A publisher that stalls in the middle of its transaction, and its successor."""
    stalled = AIOKafkaProducer(bootstrap_servers=kafka.removeprefix("kafka://"), transactional_id=here.topic)
    await stalled.start()
    try:
        await stalled.begin_transaction()
        await stalled.send_and_wait(here.topic, b"zombie", partition=0)
        successor = await log.fence(here.topic)
        await successor.append({here: texts("successor")})
        with pytest.raises(Exception, match=r"Fenced|newer producer"):
            await stalled.commit_transaction()
        assert [r.value for r in await everything(log, here)] == [b"successor"]
    finally:
        await stalled.stop()


# ---- positions


async def test_deleted_records_are_skipped_and_named(log, here):
    await log.append({here: texts("a", "b", "c")})
    [first] = await log.read(here, 0, max_records=1)
    assert first.value == b"a"
    from aiokafka.admin import RecordsToDelete
    from aiokafka.structs import TopicPartition

    await log._ask_admin(
        "delete records", lambda admin: admin.delete_records({TopicPartition(*here): RecordsToDelete(2)})
    )
    assert (await log.bounds([here]))[here] == (2, 3)
    other = KafkaLog(f"kafka://{log.connection.servers}")
    try:
        assert [(r.offset, r.value) for r in await other.read(here, 0)] == [(2, b"c")]
    finally:
        await other.close()


async def test_readers_at_several_places_do_not_disturb_each_other(log, here):
    await log.append({here: texts(*map(str, range(200)))})

    async def follow(start: int) -> list[int]:
        offset, seen = start, []
        while len(seen) < 100:
            assert await log.wait({here: offset}, BOUND)
            [record] = await log.read(here, offset, max_records=1)
            seen.append(record.offset)
            offset = record.offset + 1
        return seen

    found = await asyncio.gather(*(follow(start) for start in (0, 20, 50, 100)))
    assert found == [list(range(start, start + 100)) for start in (0, 20, 50, 100)]


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_compressed_batches(kafka, here, compression):
    log = KafkaLog(kafka, KafkaOptions(compression=compression))
    try:
        sent = [Message(b"k%d" % i, b"value " * 50, (("h", b"%d" % i),)) for i in range(5_000)]
        await log.append({here: sent})
        fence = await log.fence(here.topic)
        await fence.append({here: texts("in a transaction")})
        records = await everything(log, here)
        assert [Message(r.key, r.value, tuple(r.headers)) for r in records] == [
            *sent,
            *texts("in a transaction"),
        ]
    finally:
        await log.close()


# ---- loss


async def test_inputs_that_lost_records_are_refused(log, kafka, monkeypatch):
    monkeypatch.setattr(inputs_module, "LOOK_AGAIN_SECONDS", 0.05)
    generation = time.time_ns() % 10**9
    layout = Layout(generation=generation)
    inputs, name = Inputs(log, layout), PAPER_CHANGES.named(generation)
    here, spec = Partition(name, 0), PAPER_CHANGES.spec(1, generation)
    sent = [Message(None, b"%d" % i) for i in range(10)]
    await log.create([spec])
    await log.append({here: sent})
    read = Witness(10, (9, zlib.crc32(b"9")), (await log.identities([name]))[name].id)
    assert await inputs.require(here, "citations/0", read) == Witness(topic=read.topic)
    assert await inputs.look({"citations/0": (here, read)}, [name, "never"]) == ["never"]

    async def make_anew(records):
        await log.delete([name])
        async with asyncio.timeout(BOUND):
            while await log.identities([name]):
                pass  # a cluster takes a moment
        with pytest.raises(InputLost, match=f"{name}, partition 0, does not exist"):
            await Inputs(log, layout).require(here, "citations/0", read)
        assert await inputs.look({"citations/0": (here, read)}, [name]) == [name]
        await log.create([spec])
        if records:
            await log.append({here: records})

    async def refused(what):
        with pytest.raises(InputLost, match=what):
            await Inputs(log, layout).require(here, "citations/0", read)
        with pytest.raises(InputLost, match=rf"{name}, partition 0, was deleted and made anew"):
            await inputs.look({"citations/0": (here, read)}, [name])
        watching = Inputs(log, layout)  # one that was started meanwhile knows the new topic only

        async def several_looks():
            for _ in range(inputs_module.LOOKS):
                await watching.look({"citations/0": (here, read)}, [name])

        if "holds" in what:
            with pytest.raises(InputLost, match="holds offsets"):
                await several_looks()
        else:
            await several_looks()

    await make_anew(sent[:3])
    await refused("holds offsets 0 to 2")
    await make_anew([*sent[:9], Message(None, b"another")])
    await refused("not the record that was read")
    await make_anew(sent)
    await refused("another topic of this name")
    assert await Inputs(log, layout, accept=True).require(here, "citations/0", read) != read
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.removeprefix("kafka://"))
    await admin.start()
    await admin.create_partitions({name: NewPartitions(2)})
    await admin.close()
    grown = Inputs(log, layout)
    async with asyncio.timeout(BOUND):
        with pytest.raises(InputLost, match=f"{name} has 2 partitions, and had 1"):
            while not await grown.look({}, [name]):
                pass  # a cluster takes a moment


# ---- groups


async def test_partitions_move_between_members(log, kafka):
    topic = f"g-{time.time_ns():x}"
    await log.create([TopicSpec(topic, 4)])
    everything_there = {Partition(topic, n) for n in range(4)}
    quick = KafkaOptions(session_seconds=6.0)
    logs = [KafkaLog(kafka, quick) for _ in range(2)]
    held: list[frozenset] = [frozenset(), frozenset()]
    moved = asyncio.Event()

    async def member(number: int) -> None:
        async with aclosing(logs[number].assignments(f"role-{topic}", [topic])) as assigned:
            async for mine in assigned:
                held[number] = mine
                moved.set()

    async def until(condition) -> None:
        async with asyncio.timeout(3 * BOUND):
            while not condition():
                moved.clear()
                await moved.wait()

    first = asyncio.create_task(member(0))
    try:
        await until(lambda: held[0] == everything_there)
        before = held[0]
        second = asyncio.create_task(member(1))
        await until(lambda: len(held[0]) == len(held[1]) == 2 and held[0] | held[1] == everything_there)
        assert held[0] < before, "who stays keeps what it has, as far as it can"
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        await until(lambda: held[0] == everything_there)
    finally:
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        for one in logs:
            await one.close()


# ---- trouble


async def test_nobody_there_is_reported_within_the_bound(monkeypatch):
    from shared.log.kafka import log as module

    monkeypatch.setattr(module, "ASK_SECONDS", 1.0)
    log = KafkaLog(f"kafka://127.0.0.1:{free_ports(1)[0]}")
    try:
        async with asyncio.timeout(BOUND):
            with pytest.raises(LogUnavailable, match=r"Kafka at 127\.0\.0\.1"):
                await log.topics()
    finally:
        async with asyncio.timeout(BOUND):
            await log.close()


async def test_a_record_above_the_limit_of_its_topic_is_refused_and_the_next_one_is_not(log, here):
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    small = ConfigResource(ConfigResourceType.TOPIC, here.topic, {"max.message.bytes": "10000"})
    await log._ask_admin("change a topic", lambda admin: admin.alter_configs([small]))
    with pytest.raises(LogError):
        await log.append({here: texts("a", "b" * 50_000)})
    await log.append({here: texts("after")})
    assert [r.value for r in await everything(log, here)][-1] == b"after"


async def test_a_fence_closes_after_an_error_and_says_so(log, here):
    fence = await log.fence(here.topic)
    await log.fence(here.topic)
    with pytest.raises(Fenced):
        await fence.append({here: texts("x")})
    with pytest.raises(LogUnavailable):
        await fence.append({here: texts("x")})


# ---- topics


@pytest.mark.parametrize(
    ("setting", "value", "loses"),
    [
        ("cleanup.policy", "compact", True),
        ("retention.ms", "1000", True),
        ("retention.bytes", "1000", True),
        ("unclean.leader.election.enable", "true", True),
        ("max.message.bytes", "1000", False),
        ("message.timestamp.type", "CreateTime", False),
    ],
)
async def test_each_setting_that_is_wrong_is_reported(log, here, setting, value, loses):
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    spec = TopicSpec(here.topic, 1)
    assert await log.check([spec]) == []
    changed = ConfigResource(ConfigResourceType.TOPIC, here.topic, needed_configs(spec, 1) | {setting: value})
    await log._ask_admin("change a topic", lambda admin: admin.alter_configs([changed]))
    async with asyncio.timeout(BOUND):
        while not (found := await log.check([spec])):
            pass  # the brokers learn of it one after the other
    assert [(f.topic, f.what, f.held, f.loses) for f in found] == [(here.topic, setting, value, loses)]


# ---- what a read costs


async def test_one_record_costs_about_one_record(log, here, monkeypatch):
    """Truth: the bytes that come in from the brokers, for single records here and there of a large topic."""
    size, many = 9_000, 400
    for start in range(0, many, 2):
        await log.append({here: [Message(b"k", b"%d " % at + bytes(size)) for at in (start, start + 1)]})
    await log.read(here, 7, max_records=1)  # connects
    came, handle = [], AIOKafkaConnection._handle_frame

    def counted(connection, frame):
        came.append(len(frame))
        return handle(connection, frame)

    monkeypatch.setattr(AIOKafkaConnection, "_handle_frame", counted)
    wanted = [300, 12, 300, 301, 399, 0, 150, 40]
    for at in wanted:
        [record] = await log.read(here, at, max_records=1)
        assert (record.offset, record.value.split()[0]) == (at, b"%d" % at)
    assert sum(came) < len(wanted) * 4 * size, "a batch of two, once or twice"
    assert await log.read(here, many, max_records=1) == []


# ---- security


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    with ProcessCluster(1, tmp_path_factory.mktemp("secured"), secured=True).start() as cluster:
        yield cluster


@pytest.mark.parametrize(
    ("listener", "options"),
    [
        ("SCRAM", KafkaOptions("SASL_PLAINTEXT", "SCRAM-SHA-512", USER, PASSWORD)),
        ("PLAIN", KafkaOptions("SASL_SSL", "PLAIN", USER, PASSWORD)),
        ("TLS", KafkaOptions("SSL")),
    ],
)
async def test_secured_listeners(secured, listener, options):
    log = KafkaLog(
        f"kafka://{secured.address(listener)}",
        options._replace(ca_file=secured.ca if listener != "SCRAM" else None),
    )
    topic = f"secured-{listener.lower()}"
    try:
        await log.create([TopicSpec(topic, 1)])
        fence = await log.fence(topic)
        await fence.append({Partition(topic, 0): texts("in")})
        await log.append({Partition(topic, 0): texts("out")})
        assert [r.value for r in await everything(log, Partition(topic, 0))] == [b"in", b"out"]
        async with aclosing(log.assignments(topic, [topic])) as assigned:
            assert await anext(assigned) == {Partition(topic, 0)}
    finally:
        await log.close()


async def test_a_wrong_password_is_reported_without_it(secured, monkeypatch):
    from shared.log.kafka import log as module

    monkeypatch.setattr(module, "ASK_SECONDS", 2.0)
    options = KafkaOptions("SASL_PLAINTEXT", "SCRAM-SHA-512", USER, "not-the-password")
    log = KafkaLog(f"kafka://{secured.address('SCRAM')}", options)
    try:
        with pytest.raises(LogError) as stated:
            await log.topics()
    finally:
        await log.close()
    assert "not-the-password" not in f"{stated.value} {stated.value.__cause__} {options!r}"


@pytest.mark.parametrize(
    ("url", "options", "names"),
    [
        ("kafka://", KafkaOptions(), "HOST:PORT"),
        ("kafka://host", KafkaOptions(), "HOST:PORT"),
        ("kafka://a:1,b", KafkaOptions(), "HOST:PORT"),
        ("kafka://a:1", KafkaOptions("SASL_SSL"), "SCHOLARSTREAM_KAFKA_USERNAME"),
        ("kafka://a:1", KafkaOptions("SSL", ca_file="/nowhere/ca.pem"), "/nowhere/ca.pem"),
    ],
)
def test_what_cannot_be_is_reported_before_anything_is_connected(url, options, names):
    with pytest.raises(UsageError, match=names):
        KafkaConnection(url, options)


async def test_messages_need_no_key_and_may_be_many(log, here):
    await log.append({here: [Message(None, b"x" * 1000, (("n", b"%d" % i),)) for i in range(20_000)]})
    records = await everything(log, here, max_records=10_000)
    assert [r.headers[0][1] for r in records] == [b"%d" % i for i in range(20_000)]


async def test_a_client_that_ends_badly_harms_nobody(monkeypatch):
    """aiokafka's `stop` may raise the CancelledError of a task of its own, and may wait for ever."""
    monkeypatch.setattr(client, "STOP_SECONDS", 0.05)

    async def cancelled():
        raise asyncio.CancelledError

    async def failed():
        raise OSError

    async def fine():
        return

    assert [await client.ended(one()) for one in (fine, failed, cancelled, asyncio.Event().wait)] == [
        True,
        False,
        False,
        False,
    ]


async def test_a_start_that_was_refused_is_tried_again_by_the_next_one_who_asks(log, monkeypatch):
    start = AIOKafkaAdminClient.start

    async def refused(self):
        monkeypatch.setattr(AIOKafkaAdminClient, "start", start)
        raise ClusterAuthorizationFailedError

    monkeypatch.setattr(AIOKafkaAdminClient, "start", refused)
    with pytest.raises(LogError):
        await log.topics()
    assert isinstance(await log.topics(), dict)


async def test_who_waits_for_a_client_that_somebody_else_gave_up_is_reported_and_not_cancelled(monkeypatch):
    monkeypatch.setattr(client, "STOP_SECONDS", 0.05)

    class Hung:
        def __init__(self):
            self.start = asyncio.Event().wait

        async def stop(self):
            pass

    hung = client.Client(Hung())
    waiting = asyncio.create_task(hung.started())
    await hung.end()
    with pytest.raises(KafkaConnectionError):
        await waiting


async def _assigned(log: KafkaLog, here: Partition) -> None:
    async with aclosing(log.assignments(here.topic, [here.topic])) as assigned:
        await anext(assigned)


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda log, here: log.topics(), id="topics"),
        pytest.param(lambda log, here: log.append({here: texts("x")}), id="append"),
        pytest.param(lambda log, here: log.fence(here.topic), id="fence"),
        pytest.param(lambda log, here: log.bounds([here]), id="bounds"),
        pytest.param(lambda log, here: log.wait({here: 0}, 0.1), id="wait"),
        pytest.param(_assigned, id="assignments"),
    ],
)
async def test_who_is_cancelled_at_any_request_leaves_no_connection_open(kafka, here, monkeypatch, work):
    """aiokafka forgets the connection that it starts with, when it is cancelled there: nobody closes it."""
    send = AIOKafkaConnection.send
    seen: set[AIOKafkaConnection] = set()
    sent = cancel_at = 0
    working: asyncio.Task | None = None

    def counted(self, *args, **more):
        nonlocal sent
        seen.add(self)
        sent += 1
        if sent == cancel_at:
            asyncio.get_running_loop().call_soon(working.cancel)
        return send(self, *args, **more)

    monkeypatch.setattr(AIOKafkaConnection, "send", counted)
    while sent >= cancel_at:  # it was cancelled, and not at its end
        sent, cancel_at = 0, cancel_at + 1
        log = KafkaLog(kafka)
        working = asyncio.create_task(work(log, here))
        await asyncio.wait({working}, timeout=BOUND)
        assert working.done(), f"request {cancel_at}: who was cancelled does not end"
        await log.close()
        assert not [one for one in seen if one.connected()], (
            f"left open by who was cancelled at request {cancel_at}"
        )
    assert cancel_at > 4


async def test_a_topic_that_a_broker_does_not_know_yet_is_waited_for(log, monkeypatch):
    """In a cluster one broker may have made it, and another one is asked a moment later."""
    ask, asked = log.topics, []

    async def late():
        asked.append(1)
        held = await ask()
        return {name: spec for name, spec in held.items() if not name.startswith("late") or len(asked) > 3}

    monkeypatch.setattr(log, "topics", late)
    await log.create([TopicSpec(f"late-{time.time_ns()}", 2)])
    assert len(asked) == 4
