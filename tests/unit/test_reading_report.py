"""What `run` and `producer` say while they read."""

from structlog.testing import capture_logs

from services.producer.ingest import Counts
from services.producer.reading_report import REPORT_SECONDS, ReadingReport
from services.producer.sources import open_source


def test_a_long_source_tells_how_far_it_is(monkeypatch, tmp_path):
    (tmp_path / "events.jsonl").write_bytes(b"x" * 100)
    source, counts = open_source(f"file:{tmp_path / 'events.jsonl'}"), Counts(papers=7)
    source.read = 50
    with capture_logs() as said:
        tell = ReadingReport()
        tell(source, counts)
        assert said == [], "not at once, and not at every batch"
        tell.reported_at -= REPORT_SECONDS
        tell(source, counts)
        tell(source, counts)
    assert said == [
        {
            "event": "reading",
            "log_level": "info",
            "source": source.label,
            "events": 7,
            "refused": 0,
            "read": "50%",
        },
    ]


def test_a_stream_without_end_is_quiet():
    tell = ReadingReport()
    tell.reported_at = float("-inf")
    with capture_logs() as said:
        tell(open_source("demo:"), Counts())
    assert said == []
