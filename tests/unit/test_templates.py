"""Templates of snapshots: each value by its name."""

import pytest

from services.publisher.templates import template

PAPER = template(b'{"citations":%(citations)d,"name":%(name)s,"share":"100%%"}')


def test_values_go_to_their_names():
    assert PAPER(name=b'"a"', citations=7) == b'{"citations":7,"name":"a","share":"100%"}'


@pytest.mark.parametrize("values", [{"citations": 7}, {"citations": 7, "name": b"", "papers": 1}])
def test_a_missing_or_unknown_name_is_an_error(values):
    with pytest.raises(TypeError):
        PAPER(**values)


def test_positions_are_an_error():
    with pytest.raises(TypeError):
        PAPER(7, b"")


def test_a_name_may_occur_once():
    with pytest.raises(ValueError, match="twice"):
        template(b"%(name)s %(name)s")
