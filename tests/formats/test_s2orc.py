"""Records of s2orc become the events that their fixtures tell."""

import pytest

from services.producer.formats import s2orc
from tests.formats.examples import check, fixtures


@pytest.mark.parametrize("path", fixtures("s2orc"))
def test_fixtures(path):
    check(path, s2orc)
