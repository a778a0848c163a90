"""Fixtures of each format, in every shape of a file, go through `ingest` into a log as their events."""

import pytest

from services.producer.formats.registry import names
from shared.settings import Settings
from tests.formats.round_trips import check_round_trip


@pytest.mark.parametrize("name", names())
async def test_files_become_their_events_in_the_log(name, tmp_path):
    await check_round_trip([name], tmp_path / "files", Settings(data_dir=tmp_path / "data", refused_share=1))
