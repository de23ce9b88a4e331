"""Where a scrape gets its numbers, and what it takes.

Rules of this file:

- All numbers of a page are taken at one time; those that must agree, such as hits and misses, once.
- ``inputs.py`` and ``forward_inputs.py`` say what may change while it is read.
"""

from collections.abc import Callable, Mapping, Sequence

from kubedns_py.admin import logs
from kubedns_py.admin.forward_inputs import CacheCounts, ConfigurationStatus, Forwarding, Health
from kubedns_py.admin.inputs import Counts, ResourceStatus
from kubedns_py.structs import Struct


class Sources(Struct, frozen=True):
    """Where a scrape gets its numbers. Every callable is called from another thread.

    Attributes:
        server: the address that is served, as CoreDNS writes it: ``dns://:53``.
        counts: such as ``Tally.snapshot``.
        resources: status by plural name of the resource.
        serials: SOA serial by zone.
        names_too_long: names that there are not because they would be too long, by zone.
        services: how many Services are known.
        datagram_drops: datagrams that got no reply before or after they were read, by reason.
        connections: TCP connections by what became of them; ``open`` is how many there are now.
        waiting: replies that are waited for, by proto.
        manifest_problems: files or documents that could not be read at the last reading.
        answer_table: entries and their octets by kind; nothing where there is no table.
        workers: processes that answer over UDP beside this one, now.
        worker_restarts: how often one was started again.
        forwarding: who answers for names that are not ours; None when nobody does.
        clock: the clock of ``last_contact``, such as ``time.monotonic``.
    """

    server: str
    counts: Callable[[], Counts]
    resources: Callable[[], Mapping[str, ResourceStatus]]
    serials: Callable[[], Mapping[str, int]]
    names_too_long: Callable[[], Mapping[str, int]]
    services: Callable[[], int]
    datagram_drops: Callable[[], Mapping[str, int]]
    connections: Callable[[], Mapping[str, int]]
    waiting: Callable[[], Mapping[str, int]]
    manifest_problems: Callable[[], int]
    answer_table: Callable[[], Mapping[str, tuple[int, int]]]
    workers: Callable[[], int]
    worker_restarts: Callable[[], int]
    forwarding: Forwarding | None
    clock: Callable[[], float]


class Forwarded(Struct, frozen=True):
    """What one scrape reads of forwarding.

    Attributes:
        parts: what is read piece by piece.
        cache: what the cache holds and did.
        servers: the upstreams of now.
        configuration: how the ConfigMap fares, if one is used.
    """

    parts: Forwarding
    cache: CacheCounts
    servers: Sequence[Health]
    configuration: ConfigurationStatus | None


class Scrape(Struct, frozen=True):
    """What one scrape reads, taken at one time."""

    server: str
    counts: Counts
    resources: Mapping[str, ResourceStatus]
    serials: Mapping[str, int]
    names_too_long: Mapping[str, int]
    services: int
    datagram_drops: Mapping[str, int]
    connections: Mapping[str, int]
    waiting: Mapping[str, int]
    manifest_problems: int
    answer_table: Mapping[str, tuple[int, int]]
    workers: int
    worker_restarts: int
    forwarded: Forwarded | None
    log_lines_dropped: int
    now: float


def scrape(sources: Sources) -> Scrape:
    """Take all numbers at one time."""
    return Scrape(
        server=sources.server,
        counts=sources.counts(),
        resources=dict(sources.resources()),
        serials=dict(sources.serials()),
        names_too_long=dict(sources.names_too_long()),
        services=sources.services(),
        datagram_drops=dict(sources.datagram_drops()),
        connections=dict(sources.connections()),
        waiting=dict(sources.waiting()),
        manifest_problems=sources.manifest_problems(),
        answer_table=sources.answer_table(),
        workers=sources.workers(),
        worker_restarts=sources.worker_restarts(),
        forwarded=None if sources.forwarding is None else _forwarded(sources.forwarding),
        log_lines_dropped=logs.dropped(),
        now=sources.clock(),
    )


def _forwarded(parts: Forwarding) -> Forwarded:
    return Forwarded(parts, parts.upstreams.counts(), parts.forwarder.servers, parts.configuration)
