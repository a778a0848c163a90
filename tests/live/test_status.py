"""`status`, metrics and /readyz say how far live sources are, and what keeps them waiting."""

import asyncio
import json

from prometheus_client import generate_latest
from typer.testing import CliRunner

from services.cli.main import app
from services.producer.main import LIVE, Listeners
from services.runtime.layout import agree
from services.runtime.startup import opened
from shared.telemetry.health import Health
from shared.telemetry.registry import Telemetry
from tests.live.play import World, playing, reply
from tests.live.test_openalex import List, work


def test_status_and_metrics_say_how_far_a_source_is(tmp_path):
    world, telemetry = World(tmp_path), Telemetry()

    async def read() -> str:
        async with playing(List([work(1), work(2), work(3)])) as player, opened(world.settings) as (log, _):
            await agree(world.settings, log)
            await world.run(spec := f"openalex+{player.address}/works", telemetry=telemetry)
            return spec

    spec = asyncio.run(read())
    (tmp_path / "ingest" / "damaged.json").write_text("{")
    shown = [
        CliRunner().invoke(app, ["status", "--data-dir", str(tmp_path), *more]) for more in ((), ("--json",))
    ]
    assert [one.exit_code for one in shown] == [0, 0], [one.output for one in shown]
    (told,) = json.loads(shown[1].stdout)["sources"]
    assert (told["source"], told["position"], told["complete"]) == (spec, 3, "2026-11-28")
    assert (told["at"], told["place"]) == ("2026-11-28T12:00:00Z", "complete to 2026-11-28")
    assert "complete to 2026-11-28" in shown[0].stdout
    text = generate_latest(telemetry.registry).decode()
    assert f'scholarstream_source_answers_total{{source="{spec}",status="200"}} 2.0' in text
    assert f'scholarstream_source_failures{{source="{spec}"}} 0.0' in text
    assert f'scholarstream_source_complete_seconds{{source="{spec}"}} 1.795824e+09' in text


async def test_what_keeps_a_source_waiting_is_told_and_the_service_stays_ready(tmp_path):
    world, health = World(tmp_path), Health()
    note = Listeners(health=health).on_source(0)
    async with playing(lambda asked: reply("", "503 Busy")) as player:
        await world.run(f"openalex+{player.address}/works")
    for state in world.states:
        note(state)
    ready, told = health.ready()
    assert ready and told["parts"][f"{LIVE}/0"] == {"state": "live", "detail": "status 503"}
