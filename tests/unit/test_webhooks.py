"""Webhooks: signed as Standard Webhooks, in order, tried again, given up, and never to an address that is not
public.
"""

import asyncio
import contextlib
import hmac
import json
import sqlite3
from base64 import b64decode, b64encode
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

import httpx2
import orjson
import pytest
from typer.testing import CliRunner

from services.cli.main import app
from services.viewer.webhooks import service
from services.viewer.webhooks import store as stores
from services.viewer.webhooks.addresses import NotPublic, is_public, public_addresses, resolve
from services.viewer.webhooks.delivery import Outcome, Post
from services.viewer.webhooks.hooks import Hook, new_hook
from services.viewer.webhooks.retries import PAUSES_SECONDS
from services.viewer.webhooks.sender import AT_ONCE_OF_ONE, Sender
from services.viewer.webhooks.service import send_webhooks
from services.viewer.webhooks.signing import headers_of
from services.viewer.webhooks.store import New, Store
from shared.contracts.topics import AUTHOR_METRICS
from shared.errors import UsageError
from shared.log.memory import MemoryLog
from shared.log.port import Message, Partition
from shared.settings import Settings
from tests.client.scripted import answer, scripted
from tests.foreign_changes import changes_of_others

TOPIC = Partition(AUTHOR_METRICS.name, 0)


def change(author: str, version: int, *changed: str) -> dict:
    names = changed or ("h_index",)
    return {
        "author_id": author,
        "generation": 1,
        "version": version,
        "as_of": "2026-11-23",
        "before": dict.fromkeys(names, 1),
        "after": dict.fromkeys(names, 2),
        "changed": list(names),
        "causes": [],
        "causes_total": 0,
    }


def hook(*authors: str, url: str = "https://hooks.example/in", when=(), private: bool = False) -> Hook:
    return new_hook(url, authors or ("a:1",), when, allow_private=private, now_ms=0)


class Receiver:
    """Takes messages; `answers` are the outcomes of the next attempts, afterwards all are delivered."""

    def __init__(self, *answers: Outcome):
        self.answers, self.got = list(answers), list[tuple[str, str, int]]()

    async def __call__(self, hook: Hook, message: str, body: bytes) -> Outcome:
        told = json.loads(body)
        self.got.append((hook.id, told["data"]["author_id"], told["data"]["version"]))
        return self.answers.pop(0) if self.answers else Outcome(True)


class World:
    """A log, a store, a receiver and a clock that stands still."""

    def __init__(self, log: MemoryLog, store: Store, receiver: Receiver):
        self.log, self.store, self.receiver, self.now = log, store, receiver, 2_000_000_000.0
        self.sender = Sender(log, "memory", store, receiver, lambda: self.now)

    async def publish(self, *changes: dict) -> None:
        messages = [Message(one["author_id"].encode(), orjson.dumps(one)) for one in changes]
        await self.log.append({TOPIC: messages})

    async def steps(self, count: int = 1) -> None:
        for _ in range(count):
            await self.sender.step()
            await self.sender.settle()

    def versions(self, author: str = "a:1") -> list[int]:
        return [version for _, of, version in self.receiver.got if of == author]


@contextlib.asynccontextmanager
async def world(tmp_path: Path, *hooks: Hook, receiver: Receiver | None = None):
    log = MemoryLog()
    await log.create([AUTHOR_METRICS.spec(1, 1)])
    with contextlib.closing(Store(tmp_path / "webhooks.sqlite")) as store:
        for one in hooks:
            store.add(one)
        yield World(log, store, receiver or Receiver())


# ---- signatures


def test_a_signature_is_that_of_the_specification():
    """The example that the libraries of Standard Webhooks are tested with."""
    headers = headers_of(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"


def test_a_secret_is_of_the_size_that_the_specification_wants():
    secret = hook().secret
    assert secret.startswith("whsec_") and 24 <= len(b64decode(secret.removeprefix("whsec_"))) <= 64
    assert secret != hook().secret


# ---- what is sent


async def test_changes_that_are_wanted_are_sent_in_order(tmp_path):
    wanted = hook("a:1", "a:3", when=["h_index", "counted:open alex.citations"])
    async with world(tmp_path, wanted) as here:
        await here.publish(
            change("a:1", 1),
            change("a:1", 2, "citations"),
            change("a:2", 3),
            change("a:1", 4, "citations", "h_index"),
            change("a:1", 5, "counted:open alex.citations"),
            change("a:3", 6),
        )
        await here.steps(4)
        assert here.versions() == [1, 4, 5] and here.versions("a:3") == [6] and not here.versions("a:2")
        (told,) = here.store.described()
        assert (told["delivered"], told["waiting"]) == (4, 0)


async def test_a_webhook_gets_what_the_log_stored_after_it_was_added(tmp_path):
    async with world(tmp_path) as here:
        await here.publish(change("a:1", 1))
        await here.steps()
        (old,) = await here.log.read(TOPIC, 0)
        here.store.add(hook()._replace(created_ms=old.timestamp + 1))
        await here.steps(2)
        assert here.versions() == []
        here.store.add(hook()._replace(created_ms=0))
        await here.publish(change("a:1", 2) | {"version": 2})
        await here.steps(3)
        assert 2 in here.versions()


async def test_a_failed_message_is_tried_again_and_those_behind_it_wait(tmp_path):
    receiver = Receiver(Outcome(False, "status 500"), Outcome(False, "status 500"))
    async with world(tmp_path, hook("a:1"), receiver=receiver) as here:
        await here.publish(change("a:1", 1), change("a:1", 2))
        await here.steps(3)
        assert here.versions() == [1]
        assert here.store.described()[0]["note"] == "status 500"
        here.now += PAUSES_SECONDS[0]
        await here.steps(3)
        assert here.versions() == [1, 1]
        here.now += PAUSES_SECONDS[1] - 1
        await here.steps()
        assert here.versions() == [1, 1]
        here.now += 1
        await here.steps(3)
        assert here.versions() == [1, 1, 1, 2]


async def test_another_author_does_not_wait(tmp_path):
    receiver = Receiver(Outcome(False, "status 500"))
    async with world(tmp_path, hook("a:1", "a:2"), receiver=receiver) as here:
        await here.publish(change("a:1", 1), change("a:2", 2))
        await here.steps(2)
        assert (here.versions("a:1"), here.versions("a:2")) == ([1], [2])


async def test_a_message_is_given_up_with_a_note_and_the_next_one_is_sent(tmp_path):
    receiver = Receiver(*[Outcome(False, "status 503")] * (len(PAUSES_SECONDS) + 1))
    async with world(tmp_path, hook(), receiver=receiver) as here:
        await here.publish(change("a:1", 1), change("a:1", 2))
        await here.steps()
        for pause in PAUSES_SECONDS:
            here.now += pause
            await here.steps()
        await here.steps()
        assert here.versions() == [1] * (len(PAUSES_SECONDS) + 1) + [2]
        (told,) = here.store.described()
        assert (told["given_up"], told["delivered"], told["waiting"]) == (1, 1, 0)
        assert "given up after 10 attempts: status 503" in told["note"]


async def test_a_receiver_that_is_gone_gets_no_more(tmp_path):
    async with world(tmp_path, hook(), receiver=Receiver(Outcome(False, "status 410", gone=True))) as here:
        await here.publish(change("a:1", 1), change("a:1", 2))
        await here.steps(3)
        (told,) = here.store.described()
        assert here.versions() == [1] and told["sends"] is False and "410" in told["note"]


async def test_what_was_not_acknowledged_is_sent_again_by_another_process(tmp_path):
    """The first process ends in the middle of an attempt."""
    started, never = asyncio.Event(), asyncio.Event()

    async def hangs(*_) -> Outcome:
        started.set()
        await never.wait()
        return Outcome(True)

    async with world(tmp_path, hook()) as here:
        await here.publish(change("a:1", 1))
        stop = asyncio.Event()
        running = asyncio.create_task(
            Sender(here.log, "memory", here.store, hangs, lambda: here.now).run(stop)
        )
        await started.wait()
        stop.set()
        await running
        await here.steps(2)
        assert here.versions() == [1]


async def test_one_webhook_does_not_take_all_places(tmp_path):
    authors = [f"a:{n}" for n in range(3 * AT_ONCE_OF_ONE)]
    at_once: list[int] = []
    now = 0

    async def count(*_) -> Outcome:
        nonlocal now
        now += 1
        at_once.append(now)
        await asyncio.sleep(0)
        now -= 1
        return Outcome(True)

    async with world(tmp_path, hook(*authors)) as here:
        await here.publish(*(change(author, 1) for author in authors))
        sender = Sender(here.log, "memory", here.store, count, lambda: here.now)
        for _ in range(5):
            await sender.step()
            await sender.settle()
        assert len(at_once) == len(authors) and max(at_once) <= AT_ONCE_OF_ONE


async def test_what_waits_is_bounded_and_the_newest_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(stores, "MOST_WAITING", 3)
    async with world(tmp_path, hook(), receiver=Receiver(Outcome(False, "status 500"))) as here:
        await here.publish(*(change("a:1", version) for version in range(1, 6)))
        await here.steps(2)
        here.now += PAUSES_SECONDS[0]
        await here.steps(4)
        assert here.versions() == [3, 3, 4, 5]
        assert here.store.described()[0]["dropped"] == 2


async def test_records_of_other_clients_are_no_reason_to_stop(tmp_path):
    async with world(tmp_path, hook()) as here:
        odd = [b"", b"null", b"[]", b'{"author_id":"a:1"}', b'{"author_id":1,"generation":1,"version":1}']
        await here.log.append({TOPIC: [Message(b"a:1", value) for value in odd]})
        await here.publish(
            *(one for one in changes_of_others(change("a:1", 2)) if isinstance(one["author_id"], str))
        )
        await here.publish(change("a:1", 3))
        await here.steps(2)
        assert here.versions() == [3]


def test_a_repeated_change_is_one_message(tmp_path):
    with contextlib.closing(Store(tmp_path / "w.sqlite")) as store:
        one = hook()
        store.add(one)
        for _ in range(2):
            store.take("log", {TOPIC: 1}, [New(one.id, "a:1", "msg_1", b"{}")], 0)
        assert len(store.due(0, 10)) == 1 and store.positions("log") == {TOPIC: 1}
        store.remove(one.id)
        assert store.due(0, 10) == [] and store.positions("log") == {}


def test_only_its_owner_may_read_the_secrets(tmp_path):
    Store(tmp_path / "w.sqlite").close()
    assert (tmp_path / "w.sqlite").stat().st_mode & 0o077 == 0


# ---- where it may send


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a00:1::",
        "2001:0:7f00:1::1",
    ],
)
def test_addresses_that_are_not_public_are_known(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_are_known(address):
    assert is_public(ip_address(address))


async def test_one_address_that_is_not_public_is_enough_to_refuse():
    async def find(host: str, port: int):
        return [ip_address("93.184.216.34"), ip_address("127.0.0.1")]

    with pytest.raises(NotPublic, match=r"127\.0\.0\.1"):
        await public_addresses("hooks.example", 443, find)
    post = Post(find)
    outcome = await post(hook(), "msg_1", b"{}")
    assert not outcome.delivered and "not a public address" in outcome.note
    await post.close()


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
async def test_other_ways_to_write_loopback_are_refused(host):
    post = Post()
    outcome = await post(hook(url=f"https://{host}/"), "msg_1", b"{}")
    assert not outcome.delivered and ("not a public" in outcome.note or "gaierror" in outcome.note), outcome
    await post.close()


async def test_it_connects_to_the_address_that_was_checked_under_the_name_of_the_host():
    """A second look at the name could give another address (DNS rebinding)."""
    asked: list[httpx2.Request] = []

    async def find(host: str, port: int):
        return [ip_address("2606:4700::1111"), ip_address("93.184.216.34")]

    def take(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        if len(asked) == 1:
            raise httpx2.ConnectError("no route")
        return httpx2.Response(204)

    post = Post(find, clock=lambda: 1614265330.9, transport=httpx2.MockTransport(take))
    one = hook(url="https://hooks.example:8443/in?x=1")
    assert await post(one, "msg_1", b'{"a":1}') == Outcome(True)
    await post.close()
    assert [str(request.url) for request in asked] == [
        "https://[2606:4700::1111]:8443/in?x=1",
        "https://93.184.216.34:8443/in?x=1",
    ]
    assert asked[1].headers["host"] == "hooks.example:8443"
    assert asked[1].extensions["sni_hostname"] == "hooks.example"
    signed = hmac.digest(b64decode(one.secret[6:]), b'msg_1.1614265330.{"a":1}', sha256)
    assert asked[1].headers["webhook-signature"] == f"v1,{b64encode(signed).decode()}"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("204 No Content", Outcome(True)),
        ("302 Found", Outcome(False, "status 302: redirects are not followed")),
        ("410 Gone", Outcome(False, "status 410", gone=True)),
        ("500 Error", Outcome(False, "status 500")),
    ],
)
async def test_an_answer_is_what_its_status_says(status, outcome):
    async with scripted(answer(b"x", status, Location="http://127.0.0.1:1/")) as server:
        post = Post(resolve)
        assert await post(hook(url=server.address + "/in", private=True), "msg_1", b"{}") == outcome
        await post.close()
        assert [one.target for one in server.asked] == ["/in"]


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "https://",
        "https://user:word@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example:99999/",
        "https://hooks.example/é",
        "https://[::1/",
        "https://hooks.example/" + "x" * 2000,
    ],
)
def test_wrong_urls_are_refused(url):
    with pytest.raises(UsageError, match="URL"):
        hook(url=url)


@pytest.mark.parametrize("when", ["hindex", "counted:x.", "counted:x.hindex"])
def test_unknown_metrics_are_refused(when):
    with pytest.raises(UsageError, match="--when"):
        hook(when=[when])


# ---- the commands and the part of the viewer


def commanded(tmp_path: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["webhooks", *words, "--data-dir", str(tmp_path / "data")])
    assert done.exit_code == code, done.output
    return done.output


def test_webhooks_are_added_listed_and_removed(tmp_path):
    assert "webhooks add" in commanded(tmp_path, "list", code=2)
    told = json.loads(
        commanded(tmp_path, "add", "https://h.example/", "--author", "a:1", "--when", "h_index", "--json")
    )
    assert told["secret"].startswith("whsec_")
    listed = commanded(tmp_path, "list", "--json")
    assert told["secret"] not in listed and json.loads(listed)[0]["authors"] == ["a:1"]
    assert "h.example" in commanded(tmp_path, "list")
    assert "--author" in commanded(tmp_path, "add", "https://h.example/", code=2)
    assert "there is no webhook" in commanded(tmp_path, "remove", "wh_none", code=2)
    commanded(tmp_path, "remove", told["id"])
    assert json.loads(commanded(tmp_path, "list", "--json")) == []


def test_a_file_that_is_no_store_is_named(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "webhooks.sqlite").write_bytes(b"no database " * 100)
    assert "webhooks.sqlite" in commanded(tmp_path, "list", code=1)


async def test_a_viewer_sends_and_the_receiver_can_check_it(tmp_path, monkeypatch):
    """From the command to the receiver, over real sockets."""
    monkeypatch.setattr(service, "LOOK_SECONDS", 0.01)
    log, stop = MemoryLog(), asyncio.Event()
    await log.create([AUTHOR_METRICS.spec(1, 1)])
    async with scripted(answer(b"", "204 No Content")) as server:
        settings = Settings(data_dir=tmp_path / "data")
        sending = asyncio.create_task(send_webhooks(log, settings, stop))
        words = ("add", server.address + "/in", "--author", "a:1", "--allow-private", "--json")
        secret = json.loads(await asyncio.to_thread(commanded, tmp_path, *words))["secret"]
        await log.append({TOPIC: [Message(b"a:1", orjson.dumps(change("a:1", 1)))]})
        await server.was_asked.wait()
        stop.set()
        await sending
    (headers, body) = server.asked[0].headers, server.asked[0].body
    assert json.loads(body)["type"] == "author.metrics.changed" and json.loads(body)["data"] == change(
        "a:1", 1
    )
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    right = b64encode(hmac.digest(b64decode(secret[6:]), signed, sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{right}"
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "webhooks.sqlite")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
