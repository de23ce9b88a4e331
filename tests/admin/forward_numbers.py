"""What the metrics of forwarding are made from, as a test wants it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubedns_py.admin.forward_inputs import Forwarder
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.rcode import MNEMONICS
from kubedns_py.dns.response import Unusable
from kubedns_py.sources.configuration import ConfigurationStatus
from kubedns_py.upstream.cache import CacheCounts
from kubedns_py.upstream.counts import ForwardCounts
from kubedns_py.upstream.health import Health
from kubedns_py.upstream.streams import COUNTS

NOTHING = CacheCounts(
    entries={"success": 0, "denial": 0},
    octets={"success": 0, "denial": 0},
    hits={"success": 0, "denial": 0},
    misses=0,
    evictions={"success": 0, "denial": 0},
    served_stale=0,
)


@dataclass(slots=True)
class FakeUpstreams:
    """Stands for the cache before the forwarder."""

    cache: CacheCounts = NOTHING
    prefetches: int = 0
    rebindings: int = 0

    def counts(self) -> CacheCounts:
        """See ``Upstreams``."""
        return self.cache


@dataclass(slots=True)
class FakeForwarder:
    """Stands for who asks."""

    servers: tuple[Health, ...] = ()
    counts: ForwardCounts = field(default_factory=ForwardCounts)
    in_flight: int = 0
    waiting: int = 0


@dataclass(slots=True)
class FakeExchanges:
    """Stands for how it asks, over UDP or over streams."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    mismatches: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Unusable, 0))


@dataclass(slots=True)
class FakeForwarding:
    """Stands for all of it, put together; a real forwarder may have its place in it."""

    upstreams: FakeUpstreams = field(default_factory=FakeUpstreams)
    forwarder: Forwarder = field(default_factory=FakeForwarder)
    datagrams: FakeExchanges = field(default_factory=FakeExchanges)
    streams: FakeExchanges = field(default_factory=FakeExchanges)
    configuration: ConfigurationStatus | None = None


def busy_forwarding(servers: int = 3) -> FakeForwarding:
    """Return what has seen each kind of reply from each of its servers."""
    healths = tuple(Health(Nameserver(f"192.0.2.{n}")) for n in range(1, servers + 1))
    for health in healths:
        for rcode in MNEMONICS:
            health.replied(0.01, 0.0)
            health.counts.replied(rcode, 0.01)
    return FakeForwarding(
        forwarder=FakeForwarder(healths), configuration=ConfigurationStatus("--config-dir /kube")
    )
