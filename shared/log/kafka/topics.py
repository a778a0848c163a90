"""Topics of a cluster: their required settings, their actual settings, and the differences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from aiokafka import errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.errors import LogUnavailable
from shared.log.port import TopicDifference, TopicSpec

COPIES = 3  # of each partition, if there are as many brokers
MESSAGE_BYTES = 72 << 20  # the largest event that can be set, with its headers
SEGMENT_BYTES = 16 << 20  # of compacted topics; Kafka compacts only complete segments
CONFIGS = (
    "cleanup.policy",
    "retention.ms",
    "retention.bytes",
    "min.insync.replicas",
    "unclean.leader.election.enable",
    "max.message.bytes",
    "message.timestamp.type",
)


class Held(NamedTuple):
    """A topic of the cluster.

    copies: the smallest number of copies of a partition; configs: the settings in CONFIGS.
    """

    partitions: int
    copies: int
    configs: Mapping[str, str]

    def spec(self, name: str) -> TopicSpec:
        """The settings as a TopicSpec."""
        compacted = "compact" in self.configs["cleanup.policy"]
        retention = int(self.configs["retention.ms"])
        return TopicSpec(name, self.partitions, compacted, None if compacted or retention < 0 else retention)


def needed_configs(spec: TopicSpec, copies: int) -> dict[str, str]:
    """The required settings (rules L1, L2, S1): retained records are not deleted, acknowledged records do not
    vanish.
    """
    return {
        "cleanup.policy": "compact" if spec.compacted else "delete",
        "retention.ms": "-1" if spec.retention_ms is None else str(spec.retention_ms),
        "retention.bytes": "-1",
        "min.insync.replicas": str(max(1, min(copies, COPIES) - 1)),
        "unclean.leader.election.enable": "false",
        "max.message.bytes": str(MESSAGE_BYTES),
        "message.timestamp.type": "LogAppendTime",
    } | ({"segment.bytes": str(SEGMENT_BYTES), "min.cleanable.dirty.ratio": "0.1"} if spec.compacted else {})


def differences(spec: TopicSpec, held: Held, brokers: int) -> Iterable[TopicDifference]:
    """The settings that are not as required. A setting that keeps more than required is no difference."""
    configs, name = held.configs, spec.name
    if held.partitions != spec.partitions:
        yield TopicDifference(name, "partitions", str(held.partitions), str(spec.partitions), True)
    copies = min(COPIES, brokers)
    if held.copies < copies:
        yield TopicDifference(name, "replication factor", str(held.copies), f"{copies} or more", True)
    needed = needed_configs(spec, copies)
    if configs["cleanup.policy"] != needed["cleanup.policy"]:
        # Deletion loses retained records, and compaction loses counted ones. A compacted topic without
        # deletion does not.
        lost = spec.compacted is False or (
            "delete" in configs["cleanup.policy"] and configs["retention.ms"] != "-1"
        )
        yield TopicDifference(
            name, "cleanup.policy", configs["cleanup.policy"], needed["cleanup.policy"], lost
        )
    if not spec.compacted:
        kept, wanted = int(configs["retention.ms"]), int(needed["retention.ms"])
        if kept >= 0 and (wanted < 0 or kept < wanted):
            yield TopicDifference(
                name,
                "retention.ms",
                str(kept),
                f"{wanted}{'' if wanted < 0 else ' or more'}",
                spec.retention_ms is None,
            )
        if int(configs["retention.bytes"]) >= 0 and spec.retention_ms is None:
            yield TopicDifference(name, "retention.bytes", configs["retention.bytes"], "-1", True)
    if int(configs["min.insync.replicas"]) < int(needed["min.insync.replicas"]):
        yield TopicDifference(
            name,
            "min.insync.replicas",
            configs["min.insync.replicas"],
            f"{needed['min.insync.replicas']} or more",
            True,
        )
    if configs["unclean.leader.election.enable"] != "false":
        yield TopicDifference(
            name, "unclean.leader.election.enable", configs["unclean.leader.election.enable"], "false", True
        )
    if int(configs["max.message.bytes"]) < MESSAGE_BYTES:
        yield TopicDifference(
            name, "max.message.bytes", configs["max.message.bytes"], f"{MESSAGE_BYTES} or more", False
        )
    if configs["message.timestamp.type"] != "LogAppendTime":
        yield TopicDifference(
            name, "message.timestamp.type", configs["message.timestamp.type"], "LogAppendTime", False
        )


async def describe(admin: AIOKafkaAdminClient) -> dict[str, Held]:
    """Every topic that is not Kafka's own.

    The request for all topics creates none; a request for one might create it.
    """
    found = [t for t in await admin.describe_topics(None) if not t["is_internal"] and not t["error_code"]]
    if not found:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, t["topic"], dict.fromkeys(CONFIGS)) for t in found]
    configs: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(asked):
        for error, message, _, name, entries in response.resources:
            if error == errors.UnknownTopicOrPartitionError.errno:
                continue  # the topic was deleted meanwhile
            if error:
                raise errors.for_code(error)(f"settings of topic {name}: {message}")
            configs[name] = {entry[0]: entry[1] for entry in entries}
    return {
        t["topic"]: Held(
            len(t["partitions"]), min(len(p["replicas"]) for p in t["partitions"]), configs[t["topic"]]
        )
        for t in found
        if t["topic"] in configs and t["partitions"]
    }


async def create(admin: AIOKafkaAdminClient, specs: Sequence[TopicSpec], copies: int) -> None:
    """Creates topics. A topic that another process has just created is no error."""
    wanted = [NewTopic(s.name, s.partitions, copies, topic_configs=needed_configs(s, copies)) for s in specs]
    response = await admin.create_topics(wanted)
    for name, error, message in response.topic_errors:
        if error and error != errors.TopicAlreadyExistsError.errno:
            raise errors.for_code(error)(f"topic {name}: {message}")


async def without_leader(admin: AIOKafkaAdminClient, names: Iterable[str]) -> list[str]:
    """The topics among `names` with a partition that no broker leads yet."""
    led = {
        t["topic"]: all(p["leader"] >= 0 for p in t["partitions"]) for t in await admin.describe_topics(None)
    }
    return [name for name in names if not led.get(name)]


async def brokers(admin: AIOKafkaAdminClient) -> int:
    """The number of brokers of the cluster. Error: LogUnavailable if there are none."""
    known = len((await admin.describe_cluster())["brokers"])
    if not known:
        raise LogUnavailable("the cluster says that it has no brokers")
    return known
