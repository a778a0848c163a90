"""Asks for topics with the ids that Kafka gives them.

aiokafka has Metadata up to version 5; ids need version 10.
"""

import uuid
from collections.abc import Mapping, Sequence
from io import BytesIO

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from shared.log.port import Identity

NO_ID = bytes(16)


class _Uuid(AbstractType[bytes]):  # type: ignore[misc]  # aiokafka has no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


class _Answer(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(
            ("node_id", Int32), ("host", CompactString("utf-8")), ("port", Int32),
            ("rack", CompactString("utf-8")), ("tags", TaggedFields),
        )),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(
            ("error_code", Int16), ("name", CompactString("utf-8")), ("topic_id", _Uuid),
            ("is_internal", Boolean),
            ("partitions", CompactArray(
                ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
                ("replicas", CompactArray(Int32)), ("isr", CompactArray(Int32)),
                ("offline", CompactArray(Int32)), ("tags", TaggedFields),
            )),
            ("authorized_operations", Int32), ("tags", TaggedFields),
        )),
        ("authorized_operations", Int32),
        ("tags", TaggedFields),
    )  # fmt: skip


class _Question(RequestStruct):  # type: ignore[misc]  # aiokafka has no types
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _Request(Request[_Question]):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 3

    def __init__(self, names: Sequence[str]):
        self._names = names

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class([(NO_ID, name, {}) for name in self._names], False, False, False, {})


async def identities(admin: AIOKafkaAdminClient, names: Sequence[str]) -> Mapping[str, Identity]:
    """The identities of the topics that exist among `names`. Brokers older than Kafka 2.8 have no ids."""
    try:
        answer = await admin._send_request(_Request(names))
    except NotImplementedError:
        found = [topic for topic in await admin.describe_topics(None) if topic["topic"] in names]
        return {
            topic["topic"]: Identity(None, len(topic["partitions"]))
            for topic in found
            if not topic["error_code"]
        }
    here = {}
    for topic in answer.to_object()["topics"]:
        if topic["error_code"] == errors.UnknownTopicOrPartitionError.errno:
            continue
        if topic["error_code"] and not topic["partitions"]:
            raise errors.for_code(topic["error_code"])(f"topic {topic['name']}")
        made = topic["topic_id"]
        here[topic["name"]] = Identity(
            None if made == NO_ID else uuid.UUID(bytes=made).hex, len(topic["partitions"])
        )
    return here
