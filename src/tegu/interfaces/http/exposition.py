"""Figures in the text format of Prometheus: those of this process, and those of the whole installation.

Called by the mounted application for `/metrics`. Invariant: the figures of the process need no database; where it does not
answer, `tegu_database_up` is 0 and the installation's are not there, which is not zero.
"""

from collections.abc import Iterator
from functools import cache
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from tegu.domain.installation import Health, Installation
from tegu.telemetry.measured import TALLIES
from tegu.telemetry.tallies import Tally

CONTENT_TYPE = CONTENT_TYPE_LATEST.encode()


def exposition(health: Health) -> bytes:
    """All of them, as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(health))
    return generate_latest(registry) + generate_latest(_process())


@cache
def _process() -> CollectorRegistry:
    registry = CollectorRegistry()
    for make in (ProcessCollector, PlatformCollector, GCCollector):
        make(registry=registry)
    return registry


class _Figures(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        for tally in TALLIES:
            yield _of(tally)
        health = self._health
        yield _gauge("tegu_database_up", "Whether the database answers.", health.is_database_reachable)
        if health.latency_ms is not None:
            told = "How long the database took to answer the simplest question, its connection included."
            yield _gauge("tegu_database_latency_seconds", told, health.latency_ms / 1000)
        if health.schema is not None:
            told = "The revision of the database's tables."
            yield InfoMetricFamily("tegu_schema", told, {"revision": health.schema})
        if health.slots is not None:
            told = "Runs that the worker of this process may own at once."
            yield _gauge("tegu_worker_slots", told, health.slots)
            yield _gauge("tegu_worker_runs", "Runs that it owns.", health.runs or 0)
        if health.installation is not None:
            yield from _installation(health.installation)


def _of(tally: Tally) -> Metric:
    if not tally.bounds:
        counter = CounterMetricFamily(tally.name, tally.help, labels=tally.labels)
        for series in tally.series():
            counter.add_metric(series.labels, series.total)
        return counter
    bounds = [*(str(float(bound)) for bound in tally.bounds), "+Inf"]
    histogram = HistogramMetricFamily(tally.name, tally.help, labels=tally.labels)
    for series in tally.series():
        buckets = list(zip(bounds, accumulate(series.buckets), strict=True))
        histogram.add_metric(series.labels, buckets, series.total)
    return histogram


def _installation(found: Installation) -> Iterator[Metric]:
    """Of all organizations; whoever scrapes several processes takes the largest, not the sum."""
    backlog, leases = found.backlog, found.leases
    yield _gauge("tegu_workers", "Workers that are alive.", len(found.workers))
    yield _gauge("tegu_slots", "Runs that the living workers may own at once.", found.slots)
    yield _gauge("tegu_slots_used", "Runs that these own.", found.slots_used)
    runs = GaugeMetricFamily(
        "tegu_runs",
        f"Unfinished runs, counted to {found.counted_max}: due (nobody has them), owned, stranded (their worker is gone),"
        " waiting (to go on later), scheduled (to begin later), unserved (due, but no living worker has their stages).",
        labels=("state",),
    )
    for state, count in (
        ("due", backlog.due),
        ("owned", leases.owned),
        ("stranded", leases.stranded),
        ("waiting", backlog.waiting),
        ("scheduled", backlog.scheduled),
        ("unserved", sum(each.runs for each in found.unserved)),
    ):
        runs.add_metric((state,), count)
    yield runs
    told = "For how long the oldest due run has been due; 0 where none is."
    yield _gauge("tegu_backlog_age_seconds", told, backlog.oldest_due_s or 0.0)
    if leases.oldest_beat_s is not None:
        told = "How long ago the living worker renewed its lease that did so least recently."
        yield _gauge("tegu_oldest_heartbeat_seconds", told, leases.oldest_beat_s)
    told = "Why runs wait that are not due, of the first looked at, by the code of what their stage met."
    reasons = GaugeMetricFamily("tegu_runs_waiting_reason", told, labels=("code",))
    for reason in found.reasons:
        reasons.add_metric((reason.code,), reason.runs)
    yield reasons
    yield _gauge("tegu_stages_in_flight", "Stages under way in owned runs.", found.stages)
    yield _gauge("tegu_llm_calls_in_flight", "Calls to models under way in owned runs.", found.calls)
    told = "Whether some count above was cut off."
    yield _gauge("tegu_counts_capped", told, found.is_capped)
    told = "When these figures of the installation were found."
    yield _gauge("tegu_installation_timestamp_seconds", told, found.at.timestamp())


def _gauge(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=float(value))
