"""What every process does before its stages run."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import orjson
import pytest

from services.runtime.layout import LAYOUT, computed_layout, require_same_layout
from services.runtime.startup import prepare_folder
from shared.contracts.dates import ANY
from shared.contracts.topics import PROGRESS
from shared.errors import UsageError
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from shared.stages.stage import Layout


def test_many_may_try_a_folder_at_once(tmp_path):
    settings = SimpleNamespace(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: prepare_folder(settings), range(2_000)))
    assert found == {tmp_path / "data"}
    assert not list((tmp_path / "data").iterdir())


async def test_a_log_of_a_release_without_a_setting():
    """It was computed without the limit, and is looked at so; a service says that another release computed
    it.
    """
    log, layout = MemoryLog(), Layout(days_ahead=2)
    await log.create([PROGRESS.spec(1, 1)])
    theirs = {name: value for name, value in layout._asdict().items() if name != "days_ahead"} | {
        "fingerprint": "0123456789ab"
    }
    await log.append({Partition(PROGRESS.named(1), 0): [Message(LAYOUT, orjson.dumps(theirs))]})
    assert await computed_layout(log, layout) == layout._replace(days_ahead=ANY)
    with pytest.raises(UsageError, match=r"by another release: .*--generation 2"):
        await require_same_layout(log, layout)
    await log.append(
        {Partition(PROGRESS.named(1), 0): [Message(LAYOUT, orjson.dumps(theirs | {"days_ahead": 9}))]}
    )
    with pytest.raises(UsageError, match=r"\(days_ahead was 9, is 2\)"):
        await require_same_layout(log, layout)
