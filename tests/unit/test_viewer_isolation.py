"""What comes from the log stands on a page by itself: text of any direction, overrides, blank titles, DOIs of
every form.
"""

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.viewer.pages.isolation import isolated, tame, title_of
from services.viewer.pages.profile import profile_page
from services.viewer.pages.search import Results, search_page
from shared.identifiers import doi_of, link_of
from tests.snapshots import paper, snapshot

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
texts = st.text(
    st.one_of(st.sampled_from([*BIDI, "א", "a", " ", "\n", "\u2029"]), st.characters(codec="utf-8")),
    max_size=20,
)


def page_of(told: dict, changes=()) -> str:
    return profile_page(told, changes, tag_of="1-1", changed_ms=0, demo=False)


@given(texts)
def test_an_isolate_is_what_opens_and_closes_in_the_text_alone(text):
    depth = 0
    for character in tame(text):
        depth += {"\u2066": 1, "\u2067": 1, "\u2068": 1, "\u2069": -1}.get(character, 0)
        assert depth >= 0, "it would end the isolate around it"
        assert unicodedata.bidirectional(character) != "B", "the end of a paragraph ends every isolate"
    assert depth == 0, "it would take away the end of the isolate around it"
    told = isolated(text)
    assert told == text or (told[0], told[-1]) == ("\u2068", "\u2069")


def test_names_stand_in_the_order_of_the_paper_each_for_itself():
    names = ["דוד לוי", "\u202eevil Rlo", "Anna \u2069Cohen"]
    told = snapshot(
        "a:1",
        name=names[0],
        papers=[paper("p", 1, authors=names, affiliations=["أ", "B"], title="כותרת \u202eX")],
    )
    page = page_of(told)
    assert (
        "<b><bdi>דוד לוי</bdi></b>, <bdi>\u202eevil Rlo</bdi>, <bdi>Anna Cohen</bdi> · <bdi>أ</bdi>, "
        "<bdi>B</bdi>" in page
    )
    assert "<h1><bdi>דוד לוי</bdi></h1>" in page
    assert "<title>\u2068דוד לוי\u2069 · scholarstream</title>" in page
    assert "<h3><bdi>כותרת \u202eX</bdi></h3>" in page


ODD = "\u202eODD"


UNSEEN = (
    "data-live",
    "data-key",
    "id",
    "data-author",
    "value",
    "href",
    "data-whole",
    "data-shape",
    "class",
)  # attributes


def test_nothing_from_the_log_stands_on_a_page_unisolated():
    told = snapshot(
        ODD + "id",
        name=ODD + "name",
        field=ODD + "field",
        affiliations=[{"name": ODD + "place", "papers": 1}],
        aliases=[ODD + "alias"],
        orcid=ODD + "orcid",
        homepage=ODD + "home",
        papers=[paper(ODD + "p", 3, title=ODD + "title", authors=[ODD + "author"],
                      affiliations=[ODD + "place"], field=ODD + "field",
                      citations_by_source={ODD + "source": 1})],
        reported=[{"source": ODD + "reporter", "as_of": "2026-01-01", "h_index": 9, "violations": []}],
    )  # fmt: skip
    told["metrics"][f"counted:{ODD}source"] = dict(told["metrics"]["references"], papers_counted=1)
    told["headline"]["basis"] = f"counted:{ODD}source"
    change = {
        "author_id": ODD, "generation": 1, "version": 2, "before": {"citations": 1},
        "after": {"citations": 2}, "changed": ["citations"],
        "causes": [{"kind": "cited", "paper_id": ODD + "p", "by": ODD + "q"},
                   {"kind": "merged", "paper_id": "r", "other": ODD + "other"},
                   {"kind": "counted", "paper_id": ODD + "s", "source": ODD + "source"}],
        "causes_total": 3,
    }  # fmt: skip
    found = Results([{"author_id": ODD + "id", "name": ODD + "name", "papers": 1}], None, 1)
    for page in (page_of(told, [(0, change)]), search_page(ODD + "query", found)):
        assert page.count(ODD) >= 5
        for place in re.finditer(ODD, page):
            before = page[: place.start()]
            attribute = re.search(r'([a-z-]+)="[^"<>]*$', before)
            if attribute and attribute[1] in (
                "data-live",
                "data-key",
                "id",
                "data-author",
                "value",
                "href",
                "data-whole",
                "data-shape",
                "class",
            ):
                continue  # nobody sees these as text; the field of the search has dir=auto
            near = re.search(r"(<bdi>[^<]*|\u2068[^\u2069]*)$", before)
            assert near, html.unescape(before[-120:])


@pytest.mark.parametrize("title", ["", " ", "\u200b", "\u00a0\u2003", "\u2800", None])
def test_a_blank_title_is_said_to_be_none(title):
    told = snapshot("a:1", papers=[paper("p:1", 3, title=title)], papers_total=1)
    assert title_of({"title": title}) == "(untitled)"
    page = page_of(told)
    assert "<h3><bdi>(untitled)</bdi></h3>" in page
    assert '<th scope="row"><bdi>(untitled)</bdi>' in page, "where numbers are explained"


def test_what_a_description_adds_is_shown():
    orcid, homepage = "https://orcid.org/0000-0001-0002-000x", "https://example.org/?a=1&b=2"
    told = {"aliases": ["Mary Jones", "מרי"], "orcid": orcid, "homepage": homepage}
    page = page_of(snapshot("a:1", name="Mary Smith", **told))
    assert "also <bdi>Mary Jones</bdi>, <bdi>מרי</bdi>" in page
    assert 'href="https://orcid.org/0000-0001-0002-000X"' in page
    assert 'href="https://example.org/?a=1&amp;b=2"' in page
    odd = page_of(snapshot("a:1", orcid="none", homepage="javascript:alert(1)"))
    assert "javascript:" in odd and 'href="javascript' not in odd and "ORCID <bdi>none</bdi>" in odd


LINKS = {
    "10.1000/XYZ": "10.1000/XYZ",
    "https://doi.org/10.1000/XYZ": "10.1000/XYZ",
    "http://dx.doi.org/10.1000/xyz": "10.1000/xyz",
    "HTTPS://DOI.ORG/10.1000/xyz": "10.1000/xyz",
    "https://www.doi.org/10.1000/xyz": "10.1000/xyz",
    "//doi.org/10.1000/xyz": "10.1000/xyz",
    "dx.doi.org/10.1/x": "10.1/x",
    "doi:10.1000/xyz": "10.1000/xyz",
    "DOI: 10.1000/xyz": "10.1000/xyz",
    "doi 10.1000/xyz": "10.1000/xyz",
    "doi:https://doi.org/10.1000/xyz": "10.1000/xyz",
    "https://doi.org/doi:10.1000/xyz": "10.1000/xyz",
    "info:doi/10.1000/xyz": "10.1000/xyz",
    "urn:doi:10.1000/xyz": "10.1000/xyz",
    " 10.1000/xyz\n": "10.1000/xyz",
    "\u200b10.1000/xyz": "10.1000/xyz",
    "https://publisher.example/doi/10.1000/xyz": "10.1000/xyz",
    "10.1002/(sici)1(199823/24)37:3/4<197::aid-x>3.0.co;2-#": (
        "10.1002/(sici)1(199823/24)37:3/4%3C197::aid-x%3E3.0.co;2-%23"
    ),
    "10.1000/a%2fb?x=1": "10.1000/a%252fb%3Fx=1",
    "https://doi.org/10.1000/a%2Fb": "10.1000/a/b",
    "10.1000/é ü": "10.1000/%C3%A9%20%C3%BC",
    '10.1000/"x"': "10.1000/%22x%22",
    "10.1000.10/x": "10.1000.10/x",
}


@pytest.mark.parametrize(("written", "path"), LINKS.items())
def test_a_doi_leads_to_its_place_however_it_is_written(written, path):
    assert link_of(written) == "https://doi.org/" + path
    page = page_of(snapshot("a:1", papers=[paper("p:1", 3, doi=written)]))
    assert f'href="{html.escape("https://doi.org/" + path)}"' in page
    assert doi_of(doi_of(written)) == doi_of(written)


@pytest.mark.parametrize(
    "written", [None, "", "  ", "\u200b", "doi:", "https://doi.org/", "10.1000", "n/a", "10.1000/"]
)
def test_what_is_no_doi_is_no_link(written):
    assert link_of(written) is None
    assert "doi.org" not in page_of(snapshot("a:1", papers=[paper("p:1", 3, doi=written)]))
