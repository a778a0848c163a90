"""A service that may open few files: clients cannot take them all, and without any it goes on and is whole
again afterwards.
"""

import json
import socket
import subprocess
import sys
import textwrap
import urllib.request

from tests.integration.commands import environment, scholarstream

FILES = 128
SAID_ONCE = ("starting", "ready", "stopped")

# Runs the service as its command does. Then, on a line of standard input, takes every file that is left until
# the next line.
SERVICE = textwrap.dedent(
    """
    import asyncio, os, resource, sys, threading

    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]),) * 2)
    from services.cli.run_all import run
    from shared.settings import Settings
    from shared.telemetry import logs

    settings = Settings(
        data_dir=sys.argv[1], port=0, checkpoint_seconds=0, log_format="json", shutdown_seconds=60
    )
    logs.configure("info", "json")
    over = threading.Event()

    def take_all(held):
        while not over.is_set():
            try:
                held.append(os.dup(0))
            except OSError:
                over.wait(0.001)
        for one in held:
            os.close(one)

    def obey():
        sys.stdin.readline()
        before, taking = set(sys.modules), threading.Thread(target=take_all, args=([],))
        taking.start()
        print("taken", flush=True)
        sys.stdin.readline()
        over.set()
        taking.join()
        print("imported", *sorted(set(sys.modules) - before), flush=True)
        sys.stdin.readline()
        os.kill(os.getpid(), 15)

    def announce(address):
        print(address, flush=True)
        threading.Thread(target=obey, daemon=True).start()

    asyncio.run(run(settings, sources=[], announce=announce))
    """
)


def events(path, count: int) -> None:
    lines = [
        {
            "paper_id": f"p{n}",
            "title": f"On the number {n}",
            "abstract": "Streams of words and what they say about numbers. " * 2,
            "published": f"{2000 + n % 20}-05-01",
            "authors": [{"author_id": f"a{n % 7}", "name": f"Ann {n % 7}"}],
            "references": [f"p{other}" for other in (n - 1, n // 2) if 0 <= other < n],
        }
        for n in range(count)
    ]
    lines.append({"event": "author.described", "author_id": "a1", "name": "New Name", "revision": 1})
    path.write_text("\n".join(map(json.dumps, lines)))


def ask(address: str, path: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(address + path, timeout=60) as answer:
        return answer.status, answer.read()


def test_a_service_goes_on_without_a_file_left_and_answers_afterwards(tmp_path):
    data, source = tmp_path / "data", tmp_path / "papers.jsonl"
    events(source, 60)
    with (tmp_path / "said").open("w") as errors:
        service = subprocess.Popen(
            [sys.executable, "-c", SERVICE, str(data), str(FILES)],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        address = service.stdout.readline().strip()
        host, port = address.removeprefix("http://").split(":")
        # more idle clients than it may open files
        idle = [socket.create_connection((host, int(port)), timeout=60) for _ in range(3 * FILES)]
        assert ask(address, "/healthz")[0] == 200
        assert ask(address, "/")[0] == 200
        for one in idle:
            one.close()
        # not one file left, while events come
        service.stdin.write("take\n")
        service.stdin.flush()
        assert service.stdout.readline().strip() == "taken"
        scholarstream("ingest", f"file:{source}", data_dir=data)
        scholarstream("status", "--wait-idle", "100", data_dir=data)
        service.stdin.write("give\n")
        service.stdin.flush()
        assert service.stdout.readline().split() == ["imported"], (
            "what is imported late may find no file to open"
        )
        status, body = ask(address, "/api/v1/authors/a1")
        assert (status, json.loads(body)["name"]) == (200, "New Name")
        assert ask(address, "/readyz")[0] == 200
        service.stdin.write("end\n")
        service.stdin.flush()
        assert service.wait(60) == 0
    finally:
        service.kill()
        service.wait()
        service.stdin.close()
        service.stdout.close()
    said = (tmp_path / "said").read_text("utf-8")
    assert "Traceback" not in said
    lines = [json.loads(line)["event"] for line in said.splitlines()]
    assert [line for line in lines if line in SAID_ONCE] == list(SAID_ONCE)
    assert {*lines} - {*SAID_ONCE} <= {
        "checkpoints cannot be kept",
        "checkpoints are kept again",
        "cannot accept connections",
    }
    scholarstream("verify", data_dir=data)
