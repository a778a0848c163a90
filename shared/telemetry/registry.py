"""The operational metrics. Each one is defined once, with its meaning and unit.

A process has one Telemetry. Each Telemetry has a registry of its own, so that tests can have many.
"""

import platform
from collections.abc import Iterable
from importlib import metadata
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

PREFIX = "scholarstream_"
STEPS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
SAVES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
LATENCIES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60)

disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client has no types for it


class Definition(NamedTuple):
    """A metric. name: as scraped; kind: counter, gauge or histogram; unit: of its value."""

    name: str
    kind: str
    unit: str
    labels: tuple[str, ...]
    meaning: str


class Telemetry:
    """The metrics of one process.

    Counters and gauges are set where things happen. Only the number of parts in each state is set at a
    scrape.
    """

    def __init__(self, roles: Iterable[str] = ()):
        """roles: the roles of this process."""
        self.registry = CollectorRegistry()
        self.definitions: list[Definition] = []
        # process_cpu_seconds_total, process_resident_memory_bytes, open files
        ProcessCollector(registry=self.registry)
        self._define_intake()
        self._define_stages()
        self._define_exactness()
        self._define_reported_novelty()
        self._define_checkpoints()
        self._define_outputs()
        self._define_process(roles)
        self._define_http()
        build = self._gauge(
            "build_info", "1", ("version", "python"), "Always 1; the labels have the versions."
        )
        build.labels(metadata.version("scholarstream"), platform.python_version()).set(1)

    def _define_intake(self) -> None:
        self.ingested_total = self._counter(
            "ingested_total",
            "events",
            ("source",),
            "Events that sources of this process appended to the log.",
        )
        self.dead_letters_total = self._counter(
            "dead_letters_total", "events", ("stage", "reason"), "Events refused, by reason code."
        )

        self.source_answers_total = self._counter(
            "source_answers_total",
            "answers",
            ("source", "status"),
            "Answers of a live source, by HTTP status; failed: no answer.",
        )
        self.source_failures = self._gauge(
            "source_failures",
            "requests",
            ("source",),
            "Requests to a live source that failed since its last good page.",
        )
        self.source_pages = self._gauge(
            "source_pages", "pages", ("source",), "Pages of a live source read in the running pass."
        )
        self.source_complete_seconds = self._gauge(
            "source_complete_seconds",
            "seconds",
            ("source",),
            "The day, in seconds since 1970, up to which a live source was read; 0 before the first time.",
        )

        self.intake_requests_total = self._counter(
            "intake_requests_total",
            "requests",
            ("source", "status"),
            "Requests with events (POST /v1/events), by the name of the token and the status of the answer.",
        )
        self.intake_bytes = self._gauge(
            "intake_bytes", "bytes", (), "Bodies of requests with events that are in memory, as sent."
        )
        self.foreign_records_total = self._counter(
            "foreign_records_total",
            "records",
            ("topic",),
            "Ignored records that other clients wrote into topics of scholarstream.",
        )

    def _define_stages(self) -> None:
        self.records_total = self._counter(
            "records_total", "records", ("stage", "partition"), "Records that a stage has read."
        )
        self.step_seconds = self._histogram(
            "step_seconds", "seconds", ("stage",), STEPS, "Time of one batch in a stage, with sending."
        )
        self.lag_records = self._gauge(
            "lag_records",
            "records",
            ("stage", "partition"),
            "Records in the input of a stage that it has not read.",
        )
        self.lag_seconds = self._gauge(
            "lag_seconds",
            "seconds",
            ("stage", "partition"),
            "Age of the oldest unread record in the input of a stage; 0 without any.",
        )
        self.state_bytes = self._gauge(
            "state_bytes", "bytes", ("stage", "partition"), "Memory of a stage's columns."
        )
        self.state_rows = self._gauge(
            "state_rows", "rows", ("stage", "partition", "table"), "Rows in the tables of a stage."
        )
        self.send_failures_total = self._counter(
            "send_failures_total", "batches", ("stage",), "Appends whose outcome is unknown; the stage ends."
        )

    def _define_exactness(self) -> None:
        """The position protocol of docs/architecture.md."""
        self.channel_sent = self._gauge(
            "channel_sent",
            "position",
            ("stage", "partition", "topic", "target"),
            "Rows numbered so far towards a partition of a topic.",
        )
        self.channel_high = self._gauge(
            "channel_high",
            "position",
            ("stage", "partition", "source"),
            "Rows taken so far from a partition.",
        )
        by_partition = ("stage", "partition")
        counters = {
            "gap_drops": ("packs", "Packs ignored because rows before them are missing."),
            "overlap_rows": ("rows", "Rows ignored because they were taken before; normal after a crash."),
            "position_regressions": ("packs", "Packs of a sender that went back; normal after a crash."),
            "citations_missing": ("citations", "Citations taken back that were never counted; must be 0."),
            "stale_revisions": ("events", "Events with a lower revision than the known one; without effect."),
            "revision_conflicts": ("events", "Events with a known revision but other content."),
            "repeats": ("events", "Events that repeat what is known; without effect."),
        }
        self._exactness = {
            name: self._counter(f"{name}_total", unit, by_partition, meaning)
            for name, (unit, meaning) in counters.items()
        }

    def _define_reported_novelty(self) -> None:
        """Scores of other sources (docs/scores.md §2.5)."""
        by_judge = ("partition", "source", "version")
        self.reported_novelty_papers = self._gauge(
            "reported_novelty_papers",
            "papers",
            by_judge,
            "Papers that a source scores (paper.scored), for the 20 versions with the newest events.",
        )
        self.reported_novelty_most_common_ratio = self._gauge(
            "reported_novelty_most_common_ratio",
            "share",
            by_judge,
            "Share of the papers scored by a source that have its most common value, to three decimals.",
        )

    def _define_checkpoints(self) -> None:
        self.checkpoints_total = self._counter(
            "checkpoints_total", "files", ("stage",), "Checkpoints written."
        )
        self.checkpoint_failures_total = self._counter(
            "checkpoint_failures_total",
            "files",
            ("stage",),
            "Checkpoints that could not be written; the next start reads more of the log.",
        )
        self.checkpoint_seconds = self._histogram(
            "checkpoint_seconds", "seconds", ("stage",), SAVES, "Time to write a checkpoint."
        )
        self.checkpoint_bytes = self._gauge(
            "checkpoint_bytes", "bytes", ("stage", "partition"), "Size of the newest checkpoint."
        )

    def _define_outputs(self) -> None:
        self.published_total = self._counter(
            "published_total", "records", ("topic",), "Records written to a public topic by the publisher."
        )
        self.coalesced_total = self._counter(
            "coalesced_total", "authors", (), "Authors examined again without anything new to publish."
        )
        self.event_to_snapshot_seconds = self._histogram(
            "event_to_snapshot_seconds",
            "seconds",
            (),
            LATENCIES,
            "Time from the append of an event to the snapshots that show it. Observed when no author is "
            "pending, for the oldest event since the last observation.",
        )

    def _define_process(self, roles: Iterable[str]) -> None:
        self.parts = self._gauge(
            "parts",
            "parts",
            ("state",),
            "Parts of this process (stages and partitions, viewer, producer) by state, as in /readyz and "
            "/healthz.",
        )
        self.up = self._gauge(
            "up",
            "1",
            ("role",),
            "Always 1, for each role of this process; if it is absent, no process of the role answers.",
        )
        for role in roles:
            self.up.labels(role).set(1)

    def _define_http(self) -> None:
        self.sse_clients = self._gauge(
            "sse_clients", "connections", (), "Pages and programs that follow profiles live."
        )
        self.http_requests_total = self._counter(
            "http_requests_total",
            "requests",
            ("route", "method", "status"),
            "Requests by address template, method and class of status (2xx).",
        )
        self.http_request_seconds = self._histogram(
            "http_request_seconds",
            "seconds",
            ("route",),
            STEPS,
            "Time from a request to the first byte of its answer.",
        )
        self.http_requests_in_progress = self._gauge(
            "http_requests_in_progress", "requests", (), "Requests being answered, with streams."
        )
        self.http_connections = self._gauge("http_connections", "connections", (), "Open connections.")
        self.viewer_store_lag_records = self._gauge(
            "viewer_store_lag_records",
            "records",
            (),
            "Records of public topics that the viewer's store has not read; -1: there is no store yet.",
        )
        self.viewer_store_lag_seconds = self._gauge(
            "viewer_store_lag_seconds",
            "seconds",
            (),
            "Age of the oldest record that the viewer's store has not read.",
        )
        self.http_refused_total = self._counter(
            "http_refused_total",
            "connections",
            ("reason",),
            "Refused or ended connections: crowded (503), evicted or idle (no request), stalled (client did "
            "not read), early or malformed (wrong bytes), files (no file left), host (another host name).",
        )

    def exactness(self, stage: str, partition: int) -> dict[str, Counter]:
        """The exactness counters of one stage and partition, by name."""
        return {name: metric.labels(stage, partition) for name, metric in self._exactness.items()}

    def _counter(self, name: str, unit: str, labels: tuple[str, ...], meaning: str) -> Counter:
        return Counter(
            self._define(name, "counter", unit, labels, meaning), meaning, labels, registry=self.registry
        )

    def _gauge(self, name: str, unit: str, labels: tuple[str, ...], meaning: str) -> Gauge:
        return Gauge(
            self._define(name, "gauge", unit, labels, meaning), meaning, labels, registry=self.registry
        )

    def _histogram(
        self, name: str, unit: str, labels: tuple[str, ...], buckets: tuple[float, ...], meaning: str
    ) -> Histogram:
        return Histogram(
            self._define(name, "histogram", unit, labels, meaning),
            meaning,
            labels,
            buckets=buckets,
            registry=self.registry,
        )

    def _define(self, name: str, kind: str, unit: str, labels: tuple[str, ...], meaning: str) -> str:
        self.definitions.append(Definition(PREFIX + name, kind, unit, labels, meaning))
        return PREFIX + name
