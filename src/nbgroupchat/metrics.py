"""Shows what a hub counts as Prometheus reads it, in Jupyter's own `/metrics` or the service's. Knows no rooms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import REGISTRY, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from nbgroupchat.compose import Composition
from nbgroupchat.measures import Histogram

PREFIX = "nbgroupchat_"


class HubCollector(Collector):
    """Reads a composition's numbers when it is asked for them."""

    def __init__(self, composition: Composition) -> None:
        self._composition = composition

    def collect(self) -> Iterator[Metric]:
        """Give every metric as it is now."""
        now, counted = self._composition.now(), self._composition.measures
        yield _gauge("connections", "Connections that are open.", now.connections)
        yield _gauge("rooms", "Rooms that somebody has opened.", now.rooms)
        yield _gauge("members", "Members present, counted in each room they are in.", now.members)
        yield _gauge("questions_waiting", "Questions that wait for their turn.", now.questions)
        yield _counter("posts", "Posts, by the author's kind.", "kind", counted.posts)
        yield _counter("joins", "Joins, by what the client was told.", "mode", counted.joins)
        yield _counter("refusals", "Commands refused, by code.", "code", counted.refusals)
        yield _counter("turns", "Replies that have ended, by status.", "status", counted.turns)
        yield _counter("tokens", "Tokens that the model read or wrote.", "what", counted.tokens)
        yield CounterMetricFamily(PREFIX + "deliveries", "Frames handed to connections.", value=now.deliveries)
        overflows = "Connections closed because they were too far behind."
        yield CounterMetricFamily(PREFIX + "outbox_overflows", overflows, value=counted.overflows)
        first = "From a question's post to the first piece of its reply."
        yield _histogram("first_token_seconds", first, counted.first_token)
        yield _histogram("commit_seconds", "Storing a group of log entries.", counted.commit)


def show(collector: Collector) -> None:
    """Show the numbers wherever the process shows its own."""
    REGISTRY.register(collector)


def hide(collector: Collector) -> None:
    """Take back what `show` did."""
    REGISTRY.unregister(collector)


def text_of(collector: Collector) -> bytes:
    """Give the numbers of this hub alone, as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)


def _gauge(name: str, meaning: str, value: int) -> Metric:
    return GaugeMetricFamily(PREFIX + name, meaning, value=value)


def _counter(name: str, meaning: str, label: str, counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _histogram(name: str, meaning: str, values: Histogram) -> Metric:
    bounds = (*map(str, values.bounds), "+Inf")
    buckets = list(zip(bounds, map(float, values.cumulative), strict=True))
    return HistogramMetricFamily(PREFIX + name, meaning, buckets=buckets, sum_value=values.sum)
