"""References in RIS become the events that their fixtures tell."""

import pytest

from services.producer.formats import ris
from shared.errors import InputRefused
from tests.formats.examples import fixtures
from tests.formats.files import check_file


@pytest.mark.parametrize("path", fixtures("ris"))
def test_fixtures(path):
    check_file(path, "ris")


def test_without_a_namespace_a_reference_without_an_id_is_refused():
    with pytest.raises(InputRefused, match="--namespace NAME"):
        ris.events({"TY": ["JOUR"], "TI": ["A title"]})


def test_a_reference_without_title_and_id_has_no_id_to_get():
    with pytest.raises(InputRefused, match="no other id"):
        ris.events({"TY": ["JOUR"], "AU": ["Lee, Ann"]}, namespace="lib")


def test_the_same_reference_has_the_same_id_in_another_export():
    first = {"TY": ["JOUR"], "ID": ["1"], "TI": ["A  Title"], "AU": ["Lee, Ann"], "PY": ["2020"]}
    second = {"TY": ["JOUR"], "ID": ["2"], "T1": ["a title"], "A1": ["LEE, Ann"], "Y1": ["2020///"]}
    ids = {ris.events(one, namespace="lib")[0]["paper_id"] for one in (first, second)}
    assert len(ids) == 1
