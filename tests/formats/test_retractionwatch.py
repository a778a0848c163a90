"""Rows of the Retraction Watch Database become the events that their fixtures tell."""

import pytest

from tests.formats.examples import fixtures
from tests.formats.files import check_file


@pytest.mark.parametrize("path", [*fixtures("retractionwatch")[:1], *fixtures("retraction_watch")])
def test_fixtures(path):
    check_file(path, "retractionwatch")
