"""What every process does before its stages run."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from services.worker import prepare_folder


def test_many_may_try_a_folder_at_once(tmp_path):
    settings = SimpleNamespace(data_dir=tmp_path / "data")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: prepare_folder(settings), range(2_000)))
    assert found == {tmp_path / "data"}
    assert not list((tmp_path / "data").iterdir())
