"""Records of dblp become the events that their fixtures tell, without its DTD and without network."""

import pytest

from tests.formats.examples import fixtures
from tests.formats.files import check_file, read


@pytest.mark.parametrize("path", fixtures("dblp"))
def test_fixtures(path):
    check_file(path, "dblp")


def test_no_file_of_this_machine_comes_in(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    file = tmp_path / "dblp.xml"
    file.write_text(
        f'<!DOCTYPE dblp SYSTEM "dblp.dtd" [<!ENTITY x SYSTEM "file://{secret}">]><dblp>'
        '<article mdate="2020-01-01" key="k"><author>A &x; B</author><title>T&x;</title></article></dblp>'
    )
    found = read(file, "dblp")
    assert "SECRET" not in str(found)
    assert [event["paper_id"] for event in found.events] == ["dblp:k"]


def test_an_entity_that_doubles_ten_times_over_stays_a_word(tmp_path):
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    file = tmp_path / "dblp.xml"
    file.write_text(
        f'<!DOCTYPE dblp [<!ENTITY l0 "ha">{laughs}]><dblp>'
        '<article mdate="2020-01-01" key="k"><title>&l9; and &amp;l9;</title></article></dblp>'
    )
    found = read(file, "dblp")
    assert found.fault is not None or len(found.events[0]["title"]) < 100


def test_a_cut_file_gives_the_records_before_the_cut(tmp_path):
    file = tmp_path / "dblp.xml"
    record = '<article mdate="2020-01-01" key="k{}"><author>Ann Lee</author><title>T.</title></article>'
    file.write_text("<dblp>" + "".join(map(record.format, range(5))) + record[:40])
    found = read(file, "dblp")
    assert [event["paper_id"] for event in found.events] == [f"dblp:k{n}" for n in range(5)]
    assert found.fault is not None
