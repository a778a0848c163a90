"""arXiv live: harvests by OAI-PMH, in full and then what changed, as its manual says it answers."""

import pytest

from tests.live.play import Asked, Calls, World, playing, reply, said

BEGIN = '<?xml version="1.0" encoding="UTF-8"?>\n<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'


def xml(inner: str, day: str = "2026-11-28", **more) -> bytes:
    body = f"{BEGIN}\n<responseDate>{day}T00:30:00Z</responseDate>\n<request>http://r/oai</request>{inner}</OAI-PMH>"
    return reply(body, kind="text/xml; charset=UTF-8", **more)


def record(number: str, day: str, title: str = "A title", deleted: bool = False) -> str:
    status = ' status="deleted"' if deleted else ""
    identifier = f"<identifier>oai:arXiv.org:{number}</identifier>"
    header = f"<header{status}>{identifier}<datestamp>{day}</datestamp></header>"
    metadata = (
        f'<metadata><arXiv xmlns="http://arxiv.org/OAI/arXiv/"><id>{number}</id><created>2020-01-02</created>'
        f"<authors><author><keyname>Quill</keyname><forenames>Ada</forenames></author></authors><title>{title}"
        f"</title><categories>cs.DL</categories><abstract>Text.</abstract></arXiv></metadata>"
    )
    return f"<record>{header}{'' if deleted else metadata}</record>"


def listed(*records: str, token: str = "", day: str = "2026-11-28", **more) -> bytes:
    end = f"<resumptionToken>{token}</resumptionToken>"
    return xml(f"<ListRecords>{''.join(records)}{end}</ListRecords>", day, **more)


def error(code: str, text: str = "no") -> bytes:
    return xml(f'<error code="{code}">{text}</error>')


def identify(deleted: str = "persistent") -> bytes:
    return xml(
        f"<Identify><repositoryName>R</repositoryName><deletedRecord>{deleted}</deletedRecord></Identify>"
    )


A = record("2001.00001", "2026-11-20")
B = record("2001.00002", "2026-11-20")
C = record("2001.00003", "2026-11-24")
D = record("2001.00004", "2026-11-25")


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def harvest(*answers):
    """Answers to ListRecords, one after the other; Identify is always answered."""
    calls = Calls(*answers)
    return lambda asked: identify() if asked.query["verb"] == "Identify" else calls(asked)


def lists(player) -> list[dict[str, str]]:
    asked = [{name: value for name, value in one.query.items() if name != "verb"} for one in player.asked]
    return asked[1:]  # the first one is Identify


async def papers(world) -> list[str]:
    return [event["paper_id"] for event in await world.events()]


async def test_a_harvest_goes_on_by_tokens_and_then_from_the_day_of_the_response(world):
    answers = harvest(
        listed(A, B, token="t1"),
        listed(C, D),
        listed(
            record("2001.00004", "2026-11-25"), record("2001.00001", "2026-11-28", "New"), day="2026-11-29"
        ),
    )
    async with playing(answers) as player:
        clock = await world.run(f"arxiv+{player.address}/oai?set=cs:cs:DL", days=1.5)
    assert lists(player) == [
        {"metadataPrefix": "arXiv", "set": "cs:cs:DL"},
        {"resumptionToken": "t1"},
        {"metadataPrefix": "arXiv", "set": "cs:cs:DL", "from": "2026-11-27"},
    ]
    assert await papers(world) == [f"arxiv:2001.0000{n}" for n in (1, 2, 3, 4, 1)], (
        "2001.00004 did not change"
    )
    assert (await world.events())[-1]["title"] == "New"
    assert clock.waits[:2] == [3.0, 3.0], "one request in three seconds"
    assert world.source.place["complete"] == "2026-11-29"


async def test_a_deleted_record_withdraws_the_paper(world):
    gone = record("2001.00001", "2026-11-27", deleted=True)
    async with playing(harvest(listed(A), listed(gone))) as player:
        await world.run(f"arxiv+{player.address}/oai", days=1.5)
    assert [event["event"] for event in await world.events()] == ["paper.published", "paper.withdrawn"]


async def test_nothing_new_is_no_fault(world):
    async with playing(harvest(listed(A), error("noRecordsMatch"))) as player:
        await world.run(f"arxiv+{player.address}/oai", days=1.5)
    assert not said(world.states) and len(player.asked) == 3


async def test_a_repository_that_forgets_deletions_is_named(world, capsys):
    async with playing(Calls(identify("transient"), listed(A))) as player:
        await world.run(f"arxiv+{player.address}/oai")
    assert "may delete records without a word" in "".join(capsys.readouterr())


EXPIRED = {
    "by its error": error("badResumptionToken", "expired"),
    "by status": reply("", "410 Gone"),
}


@pytest.mark.parametrize("name", EXPIRED)
async def test_an_expired_token_goes_back_to_the_last_complete_day(world, name):
    answers = harvest(listed(A, B, C, token="t1"), EXPIRED[name], listed(C, D))
    async with playing(answers) as player:
        await world.run(f"arxiv+{player.address}/oai")
    assert lists(player)[-1] == {"metadataPrefix": "arXiv", "from": "2026-11-24"}
    assert await papers(world) == [f"arxiv:2001.0000{n}" for n in (1, 2, 3, 4)]
    assert world.source.place["complete"] == "2026-11-28"


async def test_where_records_come_in_another_order_an_expired_token_goes_back_to_the_beginning(world):
    answers = harvest(
        listed(C, A, token="t1"), EXPIRED["by its error"], listed(C, A, token="t2"), listed(B, D)
    )
    async with playing(answers) as player:
        await world.run(f"arxiv+{player.address}/oai")
    assert "from" not in lists(player)[2] and sorted(await papers(world)) == [
        f"arxiv:2001.0000{n}" for n in (1, 2, 3, 4)
    ]


async def test_a_server_that_fails_on_a_token_for_long_has_lost_it(world):
    answers = harvest(listed(A, token="t1"), *[reply("", "500 Oh")] * 6, listed(A, B))
    async with playing(answers) as player:
        await world.run(f"arxiv+{player.address}/oai")
    assert lists(player)[-1] == {"metadataPrefix": "arXiv", "from": "2026-11-20"} and len(player.asked) == 9


async def test_without_a_network_a_token_is_kept(world):
    answers = harvest(listed(A, token="t1"), *[b""] * 12, listed(B))
    async with playing(answers) as player:
        await world.run(f"arxiv+{player.address}/oai")
    assert all(one == {"resumptionToken": "t1"} for one in lists(player)[1:])
    assert await papers(world) == ["arxiv:2001.00001", "arxiv:2001.00002"]


FAULTS = {
    "503 with seconds": (reply("Retry", "503 Busy", "text/html", Retry_After="20"), "status 503", 20.0),
    "cut": (reply(f"{BEGIN}<responseDate>2026", kind="text/xml"), "is cut, or is no XML", 5.0),
    "HTML": (reply("<html></html>", kind="text/html"), "is text/html, not XML", 5.0),
    "another root": (reply("<html/>", kind="text/xml"), "not <OAI-PMH>", 5.0),
    "an error": (error("badArgument", "no such set"), "badArgument: no such set", 5.0),
    "no list": (xml("<GetRecord/>"), "has no ListRecords", 5.0),
    "no day": (reply(f"{BEGIN}<ListRecords/></OAI-PMH>", kind="text/xml"), "no responseDate", 5.0),
    "a long token": (listed(A, token="t" * 9_000), "is no token", 5.0),
    "an empty page": (listed(token="t2"), "is empty", 5.0),
    "an entity bomb": (
        reply('<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>', kind="text/xml"),
        "not <OAI-PMH>", 5.0),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_waited_out_with_a_sentence(world, name):
    fault, sentence, wait = FAULTS[name]
    async with playing(harvest(listed(A, token="t1"), fault, listed(B))) as player:
        clock = await world.run(f"arxiv+{player.address}/oai")
    assert await papers(world) == ["arxiv:2001.00001", "arxiv:2001.00002"]
    (told,) = said(world.states)
    assert sentence in told and wait in clock.waits and world.source.place["complete"]


async def test_stopped_after_each_page_it_goes_on_with_the_token(world, tmp_path):
    pages = {
        "": listed(A, token="t1"),
        "t1": listed(B, token="t2"),
        "t2": listed(C, token="t3"),
        "t3": listed(D),
    }

    def answer(asked: Asked) -> bytes:
        if asked.query["verb"] == "Identify":
            return identify()
        return pages[asked.query.get("resumptionToken", "")]

    async with playing(answer) as player:
        for _ in range(4):
            await world.run(
                f"arxiv+{player.address}/oai", after_batch=lambda source, counts, stop: stop.set()
            )
    assert await papers(world) == [f"arxiv:2001.0000{n}" for n in (1, 2, 3, 4)]
    assert world.source.place["complete"] == "2026-11-28" and world.state.position == 4


async def test_a_record_that_cannot_be_used_is_a_dead_letter(world):
    odd = (
        record("2001.00009", "2026-11-20").replace("<metadata>", "<about>").replace("</metadata>", "</about>")
    )
    async with playing(harvest(listed(odd, A))) as player:
        await world.run(f"arxiv+{player.address}/oai")
    (letter,) = await world.letters()
    assert b"oai:arXiv.org:2001.00009" in letter.value and letter.value.startswith(b"<record")
    assert await papers(world) == ["arxiv:2001.00001"]


async def test_signs_that_xml_forbids_do_not_stop_a_harvest(world):
    odd = record("2001.00001", "2026-11-20", "A\x0b title&#x1f; with\x00 signs")
    async with playing(harvest(listed(odd, B))) as player:
        await world.run(f"arxiv+{player.address}/oai")
    assert [event["title"] for event in await world.events()] == ["A title with signs", "A title"]
    assert not said(world.states)
