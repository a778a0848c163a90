"""Profiles from Apache Kafka. It needs the extra `kafka`."""

from collections.abc import AsyncGenerator, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]

from scholarstream_client.errors import ClientError
from scholarstream_client.models import Profile
from scholarstream_client.newest import Newest

TOPIC = "author-profiles.v1"


async def subscribe(
    bootstrap: str,
    *,
    ids: Iterable[str] | None = None,
    from_beginning: bool = True,
    topic: str = TOPIC,
    **settings: Any,
) -> AsyncGenerator[Profile, None]:
    """Each profile that was published, and then each one when it is published. It never ends by itself.

    Of each author only versions that rise come: the topic may hold older ones, and a restarted publisher may
    repeat one. Memory: about 200 bytes an author. bootstrap: host:port, with commas between several brokers;
    ids: only these authors; from_beginning: False starts with what is published from now on; settings: of
    aiokafka's consumer, for example security_protocol. Error: ClientError if there is no such topic.
    """
    wanted = None if ids is None else frozenset(one.encode() for one in ids)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",  # the records of one flush appear together
        auto_offset_reset="earliest" if from_beginning else "latest",
        **settings,
    )
    await consumer.start()
    try:
        if topic not in await consumer.topics():
            raise ClientError(f"there is no topic {topic} at {bootstrap}: nothing was published yet")
        consumer.subscribe([topic])
        newest = Newest()
        async for record in consumer:
            if record.value is None or (wanted is not None and record.key not in wanted):
                continue  # without a value: the author was erased
            profile = newest.newer(record.value)
            if profile is not None:
                yield profile
    finally:
        await consumer.stop()
