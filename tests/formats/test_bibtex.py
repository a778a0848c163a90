"""Entries of BibTeX libraries become the events that their fixtures tell."""

import pytest

from tests.formats.examples import fixtures
from tests.formats.files import check_file, read


@pytest.mark.parametrize("path", fixtures("bibtex"))
def test_fixtures(path):
    check_file(path, "bibtex", refused="exports" in path.name)  # one of them has a key twice


def test_without_a_namespace_an_entry_without_an_id_is_refused(tmp_path):
    file = tmp_path / "lib.bib"
    file.write_text(
        "@misc{a, title={No id}}\n@misc{b, title={An id}, doi={10.5555/b}}\n@misc{, title={No key}}\n"
    )
    found = read(file, "bibtex")
    assert [event["paper_id"] for event in found.events] == ["doi:10.5555/b"]
    assert "--namespace NAME" in found.refused[0].hint
    named = read(file, "bibtex", "lib")
    assert [event["paper_id"] for event in named.events] == ["bibtex:lib:a", "doi:10.5555/b"]
    assert len(named.refused) == 1  # the one without a key


def test_a_broken_entry_costs_itself_only(tmp_path):
    file = tmp_path / "lib.bib"
    file.write_text(
        "@article{a, title={Open, year=2020\n\n@article{b, title={Whole}, doi={10.5555/b}}\n"
        "@article{c, title={One}, title={Two}}\n@article{d, title={Last}, doi={10.5555/d}}\n"
    )
    found = read(file, "bibtex", "lib")
    assert [event["paper_id"] for event in found.events] == ["doi:10.5555/b", "doi:10.5555/d"]
    assert len(found.refused) == 2
