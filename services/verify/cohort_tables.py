"""Decides whether the published scores come from tables that include every move of a paper (docs/scores.md
§4)."""

from collections.abc import Callable, Set

from services.verify.log_reader import LogReader
from shared.contracts.topics import COHORT_CHANGES
from shared.log.port import Partition, Record

# The kinds of the rows in a record of an internal topic. None: the record is no pack, or is for another
# partition.
# A function of the caller decodes packs, because this room shares no code with the stages.
PackKinds = Callable[[Partition, Record], Set[str] | None]


async def are_tables_exact(reader: LogReader, pack_kinds: PackKinds) -> bool:
    """Whether in each partition of the newest cohort-changes topic a day follows the last move of a paper.

    The stages cut new tables at each day. True for a log without such a topic.
    """
    generations = [
        (generation, name)
        for name in reader.topics
        if (generation := COHORT_CHANGES.generation_of(name)) is not None
    ]
    if not generations:
        return True
    _, newest = max(generations)
    is_moved: dict[int, bool] = {}
    async for partition, record in reader.records(newest):
        kinds = pack_kinds(partition, record)
        if kinds is not None:
            before = is_moved.get(partition.number, False)
            is_moved[partition.number] = "move" in kinds or (before and "day" not in kinds)
    return not any(is_moved.values())
