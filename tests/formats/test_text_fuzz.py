"""Damaged records and files of the text formats are refused or left out; nothing else happens, and memory
stays bounded.
"""

import copy
import random
import resource
import time

import pytest
from bibtexparser.model import Entry, Field

from services.producer.formats import (
    arxiv_atom,
    arxiv_kaggle,
    arxiv_oai,
    bibtex,
    csl,
    dblp,
    opencitations,
    opencitations_index,
    orcid,
    orcid_json,
    retractionwatch,
    ris,
)
from services.producer.formats.containers import Container
from services.producer.readers import found as found_module
from shared.errors import InputRefused, UsageError
from tests.formats import damage
from tests.formats.examples import OWN
from tests.formats.files import read
from tests.formats.test_formats_apart import records

FOLDERS = {
    "arxiv": (arxiv_oai, arxiv_atom, arxiv_kaggle),
    "dblp": (dblp,),
    "bibtex": (bibtex,),
    "ris": (ris,),
    "csl": (csl,),
    "orcid": (orcid, orcid_json),
    "retractionwatch": (retractionwatch,),
    "opencitations": (opencitations, opencitations_index),
}
ROUNDS = 150  # damaged records of a format
FILES = sorted(
    path for name in FOLDERS for path in (OWN / name).glob("*") if not path.name.endswith(".expected.json")
)


def whole_records(name):
    for path in FILES:
        if path.parent.name == name:
            for container, record in records(path):
                for one in FOLDERS[name]:
                    if container == one.CONTAINER and one.recognises(record):
                        yield one, copy.deepcopy(record)  # the reader empties an XML element behind it


def damaged(container, record, chance):
    """A damaged copy, as the reader of the container may give it."""
    if container is Container.XML:
        return damage.damaged_element(record, chance)
    if container is Container.BIBTEX:
        fields = [
            Field(
                chance.choice((field.key, field.key, "title", "")),
                damage.damaged(field.value, chance, damage.TEXTS),
            )
            for field in record.fields
            if chance.random() < 0.8
        ]
        return Entry(
            entry_type=record.entry_type, key=chance.choice((record.key, "", "x" * 300)), fields=fields
        )
    if container is Container.RIS:
        return {
            tag: [damage.damaged(value, chance, damage.TEXTS) for value in values]
            for tag, values in record.items()
            if chance.random() < 0.8
        }
    return damage.damaged(record, chance, damage.TEXTS if container is Container.CSV else damage.JUNK)


@pytest.mark.parametrize("name", FOLDERS)
def test_a_damaged_record_is_refused_or_left_out(name):
    whole = list(whole_records(name))
    used = 0
    for seed in range(ROUNDS):
        chance = random.Random(f"{name} {seed}")
        one, record = chance.choice(whole)
        broken = damaged(one.CONTAINER, record, chance)
        if isinstance(record, dict) and not isinstance(broken, dict):
            continue
        one.recognises(broken)
        try:
            if hasattr(one, "edge"):
                one.edge(broken)
            else:
                options = {"namespace": "lib"} if getattr(one, "NAMESPACED", False) else {}
                used += len(one.events(broken, **options))
        except InputRefused:
            continue
    assert used or name == "opencitations"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_damaged_file_gives_events_and_refusals_only(path, tmp_path):
    data = path.read_bytes()
    for seed in range(5):
        chance = random.Random(f"{path.name} {seed}")
        file = tmp_path / path.name
        file.write_bytes(damage.damaged_bytes(data, chance))
        try:
            read(file, path.parent.name, "lib")
        except UsageError:
            continue  # nothing is left that this format reads


BOMBS = {
    "deep.xml": ("dblp", b"<dblp>" + b"<article>" * 100_000),
    "wide.xml": ("dblp", b'<dblp><article key="k" mdate="2020-01-01">' + b"<author>A</author>" * 200_000),
    "text.xml": (
        "arxiv",
        b'<record xmlns="http://www.openarchives.org/OAI/2.0/"><header>' + b"x" * (3 << 20),
    ),
    "ampersands.xml": ("dblp", b'<dblp><article key="k" mdate="2020-01-01"><title>' + b"&" * 500_000),
    "braces.bib": ("bibtex", b"@article{a, title = " + b"{" * 500_000),
    "ands.bib": ("bibtex", b"@article{a, doi={10.5555/a}, author = {" + b"A and " * 30_000 + b"B}}"),
    "open.ris": ("ris", b"TY  - JOUR\n" + b"AU  - Lee, Ann\n" * 100_000),
    "quote.csv": ("retractionwatch", b'Record ID,RetractionNature,OriginalPaperDOI\n"' + b"a,b\n" * 500_000),
    "nul.csv": ("opencitations", b"oci,citing,cited\n" + b"\0,\0,\0\n" * 1_000),
    "brackets.json": ("csl", b"[" * 100_000),
    "nested.json": (
        "orcid",
        b'{"orcid-identifier": {}, "person": {}, "history": ' + b'{"a":' * 900 + b"1" + b"}" * 901,
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_little(name, tmp_path, monkeypatch):
    monkeypatch.setattr(found_module, "LINE_LIMIT", 1 << 20)  # bytes of a record
    of_format, data = BOMBS[name]
    file = tmp_path / name
    file.write_bytes(data)
    before, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = read(file, of_format, "lib")
    assert found.fault or found.refused or len(found.events) <= 1
    assert time.process_time() - before < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200 << 10  # KiB
