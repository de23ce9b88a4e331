"""One sending of a question to one server, and what several of them come to.

Rules of this file:

- How an attempt ended is kept as words for people; they are made here and nowhere else.
- What several attempts come to is worked out from them when it is needed: most questions are
  answered by the first one, and nothing is kept for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from kubedns_py.dns.rcode import (
    EDE_NETWORK_ERROR,
    EDE_NO_REACHABLE_AUTHORITY,
    MNEMONICS,
    REFUSED,
    SERVFAIL,
    ExtendedError,
)
from kubedns_py.dns.render import Reply
from kubedns_py.dns.response import Response
from kubedns_py.structs import Struct
from kubedns_py.upstream.exchange import Exchange, Failure
from kubedns_py.upstream.health import Health

TRUNCATED: Final = "sent half an answer"
ENDLESS: Final = "sent a chain of aliases without end"
ANSWERED: Final = "answered"
NO_EDNS: Final = "does not know EDNS"

MAX_SENDS: Final = 3
"""Times that one question goes to one server, over all transports (RFC 9520, 3.1; C-11)."""

_NAMED_SERVERS = 3  # in a text that goes to a client
_FAILURES = {
    Failure.UNREACHABLE: "is unreachable",
    Failure.SUSPICIOUS: "sent replies to other questions",
    Failure.BROKEN: "broke off",
    Failure.NO_SOCKET: "was not asked: no socket left",
    Failure.UNTRUSTED: "has a certificate that is not trusted",
}
_SILENT = "did not answer"
_SAID_REFUSED = "said REFUSED"

Take = Callable[["Attempt", "Response | Failure"], None]


class _Unsent:
    """An exchange that has not begun."""

    mismatches = 0

    def cancel(self) -> None:
        """Do nothing: there is nothing to end."""


_UNSENT: Final = _Unsent()


class Attempt(Struct, eq=False):
    """One sending.

    Attributes:
        health: the server.
        started: when it was sent.
        over_stream: whether it went over TCP or TLS.
        edns: whether it had an OPT record.
        exchange: set at once by whoever made this.
        end: how it ended, in words that follow the server's name; empty while it has not.
        has_spoken: whether a reply came that says that this server does not know.
        is_late: whether a reply should have come by now.
    """

    health: Health
    started: float
    _take: Take
    over_stream: bool
    edns: bool
    exchange: Exchange = _UNSENT
    end: str = ""
    has_spoken: bool = False
    is_late: bool = False

    def done(self, outcome: Response | Failure) -> None:
        """Take the end of the exchange."""
        self._take(self, outcome)

    def failed(self, failure: Failure) -> None:
        """Note that there is no reply."""
        self.end = _FAILURES[failure]

    def said(self, rcode: int) -> None:
        """Note a reply that says that the server does not know."""
        self.end = f"said {MNEMONICS.get(rcode, rcode)}"
        self.has_spoken = True

    def sent(self, what: str) -> None:
        """Note a reply that is of no use."""
        self.end = what
        self.has_spoken = True

    @property
    def is_unreachable(self) -> bool:
        """Whether the network or the host said no."""
        return self.end == _FAILURES[Failure.UNREACHABLE]


def sends(attempts: Iterable[Attempt], health: Health) -> int:
    """Return how often a server was sent the question."""
    return sum(attempt.health is health for attempt in attempts)


def knows_edns(attempts: Iterable[Attempt], health: Health) -> bool:
    """Tell whether a server has not refused EDNS."""
    return not any(attempt.health is health and attempt.end == NO_EDNS for attempt in attempts)


def may_use_stream(attempts: Iterable[Attempt], health: Health) -> bool:
    """Tell whether TCP is left as a second way to a server."""
    own = [attempt for attempt in attempts if attempt.health is health]
    return len(own) < MAX_SENDS and not any(attempt.over_stream for attempt in own)


def is_closed_to_udp(attempts: Iterable[Attempt], health: Health) -> bool:
    """Tell whether a server's host refused UDP, and TCP is left."""
    refused = any(attempt.health is health and attempt.is_unreachable for attempt in attempts)
    return refused and may_use_stream(attempts, health)


def garbled(attempts: Iterable[Attempt]) -> Health | None:
    """Return a server in whose name came what nobody can read, where TCP is left (C-02)."""
    for attempt in attempts:
        is_waiting = not attempt.end and not attempt.over_stream
        if is_waiting and attempt.exchange.mismatches and may_use_stream(attempts, attempt.health):
            return attempt.health
    return None


def may_still_come(attempts: Iterable[Attempt]) -> bool:
    """Tell whether somebody is waited for who may still reply."""
    return any(not attempt.end and attempt.health.is_up for attempt in attempts)


def least_asked(attempts: Sequence[Attempt], healths: Iterable[Health]) -> Health | None:
    """Return who was sent the question least, and of those who replies soonest.

    Who has spoken is not asked again, nor who was asked often enough.
    """
    best: tuple[int, float, Health] | None = None
    for health in healths:
        own = [attempt for attempt in attempts if attempt.health is health]
        if len(own) < MAX_SENDS and not any(attempt.has_spoken for attempt in own):
            found = (len(own), health.cost_s, health)
            if best is None or found[:2] < best[:2]:
                best = found
    return best and best[2]


def learn(attempts: Sequence[Attempt], last: Attempt, now: float) -> None:
    """Remember what a server needed before it answered: no EDNS, or TCP.

    Args:
        attempts: all of one question.
        last: the one that brought the answer.
        now: monotonic seconds.
    """
    own = [attempt for attempt in attempts if attempt.health is last.health]
    if not last.edns and any(attempt.edns for attempt in own):
        last.health.refuses_edns(now)
    datagrams = [attempt for attempt in own if not attempt.over_stream]
    is_silent = not any(attempt.has_spoken for attempt in datagrams)
    is_closed = any(attempt.is_unreachable for attempt in datagrams)
    if last.over_stream and is_silent and (is_closed or len(datagrams) > 1):
        last.health.is_deaf_to_datagrams(now)


def failure_reply(attempts: Sequence[Attempt]) -> Reply:
    """Return what the client is told when no attempt brought an answer.

    EDE 22 when a server spoke, 23 when none did (RFC 8914, 4.23, 4.24). REFUSED when all who were
    asked said so, otherwise SERVFAIL.

    Args:
        attempts: in their order, at least one.
    """
    last = {attempt.health: attempt for attempt in attempts}.values()
    ends = {attempt.end for attempt in last}
    spoke = any(attempt.has_spoken for attempt in attempts)
    code = EDE_NO_REACHABLE_AUTHORITY if spoke else EDE_NETWORK_ERROR
    rcode = REFUSED if ends == {_SAID_REFUSED} else SERVFAIL
    return Reply(rcode, ede=ExtendedError(code, _story(last)))


def _story(attempts: Iterable[Attempt]) -> str:
    told = [f"{attempt.health.label} {attempt.end or _SILENT}" for attempt in attempts]
    more = len(told) - _NAMED_SERVERS
    return "; ".join(told[:_NAMED_SERVERS]) + (f"; and {more} more" if more > 0 else "")
