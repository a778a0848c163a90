"""Records of inspire become the events that their fixtures tell."""

import pytest

from services.producer.formats import inspire
from tests.formats.examples import check, fixtures


@pytest.mark.parametrize("path", fixtures("inspire"))
def test_fixtures(path):
    check(path, inspire)
