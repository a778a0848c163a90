"""Records of crossref become the events that their fixtures tell."""

import pytest

from services.producer.formats import crossref
from tests.formats.examples import check, fixtures


@pytest.mark.parametrize("path", fixtures("crossref"))
def test_fixtures(path):
    check(path, crossref)
