"""A look-up with everything around it, and no socket.

stage = LookupStage([ONE, TWO])
stage.look_up()
stage.advance(0.4)
stage.udp.sent[1].say("192.0.2.1")
assert stage.lines == ANSWER
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.rcode import NOERROR
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import to_lines
from kubedns_py.upstream.admission import Client
from kubedns_py.upstream.counts import ForwardCounts
from kubedns_py.upstream.health import Health
from kubedns_py.upstream.lookup import Desk, Lookup, Means
from kubedns_py.upstream.panel import Panel
from tests.helpers.fake_exchanges import FakeExchanges, ManualClock, Sent, an_ask

ONE, TWO, THREE = (f"10.0.0.{n}" for n in range(1, 4))
TICK_S = 0.025
ROUNDING_S = 1e-9


@dataclass
class LookupStage:
    """The stage of one look-up at a time.

    Attributes:
        suspects: whom the look-up complained of.
        replies: how it ended.
    """

    hosts: Sequence[str]
    tls_name: str = ""
    clock: ManualClock = field(default_factory=ManualClock)
    counts: ForwardCounts = field(default_factory=ForwardCounts)
    suspects: list[Health] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.udp = FakeExchanges(self.clock)
        self.tcp = FakeExchanges(self.clock)
        servers = [Nameserver(host, 53, self.tls_name) for host in self.hosts]
        self.desk = Desk(Panel(".", map(Health, servers)), {})
        self.means = Means(
            udp=self.udp,
            streams=self.tcp,
            now=self.clock.time,
            is_elsewhere=lambda *_: False,
            counts=self.counts,
            on_suspect=self.suspects.append,
            on_end=lambda _, reply: self.replies.append(reply),
        )

    def look_up(self, ask: Ask | None = None) -> Lookup:
        """Begin."""
        lookup = Lookup(ask or an_ask(), self.desk, self.means, [(Client("c"), lambda _: None)], [])
        choice = self.desk.panel.first(self.clock.time())
        assert choice is not None
        lookup.begin(choice, self.clock.time())
        return lookup

    def advance(self, seconds: float) -> None:
        """Let time pass, in ticks."""
        for _ in range(round(seconds / TICK_S)):
            self.clock.advance(TICK_S)
            now = self.clock.time() + ROUNDING_S
            for lookup in list(self.desk.lookups.values()):
                if lookup.due <= now:
                    lookup.on_time(now)

    def health(self, host: str) -> Health:
        """Return what is known of a server."""
        return next(health for health in self.desk.panel.healths if health.server.host == host)

    @property
    def sent(self) -> list[Sent]:
        """Everything that was sent, in order of time."""
        return sorted(self.udp.sent + self.tcp.sent, key=lambda sent: sent.at)

    @property
    def lines(self) -> list[str]:
        """The answer that was taken."""
        (reply,) = self.replies
        assert reply.rcode == NOERROR
        return [line for rrset in reply.answer for line in to_lines(rrset)]

    @property
    def failure(self) -> tuple[int, int, str]:
        """Code, EDE and its text, of a look-up that failed."""
        (reply,) = self.replies
        assert reply.ede is not None
        assert reply.answer == ()
        return (reply.rcode, *reply.ede)


ANSWER = ["www.example.org. 60 IN A 192.0.2.1"]
"""What ``say("192.0.2.1")`` comes to."""
