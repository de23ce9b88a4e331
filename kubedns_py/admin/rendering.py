"""The text of the metrics page, made by prometheus-client out of the table of metrics.

Rules of this file:

- It is imported with the first page: the library and what comes with it take 40 ms, and no start
  waits for them.
- A registry of our own: what other packages put into the global one is not ours to publish.
"""

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics

from kubedns_py.admin.declaration import Metric
from kubedns_py.admin.inputs import Histogram
from kubedns_py.admin.metrics import METRICS, PREFIX
from kubedns_py.admin.scrape import Sources, scrape


class Renderer:
    """Makes the page.

    Args:
        sources: where the numbers come from.
    """

    def __init__(self, sources: Sources) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Collector(sources))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def plain(self) -> bytes:
        """Return the page as Prometheus text."""
        return generate_latest(self._registry)

    def openmetrics(self) -> bytes:
        """Return the page as OpenMetrics."""
        render = openmetrics.generate_latest
        page: bytes = render(self._registry)  # type: ignore[no-untyped-call] # untyped there
        return page


class Collector:
    """Makes prometheus-client's families out of the table of metrics."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Family]:
        """Yield every declared metric of what is in use, also those without a value yet."""
        now = scrape(self._sources)
        for metric in METRICS:
            rows = metric.rows(now)
            if rows is None:
                continue
            family = _family(metric)
            for labels, value in rows:
                _add(family, metric, dict(zip(metric.labels, labels, strict=True)), value)
            yield family


def _family(metric: Metric) -> Family:
    # the client takes counters and infos without the suffix of their samples
    base = metric.name.removesuffix("_total").removesuffix("_info")
    return Family(PREFIX + base, metric.help, metric.kind)


def _add(family: Family, metric: Metric, labels: dict[str, str], value: float | Histogram) -> None:
    name = PREFIX + metric.name
    if isinstance(value, int | float):
        family.add_sample(name, labels, value)
        return
    counts = tuple(value.counts)  # the last sum must equal the count that is written
    sums = list(accumulate(counts))
    bounds = (*(str(float(bound)) for bound in value.bounds), "+Inf")
    for bound, below in zip(bounds, sums, strict=True):
        family.add_sample(f"{name}_bucket", {**labels, "le": bound}, below)
    family.add_sample(f"{name}_count", labels, sums[-1])
    family.add_sample(f"{name}_sum", labels, value.total)
