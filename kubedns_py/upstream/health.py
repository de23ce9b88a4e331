"""What is known of one server: how fast it is, whether it is up, what it cannot.

Rules of this file:

- Pure: ``now`` is monotonic seconds and comes in as an argument.
- A question without a reply makes its server a suspect, never more: some names are slow wherever
  they are asked for, and nobody who knows such names shall take a server from the others. A suspect
  is asked after the others, and probed at once; two probes in a row without a reply take it down.
- Whatever a server replies, it is up.
"""

from __future__ import annotations

from math import inf
from typing import Final

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.upstream.counts import ServerCounts

MAX_FAILURES: Final = 2
"""Probes in a row without a reply that take a server down: CoreDNS's max_fails."""

WITHOUT_EDNS_S: Final = 900
"""How long a refusal of EDNS is remembered (C-13)."""

ONLY_STREAMS_S: Final = 60
"""How long it is remembered that a server is reached over TCP, but not over UDP (C-25)."""

LOOPING_S: Final = 30
"""How long a server is left alone that sends our questions back to us (C-22)."""

UNKNOWN_RTT_S: Final = 0.4
"""What an unknown server is taken for: worse than a good one, better than a bad one."""

MIN_PATIENCE_S: Final = 0.15
MAX_PATIENCE_S: Final = 1.0

_SMOOTHING = 1 / 8  # RFC 6298, 2.3
_LEAST_RTT_S = 1e-6  # 0 means unknown
_PATIENCE = 4
_SHORT_RTT_S = MIN_PATIENCE_S / _PATIENCE
_SUSPECT_S = 10.0  # above every RTT: after all others


class Health:
    """One server.

    Attributes:
        server: whom this is about.
        label: ``ip:port``, or as operators write a server with TLS: for logs and metrics.
        counts: for metrics.
        rtt_s: smoothed time to a reply, 0 while unknown (RFC 6298, 2).
        patience_s: how long to wait for a reply before somebody else is asked too, 0.15 to 1 s.
        cost_s: by what servers are compared; less is better.
        heard_at: when the last reply to a question came.
        failures: probes without a reply since the last reply.
        is_up: whether questions are sent to it.
        is_suspect: whether something was sent to it in vain since its last reply.
        looping_until: when questions are sent to it again that came back to us.
        plain_until: when EDNS is tried again.
        streams_until: when UDP is tried again.
    """

    __slots__ = (
        "cost_s",
        "counts",
        "failures",
        "heard_at",
        "is_suspect",
        "is_up",
        "label",
        "looping_until",
        "patience_s",
        "plain_until",
        "rtt_s",
        "server",
        "streams_until",
    )

    def __init__(self, server: Nameserver) -> None:
        self.server = server
        self.label = label_of(server)
        self.counts = ServerCounts()
        self.rtt_s = 0.0
        self.patience_s = self.cost_s = UNKNOWN_RTT_S
        self.heard_at = -inf
        self.failures = 0
        self.is_up = True
        self.is_suspect = False
        self.looping_until = self.plain_until = -inf
        self.streams_until = inf if server.tls_name else -inf

    def replied(self, seconds: float, now: float) -> None:
        """Note a reply to a question, ``seconds`` after it."""
        self.heard_at = now
        self._sample(seconds)
        if self.is_suspect or not self.is_up:
            self._cleared()

    def replied_to_probe(self, seconds: float) -> None:
        """Note a reply to a probe.

        It comes from the server's cache, so it says less of how long a question takes than what is
        known already.
        """
        if not self.rtt_s:
            self._sample(seconds)
        self._cleared()

    def kept_waiting(self, seconds: float) -> None:
        """Note that a question has no reply after ``seconds``: it takes at least so long.

        It is not waited for longer because of that, only asked after others.
        """
        if seconds > self.rtt_s:
            self.rtt_s = _smoothed(self.rtt_s, seconds)
        self._suspect()

    def failed(self, *, over_stream: bool) -> None:
        """Note that a question could not be brought to it: the network said so."""
        if over_stream:
            self.hears_datagrams()
        self._suspect()

    def failed_probe(self) -> None:
        """Note a probe without a reply."""
        self.counts.healthcheck_failures += 1
        self.failures += 1
        self._suspect()
        if self.failures >= MAX_FAILURES:
            self.is_up = False

    def is_usable(self, now: float) -> bool:
        """Tell whether questions may be sent to it."""
        return self.is_up and self.looping_until <= now

    def knows_edns(self, now: float) -> bool:
        """Tell whether questions have an OPT record."""
        return self.plain_until <= now

    def refuses_edns(self, now: float) -> None:
        """Remember that it answers without EDNS what it refused with it."""
        self.plain_until = now + WITHOUT_EDNS_S

    def needs_streams(self, now: float) -> bool:
        """Tell whether questions go over TCP, or TLS."""
        return now < self.streams_until

    def is_deaf_to_datagrams(self, now: float) -> None:
        """Remember that it answers over TCP what it does not answer over UDP."""
        self.streams_until = max(self.streams_until, now + ONLY_STREAMS_S)

    def hears_datagrams(self) -> None:
        """Forget that it does not answer over UDP."""
        if not self.server.tls_name:
            self.streams_until = -inf

    def loops(self, now: float) -> None:
        """Remember that a question sent to it came back to us."""
        self.looping_until = now + LOOPING_S

    def _sample(self, seconds: float) -> None:
        rtt = self.cost_s = self.rtt_s = _smoothed(self.rtt_s, seconds)
        if rtt < _SHORT_RTT_S:
            self.patience_s = MIN_PATIENCE_S
        else:
            self.patience_s = min(_PATIENCE * rtt, MAX_PATIENCE_S)

    def _suspect(self) -> None:
        self.is_suspect = True
        self.cost_s = _SUSPECT_S + self.rtt_s

    def _cleared(self) -> None:
        self.failures = 0
        self.is_up = True
        self.is_suspect = False
        self.cost_s = self.rtt_s


def _smoothed(rtt_s: float, seconds: float) -> float:
    return rtt_s + (seconds - rtt_s) * _SMOOTHING if rtt_s else max(seconds, _LEAST_RTT_S)


def label_of(server: Nameserver) -> str:
    """Return ``ip:port``, ``[ip]:port``, or ``tls://ip:port#name``."""
    host = f"[{server.host}]" if ":" in server.host else server.host
    label = f"{host}:{server.port}"
    return f"tls://{label}#{server.tls_name}" if server.tls_name else label
