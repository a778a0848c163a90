"""Rows of OpenCitations Meta and of its Index become the events that their fixtures tell."""

import pytest

from services.producer.readers import grouping
from tests.formats.examples import fixtures
from tests.formats.files import check_file, read


@pytest.mark.parametrize("path", fixtures("opencitations"))
def test_fixtures(path):
    check_file(path, "opencitations")


def test_citations_of_a_paper_come_together_from_all_over_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(grouping, "RUN", 7)  # edges in memory
    monkeypatch.setattr(grouping, "RUNS", 3)  # files merged at once
    file = tmp_path / "index.csv"
    rows = [f"{n},10.5555/citing.{n % 10},10.5555/cited.{n},2020,P1Y,no,no\n" for n in range(200)]
    file.write_text("oci,citing,cited,creation,timespan,journal_sc,author_sc\n" + "".join(rows))
    events = read(file).events
    assert [(event["paper_id"], event["references"]) for event in events] == [
        (f"doi:10.5555/citing.{m}", [f"doi:10.5555/cited.{n}" for n in range(m, 200, 10)]) for m in range(10)
    ]
