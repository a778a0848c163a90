"""The client's subscription to a real Kafka."""

from contextlib import aclosing

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from scholarstream_client import ClientError
from scholarstream_client.kafka import subscribe

from tests.snapshots import snapshot


async def test_each_author_rises_whatever_the_topic_repeats(kafka):
    bootstrap, topic = kafka.removeprefix("kafka://"), "profiles-for-the-client"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    told = [
        snapshot("a:1", 1),
        snapshot("a:1", 3),
        snapshot("a:1", 2),
        snapshot("a:2", 1),
        snapshot("a:1", 3),
        snapshot("a:1", 1, generation=2),
    ]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for one in told:
            key = one["author_id"].encode()
            await producer.send_and_wait(topic, orjson.dumps(one), key=key, partition=0)
        await producer.send_and_wait(topic, None, key=b"a:2", partition=0)
        await producer.send_and_wait(topic, b"no profile", key=b"a:2", partition=0)
        async with aclosing(subscribe(bootstrap, topic=topic)) as profiles:
            found = [await anext(profiles) for _ in range(4)]
            versions = [(one["author_id"], one["generation"], one["version"]) for one in found]
            assert versions == [("a:1", 1, 1), ("a:1", 1, 3), ("a:2", 1, 1), ("a:1", 2, 1)]
            await producer.send_and_wait(topic, orjson.dumps(snapshot("a:2", 2)), key=b"a:2", partition=0)
            assert (await anext(profiles))["version"] == 2
        async with aclosing(subscribe(bootstrap, topic=topic, ids=["a:2"])) as profiles:
            assert (await anext(profiles))["author_id"] == "a:2"


async def test_a_log_without_the_topic_is_said(kafka):
    with pytest.raises(ClientError, match="nothing was published"):
        await anext(subscribe(kafka.removeprefix("kafka://"), topic="there-is-none"))
