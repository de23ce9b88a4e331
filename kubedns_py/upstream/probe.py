"""Questions of our own to servers that are suspects: whether they still reply.

Rules of this file:

- A new server and a suspect are asked at once, and then each 0.5 s until they reply, whatever they
  say. Nothing is sent to a server that replies to its clients' questions.
- The question is for the NS of the route: ``. NS``, or that of the stub domain, whose server may
  know nothing else.
- The second probe and each fourth after it go over TCP: some servers have nothing else (C-25). It
  goes at once where the network has refused the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Final, Protocol

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name
from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import IN, NS
from kubedns_py.upstream.exchange import Exchange, Exchanges, Failure
from kubedns_py.upstream.health import Health

INTERVAL_S: Final = 0.5
"""How often a suspect is probed, as CoreDNS does."""

PROBE_S: Final = 1.0
"""How long the reply to a probe is waited for."""

_STREAM_EVERY = 4
_NEARLY = 0.9  # sums of fractions of a second are not exact


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """Let it not happen."""


class Clock(Protocol):
    """The event loop, as far as it is a clock."""

    def time(self) -> float:
        """Return monotonic seconds."""

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer:
        """Call at a time of the same clock."""


class Prober:
    """Probes the servers of all routes.

    Args:
        udp: questions over UDP.
        streams: questions over TCP and TLS.
        clock: the event loop.
        on_back: called with a server that was a suspect, or down, when it has replied to a probe.
    """

    __slots__ = ("_clock", "_on_back", "_streams", "_udp", "_watches")

    def __init__(
        self,
        udp: Exchanges,
        streams: Exchanges,
        *,
        clock: Clock,
        on_back: Callable[[Health], None],
    ) -> None:
        self._udp = udp
        self._streams = streams
        self._clock = clock
        self._on_back = on_back
        self._watches: dict[Health, _Watch] = {}

    def watch(self, servers: Mapping[Health, Name]) -> None:
        """Take these servers for all that there are, each with the domain of its route.

        What is new is probed; what is gone is not probed any more.
        """
        for health, watch in list(self._watches.items()):
            if servers.get(health) != watch.domain:
                watch.close()
                del self._watches[health]
        for health, domain in servers.items():
            if health not in self._watches:
                watch = _Watch(health, domain, self._clock, (self._udp, self._streams))
                watch.on_back = self._on_back
                self._watches[health] = watch
                watch.start()

    def suspect(self, health: Health) -> None:
        """Find out whether a server still replies. Unknown servers are passed over."""
        watch = self._watches.get(health)
        if watch is not None:
            watch.start()

    def close(self) -> None:
        """Stop probing, without a word."""
        self.watch({})


class _Watch:
    """Probes one server for as long as it is a suspect.

    Attributes:
        domain: what its route is for.
        on_back: see ``Prober``; set at once by whoever made this.
    """

    __slots__ = (
        *("_ask", "_clock", "_health", "_probes", "_sent", "_sent_at", "_timer", "_ways"),
        "on_back",
    )
    on_back: Callable[[Health], None]

    def __init__(
        self, health: Health, domain: Name, clock: Clock, ways: tuple[Exchanges, Exchanges]
    ) -> None:
        self._health = health
        self._ask = Ask(domain, NS, IN)
        self._clock = clock
        self._ways = ways
        self._probes: list[_Probe] = []
        self._sent = 0  # since the last reply
        self._sent_at = -inf
        self._timer: Timer | None = None

    @property
    def domain(self) -> Name:
        return self._ask.name

    def start(self) -> None:
        """Send a probe now, but not within 0.5 s of the one before it."""
        if self._timer is None:
            due = self._sent_at + INTERVAL_S
            if due <= self._clock.time():
                self._send()
            else:
                self._timer = self._clock.call_at(due, self._turn)

    def close(self) -> None:
        """End it without a word."""
        for probe in self._probes:
            probe.exchange.cancel()
        self._probes.clear()
        self._sent = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def ended(self, probe: _Probe, outcome: Response | Failure) -> None:
        """Take the end of a probe."""
        self._probes.remove(probe)
        if isinstance(outcome, Response):
            self._replied(probe)
        elif outcome is not Failure.NO_SOCKET:
            self._failed(probe)
            if self._sent == 1:
                self._send()

    def _replied(self, probe: _Probe) -> None:
        now = self._clock.time()
        was_away = self._health.is_suspect  # also one that is down
        self._health.replied_to_probe(now - probe.started)
        if not probe.over_stream:
            self._health.hears_datagrams()
        elif self._sent > 1 and all(other.over_stream for other in self._probes):
            self._health.is_deaf_to_datagrams(now)
        self.close()
        if was_away:
            self.on_back(self._health)

    def _failed(self, probe: _Probe) -> None:
        if self._health.heard_at < probe.started:
            self._health.failed_probe()

    def _turn(self) -> None:
        self._timer = None
        now = self._clock.time()
        for probe in [each for each in self._probes if now - each.started > PROBE_S * _NEARLY]:
            probe.exchange.cancel()
            self._probes.remove(probe)
            self._failed(probe)
        if self._health.is_suspect or not self._health.rtt_s:
            self._send()
        else:
            self.close()

    def _send(self) -> None:
        now = self._sent_at = self._clock.time()
        over_stream = bool(self._health.server.tls_name) or self._sent % _STREAM_EVERY == 1
        self._sent += 1
        probe = _Probe(self, now, over_stream=over_stream)
        self._probes.append(probe)
        edns = self._health.knows_edns(now)
        way = self._ways[over_stream]
        probe.exchange = way.begin(self._health.server, self._ask, probe.done, edns=edns)
        if self._timer is None:
            self._timer = self._clock.call_at(now + INTERVAL_S, self._turn)


class _Probe:
    """One that was sent."""

    __slots__ = ("_watch", "exchange", "over_stream", "started")
    exchange: Exchange

    def __init__(self, watch: _Watch, started: float, *, over_stream: bool) -> None:
        self.started = started
        self.over_stream = over_stream
        self._watch = watch

    def done(self, outcome: Response | Failure) -> None:
        """Take the end of the exchange."""
        self._watch.ended(self, outcome)
