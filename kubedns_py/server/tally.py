"""Counts of what the server did: plain dictionaries and integers, read at scrape time.

Rules of this file:

- Every key comes from a closed set. Nothing that a client sends becomes a key: a query type outside
  ``QTYPES`` is counted as ``OTHER``.
- ``record`` runs once per reply and stays below one microsecond: one cell per kind of query, found
  with one look-up; what dashboards ask for is summed from the cells when somebody asks.
- One thread writes (the event loop's). ``snapshot`` may be called from any.
"""

from bisect import bisect_left
from collections import defaultdict

from kubedns_py.dns.rcode import MNEMONICS, OTHER
from kubedns_py.histogram import DURATION_BOUNDS_S, Histogram
from kubedns_py.structs import Struct, field

DROPPED = "dropped"
"""The zone of a name that is in none of ours (CoreDNS's word)."""

QTYPES = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    12: "PTR",
    15: "MX",
    16: "TXT",
    28: "AAAA",
    33: "SRV",
    43: "DS",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    65: "HTTPS",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
}
"""The query types that are counted by name: CoreDNS's list."""

_OTHER_TYPE = 0

SIZE_BOUNDS = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000)
"""Octets, as CoreDNS has them (8291 is theirs too)."""

PROGRAMMING_BOUNDS_S = tuple(0.001 * 2**step for step in range(20))
"""1 ms to about 524 s (Kubernetes' DNS programming latency indicator)."""

_LARGEST = 65535
_SIZE_BUCKET = b"".join(
    bytes((bucket,)) * (upper - lower)
    for bucket, (lower, upper) in enumerate(
        zip((-1, *SIZE_BOUNDS), (*SIZE_BOUNDS, _LARGEST), strict=True)
    )
)
"""Bucket by length in octets: one index instead of a search."""


def durations() -> Histogram:
    """Return an empty histogram of times to answer, in seconds."""
    return Histogram(DURATION_BOUNDS_S)


def sizes() -> Histogram:
    """Return an empty histogram of message lengths, in octets."""
    return Histogram(SIZE_BOUNDS)


class Counts(Struct, frozen=True):
    """What the server did until now, in the shape of the exported metrics.

    Attributes:
        requests: by (zone, proto, family, type's mnemonic).
        do_requests: queries with the DO bit, by zone.
        responses: by (zone, RCODE's mnemonic, rule).
        drops: what got no reply, by reason.
        truncated: replies that lost records because they did not fit, by proto.
        panics: exceptions that the server had to answer with SERVFAIL.
        durations: seconds from query to reply, by zone.
        request_sizes, response_sizes: octets, by (zone, proto).
        programming: seconds from a change of endpoints to its records, by kind of service.
    """

    requests: dict[tuple[str, str, int, str], int] = field(default_factory=dict)
    do_requests: dict[str, int] = field(default_factory=dict)
    responses: dict[tuple[str, str, str], int] = field(default_factory=lambda: defaultdict(int))
    drops: dict[str, int] = field(default_factory=dict)
    truncated: dict[str, int] = field(default_factory=dict)
    panics: int = 0
    durations: dict[str, Histogram] = field(default_factory=lambda: defaultdict(durations))
    request_sizes: dict[tuple[str, str], Histogram] = field(
        default_factory=lambda: defaultdict(sizes)
    )
    response_sizes: dict[tuple[str, str], Histogram] = field(
        default_factory=lambda: defaultdict(sizes)
    )
    programming: dict[str, Histogram] = field(default_factory=dict)


class _Cell:
    """What is counted for one (zone, proto, family, qtype)."""

    __slots__ = ("octets_in", "octets_out", "seconds", "sizes_in", "sizes_out", "times")

    def __init__(self) -> None:
        self.times = [0] * (len(DURATION_BOUNDS_S) + 1)
        self.seconds = 0.0
        self.sizes_in = [0] * (len(SIZE_BOUNDS) + 1)
        self.octets_in = 0
        self.sizes_out = [0] * (len(SIZE_BOUNDS) + 1)
        self.octets_out = 0


class Tally:
    """Counts what the server does."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str, int, int], _Cell] = defaultdict(_Cell)
        self._do_requests: dict[str, int] = defaultdict(int)
        self._responses: dict[tuple[str, int, str], int] = defaultdict(int)
        self._drops: dict[str, int] = defaultdict(int)
        self._truncated: dict[str, int] = defaultdict(int)
        self._panics = 0
        self._programming: dict[str, Histogram] = {}

    def record(  # noqa: PLR0913, PLR0917 - positional: keywords cost a third of the call
        self,
        proto: str,
        family: int,
        zone: str,
        qtype: int,
        do: bool,  # noqa: FBT001 - same
        request_octets: int,
        reply_octets: int,
        rcode: int,
        rule: str,
        seconds: float,
        times: int = 1,
    ) -> None:
        """Count a query and its reply.

        Args:
            proto: ``udp`` or ``tcp``.
            family: 1 for IPv4, 2 for IPv6.
            zone: the name of one of our zones, with the trailing dot, or ``DROPPED``. Never a name
                out of the query.
            qtype: as asked, 0 to 65535; 0 where no question could be read.
            do: whether the query had the DO bit.
            request_octets: length of the query, 0 to 65535.
            reply_octets: length of the reply, 0 to 65535.
            rcode: extended RCODE of the reply.
            rule: name of the rule of the resolver that decided, or of the stage before it.
            seconds: from query to reply, on a monotonic clock.
            times: how often the same was asked and answered.
        """
        cell = self._cells[zone, proto, family, qtype if qtype in QTYPES else _OTHER_TYPE]
        cell.times[bisect_left(DURATION_BOUNDS_S, seconds)] += times
        cell.seconds += seconds * times
        cell.sizes_in[_SIZE_BUCKET[request_octets]] += times
        cell.octets_in += request_octets * times
        cell.sizes_out[_SIZE_BUCKET[reply_octets]] += times
        cell.octets_out += reply_octets * times
        self._responses[zone, rcode, rule] += times
        if do:
            self._do_requests[zone] += times

    def drop(self, reason: str) -> None:
        """Count something that got no reply.

        Args:
            reason: a word from a closed set in our code, never text from the network.
        """
        self._drops[reason] += 1

    def truncate(self, proto: str, times: int = 1) -> None:
        """Count a reply that lost records of its answer because they did not fit.

        Args:
            proto: ``udp``, where the client asks again, or ``tcp``, where it does not.
            times: how often it was sent.
        """
        self._truncated[proto] += times

    def panic(self) -> None:
        """Count one exception that should not have been possible."""
        self._panics += 1

    def programmed(self, service_kind: str, seconds: float) -> None:
        """Count how long a change of endpoints took to reach the records.

        Args:
            service_kind: CoreDNS's words: ``cluster_ip``, ``headless_with_selector`` or
                ``headless_without_selector``.
            seconds: since the trigger time that the change carried. Clocks of two machines may
                disagree, so a negative difference counts as 0.
        """
        if service_kind not in self._programming:
            self._programming[service_kind] = Histogram(PROGRAMMING_BOUNDS_S)
        self._programming[service_kind].observe(max(0.0, seconds))

    def snapshot(self) -> Counts:
        """Return what was counted until now; later records do not change it."""
        counts = Counts(
            do_requests=dict(self._do_requests),
            drops=dict(self._drops),
            truncated=dict(self._truncated),
            panics=self._panics,
        )
        # Another thread counts meanwhile. dict() copies in one step, where list(items()) makes a
        # tuple for each item: that may start the collector, whose callbacks let threads switch.
        for (zone, proto, family, qtype), cell in dict(self._cells).items():
            times = tuple(cell.times)
            counts.requests[zone, proto, family, QTYPES.get(qtype, OTHER)] = sum(times)
            counts.durations[zone].add(times, cell.seconds)
            counts.request_sizes[zone, proto].add(cell.sizes_in, cell.octets_in)
            counts.response_sizes[zone, proto].add(cell.sizes_out, cell.octets_out)
        for (zone, rcode, rule), replies in dict(self._responses).items():
            counts.responses[zone, MNEMONICS.get(rcode, OTHER), rule] += replies
        for kind, histogram in dict(self._programming).items():
            copied = counts.programming[kind] = Histogram(histogram.bounds)
            copied.add(histogram.counts, histogram.total)
        return counts
