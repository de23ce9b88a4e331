"""Exchanges without sockets, and a clock that moves when it is told.

    clock = ManualClock()
    udp = FakeExchanges(clock)
    udp.answers["10.0.0.1"] = udp.after(0.02, addresses("192.0.2.1"))
    ...  # ask
    clock.advance(0.02)

What a host is not told to do, it does when the test says so: ``udp.sent[-1].end(...)``. Exchanges
fail the test when they are used against their contract.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.dns.rcode import NOERROR
from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import IN, A, RRset, type_text
from kubedns_py.upstream.exchange import Done, Failure
from kubedns_py.upstream.spelling import Spelling

Behaviour = Callable[["Sent"], None]
Outcome = Response | Failure


class ManualTimer:
    """Something that the clock will call."""

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Let it not happen."""
        self.callback = None


class ManualClock:
    """A clock that stands still until ``advance``."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self._order = itertools.count()

    def time(self) -> float:
        """Return what the clock shows."""
        return self._now

    def call_at(self, when: float, callback: Callable[[], object], /) -> ManualTimer:
        """Call when the clock has come there."""
        timer = ManualTimer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move on, calling everything in its time."""
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            self._now = max(self._now, when)
            if timer.callback is not None:
                timer.callback()
        self._now = end

    @property
    def waiting(self) -> int:
        """Timers that will still call."""
        return sum(timer.callback is not None for _, _, timer in self._timers)


@dataclass(eq=False)
class Sent:
    """A question as it was sent.

    Attributes:
        at: when.
        spelling: how the question's name is spelled, if not in lower case.
        mismatches: what the exchange says of replies that were passed over.
        is_open: whether somebody still listens.
        is_cancelled: whether nobody does, because an answer was no longer wanted.
    """

    server: Nameserver
    ask: Ask
    done: Done
    edns: bool
    at: float
    spelling: Spelling | None = None
    mismatches: int = 0
    is_open: bool = True
    is_cancelled: bool = False

    def __str__(self) -> str:
        opt = "" if self.edns else " without EDNS"
        return f"{self.server.host} {to_text(self.ask.name)} {type_text(self.ask.qtype)}{opt}"

    def cancel(self) -> None:
        """See ``Exchange``."""
        self.is_cancelled = self.is_cancelled or self.is_open
        self.is_open = False

    def end(self, outcome: Outcome) -> None:
        """End it, if anybody still listens."""
        if self.is_open:
            self.is_open = False
            self.done(outcome)

    def say(self, *addresses: str, rcode: int = NOERROR, **facts: bool) -> None:
        """End it with a response; see ``a_response``."""
        self.end(a_response(self.ask, *addresses, rcode=rcode, **facts))


@dataclass
class FakeExchanges:
    """Keeps what was sent, and answers where it was told how.

    Attributes:
        sent: everything that was begun, in order.
        answers: what a server does, by its host.
    """

    clock: ManualClock
    sent: list[Sent] = field(default_factory=list)
    answers: dict[str, Behaviour] = field(default_factory=dict)

    def begin(
        self,
        server: Nameserver,
        ask: Ask,
        done: Done,
        *,
        edns: bool,
        spelling: Spelling | None = None,
    ) -> Sent:
        """See ``Exchanges``, and ``Datagrams``."""
        sent = Sent(server, ask, done, edns, self.clock.time(), spelling)
        self.sent.append(sent)
        if server.host in self.answers:
            self.answers[server.host](sent)
        return sent

    @property
    def hosts(self) -> list[str]:
        """Hosts of everything that was sent, in order."""
        return [sent.server.host for sent in self.sent]

    @property
    def open(self) -> list[Sent]:
        """What somebody still listens to."""
        return [sent for sent in self.sent if sent.is_open]

    def to(self, host: str) -> list[Sent]:
        """Return what was sent to a host."""
        return [sent for sent in self.sent if sent.server.host == host]

    def after(self, seconds: float, make: Callable[[Ask], Outcome]) -> Behaviour:
        """Return a behaviour: end each question after a time, as a network does."""

        def behave(sent: Sent) -> None:
            due = self.clock.time() + seconds
            self.clock.call_at(due, lambda: sent.end(make(sent.ask)))

        return behave


def an_ask(name: str = "www.example.org.", qtype: int = A, *, do: bool = False) -> Ask:
    """Return a question."""
    return Ask(from_text(name), qtype, IN, do=do)


def a_response(
    ask: Ask,
    *addresses: str,
    rcode: int = NOERROR,
    truncated: bool = False,
    edns: bool = True,
) -> Response:
    """Return a response with A records at the name asked for."""
    rdatas = tuple(bytes(map(int, address.split("."))) for address in addresses)
    answer = (RRset(ask.name, A, 60, rdatas),) if rdatas else ()
    return Response(rcode, truncated, False, edns, answer, ())  # noqa: FBT003 - a tuple's fields


def addresses(*texts: str, rcode: int = NOERROR) -> Callable[[Ask], Outcome]:
    """Return what makes a response with A records out of a question."""
    return lambda ask: a_response(ask, *texts, rcode=rcode)


def failing(failure: Failure) -> Callable[[Ask], Outcome]:
    """Return what makes a failure out of a question."""
    return lambda _: failure
