"""Whether a server sends our questions back to us: found with names that nobody can guess (C-22).

Rules of this file:

- A name is two labels of 64 bits from the operating system's random source, below the domain of the
  server's route, and of type HINFO. When somebody asks us for it, what we send there comes back.
- It is not below ``invalid.``: resolvers answer that themselves (RFC 6761, 6.4), also those that
  send us everything else.
- Such a name goes to each new server, to one whose address asks what it was asked itself, and to
  one that loops before it is trusted again. Only the name decides: addresses can be forged, and a
  client may live on the host of a server, so no question of a client's takes a server down.
- Nothing here ends the process, whatever comes back (CVE-2026-26018 had a name that was guessed).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import MAX_NAME, Name, wire_length
from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import HINFO, IN
from kubedns_py.upstream.exchange import Exchange, Exchanges, Failure
from kubedns_py.upstream.health import LOOPING_S, Health
from kubedns_py.upstream.probe import Clock, Timer

KNOWN_S: Final = 2.0
"""How long a name is known as ours: the way there and back."""

_LABEL_OCTETS = 8  # of chance; in hexadecimal digits twice as long


class Loops:
    """Looks for loops.

    Args:
        udp: questions over UDP.
        streams: questions over TLS.
        clock: the event loop.
        on_loop: called with a server when it is found to loop, and each time that it still does.
    """

    __slots__ = ("_clock", "_domains", "_looks", "_next_looks", "_on_loop", "_streams", "_udp")

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
        self._domains: dict[Health, Name] = {}
        self._looks: dict[Name, _Look] = {}
        self._next_looks: dict[Health, Timer] = {}

    def watch(self, servers: Mapping[Health, Name]) -> None:
        """Take these servers for all that there are, each with the domain of its route.

        What is new is looked at.
        """
        before, self._domains = self._domains, dict(servers)
        for health in before.keys() - servers.keys():
            self._look_later(health, None)
        for health, domain in servers.items():
            if before.get(health) != domain:
                self.look(health)

    def look(self, health: Health) -> None:
        """Find out whether a server loops; not while that is being found out already."""
        domain = self._domains.get(health)
        if domain is None or any(look.health is health for look in self._looks.values()):
            return
        name = (_unguessable(), _unguessable(), *domain)
        if wire_length(name) > MAX_NAME:
            return  # a stub domain so long that there is hardly a name below it
        look = self._looks[name] = _Look(health)
        now = self._clock.time()
        way = self._streams if health.needs_streams(now) else self._udp
        edns = health.knows_edns(now)
        look.exchange = way.begin(health.server, Ask(name, HINFO, IN), look.done, edns=edns)
        look.timer = self._clock.call_at(now + KNOWN_S, partial(self._forget, name))

    def is_own(self, name: Name) -> bool:
        """Tell whether a question can only be ours."""
        return bool(self._looks) and name in self._looks

    def came_back(self, name: Name) -> None:
        """Note that somebody asks for a name that is ours: its server loops."""
        look = self._looks.get(name)
        if look is None or look.is_back or look.health not in self._domains:
            return  # who got no answer asks again; and what is gone does no harm
        look.is_back = True
        now = self._clock.time()
        look.health.loops(now)
        self._look_later(look.health, now + LOOPING_S - KNOWN_S)
        self._on_loop(look.health)

    def close(self) -> None:
        """Stop looking, without a word."""
        self.watch({})
        for name in list(self._looks):
            self._forget(name)

    def _forget(self, name: Name) -> None:
        look = self._looks.pop(name)
        look.exchange.cancel()
        look.timer.cancel()

    def _look_later(self, health: Health, when: float | None) -> None:
        timer = self._next_looks.pop(health, None)
        if timer is not None:
            timer.cancel()
        if when is not None:
            self._next_looks[health] = self._clock.call_at(when, partial(self.look, health))


class _Look:
    """A name on its way.

    Attributes:
        health: the server that it was sent to.
        is_back: whether it has come back.
    """

    __slots__ = ("exchange", "health", "is_back", "timer")
    exchange: Exchange
    timer: Timer

    def __init__(self, health: Health) -> None:
        self.health = health
        self.is_back = False

    def done(self, outcome: Response | Failure) -> None:
        """Take no notice: what a server says of such a name does not matter."""


def _unguessable() -> bytes:
    return secrets.token_hex(_LABEL_OCTETS).encode()
