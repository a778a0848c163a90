"""Records of Semantic Scholar become the events that their fixtures tell."""

import orjson
import pytest

from services.producer.formats import semanticscholar, semanticscholar_citations
from services.producer.sources import FileSource
from shared.errors import InputRefused
from tests.formats.examples import RELEASE, check, fixtures


@pytest.mark.parametrize("path", fixtures("semanticscholar"))
def test_fixtures(path):
    if path.name.startswith("graph"):
        options = {}
    else:
        options = {"release": "2024-10-15" if "SYNTHETIC" in path.name else RELEASE}
    check(path, semanticscholar, semanticscholar_citations, **options)


def test_a_deleted_paper_needs_the_day_of_its_release():
    with pytest.raises(InputRefused, match="release"):
        semanticscholar.events({"corpusid": 900009})


def test_the_day_of_a_release_is_in_the_path(tmp_path):
    file = tmp_path / "2024-10-15" / "deleted.jsonl"
    file.parent.mkdir()
    file.write_text('{"corpusid": 900009}\n')
    (item,) = FileSource(file, "semanticscholar").items()
    assert orjson.loads(item.raw)["revision"] == 1728950400000


def test_a_paper_without_its_number_is_refused_with_the_way_to_get_it():
    with pytest.raises(InputRefused, match="fields=corpusId"):
        semanticscholar.events({"paperId": "a" * 40, "title": "Ink"})
