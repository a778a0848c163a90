"""Metrics, health and log lines, as Prometheus, a load balancer and a person read them."""

import json
import logging
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from shared.telemetry import http, logs
from shared.telemetry.health import SILENCE, Health
from shared.telemetry.outage import CALM_SECONDS, LASTING_SECONDS, Outage
from shared.telemetry.registry import Telemetry

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"


def promtool(*words: str, cwd=None, stdin: str | None = None) -> subprocess.CompletedProcess:
    tool = shutil.which("promtool")
    assert tool, "there is no promtool on this machine: deploy/test-tools.sh installs it"
    return subprocess.run([tool, *words], cwd=cwd, input=stdin, capture_output=True, text=True, timeout=60)


def touched() -> Telemetry:
    """A telemetry in which every metric has a sample."""
    telemetry = Telemetry()
    for name, metric in vars(telemetry).items():
        if hasattr(metric, "labels") and metric._labelnames:
            metric.labels(*("x" for _ in metric._labelnames))
        assert not name.startswith("_") or name == "_exactness"
    for metric in telemetry.exactness("authors", 0).values():
        metric.inc(0)
    return telemetry


async def get(app, path: str, **headers) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path, headers=headers)


async def test_metrics_please_promtool():
    answer = await get(http.app(touched(), Health()), "/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    done = promtool("check", "metrics", stdin=answer.text)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


async def test_metrics_are_those_of_the_registry():
    telemetry = touched()
    families = list(
        text_string_to_metric_families((await get(http.app(telemetry, Health()), "/metrics")).text)
    )
    ours = {family.name: family for family in families if family.name.startswith("scholarstream_")}
    assert {d.name.removesuffix("_total") for d in telemetry.definitions} == set(ours)
    for definition in telemetry.definitions:
        family = ours[definition.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (definition.kind, definition.meaning)
        labels = {name for sample in family.samples for name in sample.labels} - {"le"}
        assert labels == set(definition.labels)
    assert any(family.name == "process_cpu_seconds" for family in families)


async def test_openmetrics_for_those_who_ask():
    answer = await get(
        http.app(touched(), Health()), "/metrics", Accept="application/openmetrics-text; version=1.0.0"
    )
    assert answer.headers["content-type"].startswith("application/openmetrics-text") and answer.text.endswith(
        "# EOF\n"
    )


def test_two_telemetries_do_not_share():
    one, other = Telemetry(), Telemetry()
    one.coalesced_total.inc()
    assert one.registry.get_sample_value("scholarstream_coalesced_total") == 1
    assert other.registry.get_sample_value("scholarstream_coalesced_total") == 0


def test_alarms_ring_when_they_should():
    for words in (
        ("check", "rules", "rules.yml"),
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("test", "rules", "rules_test.yml"),
    ):
        done = promtool(*words, cwd=RULES)
        assert done.returncode == 0, done.stdout + done.stderr


def test_alarms_are_about_metrics_that_exist():
    import re

    names = {d.name for d in Telemetry().definitions}
    for name in re.findall(r"scholarstream_[a-z_]+", (RULES / "rules.yml").read_text("utf-8")):
        assert name.removesuffix("_bucket") in names


# ---- health


async def test_ready_when_every_part_is_live():
    health = Health()
    app = http.app(Telemetry(), health)
    health.set("authors", 0, "assigning")
    health.set("publisher", 0, "live", 1.0)
    assert (await get(app, "/readyz")).status_code == 503
    health.set("authors", 0, "restoring", 0.25)
    answer = await get(app, "/readyz")
    assert answer.status_code == 503 and answer.json()["parts"]["authors/0"] == {
        "state": "restoring",
        "percent": 25.0,
    }
    assert (await get(app, "/healthz")).status_code == 200
    health.set("authors", 0, "live", 1.0)
    answer = await get(app, "/readyz")
    assert answer.status_code == 200 and answer.json()["ready"] is True
    assert answer.headers["cache-control"] == "no-store"


async def test_dead_when_a_part_has_failed_or_is_silent():
    now = 0.0
    health = Health(clock=lambda: now)
    app = http.app(Telemetry(), health)
    health.beat("authors/0")
    now = SILENCE
    assert (await get(app, "/healthz")).status_code == 200
    now += 1
    answer = await get(app, "/healthz")
    assert answer.status_code == 503 and answer.json()["silent"] == {"authors/0": SILENCE + 1}
    health.beat("authors/0")
    health.set("publisher", 0, "failed", detail="disk full")
    answer = await get(app, "/healthz")
    assert answer.status_code == 503 and answer.json()["failed"] == {"publisher/0": "disk full"}


async def test_the_parts_of_a_process_and_its_roles_are_scraped():
    now = 0.0
    health, telemetry = Health(clock=lambda: now), Telemetry(("consumer", "scorer"))
    for partition, state in enumerate(("live", "live", "waiting", "failed")):
        health.set("authors", partition, state)
    health.beat("authors/0")
    now = SILENCE + 1
    await get(http.app(telemetry, health), "/metrics")
    states = ("assigning", "restoring", "live", "waiting", "failed", "silent")
    counts = {
        state: telemetry.registry.get_sample_value("scholarstream_parts", {"state": state})
        for state in states
    }
    assert counts == {"assigning": 0, "restoring": 0, "live": 2, "waiting": 1, "failed": 1, "silent": 1}
    health.set("authors", 2, "live")
    await get(http.app(telemetry, health), "/metrics")
    assert telemetry.registry.get_sample_value("scholarstream_parts", {"state": "waiting"}) == 0
    up = {
        role: telemetry.registry.get_sample_value("scholarstream_up", {"role": role})
        for role in ("consumer", "scorer", "viewer")
    }
    assert up == {"consumer": 1, "scorer": 1, "viewer": None}


def test_a_state_that_does_not_exist():
    with pytest.raises(ValueError, match="asleep"):
        Health().set("authors", 0, "asleep")


# ---- log lines


@pytest.fixture
def restored():
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def test_lines_are_json_where_nobody_looks(capsys, restored):
    logs.configure("info", "auto")
    structlog.get_logger("x").info("serving", port=1)
    structlog.get_logger("x").debug("not stated")
    logging.getLogger("library").warning("odd %s", "thing")
    logging.getLogger("library").info("not stated")
    try:
        raise KeyError("why")
    except KeyError:
        structlog.get_logger("x").exception("broken")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("serving", "info"),
        ("odd thing", "warning"),
        ("broken", "error"),
    ]
    assert (
        lines[0]["port"] == 1
        and lines[0]["timestamp"].endswith("Z")
        and "KeyError: 'why'" in lines[2]["exception"]
    )


def test_lines_for_people(capsys, restored):
    logs.configure("warning", "console")
    structlog.get_logger("x").info("not stated")
    structlog.get_logger("x").warning("stated", stage="authors/0")
    said = capsys.readouterr().err
    assert (
        "stated" in said
        and "stage=authors/0" in said
        and "not stated" not in said
        and not said.startswith("{")
    )


def test_ready_is_said_once():
    now = [100.0]
    with structlog.testing.capture_logs() as said:
        health = Health(clock=lambda: now[0])
        health.set("authors", 0, "assigning")
        health.set("publisher", 0, "live")
        now[0] = 107.5
        assert not said
        health.set("authors", 0, "live")
        for state in ("waiting", "live"):
            health.set("authors", 0, state)
    assert said == [{"event": "ready", "parts": 2, "seconds": 7.5, "log_level": "info"}]


def test_one_line_when_it_goes_away_and_one_when_it_is_back():
    now = [10.0]
    with structlog.testing.capture_logs() as said:
        outage = Outage("log", "it is away", "it is back", clock=lambda: now[0])
        outage.over("authors/0")
        for part in ("authors/0", "authors/1", "authors/0"):
            outage.wait(part, f"{part} got no answer")
        outage.over("authors/0")
        outage.wait("authors/2", "still nothing")
        outage.over("authors/1")
        now[0] = 14.0
        outage.over("authors/2")
        now[0] += CALM_SECONDS
        outage.wait("authors/0", "and again", since=now[0] - 3)
        outage.over("authors/0")
    assert [(line["event"], line["log_level"]) for line in said] == [
        ("it is away", "warning"),
        ("it is back", "info"),
    ] * 2
    assert (said[0]["part"], said[0]["reason"]) == ("authors/0", "authors/0 got no answer")
    assert [said[1]["seconds"], said[3]["seconds"]] == [4.0, 3.0]


def test_what_is_slow_again_and_again_is_one_outage_and_what_then_lasts_is_another():
    now = [0.0]
    with structlog.testing.capture_logs() as said:
        outage = Outage("log", "it is away", "it is back", clock=lambda: now[0])
        for _ in range(50):
            outage.wait("authors/0", "no answer for 3 s", since=now[0] - 3)
            outage.over("authors/0")
            now[0] += CALM_SECONDS / 2
        assert [line["event"] for line in said] == ["it is away", "it is back"]
        for _ in range(int(LASTING_SECONDS) + 1):
            outage.wait("authors/1", "gone")
            now[0] += 1
        outage.over("authors/1")
    assert [line["event"] for line in said] == ["it is away", "it is back"] * 2
    assert said[3]["seconds"] == LASTING_SECONDS + 1


def test_how_long_a_restore_still_takes():
    now = [100.0]
    health = Health(clock=lambda: now[0])
    health.set("catalogue", 0, "restoring", 0.2)
    assert "seconds_left" not in health.ready()[1]["parts"]["catalogue/0"], "nothing is known yet"
    now[0] = 130.0
    health.set("catalogue", 0, "restoring", 0.5)  # 0.3 in 30 s: 50 s for the other half
    assert health.ready()[1]["parts"]["catalogue/0"] == {
        "state": "restoring",
        "percent": 50.0,
        "seconds_left": 50,
    }
    health.set("catalogue", 0, "live", 1.0)
    health.set("catalogue", 0, "restoring", 0.9)  # another one, later: from its own beginning
    assert "seconds_left" not in health.ready()[1]["parts"]["catalogue/0"]
