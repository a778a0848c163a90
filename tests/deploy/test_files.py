"""The deployment files agree with each other and with the code, without any engine."""

import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import typer
import yaml

from services.cli.main import app
from shared.settings import Settings, rows
from tests.deploy.stack import COMPOSE, DOCKERFILE, OURS, ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
HEALTHCHECK = ROOT / "deploy" / "healthcheck.py"
SERVICES = COMPOSE["services"]
IMAGE = DOCKERFILE.read_text("utf-8")


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined_and_comes_back(name):
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"] and service["cap_drop"] == ["ALL"]
    assert service["restart"] == "unless-stopped"
    assert service["mem_limit"]
    assert (
        service["logging"]["driver"] == "json-file"
        and {"max-size", "max-file"} <= service["logging"]["options"].keys()
    )
    assert "healthcheck" in service or (name in OURS and "\nHEALTHCHECK " in IMAGE)
    if name != "kafka":  # its image writes its configuration when it starts
        assert service["read_only"] is True


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_this_machine_only(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", OURS)
def test_our_services_are_commands_with_settings_that_exist(name):
    service = SERVICES[name]
    command = typer.main.get_command(app).commands[service["command"][0]]
    flags = {flag for option in command.params for flag in option.opts}
    assert {word for word in service["command"] if word.startswith("--")} <= flags
    assert service["environment"].keys() <= {row.variable for row in rows()}
    Settings.load(
        **{
            row.name: service["environment"][row.variable]
            for row in rows()
            if row.variable in service["environment"]
        }
    )
    assert service["environment"] == next(iter(OURS.values()))["environment"], (
        "settings are those of the log, the same for all"
    )


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_time_to_stop_and_wait_for_the_log(name):
    service = SERVICES[name]
    assert float(service["stop_grace_period"].removesuffix("s")) > 2 * Settings().shutdown_seconds
    assert service["depends_on"] == {"kafka": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", SERVICES)
def test_named_volumes_are_declared_and_our_folders_belong_to_our_user(name):
    service, user = SERVICES[name], re.search(r"^USER (\d+)$", IMAGE, re.M).group(1)
    for source, place, *_ in (volume.split(":") for volume in service.get("volumes", [])):
        assert source in COMPOSE["volumes"] or (ROOT / source).exists()
        assert name not in OURS or re.search(rf"mkdir .*{place}\b.*chown .*{place}\b", IMAGE)
    if name in OURS:
        data = [volume for volume in service.get("volumes", []) if volume.endswith(":/data")]
        rooms = dict(room.split(":") for room in service["tmpfs"])
        assert data or f"uid={user}" in rooms["/data"].split(",")
        assert all("size=" in options for options in rooms.values()), "what is written there is memory"


def test_the_image_runs_as_a_user_without_rights_and_by_number():
    user = re.search(r"^USER (.+)$", IMAGE, re.M).group(1)
    assert user.isdecimal() and int(user) > 0 and f"--uid {user} " in IMAGE


def test_the_image_is_built_of_what_the_context_holds():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", IMAGE, re.M):
        assert set(sources.split()) <= kept and all((ROOT / source).exists() for source in sources.split())


def test_every_scraped_name_is_a_service_with_metrics():
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    scraped = [name for job in jobs for found in job["dns_sd_configs"] for name in found["names"]]
    assert sorted(scraped) == sorted(OURS)
    ports = {found["port"] for job in jobs for found in job["dns_sd_configs"]}
    assert ports == {Settings().port} and f"\nEXPOSE {Settings().port}\n" in IMAGE


def test_promtool_accepts_the_configuration():
    tool = shutil.which("promtool")
    assert tool, "there is no promtool on this machine: deploy/test-tools.sh installs it"
    done = subprocess.run(
        [tool, "check", "config", "prometheus.yml"],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(b'{"alive":"?"}')

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_says_what_healthz_says(monkeypatch, status, code):
    monkeypatch.setattr(Health, "status", status)
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        answering = threading.Thread(target=server.handle_request)
        answering.start()
        done = check_health(str(server.server_port))
        answering.join(timeout=30)
    assert done.returncode == code and '{"alive":"?"}' in done.stdout


def test_the_health_check_fails_where_nobody_answers():
    with HTTPServer(("127.0.0.1", 0), Health) as server:
        port = str(server.server_port)
    done = check_health(port)
    assert done.returncode == 1 and "no answer" in done.stderr


def check_health(port: str) -> subprocess.CompletedProcess:
    """As the image runs it."""
    words = [sys.executable, "-I", "-S", str(HEALTHCHECK)]
    return subprocess.run(words, env={"SCHOLARSTREAM_PORT": port}, capture_output=True, text=True, timeout=60)
