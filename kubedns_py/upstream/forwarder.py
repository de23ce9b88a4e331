"""Questions to somebody else's servers: one in flight for each, bounded, and always answered.

Rules of this file:

- Whoever asks what is in flight already waits for that answer (C-17): many equal questions in
  flight would make guessing an ID easy (CVE-2023-30464), and cost more.
- What cannot be asked is refused at once: too many in flight, nobody up, nobody configured. But
  what looks for a loop is passed on even to who is down or loops: see ``loops.py``.
- One timer serves all questions: it looks every 25 ms at whose time has come, while there are any.
- A question that comes from where the same question was sent is a loop and ends here (C-22).
- ``done`` is never called before ``ask`` has returned, and never after ``close``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.chain import Elsewhere
from kubedns_py.dns.name import Name
from kubedns_py.dns.rcode import EDE_NO_REACHABLE_AUTHORITY, EDE_OTHER, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import HINFO
from kubedns_py.upstream.admission import Admission, Bounds, Client
from kubedns_py.upstream.counts import ForwardCounts, Reject
from kubedns_py.upstream.exchange import Exchanges
from kubedns_py.upstream.health import Health
from kubedns_py.upstream.lookup import Desk, Lookup, Means
from kubedns_py.upstream.loops import Loops, is_look
from kubedns_py.upstream.panel import ALONE_PATIENCE_S, Choice, Panel
from kubedns_py.upstream.probe import Clock, Prober, Timer
from kubedns_py.upstream.routes import Group, Routes

_log = logging.getLogger(__name__)

TICK_S: Final = 0.025
"""How exact waits for servers are; the shortest is 150 ms."""

_NO_UPSTREAM: Final = Reply(
    SERVFAIL, ede=ExtendedError(EDE_NO_REACHABLE_AUTHORITY, "no upstream is configured")
)
_LOOP: Final = Reply(SERVFAIL, ede=ExtendedError(EDE_OTHER, "forwarding loop"))


class Forwarder:
    """Asks upstreams.

    Args:
        udp: questions over UDP.
        streams: questions over TCP and TLS.
        clock: the event loop.
        is_elsewhere: whether a name must not be answered by upstreams: see ``chain.clean``.
        bounds: how much may be in flight.

    Attributes:
        counts: what concerns no single server, for metrics.
    """

    def __init__(
        self,
        udp: Exchanges,
        streams: Exchanges,
        *,
        clock: Clock,
        is_elsewhere: Elsewhere,
        bounds: Bounds | None = None,
    ) -> None:
        self.counts = ForwardCounts()
        self._clock = clock
        self._admission = Admission(bounds or Bounds(), self.counts)
        self._loops = Loops(udp, streams, clock=clock, on_loop=self._on_loop)
        self._prober = Prober(udp, streams, clock=clock, on_back=self._loops.look)
        self._means = Means(
            udp=udp,
            streams=streams,
            now=clock.time,
            is_elsewhere=is_elsewhere,
            counts=self.counts,
            on_suspect=self._on_suspect,
            on_end=self._on_end,
        )
        self._healths: Mapping[Nameserver, Health] = {}
        self._desks: dict[Group, Desk] = {}
        self._timer: Timer | None = None

    @property
    def servers(self) -> tuple[Health, ...]:
        """What is known of each server of the routes, for metrics and pages."""
        return tuple(self._healths.values())

    @property
    def in_flight(self) -> int:
        """Questions that are being asked."""
        return self._admission.slots

    @property
    def load(self) -> float:
        """The part of the slots that is taken, 0 to 1."""
        return self._admission.load

    @property
    def waiting(self) -> int:
        """Clients' questions that wait for those."""
        return self._admission.places

    def replace_routes(self, routes: Routes) -> None:
        """Take the groups of these routes for all that there are.

        What is known of servers that stay is kept. What is in flight is finished.
        """
        healths: dict[Nameserver, Health] = {}
        domains: dict[Health, Name] = {}
        desks = {group: desk for group, desk in self._desks.items() if desk.lookups}
        for domain, group in routes.groups.items():
            for server in group.servers:
                known = healths.get(server) or self._healths.get(server) or Health(server)
                healths[server] = known
                domains.setdefault(known, domain)
            desks[group] = self._desks.get(group) or _open(group, healths)
        self._healths = healths
        self._desks = desks
        self._prober.watch(domains)
        self._loops.watch(domains)

    def ask(
        self, ask: Ask, group: Group | None, client: str, done: Callable[[Reply], None]
    ) -> Reply | None:
        """Ask the servers of a group.

        Args:
            ask: the question; its class is IN.
            group: one of those that ``replace_routes`` was given last, or None.
            client: the address that the question came from, as text without a port; empty for our
                own questions, which are a client like others.
            done: called once with the reply, within 4.5 s; it must not raise.

        Returns:
            A reply if it is known at once: SERVFAIL with the reason. None: ``done`` will be called.
        """
        if self._loops.is_own(ask.name):
            return self._end_loop(ask.name)
        desk = None if group is None else self._desks.get(group)
        if desk is None:
            return self._refuse(Reject.NONE, _NO_UPSTREAM)
        lookup = desk.lookups.get(ask)
        if lookup is not None:
            return self._join(lookup, client, done)
        now = self._clock.time()
        choice = desk.panel.first(now)
        if ask.qtype == HINFO and is_look(ask):
            choice = self._look_too(desk.panel, choice)
        if choice is None:
            return self._refuse_all(desk.panel, now)
        admitted = self._admission.begin(client)
        if not isinstance(admitted, Client):
            return admitted
        Lookup(ask, desk, self._means, [(admitted, done)], []).begin(choice, now)
        if self._timer is None:
            self._timer = self._clock.call_at(now + TICK_S, self._tick)
        return None

    def close(self) -> None:
        """End everything without a word. Twice is harmless."""
        for desk in self._desks.values():
            for lookup in list(desk.lookups.values()):
                lookup.cancel()
        self._desks = {}
        self._prober.close()
        self._loops.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _join(self, lookup: Lookup, client: str, done: Callable[[Reply], None]) -> Reply | None:
        for attempt in lookup.attempts:
            if attempt.health.server.host == client:
                self.counts.loop_detected += 1
                self._loops.look(attempt.health)
                return self._refuse(Reject.LOOP, _LOOP)
        admitted = self._admission.join(client)
        if isinstance(admitted, Reply):
            return admitted
        self.counts.coalesced += 1
        lookup.waiters.append((admitted, done))
        return None

    def _on_end(self, lookup: Lookup, reply: Reply) -> None:
        client, done = lookup.waiters[0]
        self._admission.end(client)
        others = lookup.waiters[1:]
        for client, _ in others:
            self._admission.leave(client)
        done(reply)
        for _, done in others:
            done(reply)

    def _tick(self) -> None:
        now = self._clock.time()
        due = [
            lookup
            for desk in self._desks.values()
            for lookup in desk.lookups.values()
            if lookup.due <= now
        ]
        for lookup in due:
            if lookup.due <= now:  # unless an earlier one's end has closed everything
                lookup.on_time(now)
        is_busy = any(desk.lookups for desk in self._desks.values())
        self._timer = self._clock.call_at(now + TICK_S, self._tick) if is_busy else None

    def _end_loop(self, name: Name) -> Reply:
        self._loops.came_back(name)
        return self._refuse(Reject.LOOP, _LOOP)

    def _look_too(self, panel: Panel, choice: Choice | None) -> Choice | None:
        """Look where somebody else looks; return whom to ask, which nobody else is asked for."""
        for health in panel.healths:
            self._loops.look(health)
        if choice is None and panel.healths:
            latest = max(panel.healths, key=lambda health: health.looping_until)
            return Choice(latest, ALONE_PATIENCE_S)
        return choice

    def _on_suspect(self, health: Health) -> None:
        self._prober.suspect(health)
        self._loops.look(health)

    def _on_loop(self, health: Health) -> None:
        self.counts.loop_detected += 1
        _log.warning("upstream %s sends our questions back to us; it is left out", health.label)

    def _refuse_all(self, panel: Panel, now: float) -> Reply:
        if not panel.healths:
            return self._refuse(Reject.NONE, _NO_UPSTREAM)
        looping = any(health.looping_until > now for health in panel.healths)
        what = "are down or send questions back to us" if looping else "are down"
        return self._refuse(Reject.DOWN, _all_are(panel.route, what))

    def _refuse(self, why: Reject, reply: Reply) -> Reply:
        self.counts.rejects[why] += 1
        return reply


@lru_cache
def _all_are(route: str, what: str) -> Reply:
    """Return what is said of a route that nobody of is asked; a flood may ask for it often."""
    ede = ExtendedError(EDE_NO_REACHABLE_AUTHORITY, f"all upstreams of {route} {what}")
    return Reply(SERVFAIL, ede=ede)


def _open(group: Group, healths: Mapping[Nameserver, Health]) -> Desk:
    servers = dict.fromkeys(group.servers)  # each once
    return Desk(Panel(group.route, [healths[server] for server in servers]), {})
