"""Records of arXiv, in five shapes, become the events that their fixtures tell."""

import pytest
from lxml import etree

from services.producer.formats import arxiv_atom, arxiv_oai
from services.producer.formats.arxiv_parts import authors_of
from services.producer.formats.fields import ignore
from shared.errors import InputRefused
from tests.formats.examples import fixtures
from tests.formats.files import check_file, read

OWN = [one for one in fixtures("arxiv") if one.values[0]]
REAL = [one for name in ("arxiv_oai", "arxiv_atom", "arxiv_kaggle") for one in fixtures(name)]


@pytest.mark.parametrize("path", OWN + REAL)
def test_fixtures(path):
    check_file(path, "arxiv")


# Lines and names of arXiv's own tests of its parser of authors: github.com/arXiv/arxiv-base, test_authors.py.
LINES = {
    "Simeon Warner": ["Simeon Warner"],
    "The DELPHI Collaboration, J. Abdallah, et al": ["The DELPHI Collaboration", "J. Abdallah"],
    "BELLE Collaboration: A Person, Nother Person": ["BELLE Collaboration", "A Person", "Nother Person"],
    "An Author and Another P. H. J. Author (affil)": ["An Author", "Another P. H. J. Author"],
    "John Von Neumann, Herbert Van de Sompel, Fred Bloggs, Jr, et al": [
        "John Von Neumann",
        "Herbert Van de Sompel",
        "Fred Bloggs Jr",
    ],
    "sum won(1,2)((1)lab a,(2)lab b)": ["sum won"],
    "": [],
}


@pytest.mark.parametrize(("line", "names"), LINES.items())
def test_a_line_of_authors(line, names):
    authors, truncated = authors_of(line, ignore)
    assert [author["name"] for author in authors] == names
    assert truncated == line.endswith("et al")


def test_a_record_of_another_repository_is_refused(tmp_path):
    file = tmp_path / "other.xml"
    file.write_text(
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords><record><header>'
        "<identifier>oai:example.org:1</identifier><datestamp>2020-01-01</datestamp></header></record>"
        "</ListRecords></OAI-PMH>"
    )
    found = read(file, "arxiv")
    assert not found.events
    assert [str(refused.reason) for refused in found.refused] == ["unusable_record"]


def test_an_entry_without_an_address_of_arxiv_is_refused():
    with pytest.raises(InputRefused, match="address of an arXiv paper"):
        arxiv_atom.events(etree.fromstring("<entry><id>https://example.org/1</id></entry>"))


def test_a_record_without_metadata_is_refused():
    text = "<record><header><identifier>oai:arXiv.org:2101.00001</identifier></header></record>"
    with pytest.raises(InputRefused, match="metadata"):
        arxiv_oai.events(etree.fromstring(text))
