"""References in CSL-JSON become the events that their fixtures tell."""

import pytest

from services.producer.formats import csl
from shared.errors import InputRefused
from tests.formats.examples import fixtures
from tests.formats.files import check_file


@pytest.mark.parametrize("path", [one for one in fixtures("csl") if one.values[0]])
def test_fixtures(path):
    check_file(path, "csl")


def test_without_a_namespace_a_reference_without_an_id_is_refused():
    with pytest.raises(InputRefused, match="--namespace NAME"):
        csl.events({"id": "a", "type": "book", "title": "A book", "author": [{"family": "Lee"}]})
