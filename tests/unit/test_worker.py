"""What every process does before its stages run."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from services import worker
from services.worker import opened, prepare_folder
from shared.errors import LogUnavailable
from shared.settings import Settings
from tests.clusters.cluster import free_ports


def test_many_may_try_a_folder_at_once(tmp_path):
    settings = SimpleNamespace(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: prepare_folder(settings), range(2_000)))
    assert found == {tmp_path / "data"}
    assert not list((tmp_path / "data").iterdir())


async def test_a_cluster_that_never_answers_is_waited_for_within_a_bound(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(worker, "START_SECONDS", 1.5)
    address = f"kafka://127.0.0.1:{free_ports(1)[0]}"
    with pytest.raises(LogUnavailable, match=r"did not answer for 1\.5 s"):
        async with opened(Settings.load(data_dir=str(tmp_path), log=address), patient=True):
            pass
