"""The metrics page: rendered by prometheus-client, in a thread, at most once a second.

Rules of this file:

- Rendering is slow (milliseconds) and never runs on the event loop, which answers DNS.
- There are two formats. Nothing of the Accept header comes back in the reply.
- A registry of our own: what other packages put into the global one is not ours to publish.
"""

import asyncio
import enum
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

_CACHE_S = 1.0


class Format(enum.Enum):
    """A format of the page. The value is its media type."""

    PLAIN = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def accepted(header: str) -> Format:
    """Return the format that an Accept header asks for: OpenMetrics where it is named."""
    named = {part.partition(";")[0].strip().lower() for part in header.split(",")}
    return Format.OPENMETRICS if "application/openmetrics-text" in named else Format.PLAIN


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


class Exposition:
    """The page, kept for a second in each format.

    Args:
        sources: where the numbers come from; read in a thread.
    """

    def __init__(self, sources: Sources) -> None:
        self._clock = sources.clock
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(Collector(sources))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._pages: dict[Format, tuple[float, bytes]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def page(self, form: Format) -> bytes:
        """Return the page; who asks meanwhile waits for the same rendering."""
        async with self._one_at_a_time:
            made_at, page = self._pages.get(form, (0.0, b""))
            if not page or self._clock() - made_at >= _CACHE_S:
                made_at = self._clock()
                page = await asyncio.to_thread(self.render, form)
                self._pages[form] = (made_at, page)
            return page

    def render(self, form: Format) -> bytes:
        """Render the page now, in the calling thread."""
        if form is Format.OPENMETRICS:
            render = openmetrics.generate_latest
            page: bytes = render(self._registry)  # type: ignore[no-untyped-call] # untyped there
            return page
        return generate_latest(self._registry)


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
