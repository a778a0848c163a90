"""POST /v1/events: what becomes of a request, in the log and in the answer."""

import asyncio
import base64
import gzip
import json

import httpx
import orjson
import pytest
import zstandard

from services.producer.push import bodies, room, sender
from services.producer.push.app import tokens_of
from services.producer.push.recent import Recent
from shared.contracts.topics import AUTHORS, DEAD_LETTERS, PAPERS
from shared.errors import LogUnavailable, UsageError
from shared.log.memory import MemoryLog
from shared.settings import Settings
from tests.push import ARRAY, LINES, intake, paper, tokens_file

DESCRIBED = {"event": "author.described", "author_id": "a:ada", "name": "Ada Lovelace"}
CLOUD = {"specversion": "1.0", "id": "7", "source": "https://lab.example.org/é", "type": "org.example.paper"}
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


def headers_of(record):
    return dict(record.headers)


# ---- what is taken


async def test_lines_go_into_the_log_in_order(tmp_path):
    async with intake(tmp_path) as service:
        raws = [orjson.dumps(paper(f"p{n}")) for n in range(3)]
        answer = await service.send(b"\n" + raws[0] + b"\r\n\n" + raws[1] + b"\n" + raws[2])
        assert answer.status_code == 200
        assert answer.json() == {
            "accepted": 3, "papers": 3, "authors": 0, "records": 3, "refused": 0, "refused_by_reason": {},
            "refusals": [], "refusals_left_out": 0, "left_out": {}, "unknown_fields": {},
        }  # fmt: skip
        assert [record.value for record in await service.records()] == raws
        assert [record.key for record in await service.records()] == [b"p0", b"p1", b"p2"]


@pytest.mark.parametrize(
    "body",
    [
        orjson.dumps(paper("p")),
        json.dumps(paper("p"), indent=1).encode(),
        b"\xef\xbb\xbf[" + orjson.dumps(paper("p")) + b"]",
    ],
)
async def test_one_event_or_an_array(tmp_path, body):
    async with intake(tmp_path) as service:
        assert (await service.send(body, ARRAY)).json()["accepted"] == 1
        assert [orjson.loads(record.value) for record in await service.records()] == [paper("p")]


async def test_an_empty_array_is_right_and_an_empty_body_is_not(tmp_path):
    async with intake(tmp_path) as service:
        assert (await service.send(b"[]", ARRAY)).json()["accepted"] == 0
        assert (await service.send(b" \n\n")).status_code == 400


async def test_papers_and_authors_in_one_append(tmp_path):
    class Counting(MemoryLog):
        appends = 0

        async def append(self, batches):
            self.appends += 1
            return await super().append(batches)

    log = Counting()
    await log.create([topic.spec(1, 1) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)])
    async with intake(tmp_path, log) as service:
        answer = await service.send([paper("p"), DESCRIBED, {"event": "paper.published"}])
        told = answer.json()
        assert (told["accepted"], told["papers"], told["authors"], told["refused"]) == (2, 1, 1, 1)
        assert log.appends == 1 and [len(records) for records in await service.everything()] == [1, 1, 1]


async def test_the_same_request_again_gives_the_same_ids(tmp_path):
    async with intake(tmp_path) as service:
        for body in ([paper("p"), paper("q")],) * 2 + ([paper("p")],):
            await service.send(body)
        ids = [headers_of(record)["ce_id"] for record in await service.records()]
        assert ids[:2] == ids[2:4] and len(set(ids)) == 3
        assert headers_of((await service.records())[0])["ce_source"].startswith(b"http@")


# ---- what is refused


async def test_a_refused_line_costs_itself_alone(tmp_path):
    async with intake(tmp_path) as service:
        wrong = b'{"paper_id": "x", "title": "T", "published": "soon"}'
        answer = await service.send(orjson.dumps(paper("p")) + b"\n\n" + wrong + b"\nno json\n")
        told = answer.json()
        assert answer.status_code == 200 and (told["accepted"], told["refused"]) == (1, 2)
        assert told["refused_by_reason"] == {"invalid_value": 1, "malformed_json": 1}
        first = told["refusals"][0]
        assert (first["line"], first["reason"], first["field"]) == (3, "invalid_value", "published")
        letters = await service.letters()
        assert [letter.value for letter in letters] == [wrong, b"no json"], "their original bytes"
        assert headers_of(letters[0])["source_offset"] == b"3"
        metrics = service.telemetry.registry
        assert metrics.get_sample_value("scholarstream_ingested_total", {"source": "http"}) == 1
        assert metrics.get_sample_value(
            "scholarstream_dead_letters_total", {"stage": "intake", "reason": "malformed_json"}
        ) == 1  # fmt: skip
        assert metrics.get_sample_value(
            "scholarstream_intake_requests_total", {"source": "http", "status": "200"}
        ) == 1  # fmt: skip


async def test_when_all_is_refused_the_answer_is_422(tmp_path):
    async with intake(tmp_path) as service:
        answer = await service.send([{"paper_id": 1}] * 3)
        assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"
        told = answer.json()
        assert (told["status"], told["accepted"], told["refused"], len(told["refusals"])) == (422, 0, 3, 3)
        assert len(await service.letters()) == 3 and not await service.records()


async def test_a_hundred_refusals_are_told(tmp_path):
    async with intake(tmp_path, refused_share=1) as service:
        told = (await service.send([*[{"paper_id": 1}] * 130, paper("p")])).json()
        assert (told["refused"], len(told["refusals"]), told["refusals_left_out"]) == (130, 100, 30)
        assert len(await service.letters()) == 130


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b'[{"paper_id": "p", "title": "T"},', ARRAY),
        (b'[{"paper_id": "p", "title": "T"} {"paper_id": "q", "title": "T"}]', ARRAY),
        (json.dumps(paper("p")).encode("utf-16"), LINES),
        (b"%PDF-1.4\n", LINES),
        (b"<html><body>No</body></html>", LINES),
        (b'{"specversion": "1.0"}', BATCH),
        (b"[", BATCH),
    ],
)
async def test_a_broken_frame_takes_nothing(tmp_path, body, media):
    async with intake(tmp_path) as service:
        answer = await service.send(body, media)
        assert answer.status_code == 400 and answer.json()["detail"].endswith(
            "Nothing of this request was taken."
        )
        assert "were taken" not in answer.json()["detail"]
        assert await service.everything() == [[], [], []]


async def test_a_client_that_sends_mostly_wrong_events_fills_no_dead_letters(tmp_path):
    async with intake(tmp_path, refused_window=100) as service:
        for _ in range(30):
            answer = await service.send([{"paper_id": 1}])
            assert answer.status_code == 422
        assert len(await service.letters()) == 9, "a tenth of the window"
        assert answer.json()["accepted"] == 0 and "dead letters" in answer.json()["detail"]
        assert (await service.send([paper("p")])).status_code == 200, "the service goes on"


def test_recent_events_are_judged_by_share():
    recent = Recent(0.5, 100)
    assert not recent.is_wrong("a", 0, 9) and recent.is_wrong("a", 0, 1)
    assert not recent.is_wrong("b", 1, 9_000) or recent.is_wrong("b", 0, 1)
    assert not recent.is_wrong("a", 6, 4), "most of this request is right"
    for _ in range(30):
        recent.is_wrong("a", 10, 0)
    assert not recent.is_wrong("a", 0, 9), "what is long ago does not count"


# ---- check


async def test_a_check_writes_nothing(tmp_path):
    async with intake(tmp_path) as service:
        answer = await service.send([paper("p"), {"paper_id": 1}], query="?check=1")
        assert answer.status_code == 200 and answer.json()["accepted"] == 1 and answer.json()["refused"] == 1
        assert (await service.send([{"paper_id": 1}], query="?check=true")).status_code == 422
        assert await service.everything() == [[], [], []]


# ---- formats


async def test_records_of_a_format(tmp_path):
    work = {"id": "https://openalex.org/W1", "title": "T", "type": "article", "updated_date": "2026-01-02"}
    grave = {"id": "https://openalex.org/W4285719527", "title": "Deleted Work", "type": "article"}
    async with intake(tmp_path) as service:
        answer = await service.send(
            orjson.dumps({"meta": {}, "results": [work, grave]}), ARRAY, query="?format=openalex"
        )
        assert (
            answer.status_code == 200
            and answer.json()["records"] == 2
            and sum(answer.json()["left_out"].values()) == 1
        )
        assert (await service.records())[0].key == b"openalex:W1"


async def test_a_library_with_a_namespace(tmp_path):
    entry = b"@article{ada, title={Notes}, author={Ada Lovelace}, year=1843}"
    async with intake(tmp_path) as service:
        answer = await service.send(entry, "application/x-bibtex", query="?format=bibtex&namespace=lab")
        assert answer.status_code == 200
        assert (await service.records())[0].key == b"bibtex:lab:ada"
        refused = await service.send(entry, "application/x-bibtex", query="?format=bibtex")
        assert refused.status_code == 422 and [one.value for one in await service.letters()] == [entry]


async def test_a_body_of_another_kind_than_its_format(tmp_path):
    async with intake(tmp_path) as service:
        answer = await service.send(b"a,b,c\n1,2,3\n", "text/csv", query="?format=openalex")
        assert (
            answer.status_code == 400
            and "o format of openalex has the columns a, b, c" in answer.json()["detail"]
        )


@pytest.mark.parametrize(
    ("media", "query", "status", "said"),
    [
        ("application/x-www-form-urlencoded", "", 415, "application/x-ndjson"),
        (None, "", 415, "Content-Type"),
        ("text/csv", "", 415, "format"),
        ("application/json; charset=latin1", "", 415, "UTF-8"),
        (LINES, "?format=nothing", 400, "openalex"),
        (LINES, "?namespace=a/b", 400, "namespace"),
        (LINES, "?check=maybe", 400, "check"),
        (LINES, "?formt=openalex", 400, "formt"),
    ],
)
async def test_a_wrong_head(tmp_path, media, query, status, said):
    async with intake(tmp_path) as service:
        answer = await service.send([paper("p")], media, query=query)
        assert answer.status_code == status and said in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/problem+json"


# ---- CloudEvents


async def test_a_structured_cloud_event(tmp_path):
    async with intake(tmp_path) as service:
        body = orjson.dumps(CLOUD | {"data": paper("p", odd=1), "extension": 1})
        answer = await service.send(body, STRUCTURED)
        assert answer.status_code == 200 and answer.json()["unknown_fields"] == {"odd": 1}
        [record] = await service.records()
        assert orjson.loads(record.value) == paper("p", odd=1)
        headers = headers_of(record)
        assert headers["ce_id"] == b"7" and headers["ce_source"] == b"https://lab.example.org/%C3%A9"
        assert headers["ce_type"] == b"scholarstream.paper.published"


async def test_a_batch_of_cloud_events(tmp_path):
    packed = base64.b64encode(orjson.dumps(paper("q"))).decode()
    events = [
        CLOUD | {"data": paper("p")},
        CLOUD | {"id": "8", "data_base64": packed},
        CLOUD | {"id": ""},
        CLOUD | {"data": {"paper_id": 1}},
        {"specversion": "0.3", "id": "1", "source": "s", "type": "t", "data": paper("p")},
        CLOUD | {"type": "scholarstream.paper.withdrawn", "data": paper("p")},
        "none",
    ]
    async with intake(tmp_path) as service:
        told = (await service.send(orjson.dumps(events), BATCH)).json()
        assert (told["accepted"], told["refused"]) == (2, 5)
        assert [(one["line"], one["field"]) for one in told["refusals"]] == [
            (3, "id"), (4, "paper_id"), (5, "specversion"), (6, "type"), (7, ""),
        ]  # fmt: skip
        letters = await service.letters()
        assert [orjson.loads(letter.value) for letter in letters] == events[2:], "the envelope as it came"


async def test_an_empty_batch(tmp_path):
    async with intake(tmp_path) as service:
        assert (await service.send(b"[]", BATCH)).json()["accepted"] == 0


async def test_a_cloud_event_in_binary_mode(tmp_path):
    raw = b'{ "paper_id": "p", "title": "T" }'
    async with intake(tmp_path) as service:
        answer = await service.send(
            raw, "application/json", ce_specversion="1.0", ce_id="9", ce_source="/lab%20a", ce_type="t"
        )
        assert answer.status_code == 200
        [record] = await service.records()
        assert record.value == raw and headers_of(record)["ce_id"] == b"9"
        assert headers_of(record)["ce_source"] == b"/lab%20a"
        answer = await service.send(raw, "application/json", ce_specversion="1.0", ce_id="9", ce_type="t")
        assert answer.status_code == 422 and answer.json()["refusals"][0]["field"] == "source"
        answer = await service.send(raw, LINES, ce_specversion="1.0", ce_id="9", ce_source="s", ce_type="t")
        assert answer.status_code == 415


async def test_a_cloud_event_with_a_record_of_a_format(tmp_path):
    work = {
        "id": "https://openalex.org/W1",
        "title": "T",
        "type": "article",
        "cited_by_count": 3,
        "updated_date": "2026-01-02",
    }
    async with intake(tmp_path) as service:
        body = orjson.dumps(CLOUD | {"data": work})
        assert (await service.send(body, STRUCTURED, query="?format=openalex")).status_code == 200
        ids = [headers_of(record)["ce_id"] for record in await service.records()]
        assert ids == [b"7", b"7.2"], "a paper and its count"


# ---- packed bodies and limits


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
@pytest.mark.parametrize("is_told", [True, False])
async def test_packed_bodies(tmp_path, coding, is_told):
    raw = orjson.dumps(paper("p"))
    packed = gzip.compress(raw) if coding == "gzip" else zstandard.compress(raw)
    async with intake(tmp_path) as service:
        answer = await service.send(packed, LINES, **({"Content_Encoding": coding} if is_told else {}))
        assert answer.status_code == 200 and [one.value for one in await service.records()] == [raw]


async def test_damaged_and_doubly_packed_bodies(tmp_path):
    packed = gzip.compress(orjson.dumps(paper("p")))
    zstd = zstandard.compress(orjson.dumps(paper("p")))
    async with intake(tmp_path) as service:
        for body, coding in (
            (packed[:-4], "gzip"), (zstd[:-4], "zstd"), (packed + b"more", "gzip"), (packed, "zstd"),
            (b"{}", "gzip"), (gzip.compress(packed), "gzip"),
        ):  # fmt: skip
            answer = await service.send(body, LINES, Content_Encoding=coding)
            assert answer.status_code == 400, (body, coding)
        assert (await service.send(packed, LINES, Content_Encoding="br")).status_code == 415
        assert (await service.send(packed, LINES, Content_Encoding="gzip, gzip")).status_code == 415
        assert await service.everything() == [[], [], []]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
async def test_a_bomb_is_unpacked_to_the_limit_only(tmp_path, pack, monkeypatch):
    read = []
    original = bodies.unpacked

    def counted(file, window):
        stream = original(file, window)

        class Counted:
            def read1(self, size):
                read.append(len(data := stream.read1(size)))
                return data

        return Counted()

    monkeypatch.setattr(bodies, "unpacked", counted)
    async with intake(tmp_path, intake_unpacked_bytes=1 << 20) as service:
        answer = await service.send(pack(b" " * (64 << 20)))
        assert answer.status_code == 413 and sum(read) < 2 << 20


async def test_a_zstd_window_above_the_standard_is_refused(tmp_path):
    packer = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=25)
    ).compressobj()
    packed = packer.compress(orjson.dumps(paper("p"))) + packer.flush()
    async with intake(tmp_path) as service:
        assert (await service.send(packed, LINES, Content_Encoding="zstd")).status_code == 400


async def test_limits_of_a_request(tmp_path):
    async with intake(
        tmp_path, intake_body_bytes=2048, intake_unpacked_bytes=4096, intake_events=5
    ) as service:
        cases = [
            (b"x" * 2049, 413), (gzip.compress(b" " * 4097), 413), ([paper(f"p{n}") for n in range(6)], 413),
            ([{"paper_id": 1}] * 6, 413), ([paper(f"p{n}") for n in range(5)], 200),
        ]  # fmt: skip
        for body, status in cases:
            assert (await service.send(body)).status_code == status
        assert [len(records) for records in await service.everything()] == [5, 0, 0]

        async def pieces():
            for _ in range(3):
                yield b" " * 1000

        answer = await service.client.post("/v1/events", content=pieces(), headers={"Content-Type": LINES})
        assert answer.status_code == 413, "a body of unknown length"


async def test_an_event_above_its_limit_and_deep_json(tmp_path):
    deep = b'{"paper_id": "p", "title": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    async with intake(tmp_path, max_event_bytes=1024) as service:
        long = orjson.dumps(paper("p", abstract="x" * 2000))
        told = (await service.send(long + b"\n" + deep[:900] + b"\n" + orjson.dumps(paper("q")))).json()
        assert told["refused_by_reason"] == {"malformed_json": 1, "oversize": 1} and told["accepted"] == 1
    async with intake(tmp_path) as service:
        for media in (LINES, ARRAY, STRUCTURED, BATCH):
            body = b"[" + deep + b"]" if media == BATCH else deep
            assert (await service.send(body, media)).status_code in (400, 422), media
            assert (await service.send(b"[" * 100_000, media)).status_code in (400, 422), media
        assert not await service.records()


async def test_the_limits_are_told(tmp_path):
    async with intake(tmp_path, intake_events=7) as service:
        told = (await service.client.get("/v1/events/limits")).json()
        assert told["events"] == 7 and told["unpacked_bytes"] == 32 << 20 and told["token"] is False
        assert "openalex" in told["formats"] and "events" in told["formats"]
        assert (await service.client.get("/v1/events")).status_code == 405
        assert (await service.client.get("/v1/other")).status_code == 404
        assert (await service.client.get("/")).text == "the page"


# ---- too much at once, and a log that does not answer


async def test_too_many_requests_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "MOST_REQUESTS", 1)
    monkeypatch.setattr(room, "MOST_BYTES", 1000)
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield b" "
        arrived.set()
        await go_on.wait()
        yield orjson.dumps(paper("p"))

    async with intake(tmp_path) as service:
        headers = {"Content-Type": LINES}
        first = asyncio.create_task(service.client.post("/v1/events", content=slow(), headers=headers))
        await arrived.wait()
        answer = await service.send([paper("q")])
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
        go_on.set()
        assert (await first).status_code == 200
        assert (await service.send(b" " * 1001)).status_code == 429, "more bytes than have room"
        assert (await service.send([paper("q")])).status_code == 200
        assert service.telemetry.registry.get_sample_value("scholarstream_intake_bytes") == 0


async def test_a_body_that_does_not_come(tmp_path, monkeypatch):
    monkeypatch.setattr(bodies, "SILENT_SECONDS", 0.01)

    async def never():
        yield b" "
        await asyncio.Event().wait()

    async with intake(tmp_path) as service:
        answer = await service.client.post("/v1/events", content=never(), headers={"Content-Type": LINES})
        assert answer.status_code == 408


class Silent(MemoryLog):
    """A log whose appends take until `answers` is set."""

    def __init__(self):
        super().__init__()
        self.asked, self.answers = asyncio.Event(), asyncio.Event()

    async def append(self, batches):
        self.asked.set()
        await self.answers.wait()
        return await super().append(batches)


async def test_a_log_that_does_not_answer(tmp_path, monkeypatch):
    monkeypatch.setattr(sender, "ANSWER_SECONDS", 0.01)
    log = Silent()
    await log.create([topic.spec(1, 1) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)])
    async with intake(tmp_path, log) as service:
        for n in range(sender.MOST_LATE + 2):
            answer = await service.send([paper(f"p{n}")])
            assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
        log.answers.set()
        monkeypatch.setattr(sender, "ANSWER_SECONDS", 5)
        await asyncio.sleep(0)  # each append that waits goes on
        assert (await service.send([paper("p")])).status_code == 200
        assert len(await service.records()) == sender.MOST_LATE + 1, "a silent log gets no further appends"


async def test_a_full_log(tmp_path):
    class Full(MemoryLog):
        async def append(self, batches):
            raise LogUnavailable("the disk is full")

    log = Full()
    await log.create([topic.spec(1, 1) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)])
    async with intake(tmp_path, log) as service:
        assert (await service.send([paper("p")])).status_code == 503


# ---- Idempotency-Key


async def test_a_repeated_key_gets_the_same_answer(tmp_path):
    async with intake(tmp_path) as service:
        first = await service.send([paper("p"), {"paper_id": 1}], Idempotency_Key="k1")
        again = await service.send([paper("p"), {"paper_id": 1}], Idempotency_Key='"k1"')
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert len(await service.records()) == len(await service.letters()) == 1
        other = await service.send([paper("q")], Idempotency_Key="k1")
        assert other.status_code == 422 and "another body" in other.json()["detail"]
        assert (await service.send([paper("q")], Idempotency_Key="k2")).status_code == 200
        assert (await service.send([paper("q")], Idempotency_Key="x" * 256)).status_code == 400
        log = service.log
    async with intake(tmp_path, log) as service:
        again = await service.send([paper("p"), {"paper_id": 1}], Idempotency_Key="k1")
        assert again.content == first.content, "after a restart"
        assert len(await service.records()) == 2


async def test_failures_are_not_kept(tmp_path):
    class Once(MemoryLog):
        failures = 1

        async def append(self, batches):
            if self.failures:
                self.failures -= 1
                raise LogUnavailable("locked")
            return await super().append(batches)

    log = Once()
    await log.create([topic.spec(1, 1) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)])
    async with intake(tmp_path, log) as service:
        assert (await service.send([paper("p")], Idempotency_Key="k")).status_code == 503
        assert (await service.send([paper("p")], Idempotency_Key="k")).status_code == 200


async def test_a_key_in_progress(tmp_path):
    log = Silent()
    await log.create([topic.spec(1, 1) for topic in (PAPERS, AUTHORS, DEAD_LETTERS)])
    async with intake(tmp_path, log) as service:
        first = asyncio.create_task(service.send([paper("p")], Idempotency_Key="k"))
        await log.asked.wait()
        answer = await service.send([paper("p")], Idempotency_Key="k")
        assert answer.status_code == 409 and int(answer.headers["retry-after"]) > 0
        log.answers.set()
        assert (await first).status_code == 200


# ---- who may send


async def test_tokens_and_their_scopes(tmp_path):
    file = tokens_file(tmp_path / "tokens", lab=("s3cret", "papers"), all=("other", "papers,authors,clock"))
    async with intake(tmp_path, intake_tokens=file) as service:
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Basic czNjcmV0"},
            {"Authorization": "Bearer"},
        ):
            answer = await service.send([paper("p")], **headers)
            assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")
        answer = await service.send([paper("p")], Authorization="bearer s3cret")
        assert answer.status_code == 200
        [record] = await service.records()
        assert headers_of(record)["ce_source"].startswith(b"http:lab@")
        value = service.telemetry.registry.get_sample_value
        assert value("scholarstream_ingested_total", {"source": "http:lab"}) == 1
        mixed = [paper("q"), DESCRIBED, {"paper_id": 1}]
        answer = await service.send(mixed, Authorization="Bearer s3cret")
        assert answer.status_code == 403 and "authors" in answer.json()["detail"]
        assert [len(records) for records in await service.everything()] == [1, 0, 0]
        clock = {"event": "clock.ticked", "author_id": "clock", "date": "2026-01-01"}
        assert (await service.send([clock], Authorization="Bearer s3cret")).status_code == 403
        assert (await service.send([*mixed, clock], Authorization="Bearer other")).json()["accepted"] == 3
        assert (await service.client.get("/v1/events/limits")).json()["token"] is True


async def test_keys_of_two_tokens_do_not_meet(tmp_path):
    file = tokens_file(tmp_path / "tokens", a=("ta", "papers"), b=("tb", "papers"))
    async with intake(tmp_path, intake_tokens=file) as service:
        for token, name in (("ta", "p"), ("tb", "q")):
            answer = await service.send([paper(name)], Authorization=f"Bearer {token}", Idempotency_Key="k")
            assert answer.status_code == 200
        assert len(await service.records()) == 2


async def test_a_changed_file_of_tokens_counts_at_once(tmp_path):
    file = tokens_file(tmp_path / "tokens", lab=("old", "papers"))
    async with intake(tmp_path, intake_tokens=file) as service:
        tokens_file(file, lab=("newer", "papers"), second=("two", "papers"))
        assert (await service.send([paper("p")], Authorization="Bearer old")).status_code == 401
        assert (await service.send([paper("p")], Authorization="Bearer newer")).status_code == 200
        file.write_text("what is this?")
        assert (await service.send([paper("p")], Authorization="Bearer two")).status_code == 200, (
            "the last good"
        )


@pytest.mark.parametrize(
    "text",
    [
        "lab",
        "lab 00 papers",
        f"lab {'0' * 64} everything",
        f"l/b {'0' * 64} papers",
        f"a {'0' * 64} papers\n" * 2,
    ],
)
def test_a_wrong_file_of_tokens(tmp_path, text):
    (tmp_path / "tokens").write_text(text)
    with pytest.raises(UsageError, match=r"line [12]"):
        tokens_of(Settings(intake_tokens=tmp_path / "tokens"))
    with pytest.raises(UsageError, match="No such file"):
        tokens_of(Settings(intake_tokens=tmp_path / "none"))


def test_an_open_intake_on_a_network_address_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"--intake-tokens FILE.*--intake off.*--intake open"):
        tokens_of(Settings(host="0.0.0.0"))
    file = tokens_file(tmp_path / "tokens", lab=("s", "papers"))
    assert tokens_of(Settings(host="0.0.0.0", intake_tokens=file)) is not None
    for settings in (
        {"host": "0.0.0.0", "intake": "open"},
        {"host": "0.0.0.0", "intake": "off"},
        {"host": "::1"},
        {},
    ):
        assert tokens_of(Settings(**settings)) is None


async def test_no_page_of_another_origin_may_send(tmp_path):
    async with intake(tmp_path) as service:
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Sec_Fetch_Site": "cross-site"},
        ):
            answer = await service.send([paper("p")], **headers)
            assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers
        assert (await service.send([paper("p")], Host="evil.example")).status_code == 421, "DNS rebinding"
        assert (await service.send([paper("p")], Origin="http://127.0.0.1:8080")).status_code == 200


async def test_an_intake_that_is_off(tmp_path):
    async with intake(tmp_path, intake="off") as service:
        answer = await service.send([paper("p")])
        assert answer.status_code == 404 and isinstance(answer, httpx.Response)
        assert await service.everything() == [[], [], []]
