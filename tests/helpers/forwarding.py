"""A forwarder with everything around it, and no socket.

stage = ForwardStage(ONE, TWO)
assert stage.ask() is None
stage.questions()[0].say("192.0.2.1")
((reply, seconds),) = stage.replies
"""

from __future__ import annotations

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import SERVFAIL
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import HINFO, NS
from kubedns_py.upstream.admission import Bounds
from kubedns_py.upstream.forwarder import Forwarder
from kubedns_py.upstream.routes import Group, Routes
from tests.helpers.fake_exchanges import FakeExchanges, ManualClock, Sent, addresses, an_ask

ONE, TWO, THREE = (f"10.0.0.{n}" for n in range(1, 4))
CLIENT = "10.244.0.7"


def a_group(*hosts: str, route: str = ".") -> Group:
    """Return a group of servers on port 53."""
    return Group(route, tuple(map(Nameserver, hosts)))


class ForwardStage:
    """A forwarder with a default route.

    Attributes:
        replies: what clients got later, each with the time it took.
    """

    def __init__(self, *hosts: str, bounds: Bounds | None = None) -> None:
        self.clock = ManualClock()
        self.udp = FakeExchanges(self.clock)
        self.tcp = FakeExchanges(self.clock)
        self.forwarder = Forwarder(
            self.udp,
            self.tcp,
            clock=self.clock,
            is_elsewhere=lambda name, _: name[-1:] == (b"local",),
            bounds=bounds,
        )
        self.group = a_group(*hosts)
        self.replies: list[tuple[Reply, float]] = []
        self.forwarder.replace_routes(Routes(self.group, {}))

    def ask(
        self,
        name: str | Ask = "www.example.org.",
        client: str = CLIENT,
        *,
        group: Group | None = None,
    ) -> Reply | None:
        """Ask as a client does."""
        began = self.clock.time()
        ask = an_ask(name) if isinstance(name, str) else name

        def done(reply: Reply) -> None:
            self.replies.append((reply, self.clock.time() - began))

        return self.forwarder.ask(ask, group or self.group, client, done)

    def settle(self, rtt_s: float = 0.01) -> None:
        """Let servers reply to what they are asked at first."""
        for host in self.forwarder.servers:
            self.alive(host.server.host, rtt_s)
        self.clock.advance(3)

    def alive(self, host: str, rtt_s: float = 0.01) -> None:
        """Let a server reply to everything."""
        for exchanges in (self.udp, self.tcp):
            exchanges.answers[host] = exchanges.after(rtt_s, addresses("192.0.2.1"))

    def probes_alone(self, *hosts: str) -> None:
        """Let servers reply to probes and to nothing else."""
        reply = self.udp.after(0.001, addresses())
        for host in hosts:
            self.udp.answers[host] = lambda sent: reply(sent) if sent.ask.qtype == NS else None

    def silence(self, *hosts: str) -> None:
        """Let servers say nothing more."""
        for host in hosts:
            self.udp.answers.pop(host, None)
            self.tcp.answers.pop(host, None)

    def questions(self, name: str = "www.example.org.") -> list[Sent]:
        """Return what was sent for a client."""
        return [each for each in self.udp.sent + self.tcp.sent if each.ask.name == from_text(name)]

    @property
    def loop_probes(self) -> list[Sent]:
        """Return the names that look for loops."""
        return [each for each in self.udp.sent if each.ask.qtype == HINFO]

    @property
    def times(self) -> list[float]:
        """How long each client waited, sorted."""
        return sorted(seconds for _, seconds in self.replies)


def ede(reply: Reply | None) -> tuple[int, str]:
    """Return code and text of a refusal."""
    assert reply is not None
    assert reply.rcode == SERVFAIL
    assert reply.ede is not None
    return reply.ede.code, reply.ede.text
