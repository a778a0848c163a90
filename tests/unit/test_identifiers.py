"""Identifiers in the forms in which real records have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import identifiers

SICI = "10.1002/(sici)1097-461x(1998)66:4<261::aid-qua1>3.0.co;2-t"
DOIS = {
    "10.1007/JHEP03(2015)073": "10.1007/jhep03(2015)073",
    "https://doi.org/10.1002/(SICI)1097-461X(1998)66:4%3C261::AID-QUA1%3E3.0.CO;2-T": SICI,
    "10.1002/(SICI)1097-461X(1998)66:4&lt;261::AID-QUA1&gt;3.0.CO;2-T": SICI,
    "http://dx.doi.org/10.1103/PhysRevD.93.016005": "10.1103/physrevd.93.016005",
    "doi:10.1000/xyz;": "10.1000/xyz",
    "DOI: 10.1000/xyz).": "10.1000/xyz",
    "10.1000/a(b)": "10.1000/a(b)",
    "10.1000/50%25": "10.1000/50%25",  # a bare DOI is not decoded
    "10.5281/zenodo.12.v2": "10.5281/zenodo.12.v2",  # a version is an id of its own
    "10.1000.10/x": "10.1000.10/x",
    "10.1/x": None,
    "10.1000/": None,
    "10.1000/.;": None,
    "10.1000/a b": None,
    "see 10.1000/x": None,
    "10.1000/" + "x" * 242: "10.1000/" + "x" * 242,
    "10.1000/" + "x" * 243: None,
    "unavailable": None,
    "": None,
    None: None,
}
ARXIVS = {
    "2101.00001": "2101.00001",
    "arXiv:0704.0001v2": "0704.0001",
    "http://arxiv.org/abs/hep-th/9901001v3": "hep-th/9901001",
    "https://arxiv.org/pdf/2101.00001v1.pdf": "2101.00001",
    "https://export.arxiv.org/abs/2101.00001": "2101.00001",
    "math.CO/9901016": "math/9901016",
    "math.CO/9901016v1": "math/9901016",
    "cond-mat/0101001": "cond-mat/0101001",
    "oai:arXiv.org:0704.0001": "0704.0001",
    "arXiv:2101.00001 [cs.CL]": "2101.00001",
    "10.48550/arXiv.2101.00001": "2101.00001",
    "https://doi.org/10.48550/arXiv.math/0101001": "math/0101001",
    "10.48550/other.2101.00001": None,
    "2113.00001": None,  # there is no month 13
    "2101.001": None,
    "foo/9901016": None,  # no archive
    "": None,
    None: None,
}
ORCIDS = {  # those of ORCID's own documentation
    "0000-0002-1825-0097": "0000-0002-1825-0097",
    "https://orcid.org/0000-0002-1825-0097": "0000-0002-1825-0097",
    "http://orcid.org/0000-0001-5109-3700": "0000-0001-5109-3700",
    "orcid:0000-0002-1694-233x": "0000-0002-1694-233X",
    "0000000218250097": "0000-0002-1825-0097",
    "0000\u20100002\u20101825\u20100097": "0000-0002-1825-0097",
    "0000-0002-1825-0098": None,
    "0000-0000-0000-0001": None,  # its check digit is right, and nobody has it
    "": None,
    None: None,
}


@pytest.mark.parametrize(("text", "right"), DOIS.items())
def test_doi(text, right):
    assert identifiers.doi(text) == right
    assert right is None or identifiers.doi(right) == right


@pytest.mark.parametrize(("text", "right"), ARXIVS.items())
def test_arxiv(text, right):
    assert identifiers.arxiv(text) == right


@pytest.mark.parametrize(("text", "right"), ORCIDS.items())
def test_orcid(text, right):
    assert identifiers.orcid(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [("PMID: 0123", "123"), (31452104, "31452104"), ("https://pubmed.ncbi.nlm.nih.gov/31452104/", "31452104")]
    + [(nothing, None) for nothing in ("0", 0, "unavailable", "", None, True, "123456789012")],
)
def test_pmid(text, right):
    assert identifiers.pmid(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/8651360", "PMC8651360"),
        ("PMC8651360.1", "PMC8651360"),
        ("https://pmc.ncbi.nlm.nih.gov/articles/PMC123/", "PMC123"),
        (123, "PMC123"),
        ("PMC", None),
        (None, None),
    ],
)
def test_pmcid(text, right):
    assert identifiers.pmcid(text) == right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("978-3-528-08599-5", "9783528085995"),
        ("0-306-40615-2", "9780306406157"),
        ("ISBN 080442957X", "9780804429573"),
        ("9783528085996", None),
        ("0-306-40615-3", None),
        ("1234567890123", None),
        ("", None),
        (None, None),
    ],
)
def test_isbn(text, right):
    assert identifiers.isbn(text) == right


def test_the_dois_that_arxiv_gives_are_arxiv_ids():
    assert identifiers.paper_id_of_doi("10.48550/arxiv.2101.00001") == "arxiv:2101.00001"
    assert identifiers.paper_id_of_doi("10.48550/arxiv.") == "doi:10.48550/arxiv."
    assert identifiers.paper_id_of_doi("10.1000/x") == "doi:10.1000/x"


@given(
    st.text(max_size=40) | st.from_regex(r"(https?://)?(doi|arxiv|orcid)[.:/]?10\.\d{4}/.*", fullmatch=True)
)
def test_any_text_gives_an_identifier_or_none_and_the_same_again(text):
    for read in (identifiers.doi, identifiers.arxiv, identifiers.orcid, identifiers.pmcid, identifiers.isbn):
        found = read(text)
        assert found is None or read(found) == found
