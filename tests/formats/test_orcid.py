"""Records of ORCID, in XML and JSON, become the events that their fixtures tell."""

import pytest

from services.producer.formats import orcid_json
from shared.errors import InputRefused
from tests.formats.examples import fixtures
from tests.formats.files import check_file


@pytest.mark.parametrize("path", fixtures("orcid"))
def test_fixtures(path):
    check_file(path, "orcid")


def test_a_wrong_check_digit_is_refused():
    with pytest.raises(InputRefused, match="check digit"):
        orcid_json.events({"orcid-identifier": {"path": "0000-0005-1111-0001"}, "person": {}, "history": {}})


def test_a_record_inside_a_deprecated_one_names_the_new_id():
    events = orcid_json.events(
        {
            "orcid-identifier": {"path": "0000-0005-2222-0001"},
            "deprecated": {"primary-record": {"orcid-identifier": {"path": "0000-0005-1111-000X"}}},
            "history": {"last-modified-date": {"value": 7}},
            "person": None,
        }
    )
    merged = {"author_id": "orcid:0000-0005-2222-0001", "into": "orcid:0000-0005-1111-000X", "revision": 7}
    assert events == [{"event": "author.merged", **merged}]
