"""Forwarders that send their questions to each other, and no socket.

circle = Circle()
circle.start(ONE, TWO)
circle.start(TWO, ONE)
circle.clock.advance(3)
assert not circle.is_usable(ONE)

Questions come from the same address whoever asks, as behind a Service or any other translation.
"""

from __future__ import annotations

from collections.abc import Callable

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.rcode import NXDOMAIN
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import HINFO
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.forwarder import Forwarder
from kubedns_py.upstream.routes import Group, Routes
from tests.helpers.fake_exchanges import FakeExchanges, ManualClock, Sent, a_response, an_ask

ONE, TWO, THREE, GOOD = (f"10.0.0.{n}" for n in (1, 2, 3, 9))
WAY_S = 0.001
"""From one to the other."""

_CLIENT = "10.244.0.7"
_NAT = "10.0.0.254"


class Circle:
    """Servers, by their hosts; GOOD says of every name that there is none.

    Attributes:
        forwarders: those of ours that run.
        sent: everything that was sent, in order, each behind who sent it.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.forwarders: dict[str, Forwarder] = {}
        self.sent: list[tuple[str, Sent]] = []
        self._groups: dict[str, Group] = {}
        self._relays: dict[str, str] = {}

    def start(self, host: str, *upstreams: str) -> None:
        """Start a server of ours."""
        udp, streams = FakeExchanges(self.clock), FakeExchanges(self.clock)
        for exchanges in (udp, streams):
            for other in (ONE, TWO, THREE, GOOD):
                exchanges.answers[other] = self._carrier(host)
        self.forwarders[host] = Forwarder(
            udp, streams, clock=self.clock, is_elsewhere=lambda _, __: False
        )
        self.use(host, *upstreams)

    def use(self, host: str, *upstreams: str) -> None:
        """Give a server of ours other upstreams."""
        group = self._groups[host] = Group(".", tuple(map(Nameserver, upstreams)))
        self.forwarders[host].replace_routes(Routes(group, {}))

    def relay(self, host: str, upstream: str) -> None:
        """Let somebody else's server send on whatever it is asked, and know nothing of loops."""
        self._relays[host] = upstream

    def ask(self, host: str) -> list[Reply]:
        """Ask as a client does; return where the reply is, or will be."""
        return self._ask(host, an_ask(f"n{len(self.sent)}.example.org."))  # never asked before

    def look(self, host: str) -> list[Reply]:
        """Ask what somebody else asks who looks for a loop."""
        return self._ask(host, an_ask(f"{'0123456789abcdef.' * 2}", HINFO))

    def is_usable(self, host: str) -> bool:
        """Tell whether a server of ours would ask its first upstream."""
        return self.forwarders[host].servers[0].is_usable(self.clock.time())

    def is_marked(self, host: str) -> bool:
        """Tell whether a server of ours knows that its first upstream loops."""
        return self.forwarders[host].servers[0].looping_until > self.clock.time()

    def found(self, host: str) -> int:
        """Return how often a server of ours has found a loop."""
        return self.forwarders[host].counts.loop_detected

    def _ask(self, host: str, ask: Ask) -> list[Reply]:
        replies: list[Reply] = []
        now = self.forwarders[host].ask(ask, self._groups[host], _CLIENT, replies.append)
        return replies if now is None else [now]

    def _carrier(self, origin: str) -> Callable[[Sent], None]:
        def carry(sent: Sent) -> None:
            self.sent.append((origin, sent))
            self.clock.call_at(self.clock.time() + WAY_S, lambda: self._arrive(sent))

        return carry

    def _arrive(self, sent: Sent) -> None:
        host = sent.server.host
        host = self._relays.get(host, host)

        def done(reply: Reply) -> None:
            response = a_response(sent.ask, rcode=reply.rcode)
            self.clock.call_at(self.clock.time() + WAY_S, lambda: sent.end(response))

        if host == GOOD:
            done(Reply(NXDOMAIN))
        elif host in self.forwarders:
            now = self.forwarders[host].ask(sent.ask, self._groups[host], _NAT, done)
            if now is not None:
                done(now)
        else:
            self.clock.call_at(self.clock.time() + WAY_S, lambda: sent.end(Failure.UNREACHABLE))
