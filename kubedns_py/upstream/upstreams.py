"""What the server sees of the rest of the world: the filter and the cache before the forwarder.

Rules of this file:

- ``find`` answers from what is known and never waits; ``fetch`` asks. Nothing but what ``fetch``
  and its like in advance brought is ever stored, and own names are never asked for here.
- Data that have expired are better than none: they are used when no upstream has an answer, when
  none has come in 1.8 s, and for 30 s after that without asking again (RFC 8767, 5; C-16).
- Failures are kept for seconds only, and not at all when nobody was asked: the limits of one
  client, or servers that are known to be down, say nothing about a name (RFC 9520, 3.2).
- No task and no timer for each question: a timer is there only while stale data wait.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.chain import Elsewhere
from kubedns_py.dns.name import Name, from_wire
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import AAAA, ANY, CNAME
from kubedns_py.structs import Struct
from kubedns_py.upstream.cache import Age, Cache, CacheCounts
from kubedns_py.upstream.filters import AaaaFilter
from kubedns_py.upstream.freshness import Kind, Verdict
from kubedns_py.upstream.rebinding import RebindingFilter
from kubedns_py.upstream.routes import DEFAULT_ROUTE, Group, Routes

STALE_AFTER_S: Final = 1.8
"""Time after which stale data are handed out although an upstream may still answer (RFC 8767, 5);
less than the 2 s in which unbound, and the 5 s in which glibc, gives up."""

MOST_AHEAD: Final = 32
"""Names that are fetched ahead at one time."""

AHEAD_LOAD: Final = 0.5
"""Part of the forwarder's slots up to which there is room for them."""

_FAILURE = Kind.FAILURE  # in Python 3.11 the long form costs 0.1 us each time
_NO_CLIENT: Final = ""
_NOBODY: Final = Group("", ())
"""Stands for no route; the forwarder knows nobody in it and says so."""

Done = Callable[[Reply], None]


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None:
        """Let it not happen; harmless afterwards."""


class Loop(Protocol):
    """What is used of an event loop."""

    def time(self) -> float:
        """Return monotonic seconds."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Have ``callback`` called in ``delay`` seconds."""


class Forwarder(Protocol):
    """Asks upstreams; see ``forwarder.py``."""

    @property
    def load(self) -> float:
        """The part of the slots that is taken, 0 to 1."""

    def ask(self, ask: Ask, group: Group, client: str, done: Done) -> Reply | None:
        """Return a failure at once, or None and call ``done`` once, later."""


class Upstreams:
    """Answers for names that are not ours.

    Args:
        cache: what is known; nobody else changes it.
        forwarder: who asks.
        routes: where.
        is_elsewhere: where the forwarder cuts chains of aliases; see ``chain.clean``.
        loop: for the time.
        most_ahead: names that are fetched ahead at one time; 0 for none at all.

    Attributes:
        generation: grows with each change after which a copy of an earlier answer may be wrong.
        prefetches: questions that were asked in advance.
    """

    def __init__(  # noqa: PLR0913 - the composition root is the only caller
        self,
        cache: Cache,
        forwarder: Forwarder,
        routes: Routes,
        *,
        is_elsewhere: Elsewhere,
        loop: Loop,
        most_ahead: int = MOST_AHEAD,
    ) -> None:
        self.generation = 0
        self.prefetches = 0
        self._cache = cache
        self._forwarder = forwarder
        self._routes = routes
        self._is_elsewhere = is_elsewhere
        self._loop = loop
        self._now = loop.time
        self._filter: AaaaFilter | None = None
        self._rebinding: RebindingFilter | None = None
        self._ahead: set[Ask] = set()
        self._most_ahead = most_ahead

    def find(self, ask: Ask) -> Reply | None:
        """Return what is known at once, or None when an upstream has to be asked.

        The reply's TTLs are what is left of them. A name that is asked for often and expires soon
        is fetched ahead.
        """
        if ask.qtype == AAAA and self._filter is not None:
            denial = self._filter.answer(ask.name, self._routes)
            if denial is not None:
                return denial
        found = self._cache.get(ask, self._now())
        if found is None:
            return None
        if found.age is Age.DUE:
            self._fetch_ahead(ask)
        return found.reply

    def counted(self, ask: Ask) -> tuple[float, int]:
        """Return since when the TTLs of what ``find`` returned count down, and by how much."""
        return self._cache.counted(ask)

    def fetch(self, ask: Ask, client: str, done: Done) -> Reply | None:
        """Ask an upstream for what ``find`` did not know.

        Args:
            ask: what to ask.
            client: the address that the query came from, as text.
            done: called exactly once, after this has returned None, with data, stale data or a
                failure.

        Returns:
            Stale data or a failure, when nobody can be asked; ``done`` is not called then.
        """
        group = self._routes.route(ask.name) or _NOBODY
        fetch = _Fetch(ask, group, self.generation, done)
        refusal = self._forwarder.ask(ask, group, client, partial(self._arrived, fetch))
        if self._cache.holds(ask):
            if refusal is not None:
                return self._cache.last_resort(ask, self._now()) or refusal
            fetch.timer = self._loop.call_later(STALE_AFTER_S, partial(self._late, fetch))
        return refusal

    def credit(self, ask: Ask, hits: int) -> None:
        """Count ``hits`` questions that were answered with a copy of what ``find`` returned."""
        self._cache.credit(ask, hits)

    def replace_routes(self, routes: Routes) -> None:
        """Ask elsewhere from now on.

        What is known stays as long as every server that may have said it would still be asked, or
        nobody would. What arrives for an earlier route is handed out and not kept.
        """
        self._routes = routes
        self.generation += 1
        if self._filter is not None:
            self._filter.use(routes)
        self._cache.review(self._is_right)

    def replace_filter(self, aaaa_filter: AaaaFilter | None) -> None:
        """Filter this from now on; nothing at first. What is known stays."""
        self._filter = aaaa_filter
        self.generation += 1
        if aaaa_filter is not None:
            aaaa_filter.use(self._routes)

    def protect(self, rebinding: RebindingFilter) -> None:
        """Take addresses of the inside out of what the default upstreams say from now on."""
        self._rebinding = rebinding

    @property
    def rebindings(self) -> int:
        """Replies from which such an address was taken."""
        return 0 if self._rebinding is None else self._rebinding.changed

    def counts(self) -> CacheCounts:
        """Return what the cache holds and did."""
        return self._cache.counts()

    def _fetch_ahead(self, ask: Ask) -> None:
        """Ask for a known name again without a client; what becomes of it concerns nobody."""
        if len(self._ahead) >= self._most_ahead or ask in self._ahead:
            return
        if self._forwarder.load > AHEAD_LOAD:
            return
        group = self._routes.route(ask.name) or _NOBODY
        fetch = _Fetch(ask, group, self.generation, None)
        if self._forwarder.ask(ask, group, _NO_CLIENT, partial(self._arrived_ahead, fetch)) is None:
            self._ahead.add(ask)
            self.prefetches += 1

    def _arrived_ahead(self, fetch: _Fetch, reply: Reply) -> None:
        self._ahead.discard(fetch.ask)
        self._learn(fetch, reply)

    def _arrived(self, fetch: _Fetch, reply: Reply) -> None:
        verdict = self._learn(fetch, reply)
        if fetch.timer is not None:
            fetch.timer.cancel()
        reply = verdict.reply
        if verdict.kind is _FAILURE:
            reply = self._cache.last_resort(fetch.ask, self._now()) or reply
        done = fetch.done
        if done is not None:
            done(reply)

    def _late(self, fetch: _Fetch) -> None:
        """Hand out stale data, if they are there still; the fetch goes on and brings new ones."""
        now = self._now()
        old = self._cache.last_resort(fetch.ask, now)
        if old is not None:
            self._cache.note_failure(fetch.ask, now)
            done, fetch.done = fetch.done, None
            if done is not None:
                done(old)

    def _learn(self, fetch: _Fetch, reply: Reply) -> Verdict:
        """Keep what a fetch brought, unless the routes have changed meanwhile."""
        ask, group = fetch.ask, fetch.group
        if self._rebinding is not None and group.route == DEFAULT_ROUTE:
            reply = self._rebinding.outside_of(ask, reply)
        first = reply.answer[0].rtype if reply.answer else ask.qtype
        is_cut = first != ask.qtype and _is_open(ask, reply) and self._is_cut(ask, reply)
        if fetch.generation != self.generation and not self._is_right(ask, reply, group):
            return self._cache.judge(ask, reply, is_cut=is_cut)
        return self._cache.put(ask, reply, self._now(), origin=group, is_cut=is_cut)

    def _is_cut(self, ask: Ask, reply: Reply) -> bool:
        """Tell whether the alias that an open answer ends with is followed by somebody else."""
        return self._is_elsewhere(_targets(reply)[-1], ask.name)

    def _is_right(self, ask: Ask, reply: Reply, origin: Group) -> bool:
        """Tell whether a reply could come from the servers that are asked today.

        It could not if it has an alias into a stub domain that was not one before, or does not
        follow one out of what was one; nor if addresses are left in it, or are not, that would not
        be, or would.
        """
        names = [ask.name, *_targets(reply)]
        if _is_open(ask, reply) and not self._is_elsewhere(names.pop(), ask.name):
            return False
        servers = set(origin.servers)
        groups = [self._routes.route(name) for name in names]
        if self._rebinding is not None and groups[0] and groups[0].route != origin.route:
            return False
        return all(servers.issubset(group.servers) for group in groups if group and group.servers)


class _Fetch(Struct, eq=False):
    """A question that is being asked.

    Attributes:
        group: who is asked.
        generation: of the routes that said so.
        done: who waits; None when nobody does, or not any more.
        timer: when to stop waiting for new data.
    """

    ask: Ask
    group: Group
    generation: int
    done: Done | None
    timer: Timer | None = None


def _is_open(ask: Ask, reply: Reply) -> bool:
    """Tell whether an answer has aliases, but neither what was asked for nor a denial of it."""
    if reply.authority or ask.qtype == ANY:
        return False
    has_alias = False
    for rrset in reply.answer:
        if rrset.rtype == ask.qtype:
            return False
        has_alias = has_alias or rrset.rtype == CNAME
    return has_alias


def _targets(reply: Reply) -> list[Name]:
    """Return where the aliases of an answer lead, in their order."""
    return [from_wire(rrset.rdatas[0].lower()) for rrset in reply.answer if rrset.rtype == CNAME]
