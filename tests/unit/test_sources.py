"""Files, streams and what is wrong with them; foreign records."""

import asyncio
import gzip
import io
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.producer.readers import array, json_records
from services.producer.readers import found as found_module
from services.producer.sources import FileSource, PacedSource, SourceItem, open_source
from services.producer.sources.source import BATCH_BYTES, BATCH_ITEMS
from shared.errors import InputRefused, UsageError

OURS = [
    b'{"paper_id":"p1", "title" : "One",  "authors":[]}',
    '{"event": "paper.published", "paper_id": "p2", "title": "Zwölf", "extra": 1.0}'.encode(),
    b'{"event":"author.described","author_id":"a","name":"A"}',
]
AAN = {
    "id": "C65-1001", "title": "Some Questions", "authors": ["Abraham, S.", "B, C"], "venue": "COLING",
    "year": 1965, "month": None,
    "doi": None, "references": ["C65-1002"],
}  # fmt: skip
VIS = {
    "doi": "10.1109/VISUAL.1990.1", "title": "Surfaces", "abstract": "About", "year": 1990,
    "publication_title": "Vis 90",
    "authors": [{"position": 1, "name": "J H", "affiliation": "Somewhere"},
                {"position": 2, "name": "L H", "affiliation": ""}],
    "references": ["10.1/A", "2", "2-u", "10.1/a", "10. 2/b"], "internal_references": ["10.1/a", "10.3/c"],
}  # fmt: skip


def items(path, after=0):
    return [(item.position, item.raw) for item in FileSource(path).items(after)]


@pytest.fixture
def write(tmp_path):
    def write(data, name="events.jsonl"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


async def drain(source, after=0, stop=None):
    return [batch async for batch in source.batches(after, stop or asyncio.Event())]


# ---- files


def test_our_lines_pass_byte_for_byte(write):
    assert items(write(b"\n".join(OURS) + b"\n")) == [(1, OURS[0]), (2, OURS[1]), (3, OURS[2])]


def test_no_line_end_at_the_end(write):
    assert items(write(b"\n".join(OURS)))[-1] == (3, OURS[2])


def test_bom_blank_lines_and_carriage_returns(write):
    path = write(b"\xef\xbb\xbf" + OURS[0] + b"\r\n\r\n   \n" + OURS[1] + b"\r\n")
    assert items(path) == [(1, OURS[0]), (4, OURS[1])]


def test_gzip_is_told_by_its_bytes_not_by_its_name(write):
    assert items(write(gzip.compress(b"\n".join(OURS)), "events.jsonl")) == list(enumerate(OURS, 1))
    assert items(write(gzip.compress(b"\xef\xbb\xbf" + OURS[0]), "bom.gz")) == [(1, OURS[0])]
    assert items(write(gzip.compress(OURS[0] + b"\n") + gzip.compress(OURS[1]), "two.gz")) == list(
        enumerate(OURS[:2], 1)
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_from_the_middle(write, pack):
    assert items(write(pack(b"\n".join(OURS))), after=1) == [(2, OURS[1]), (3, OURS[2])]
    assert items(write(pack(b"\n".join(OURS))), after=3) == []


@pytest.mark.parametrize("space", [b"", b" \n"])
def test_an_array(write, space):
    path = write(space + b"[\n" + b",\n".join(OURS) + b"\n]\n")
    assert [(n, json.loads(raw)) for n, raw in items(path)] == [
        (n, json.loads(raw)) for n, raw in enumerate(OURS, 1)
    ]
    assert [n for n, _ in items(path, after=2)] == [3]


def test_lines_of_which_the_first_begins_with_a_bracket(write):
    assert items(write(b"[1, 2]\n" + OURS[0])) == [(1, b"[1, 2]"), (2, OURS[0])]


def broken(path, *, after=0) -> tuple[list[tuple[int, bytes]], str]:
    """What an array with faults gives, and how it is refused in the end."""
    found = []
    with pytest.raises(InputRefused) as refused:
        for item in FileSource(path).items(after):
            found.append((item.position, item.raw))
    assert (refused.value.exit_code, refused.value.reason, refused.value.field) == (
        3,
        "broken_array",
        str(path),
    )
    return found, refused.value.hint


def ours(*numbers: int) -> list[tuple[int, bytes]]:
    return [
        (
            n,
            json.dumps(
                {"paper_id": f"p{n}", "title": "T", "authors": [{"name": "A, [B]"}]}, separators=(",", ":")
            ).encode(),
        )
        for n in numbers
    ]


FIRST, SECOND, THIRD = (raw for _, raw in ours(1, 2, 3))


@pytest.mark.parametrize("between", [b"", b"\n", b"\r\n  "])
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b'{"paper_id": "p2", "score": NaN}', "element 2 is no JSON"),
        (b'{"paper_id": "p2", "score": -Infinity}', "element 2 is no JSON"),
        (b'{"paper_id": "p2", "authors": [],}', "element 2 is no JSON"),
        (b'{"paper_id": "p2", "title": "\xff"}', "element 2 is no JSON"),
        (b"{'paper_id': 'p2'}", "element 2 is no JSON"),
        (b'{"paper_id": "p2", "title": "no quote}', "element 2"),
        (b'{"paper_id": "p2", "title": "no brace"', "element 2"),
        (b'{"paper_id": "p2", "authors": [{"name": "no bracket"}', "element 2"),
        (b'{"paper_id": "p2"}}', None),
        (b"p2", "element 2 is no JSON"),
    ],
)
def test_one_bad_element_of_an_array_costs_nothing_but_itself(write, bad, said, between):
    whole = b"[" + between + FIRST + b"," + between + bad + b"," + between + THIRD + between + b"]"
    found, hint = broken(write(whole))
    assert (found[0], found[-1][1]) == ((1, FIRST), THIRD)
    assert b"".join(raw for _, raw in found[1:-1]).startswith(bad[:10])
    assert f"byte {whole.index(bad)}" in hint or said is None
    assert (said or "element 3") in hint and "dead letters" in hint


@pytest.mark.parametrize(
    ("whole", "right", "said"),
    [
        (
            b"[%s,%s,\n]" % (FIRST, SECOND),
            [1, 2],
            f"a comma too many before ] at byte {len(FIRST + SECOND) + 2} ",
        ),
        (b"[%s,,%s]" % (FIRST, SECOND), [1, 2], f"a comma too many at byte {len(FIRST) + 2} "),
        (b"[,%s]" % FIRST, [1], "a comma too many at byte 1 "),
        (b"[%s %s]" % (FIRST, SECOND), [1, 2], f"a comma is missing at byte {len(FIRST) + 2} "),
        (
            b"[%s,%s" % (FIRST, SECOND),
            [1, 2],
            f"the file ends without a ] at byte {len(FIRST + SECOND) + 2} ",
        ),
        (
            b"[%s,%s\n" % (FIRST, SECOND),
            [1, 2],
            f"the file ends without a ] at byte {len(FIRST + SECOND) + 3} ",
        ),
        (
            b"\xef\xbb\xbf[%s,%s" % (FIRST, SECOND),
            [1, 2],
            f"the file ends without a ] at byte {len(FIRST + SECOND) + 5} ",
        ),
        (b"[%s]\n,%s]" % (FIRST, SECOND), [1, 2], f"a ] too early at byte {len(FIRST) + 1}"),
        (b"[", [], "the file ends without a ] at byte 1 "),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_wrong_between_elements_is_one_message(write, whole, right, said, pack):
    found, hint = broken(write(pack(whole)))
    assert found == ours(*right)
    assert said in hint and "dead letters" not in hint


def test_an_array_that_is_cut_in_an_element(write):
    whole = b"[" + FIRST + b"," + SECOND[:30]
    found, hint = broken(write(whole))
    assert found == [(1, FIRST), (2, SECOND[:30])], "the rest becomes a dead letter"
    assert f"element 2 has no end, it begins at byte {len(FIRST) + 2} " in hint and "without" not in hint


def test_a_broken_array_from_the_middle(write):
    found, hint = broken(write(b"[%s,NaN,%s]" % (FIRST, THIRD)), after=2)
    assert found == [(3, THIRD)] and f"begins at byte {len(FIRST) + 2} " in hint


def test_many_faults_are_few_words(write):
    _, hint = broken(write(b"[" + FIRST + b"," + b"NaN," * 1000 + SECOND + b"]"))
    assert "and 995 more" in hint and len(hint) < 1_000


def test_an_array_is_read_in_bounded_memory(write, monkeypatch):
    held = []

    class Watched(array.Elements):
        def _read(self):
            held.append(len(self._data))
            return super()._read()

    monkeypatch.setattr(json_records, "Elements", Watched)
    long = b'{"paper_id":"p","x":"' + b"y" * (3 * array.CHUNK) + b'"}'
    path = write(b"[" + b",\n".join([FIRST] * 70_000 + [long] + [SECOND] * 70_000) + b"]")
    assert path.stat().st_size > 10 * array.CHUNK
    assert sum(1 for _ in FileSource(path).items()) == 140_001
    assert max(held) < len(long) + 2 * array.CHUNK


def test_an_endless_element_is_cut_and_the_next_one_is_read(write, monkeypatch):
    monkeypatch.setattr(found_module, "LINE_LIMIT", 1_000)
    endless = b'{"paper_id": "p2", "title": "' + b"x" * (5 * array.CHUNK)
    found, _ = broken(write(b"[" + FIRST + b"," + endless + b"," + THIRD + b"]"))
    assert found == [(1, FIRST), (2, endless[:1_000]), (3, THIRD)]


@given(st.binary(max_size=300).map(lambda junk: b"[" + junk), st.integers(1, 50))
def test_whatever_stands_in_a_bracket_ends(junk, limit):
    elements = list(array.Elements(io.BufferedReader(io.BytesIO(junk)), limit))
    assert [element.number for element in elements] == list(range(1, len(elements) + 1))


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(values, max_size=8), st.sampled_from([None, 0, 3]), st.booleans(), st.integers(1, 7))
def test_the_elements_are_those_that_json_has(right, indent, ascii_only, step):
    class Slow(io.BytesIO):
        def read1(self, _=-1):
            return super().read1(step)

    text = json.dumps(right, indent=indent, ensure_ascii=ascii_only).encode()
    elements = array.Elements(Slow(text), 1 << 20)
    assert [json.loads(element.raw) for element in elements] == right
    assert elements.faults == []


# ---- encodings


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", ['{"paper_id": "p"}\n', '[\n{"paper_id": "p"}]', ' {"paper_id": "\u0160"}', "[]"]
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_file_that_is_not_utf_8_says_so(write, encoding, text, pack):
    with pytest.raises(InputRefused, match=f"the file is {encoding[:6].upper()}; make it UTF-8") as refused:
        items(write(pack(text.encode(encoding))))
    assert refused.value.exit_code == 3


def test_utf_16_with_the_mark_of_the_other_order(write):
    with pytest.raises(InputRefused, match="the file is UTF-16"):
        items(write(b"\xfe\xff" + '{"paper_id": "p"}'.encode("utf-16-be")))


async def test_a_stream_that_is_not_utf_8_says_so(pipe):
    source, writer = pipe
    os.write(writer, '{"paper_id": "p"}'.encode("utf-16"))
    os.close(writer)
    with pytest.raises(InputRefused, match="the file is UTF-16; make it UTF-8"):
        await drain(source)


# ---- lines without end


def test_an_endless_line_is_cut_and_the_next_one_is_read(write, monkeypatch):
    monkeypatch.setattr(found_module, "LINE_LIMIT", 100)
    assert items(write(b"x" * 1_000 + b"\n" + OURS[0] + b"\n")) == [(1, b"x" * 100), (2, OURS[0])]


def test_empty_file(write):
    assert items(write(b"")) == [] == items(write(b"\n\n", "blank.jsonl"))


@pytest.mark.parametrize("cut", [0.5, 0.98])
def test_gzip_cut_short(write, cut):
    packed = gzip.compress(b"\n".join(OURS * 2_000))
    path = write(packed[: int(len(packed) * cut)])
    with pytest.raises(InputRefused, match="ends early or is damaged"):
        items(path)


def test_what_is_wrong_with_a_path(tmp_path):
    with pytest.raises(UsageError, match=r"no file .*missing.jsonl"):
        open_source(f"file:{tmp_path}/missing.jsonl")
    with pytest.raises(UsageError, match="has no file with a known suffix"):
        open_source(str(tmp_path))
    (tmp_path / "plain").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot read"):
        open_source(f"{tmp_path}/plain/below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(write):
    path = write(OURS[0])
    path.chmod(0)
    with pytest.raises(UsageError, match="permission"):
        open_source(str(path))


def test_a_file_that_changed_is_another_one(write):
    path = write(OURS[0])
    before = FileSource(path)
    assert FileSource(path).identity == before.identity and FileSource(path).name == before.name
    path.write_bytes(OURS[1])
    assert FileSource(path).identity != before.identity and FileSource(path).name != before.name


async def test_batches_are_bounded(write):
    lines = [b'{"paper_id":"%d"}' % n for n in range(2 * BATCH_ITEMS + 5)]
    batches = await drain(FileSource(write(b"\n".join(lines))))
    assert [len(batch) for batch in batches] == [BATCH_ITEMS, BATCH_ITEMS, 5]
    assert [item.raw for batch in batches for item in batch] == lines
    long = b'{"paper_id":"p","x":"' + b"y" * (BATCH_BYTES // 3) + b'"}'
    assert [len(batch) for batch in await drain(FileSource(write(b"\n".join([long] * 7))))] == [3, 3, 1]


async def test_batches_end_when_told(write):
    stop = asyncio.Event()
    source = FileSource(write(b"\n".join([OURS[0]] * (3 * BATCH_ITEMS))))
    seen = []
    async for batch in source.batches(0, stop):
        seen.append(batch)
        stop.set()
    assert len(seen) == 1


def test_how_much_was_read(write):
    source = FileSource(write(gzip.compress(b"\n".join(OURS))))
    assert source.read == 0
    list(source.items())
    assert source.read == source.size > 0


# ---- names of sources


def test_names(write, tmp_path, monkeypatch):
    path = write(OURS[0])
    monkeypatch.chdir(tmp_path)
    for spec in (f"file:{path}", str(path), "events.jsonl", "file:events.jsonl", "./events.jsonl"):
        assert open_source(spec).path == path


@pytest.mark.parametrize("spec", ["kafka:topic", "http://example.org/x", "file:", "", "nothing:"])
def test_unknown_sources_are_told_what_there_is(spec):
    with pytest.raises(UsageError, match=r"file:PATH[\s\S]*demo:"):
        open_source(spec)


def test_a_seed_is_a_number():
    with pytest.raises(UsageError, match="seed"):
        open_source("demo:x")


# ---- streams


@pytest.fixture
def pipe(tmp_path):
    """A named pipe opened as a source, and its writing end."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)  # both ends at once, so that opening waits for nobody
    source = open_source(f"file:{path}")
    writer = os.open(path, os.O_WRONLY)
    os.close(end)
    yield source, writer
    os.close(source.descriptor)


async def test_a_pipe_gives_what_has_arrived(pipe):
    source, writer = pipe
    batches = source.batches(0, asyncio.Event())
    os.write(writer, OURS[0] + b"\n" + OURS[1][:10])
    assert await anext(batches) == [SourceItem(1, OURS[0])]
    os.write(writer, OURS[1][10:] + b"\n\n" + OURS[2])
    assert await anext(batches) == [SourceItem(2, OURS[1])]
    os.close(writer)
    assert await anext(batches) == [SourceItem(4, OURS[2])]
    with pytest.raises(StopAsyncIteration):
        await anext(batches)


async def test_a_silent_pipe_can_be_stopped(pipe):
    source, writer = pipe
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    async with asyncio.timeout(5):
        assert await drain(source, stop=stop) == []
    os.close(writer)


async def test_a_stream_with_a_mark_and_one_that_is_packed(pipe):
    source, writer = pipe
    os.write(writer, b"\xef\xbb\xbf" + OURS[0] + b"\n")
    os.close(writer)
    assert await drain(source) == [[SourceItem(1, OURS[0])]]


async def test_a_packed_stream_is_unpacked(pipe):
    source, writer = pipe
    os.write(writer, gzip.compress(OURS[0]))
    os.close(writer)
    assert await drain(source) == [[SourceItem(1, OURS[0])]]


def test_a_stream_is_read_as_items_too(pipe):
    source, writer = pipe
    os.write(writer, b"\n".join(OURS))
    os.close(writer)
    assert list(source.items()) == [SourceItem(n, raw) for n, raw in enumerate(OURS, 1)]


# ---- sources that are made


class ChannelIds(PacedSource):
    name, ahead = "numbers", 3

    def rate(self, position):
        return 200.0

    def items(self, after=0):
        for n in range(after + 1, 41):
            yield SourceItem(n, b"%d" % n)


async def test_a_pace_is_kept():
    loop = asyncio.get_running_loop()
    begin = loop.time()
    batches = await drain(ChannelIds())
    assert [item.position for batch in batches for item in batch] == list(range(1, 41))
    assert [item.position for item in batches[0]] == [1, 2, 3], "what is ahead comes at once"
    assert loop.time() - begin >= 37 / 200 * 0.95


# ---- foreign records


def test_a_record_of_aan(write):
    [(_, raw)] = items(write(json.dumps(AAN).encode()))
    event = json.loads(raw)
    assert event == {
        "event": "paper.published", "paper_id": "C65-1001", "title": "Some Questions", "published": "1965",
        "venue": "COLING", "doi": None,
        "authors": [{"name": "S. Abraham"}, {"name": "C B"}], "references": ["C65-1002"],
    }  # fmt: skip
    [(_, raw)] = items(write(json.dumps(AAN | {"month": 6}).encode()))
    assert json.loads(raw)["published"] == "1965-06"


def test_a_record_of_vis(write):
    [(_, raw)] = items(write(json.dumps(VIS).encode()))
    event = json.loads(raw)
    assert event == {
        "event": "paper.published", "paper_id": "doi:10.1109/visual.1990.1", "title": "Surfaces",
        "abstract": "About", "published": "1990",
        "venue": "Vis 90", "doi": "10.1109/visual.1990.1",
        "authors": [{"name": "J H", "affiliations": ["Somewhere"]}, {"name": "L H", "affiliations": []}],
        "references": ["doi:10.1/a", "doi:10.2/b", "doi:10.3/c"],
    }  # fmt: skip


def test_foreign_records_in_an_array(write):
    path = write(json.dumps([AAN, VIS, {"paper_id": "p"}]).encode())
    assert [json.loads(raw)["paper_id"] for _, raw in items(path)] == [
        "C65-1001",
        "doi:10.1109/visual.1990.1",
        "p",
    ]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (AAN | {"year": "1965"}, "year: must be an integer (AAN record) [wrong_type]"),
        (AAN | {"year": 1965.0}, "year: must be an integer (AAN record) [wrong_type]"),
        (AAN | {"year": True}, "year: must be an integer (AAN record) [wrong_type]"),
        (AAN | {"year": 19650}, "year: must be from 1000 to 9999 (AAN record) [invalid_value]"),
        (AAN | {"month": "May"}, "month: must be an integer (AAN record) [wrong_type]"),
        (AAN | {"month": 13}, "month: must be from 0 to 12 (AAN record) [invalid_value]"),
        (AAN | {"id": 7}, "id: must be a string (AAN record) [wrong_type]"),
        (AAN | {"title": None}, "title: must be a string (AAN record) [wrong_type]"),
        (AAN | {"authors": "A, B"}, "authors: must be an array (AAN record) [wrong_type]"),
        (AAN | {"authors": ["A", 1]}, "authors.1: must be a string (AAN record) [wrong_type]"),
        (AAN | {"references": {}}, "references: must be an array (AAN record) [wrong_type]"),
        (VIS | {"year": "1991"}, "year: must be an integer (VIS record) [wrong_type]"),
        (VIS | {"doi": 7}, "doi: must be a string (VIS record) [wrong_type]"),
        (VIS | {"doi": " "}, "doi: must be a DOI (VIS record) [invalid_value]"),
        (VIS | {"authors": [""]}, "authors.0: must be an object (VIS record) [wrong_type]"),
        (VIS | {"authors": [{"name": 3}]}, "authors.0.name: must be a string (VIS record) [wrong_type]"),
        (
            VIS | {"authors": None, "references": [3]},
            "references.0: must be a string (VIS record) [wrong_type]",
        ),
    ],
)
def test_a_foreign_record_with_a_wrong_type_names_the_field(write, record, said):
    raw = json.dumps(record).encode()
    [item] = FileSource(write(raw)).items()
    assert (item.position, item.raw, str(item.refusal)) == (1, raw, said)


@pytest.mark.parametrize("raw", [b'{"id": "x"}', b"3", b'"x"', b'{"title": "T"}', b"hello"])
def test_what_nothing_is_known_about_asks_for_its_name(write, raw):
    for lines in (1, 30):
        with pytest.raises(UsageError, match=r"cannot tell what .*events.jsonl holds.* events:, aan:"):
            items(write(b"\n".join([raw] * lines)))
    found = list(FileSource(write(raw), "events").items())
    assert found == [SourceItem(1, raw)], "with its name given, the intake says what is wrong"


@pytest.mark.parametrize(
    "written",
    ["10.1109/A", "10.1109/a", "https://doi.org/10.1109/A", "http://dx.doi.org/10.1109%2FA", "doi:10.1109/A",
     "DOI 10.1109/A",
     "doi.org/10.1109/a", "10.1109/a.", " 10. 1109/A ,", "info:doi/10.1109/a",
     "https://doi.example.org/10.1109/A",
     "Visual 91, doi:10.1109/A", "\u200b10.1109/A"],
)  # fmt: skip
def test_a_doi_is_the_same_in_every_form(write, written):
    cites, cited = VIS | {"references": [written], "internal_references": []}, VIS | {"doi": written}
    [(_, citing), (_, own)] = items(write(json.dumps(cites).encode() + b"\n" + json.dumps(cited).encode()))
    assert json.loads(citing)["references"] == [json.loads(own)["paper_id"]] == ["doi:10.1109/a"]


def test_what_is_left_out_of_foreign_records_is_counted(write):
    nameless = VIS | {"authors": [{"name": "\u200b"}, {"name": "A"}, {}]}
    source = FileSource(write(json.dumps([VIS, nameless]).encode()))
    list(source.items())
    assert source.left_out == {"references without an id": 4, "authors without a name": 2}
