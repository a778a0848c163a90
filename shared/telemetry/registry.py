"""Every metric: one literal with its meaning and unit. A process has one Telemetry, with a registry of its own, so tests can have many."""

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

disable_created_metrics()  # a second series for every counter that nobody reads


class Definition(NamedTuple):
    """What a metric is. name: as scraped; kind: counter, gauge or histogram; unit: of its value."""

    name: str
    kind: str
    unit: str
    labels: tuple[str, ...]
    meaning: str


class Telemetry:
    """The metrics of one process. Counters and gauges are set where things happen; only how many parts are in which state is counted
    when they are scraped."""

    def __init__(self, roles: Iterable[str] = ()):
        """roles: that this process has."""
        self.registry = CollectorRegistry()
        self.definitions: list[Definition] = []
        ProcessCollector(
            registry=self.registry
        )  # process_cpu_seconds_total, process_resident_memory_bytes, open files

        # intake
        self.ingested_total = self._counter(
            "ingested_total", "events", ("source",), "Events that sources of this process put into the log."
        )
        self.dead_letters_total = self._counter(
            "dead_letters_total", "events", ("stage", "reason"), "Events refused, by reason code."
        )

        self.foreign_records_total = self._counter(
            "foreign_records_total",
            "records",
            ("topic",),
            "Records that other clients wrote into topics which only we write, and that were passed over.",
        )

        # stages
        self.records_total = self._counter(
            "records_total", "records", ("stage", "partition"), "Records that a stage has read."
        )
        self.step_seconds = self._histogram(
            "step_seconds", "seconds", ("stage",), STEPS, "Time of one batch in a stage, sending included."
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
            "How long the oldest of these waits already; 0 without any.",
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

        # exactness: the position protocol of docs/architecture.md
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
        told = {
            "gap_drops": ("packs", "Packs ignored because rows before them are missing."),
            "overlap_rows": ("rows", "Rows ignored because they were taken before; normal after a crash."),
            "position_regressions": ("packs", "Packs of a sender that went back; normal after a crash."),
            "citations_missing": ("citations", "Citations taken back that were never counted; must be 0."),
            "stale_revisions": ("events", "Events older than what is known; without effect."),
            "revision_conflicts": ("events", "Events with a known revision but other content."),
            "repeats": ("events", "Events that say what is known; without effect."),
        }
        self._exactness = {
            name: self._counter(f"{name}_total", unit, by_partition, meaning)
            for name, (unit, meaning) in told.items()
        }

        # scores from elsewhere (docs/scores.md §2.5)
        by_judge = ("partition", "source", "version")
        self.reported_novelty_papers = self._gauge(
            "reported_novelty_papers",
            "papers",
            by_judge,
            "Papers that a source scores (paper.scored); of the 20 versions heard last.",
        )
        self.reported_novelty_most_common_ratio = self._gauge(
            "reported_novelty_most_common_ratio",
            "share",
            by_judge,
            "Share of these papers that have the source's most common value, to three decimals.",
        )

        # checkpoints
        self.checkpoints_total = self._counter(
            "checkpoints_total", "files", ("stage",), "Checkpoints written."
        )
        self.checkpoint_failures_total = self._counter(
            "checkpoint_failures_total",
            "files",
            ("stage",),
            "Checkpoints that could not be written; a start then reads more of the log.",
        )
        self.checkpoint_seconds = self._histogram(
            "checkpoint_seconds", "seconds", ("stage",), SAVES, "Time to write a checkpoint."
        )
        self.checkpoint_bytes = self._gauge(
            "checkpoint_bytes", "bytes", ("stage", "partition"), "Size of the newest checkpoint."
        )

        # outputs
        self.published_total = self._counter(
            "published_total", "records", ("topic",), "Records written to a public topic by the publisher."
        )
        self.coalesced_total = self._counter(
            "coalesced_total", "authors", (), "Authors looked at again without anything new to publish."
        )
        self.event_to_snapshot_seconds = self._histogram(
            "event_to_snapshot_seconds",
            "seconds",
            (),
            LATENCIES,
            "From an event's arrival in the log to the snapshots that show it: of the oldest, each time that nobody waits any more.",
        )
        self.sse_clients = self._gauge(
            "sse_clients", "connections", (), "Pages and programs that follow profiles live."
        )

        self.parts = self._gauge(
            "parts",
            "parts",
            ("state",),
            "Parts of this process (stages and partitions, viewer, producer) by state, as /readyz and /healthz have it.",
        )
        self.up = self._gauge(
            "up",
            "1",
            ("role",),
            "Always 1, for each role of this process; without it no process of that role answers.",
        )
        for role in roles:
            self.up.labels(role).set(1)
        # HTTP
        self.http_requests_total = self._counter(
            "http_requests_total",
            "requests",
            ("route", "method", "status"),
            "Requests by address template and class of status (2xx).",
        )
        self.http_request_seconds = self._histogram(
            "http_request_seconds",
            "seconds",
            ("route",),
            STEPS,
            "From a request to the beginning of its answer.",
        )
        self.http_requests_in_progress = self._gauge(
            "http_requests_in_progress", "requests", (), "Requests being answered; streams too."
        )
        self.http_connections = self._gauge("http_connections", "connections", (), "Open connections.")
        self.http_refused_total = self._counter(
            "http_refused_total",
            "connections",
            ("reason",),
            "Refused or ended: crowded (503), evicted or idle (waited for a request), stalled (did not read), early or malformed (what was "
            "sent), files (none left), host (another name).",
        )

        build = self._gauge("build_info", "1", ("version", "python"), "Always 1; the labels say what runs.")
        build.labels(metadata.version("scholarstream"), platform.python_version()).set(1)

    def exactness(self, stage: str, partition: int) -> dict[str, Counter]:
        """The counters of a stage instance, by the name that the stage gives them."""
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
