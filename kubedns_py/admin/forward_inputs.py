"""What the metrics of forwarding are made from: shapes of what asks upstreams and keeps answers.

As in ``inputs.py``, the event loop's thread changes these objects while a scrape reads them.
Whatever may grow is copied in one step, there or here, before it is walked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from kubedns_py.admin.inputs import Histogram


class ByWord(Protocol):
    """Counts by a word of a closed set: a dictionary, whose keys may be an enumeration's members.

    Every word is there from the start.
    """

    def copy(self) -> ByWord:
        """Return a copy, made in one step."""

    def items(self) -> Iterable[tuple[str, int]]:
        """Return words and counts."""


class CacheCounts(Protocol):
    """What the cache holds and did; see ``upstream/cache.py``. Types: ``success``, ``denial``."""

    @property
    def entries(self) -> Mapping[str, int]:
        """By type."""

    @property
    def octets(self) -> Mapping[str, int]:
        """Estimate of the memory that they take, by type."""

    @property
    def hits(self) -> Mapping[str, int]:
        """Questions that were answered at once, by type."""

    @property
    def misses(self) -> int:
        """Questions that were not."""

    @property
    def evictions(self) -> Mapping[str, int]:
        """Entries that had to go for others, by type."""

    @property
    def served_stale(self) -> int:
        """Times that expired data were handed out."""


class Upstreams(Protocol):
    """The cache before the forwarder; see ``upstream/upstreams.py``."""

    @property
    def prefetches(self) -> int:
        """Questions that were asked in advance."""

    @property
    def rebindings(self) -> int:
        """Replies from which an address of the inside was taken."""

    def counts(self) -> CacheCounts:
        """Return what the cache holds and did until now."""


class ServerCounts(Protocol):
    """What one upstream said; see ``upstream/counts.py``."""

    @property
    def healthcheck_failures(self) -> int:
        """Probes without a reply."""

    def durations(self) -> Mapping[str, Histogram]:
        """Return seconds to replies by the name of their code, of a closed set."""


class Health(Protocol):
    """What is known of one upstream; see ``upstream/health.py``."""

    @property
    def label(self) -> str:
        """``ip:port``, or ``tls://ip:port#name``; no two upstreams have the same."""

    @property
    def counts(self) -> ServerCounts:
        """What it said."""

    @property
    def rtt_s(self) -> float:
        """Smoothed seconds to a reply; 0 while unknown."""

    def is_usable(self, now: float, /) -> bool:
        """Tell whether questions are sent to it; ``now`` is monotonic seconds."""


class ForwardCounts(Protocol):
    """What concerns no single upstream; see ``upstream/counts.py``."""

    @property
    def coalesced(self) -> int:
        """Questions answered by a look-up that somebody else had begun."""

    @property
    def rejects(self) -> ByWord:
        """Questions refused at once, by reason."""

    @property
    def retries(self) -> ByWord:
        """Questions sent once more, by reason."""

    @property
    def loop_detected(self) -> int:
        """Times that a question of ours came back to us."""


class Forwarder(Protocol):
    """Who asks; see ``upstream/forwarder.py``."""

    @property
    def counts(self) -> ForwardCounts:
        """What concerns no single upstream."""

    @property
    def servers(self) -> Sequence[Health]:
        """The upstreams of the routes of now."""

    @property
    def in_flight(self) -> int:
        """Questions that are being asked."""

    @property
    def waiting(self) -> int:
        """Clients' questions that wait for those."""


class Datagrams(Protocol):
    """Questions over UDP; see ``upstream/datagrams.py``."""

    @property
    def mismatches(self) -> ByWord:
        """Datagrams that were passed over, by reason."""


class Streams(Protocol):
    """Questions over TCP and TLS; see ``upstream/streams.py``."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Connections ``opened``; questions that ``reused`` one, or were ``retried`` on another."""

    @property
    def mismatches(self) -> ByWord:
        """Messages that were passed over, by reason."""


class ConfigurationStatus(Protocol):
    """How the ConfigMap fares; see ``sources/configuration.py``."""

    @property
    def valid(self) -> bool:
        """Whether the newest that was seen is in force."""

    @property
    def generation(self) -> int:
        """How often one was accepted."""

    @property
    def refusals(self) -> int:
        """How often one was not."""


class Forwarding(Protocol):
    """All of it, put together; see ``forwarding.py``."""

    @property
    def upstreams(self) -> Upstreams:
        """The cache before the forwarder."""

    @property
    def forwarder(self) -> Forwarder:
        """Who asks."""

    @property
    def datagrams(self) -> Datagrams:
        """How it asks over UDP."""

    @property
    def streams(self) -> Streams:
        """How it asks over TCP and TLS."""

    @property
    def configuration(self) -> ConfigurationStatus | None:
        """How the ConfigMap fares; None if none is used."""
