"""Counts of what forwarding did: plain dictionaries and integers, read at scrape time.

Rules of this file:

- Every key comes from a closed set; a response code without a name is counted as ``OTHER``.
- One thread writes (the event loop's). Whoever reads from another copies first: ``dict(...)`` and
  ``list(...)`` copy in one step.
"""

from __future__ import annotations

import enum

from kubedns_py.dns.rcode import MNEMONICS, OTHER
from kubedns_py.histogram import DURATION_BOUNDS_S, Histogram

_UNKNOWN_RCODE = -1


class Reject(enum.StrEnum):
    """Why a question was refused at once."""

    TOTAL = enum.auto()  # all clients together ask too much
    CLIENT = enum.auto()  # this client does
    DOWN = enum.auto()  # no upstream of the route is up
    NONE = enum.auto()  # no upstream is configured
    LOOP = enum.auto()  # it came from the upstream that it would go to


class Retry(enum.StrEnum):
    """Why a question was sent once more."""

    LATE = enum.auto()  # no reply in the time in which one usually comes
    UNREACHABLE = enum.auto()  # the network, the host or the certificate said no
    REFUSED = enum.auto()  # the server said that it cannot: SERVFAIL, REFUSED, a chain without end
    TRUNCATED = enum.auto()  # the rest is to be had over TCP
    SUSPICIOUS = enum.auto()  # somebody guesses, or sends what nobody can read
    EDNS = enum.auto()  # the server does not know EDNS


class ServerCounts:
    """What was asked of one server and what it said.

    Attributes:
        requests: questions sent, repetitions and those over TCP too; no probes.
        healthcheck_failures: probes that got no reply.
    """

    __slots__ = ("_durations", "healthcheck_failures", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.healthcheck_failures = 0
        self._durations: dict[int, Histogram] = {}

    def replied(self, rcode: int, seconds: float) -> None:
        """Count a reply, 0 to 4095 by its code, and the time from the question to it."""
        histogram = self._durations.get(rcode)
        if histogram is None:
            known = rcode if rcode in MNEMONICS else _UNKNOWN_RCODE
            histogram = self._durations.setdefault(known, Histogram(DURATION_BOUNDS_S))
        histogram.observe(seconds)

    def durations(self) -> dict[str, Histogram]:
        """Return the times of replies by the name of their code; live, not copied."""
        return {MNEMONICS.get(rcode, OTHER): each for rcode, each in dict(self._durations).items()}

    def responses(self) -> dict[str, int]:
        """Return the number of replies by the name of their code."""
        return {name: sum(each.counts) for name, each in self.durations().items()}


class ForwardCounts:
    """What concerns no single server.

    Attributes:
        coalesced: questions that were answered by a look-up that somebody else had begun.
        rejects: questions refused at once, by the words of ``Reject``.
        retries: questions sent once more, by the words of ``Retry``.
        loop_detected: times that a question of ours came back to us.
    """

    __slots__ = ("coalesced", "loop_detected", "rejects", "retries")

    def __init__(self) -> None:
        self.coalesced = 0
        self.loop_detected = 0
        self.rejects: dict[Reject, int] = dict.fromkeys(Reject, 0)
        self.retries: dict[Retry, int] = dict.fromkeys(Retry, 0)
