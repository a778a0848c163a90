"""The product's adapters for AAN and VIS make the same events of the same files as the plain conversion of
tests/data.py.
"""

import json

import pytest

from services.producer.sources import open_source
from shared.contracts.papers import decode
from tests.data import aan_events, require, vis_events


@pytest.mark.parametrize(("name", "ours"), [("aan", aan_events), ("vis", vis_events)])
def test_adapter_and_plain_conversion_agree(name, ours):
    adapted = [json.loads(item.raw) for item in open_source(f"file:{require(name)}").items()]
    assert adapted == [json.loads(raw) for raw in ours()]


@pytest.mark.parametrize("name", ["aan", "vis"])
def test_nothing_of_it_is_refused(name):
    for item in open_source(f"file:{require(name)}").items():
        decode(item.raw)
