"""Whether a server sends our questions back to us: found with names that nobody can guess (C-22).

Rules of this file:

- A name is two labels of 64 bits of chance, below the domain of the server's route, and of type
  HINFO. Who asks us for it got it from the server we sent it to. It is not below ``invalid.``: that
  resolvers answer themselves (RFC 6761, 6.4), also those that send us everything else.
- It goes to who is new, or back, or late, or loops and shall be trusted again; at most each second,
  and again if refused. Addresses can be forged: no question of a client's takes a server down.
- Who is of our kind passes it on, even to who is down or loops, and looks there too: so all in a
  circle find it, in whatever order they start.
- Nothing here ends the process, whatever comes back (CVE-2026-26018 had a name that was guessed).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Final

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import MAX_NAME, Name, wire_length
from kubedns_py.dns.rcode import REFUSED, SERVFAIL
from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import HINFO, IN
from kubedns_py.upstream.exchange import Exchange, Exchanges, Failure
from kubedns_py.upstream.health import LOOPING_S, Health
from kubedns_py.upstream.probe import Clock, Timer

KNOWN_S: Final = 2.0
"""How long a name is known as ours: the way there and back."""

APART_S: Final = 1.0
"""The least time between two looks at a server."""

MOST_REPEATS: Final = 5
"""How often in a row a look is sent again because it was refused; some servers always refuse it."""

_LABEL_OCTETS = 8  # of chance; in hexadecimal digits twice as long
_DIGITS = frozenset(b"0123456789abcdef")
_REFUSALS = frozenset({SERVFAIL, REFUSED})


class Loops:
    """Looks for loops.

    Args:
        udp: questions over UDP.
        streams: questions over TLS.
        clock: the event loop.
        on_loop: called with a server when it is found to loop, and each time that it still does.
    """

    __slots__ = ("_clock", "_looks", "_on_loop", "_servers", "_streams", "_udp")

    def __init__(
        self,
        udp: Exchanges,
        streams: Exchanges,
        *,
        clock: Clock,
        on_loop: Callable[[Health], None],
    ) -> None:
        self._udp = udp
        self._streams = streams
        self._clock = clock
        self._on_loop = on_loop
        self._servers: dict[Health, _Server] = {}
        self._looks: dict[Name, _Look] = {}

    def watch(self, servers: Mapping[Health, Name]) -> None:
        """Take these servers for all that there are, each with the domain of its route.

        What is new is looked at.
        """
        before = self._servers
        self._servers = {health: before.get(health) or _Server() for health in servers}
        for health in before.keys() - servers.keys():
            before[health].cancel()
        for health, server in self._servers.items():
            if server.domain != servers[health]:
                server.domain = servers[health]
                self._send(health, server)

    def look(self, health: Health) -> None:
        """Find out whether a server loops, if that is not known: now, or a second after last time.

        Unknown servers are passed over.
        """
        server = self._servers.get(health)
        now = self._clock.time()
        if server is None or health.looping_until > now:
            return
        server.repeats = 0
        if server.looked_at + APART_S <= now:
            self._send(health, server)
        elif server.timer is None:
            self._look_later(health, server, server.looked_at + APART_S)

    def is_own(self, name: Name) -> bool:
        """Tell whether a question can only be ours."""
        return bool(self._looks) and name in self._looks

    def came_back(self, name: Name) -> None:
        """Note that somebody asks for a name that is ours: its server loops."""
        look = self._looks.get(name)
        if look is None or look.is_back:
            return  # who got no answer asks again
        server = self._servers.get(look.health)
        if server is None:
            return  # what is gone does no harm
        look.is_back = True
        now = self._clock.time()
        look.health.loops(now)
        server.repeats = 0
        self._look_later(look.health, server, now + LOOPING_S - KNOWN_S)
        self._on_loop(look.health)

    def close(self) -> None:
        """Stop looking, without a word."""
        self.watch({})
        for name in list(self._looks):
            self._forget(name)

    def _send(self, health: Health, server: _Server) -> None:
        server.cancel()
        name = (_unguessable(), _unguessable(), *(server.domain or ()))
        if wire_length(name) > MAX_NAME:
            return  # a stub domain so long that there is hardly a name below it
        look = self._looks[name] = _Look(health, self._on_outcome)
        now = server.looked_at = self._clock.time()
        way = self._streams if health.needs_streams(now) else self._udp
        edns = health.knows_edns(now)
        look.exchange = way.begin(health.server, Ask(name, HINFO, IN), look.done, edns=edns)
        look.timer = self._clock.call_at(now + KNOWN_S, partial(self._forget, name))

    def _forget(self, name: Name) -> None:
        look = self._looks.pop(name)
        look.exchange.cancel()
        look.timer.cancel()

    def _on_outcome(self, look: _Look, outcome: Response | Failure) -> None:
        """Look again if a server would not say; what else it says does not matter."""
        server = self._servers.get(look.health)
        if server is None or server.timer is not None or server.repeats >= MOST_REPEATS:
            return  # gone, looked at again anyway, or always like that
        if isinstance(outcome, Response) and outcome.rcode in _REFUSALS:
            server.repeats += 1
            self._look_later(look.health, server, server.looked_at + APART_S)

    def _look_later(self, health: Health, server: _Server, when: float) -> None:
        server.cancel()
        server.timer = self._clock.call_at(when, partial(self._send, health, server))


class _Server:
    """What is known of looks at a server.

    Attributes:
        domain: of its route; None at first.
        looked_at: when the last look was sent.
        repeats: looks that were sent because the one before was refused.
        timer: the next look, if there will be one; while it is known to loop, there is one.
    """

    __slots__ = ("domain", "looked_at", "repeats", "timer")

    def __init__(self) -> None:
        self.domain: Name | None = None
        self.looked_at = -inf
        self.repeats = 0
        self.timer: Timer | None = None

    def cancel(self) -> None:
        """Let there be no next look."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class _Look:
    """A name on its way.

    Attributes:
        health: the server that it was sent to.
        is_back: whether it has come back.
    """

    __slots__ = ("_on_outcome", "exchange", "health", "is_back", "timer")
    exchange: Exchange
    timer: Timer

    def __init__(
        self, health: Health, on_outcome: Callable[[_Look, Response | Failure], None]
    ) -> None:
        self.health = health
        self.is_back = False
        self._on_outcome = on_outcome

    def done(self, outcome: Response | Failure) -> None:
        """Take the end of the exchange."""
        self._on_outcome(self, outcome)


def is_look(ask: Ask) -> bool:
    """Tell whether a question has the form of those that look for loops, whoever sent it."""
    labels = ask.name[:2]
    return (
        ask.qtype == HINFO
        and len(labels) == 2
        and all(len(label) == 2 * _LABEL_OCTETS and _DIGITS.issuperset(label) for label in labels)
    )


def _unguessable() -> bytes:
    return secrets.token_hex(_LABEL_OCTETS).encode()
