"""Records of datacite become the events that their fixtures tell."""

import pytest

from services.producer.formats import datacite
from tests.formats.examples import check, fixtures


@pytest.mark.parametrize("path", fixtures("datacite"))
def test_fixtures(path):
    check(path, datacite)
