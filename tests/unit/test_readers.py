"""How files hold records: each container, damaged and whole, packed and not."""

import gzip
import io
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from services.producer.formats.containers import Container
from services.producer.readers import (
    begin,
    bibtex_records,
    csv_records,
    json_records,
    ris_records,
    text_lines,
    xml_records,
)
from services.producer.readers import found as found_module
from services.producer.readers.grouping import Edges
from services.producer.readers.unpack import DAMAGE, begun, unpacked
from shared.errors import InputRefused

ONE, TWO, THREE = {"id": 1}, {"id": 2, "list": [{"results": [1]}]}, {"id": 3}
META = {"count": 3, "groups": [{"results": [7]}], "text": '"results":['}


def found(reader, data: bytes, *more):
    head, stream = begun(unpacked(io.BufferedReader(io.BytesIO(data))))
    return list(reader(stream, head, "file", *more))


def values(data: bytes) -> list:
    return [
        one.record if one.record is not None else json.loads(one.raw)
        for one in found(json_records.records, data)
    ]


# ---- JSON

PAGES = {
    "results": {"meta": META, "results": [ONE, TWO]},
    "items": {"items": [ONE, TWO]},
    "message": {"status": "ok", "message": {"facets": {}, "items": [ONE, TWO], "total": 2}},
    "hits": {"hits": {"total": 2, "hits": [ONE, TWO]}},
    "data": {"data": [ONE, TWO], "next": None},
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_the_list_of_an_answer_is_its_records(page, indent, pack):
    text = json.dumps(page, indent=indent).encode()
    assert values(pack(text)) == [ONE, TWO]
    last = json.dumps({"meta": META, "results": [THREE]}, indent=indent).encode()
    assert values(pack(b"\xef\xbb\xbf" + text + b"\n" + last + b"\n")) == [ONE, TWO, THREE], "page by page"


def test_a_large_answer_is_read_element_by_element():
    many = [{"id": n, "text": "x" * 1_000} for n in range(500)]
    text = json.dumps({"meta": META, "items": many}).encode()
    assert values(text) == many
    assert values(text + b"\n" + text) == many + many
    assert [one.position for one in found(json_records.records, text)] == list(range(1, 501))
    with pytest.raises(InputRefused, match="the JSON array is broken: element 498 has no end"):
        values(text[:-3_000])


def test_records_of_one_line_share_a_position():
    line = json.dumps(PAGES["results"]).encode()
    given = found(json_records.records, line + b"\n" + line)
    assert [(one.position, one.last) for one in given] == [(1, False), (1, True), (2, False), (2, True)]


def test_objects_over_several_lines():
    text = b"\n".join(json.dumps(one, indent=2).encode() for one in (ONE, TWO, THREE))
    assert values(text) == [ONE, TWO, THREE]
    broken = text.replace(b'"id": 3', b'"id": three')
    assert [one.raw for one in found(json_records.records, broken)][-1] == b'{\n  "id": three\n}'


def test_a_record_that_only_has_such_a_member_is_a_record():
    records = [{"id": 1, "deep": {"deeper": {"items": [1]}}}, {"items": "none"}, {"results": {"x": 1}}]
    assert values(b"\n".join(json.dumps(one).encode() for one in records)) == records


# ---- XML

DBLP = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE dblp SYSTEM "dblp.dtd" [<!ENTITY file SYSTEM "file:///etc/hostname">]>
<dblp><article key="a"><author>Joaqu&iacute;n Pe\xf1a</author><title>A &amp; &file; &unknown;</title></article>
<other/><www key="b"><author>B</author></www></dblp>""".encode("latin-1")  # noqa: E501


def texts(data: bytes, *tags: str) -> list[str]:
    head, stream = begun(unpacked(io.BufferedReader(io.BytesIO(data))))
    return ["|".join(one.record.itertext()) for one in xml_records.records(stream, head, "file", tags)]


def test_xml_gives_elements_with_the_characters_that_their_names_mean():
    assert texts(DBLP, "article", "www") == ["Joaquín Peña|A & &file; &unknown;", "B"]


def test_entities_and_files_stay_outside():
    bomb = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    data = f'<!DOCTYPE d [<!ENTITY a0 "x">{bomb}]><d><article>&a11;</article></d>'.encode()
    assert texts(data, "article") == ["&a11;"]


@pytest.mark.parametrize("step", [1, 7, 64])
def test_entities_that_are_cut_between_two_reads(step, monkeypatch):
    monkeypatch.setattr(xml_records, "_PIECE", step)
    assert texts(DBLP, "article") == ["Joaquín Peña|A & &file; &unknown;"]


def test_xml_that_is_cut_gives_what_came_before():
    seen = []
    head, stream = begun(io.BytesIO(DBLP[:-20]))
    with pytest.raises(InputRefused, match=r"the XML is broken.*The 1 records before"):
        for one in xml_records.records(stream, head, "file", ("article", "www")):
            seen.append(one.position)
    assert seen == [1]


def test_xml_without_records_ends_within_a_limit(monkeypatch):
    monkeypatch.setattr(found_module, "LINE_LIMIT", 1 << 17)
    with pytest.raises(InputRefused, match="no end of a record within"):
        texts(b"<d>" + b"<x>y</x>" * 100_000, "article")


# ---- CSV, RIS, BibTeX


def test_rows_are_dicts_by_the_names_of_the_columns():
    data = b'\xef\xbb\xbfa, b,c\r\n1,"two\nlines",3,more\r\n\r\n4,5\r\n\xe9,"",\r\n'
    rows = found(csv_records.records, data)
    assert [one.record for one in rows] == [
        {"a": "1", "b": "two\nlines", "c": "3"},
        {"a": "4", "b": "5", "c": ""},
        {"a": "é", "b": "", "c": ""},
    ]
    assert rows[0].raw == b'1,"two\nlines",3,more'


def test_a_quote_without_an_end_ends_within_a_limit(monkeypatch):
    monkeypatch.setattr(found_module, "LINE_LIMIT", 10_000)
    with pytest.raises(InputRefused, match="more than 10,000 bytes"):
        list(found(csv_records.records, b'a,b,c\n1,"' + b"x\n" * 20_000))


RIS = (
    b"1.\r\nTY  - JOUR\r\nTI  - One\r\n and two\r\nAU  - A\r\nAU  - B\r\nER  - \r\n\r\nTY  - BOOK\r\nTI  "
    b"- "
    b"T\r\nTY  - RPRT\r\n"
)


def test_references_in_ris():
    assert [one.record for one in found(ris_records.records, RIS)] == [
        {"TY": ["JOUR"], "TI": ["One and two"], "AU": ["A", "B"]},
        {"TY": ["BOOK"], "TI": ["T"]},
        {"TY": ["RPRT"]},
    ]


BIB = """@string{jj = "Journal"}
@comment{x}
@article{a, title={A {B}}, journal=jj}
@article{a, title={again}}
@book{c, title={no end
@misc{d, title={D}, month=may}
"""


@pytest.mark.parametrize("piece", [1, 1 << 18])
def test_entries_of_bibtex_whatever_stands_between_them(piece, monkeypatch):
    monkeypatch.setattr(bibtex_records, "PIECE", piece)
    given = found(bibtex_records.records, BIB.encode())
    assert [(one.record.key if one.record else str(one.fault.reason)) for one in given] == [
        "a",
        "unusable_record",
        "unusable_record",
        "d",
    ]
    assert given[0].record.fields_dict["journal"].value == "Journal"
    assert "'a'" in given[1].fault.hint and given[1].raw == b"@article{a, title={again}}"


def test_text_in_another_encoding():
    assert text_lines.text_of("é".encode()) == text_lines.text_of(b"\xe9") == "é"


# ---- whatever comes


@given(st.binary(max_size=300) | st.sampled_from([DBLP, RIS, BIB.encode()]), st.integers(0, 300))
def test_any_bytes_end_in_records_or_a_refusal(data, cut):
    data = data[:cut] + b"\xff<&@{" + data[cut:]
    for reader in (json_records, csv_records, ris_records, bibtex_records, xml_records):
        try:
            places = [one.position for one in found(reader.records, data)]
        except InputRefused:
            continue
        assert places == sorted(places)


# ---- kinds of files


@pytest.mark.parametrize(
    ("head", "name", "right"),
    [
        (b'{"a": 1}', "x.csv", Container.JSON),
        (b"\xef\xbb\xbf [", "x", Container.JSON),
        (b"<?xml?>", "x", Container.XML),
        (b"% hello\n@article{", "x", Container.BIBTEX),
        (b"hello", "x.bib.gz", Container.BIBTEX),
        (b"1.\nTY  - JOUR", "x", Container.RIS),
        (b"a,b,c\n1,2,3\n", "x", Container.CSV),
        (b"a\tb", "x.csv", Container.CSV),
        (b"hello", "x", Container.JSON),
    ],
)
def test_containers(head, name, right):
    assert begin.container_of(head, name) == right


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"%PDF-1.7", "is a PDF"),
        (b"PAR1\x15", "is Parquet"),
        (b"PK\x05\x06" + b"\0" * 18, "is a zip archive"),
        (b"PK\x03\x04", "unpack it first: unzip"),
        (b"BZh9", "bunzip2"),
        (b"\n<!DOCTYPE html>", "HTML"),
        (b"<HTML lang=en>", "HTML"),
        ("{}".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_hold_no_records_say_what_they_are(head, said):
    with pytest.raises(InputRefused, match=said):
        begin.check_kind(head, "file")


def test_zstandard_frames_and_damage():
    packed = zstandard.ZstdCompressor().compress(b"x" * 100_000)
    _, stream = begun(unpacked(io.BufferedReader(io.BytesIO(packed + packed))))
    assert stream.read() == b"x" * 200_000
    with pytest.raises(DAMAGE):
        begun(unpacked(io.BufferedReader(io.BytesIO(packed[:-5]))))[1].read()


# ---- edges


def test_edges_of_one_paper_come_together(monkeypatch):
    monkeypatch.setattr("services.producer.readers.grouping.RUN", 7)
    monkeypatch.setattr("services.producer.readers.grouping.RUNS", 3)
    monkeypatch.setattr("services.producer.readers.grouping.MOST", 20)
    edges = Edges()
    for number in range(300):
        edges.add(f"p{number % 10}", f"c{number}")
    groups = list(edges.groups())
    assert [citing for citing, _, _ in groups] == [f"p{n}" for n in range(10)]
    assert groups[3] == ("p3", [f"c{n}" for n in range(3, 203, 10)], 10)
