"""Records of unarxive become the events that their fixtures tell."""

import pytest

from services.producer.formats import unarxive
from tests.formats.examples import check, fixtures


@pytest.mark.parametrize("path", fixtures("unarxive"))
def test_fixtures(path):
    check(path, unarxive)
