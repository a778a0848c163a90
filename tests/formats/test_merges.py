"""Merge files become merges; a row that names no two ids is refused."""

import pytest

from tests.formats.examples import OWN
from tests.formats.files import check_file, read


def test_fixtures():
    check_file(OWN / "merges" / "group.csv.expected.json", "merges", refused=4)


def test_a_refusal_names_the_column():
    refused = read(OWN / "merges" / "group.csv", "merges").refused
    assert [(str(one.reason), one.field) for one in refused] == [
        ("missing_field", "author_id"),
        ("invalid_value", "into"),
        ("invalid_value", "revision"),
        ("invalid_value", "into"),
    ]


@pytest.mark.parametrize("suffix", [".txt", "", ".csv"])
def test_two_columns_are_enough_whatever_the_file_is_called(tmp_path, suffix):
    path = tmp_path / f"pairs{suffix}"
    path.write_text("author_id,into\na:1,a:2\n")
    assert [event["into"] for event in read(path, "merges").events] == ["a:2"]
