"""Octets in, octets out: the one seam under UDP, TCP and tests.

Rules of this file:

- ``respond`` is total. What it cannot answer is SERVFAIL and a counter; no message ends the process
  or a worker (ENV-28c).
- Every message is counted once: as a reply or as a drop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name, to_text
from kubedns_py.dns.query import HEADER_OCTETS, OPCODE, QR, RD, Drop, Query, Reject, read_query
from kubedns_py.dns.rcode import BADVERS, SERVFAIL
from kubedns_py.dns.render import TCP_LIMIT, Reply, Shape, render, render_reject, udp_limit
from kubedns_py.resolver.complete import complete, declined
from kubedns_py.resolver.dependencies import dependencies
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Resolution, View
from kubedns_py.server.arrival import Arrival, Deferred, Repeats
from kubedns_py.server.contents import Contents
from kubedns_py.server.denials import Denials
from kubedns_py.server.elsewhere import Pending, Upstreams, ask_of, is_plain, look_up
from kubedns_py.server.entry import Entry, Facts
from kubedns_py.server.folding import exact_key, folded, spliced
from kubedns_py.server.keeping import Keeper
from kubedns_py.server.query_logger import QueryLogger
from kubedns_py.server.tally import DROPPED, Tally
from kubedns_py.structs import Struct

_LOG = logging.getLogger(__name__)
_FLAGS = slice(2, 4)


class Chances(Struct, frozen=True):
    """Where time and chance come from.

    Attributes:
        clock: monotonic seconds.
        turn: 0 or more, evenly spread: which of several addresses comes first. Nobody gains by
            guessing it.
        is_stable: whether ``turn`` is always the same: addresses do not take turns.
    """

    clock: Callable[[], float]
    turn: Callable[[], int]
    is_stable: bool = False


class Responder:
    """Answers messages from a view.

    Args:
        view: what to answer from.
        shape: how replies look.
        tally: where they are counted.
        chances: time and chance.
        query_log: which answers are logged.
        upstreams: who is asked for names that are not ours; None where ``view`` forwards nothing.
        repeat_octets: memory for what is repeated as octets; 0 for nothing.
    """

    def __init__(  # noqa: PLR0913 - the composition root is the only caller
        self,
        view: View,
        shape: Shape,
        tally: Tally,
        chances: Chances,
        *,
        query_log: QueryLogger,
        upstreams: Upstreams | None = None,
        repeat_octets: int = 0,
    ) -> None:
        self._view = view
        self._shape = shape
        self._tally = tally
        self._clock = chances.clock
        self._turn = chances.turn
        self._query_log = query_log
        self._upstreams = upstreams
        self._denials = Denials(shape)
        self._contents = Contents(view, shape, chances.turn, is_stable=chances.is_stable)
        self.keeper: Keeper | None = None
        if repeat_octets and not query_log.is_about_all:
            self.keeper = Keeper(view, upstreams, chances.clock, self._count_uses, repeat_octets)
        self._zone_texts: dict[Name | None, str] = {None: DROPPED}

    def respond(self, message: bytes, arrival: Arrival) -> bytes | Deferred | None:
        """Return the reply to a message, None for silence, or what it has to wait for."""
        came = _Came(message, arrival, self._clock())
        try:
            return self._respond(came)
        except Exception as fault:  # noqa: BLE001 - counted, said and answered
            return self._fault(fault, came)

    def repeats(self, family: int) -> Repeats | None:
        """Return what answers queries over UDP that were answered before, by family."""
        return self.keeper.tables[family] if self.keeper is not None else None

    def _respond(self, came: _Came) -> bytes | Deferred | None:
        query = read_query(came.message)
        if not isinstance(query, Query):
            return self._refuse(query, came)
        fold = b""
        if self.keeper is not None and came.arrival.proto == "udp":
            fold = folded(query, came.arrival.family, udp_limit(query.edns, self._shape))
            entry = self.keeper.find(fold, came.started)
            if entry is not None:
                return self._again(query, came, entry, self.keeper)
        found = self._resolution(query, came.arrival)
        if found.onward is None:
            octets = self._reply(query, came, found)
            if fold:
                self._keep(query, came, found, fold)
            return octets
        if self._upstreams is None or not query.flags & RD:
            return self._reply(query, came, declined(found))
        return self._forward(query, came, found, fold)

    def _again(self, query: Query, came: _Came, entry: Entry, keeper: Keeper) -> bytes:
        """Return what was kept, in the spelling of the query."""
        octets = spliced(entry.texts[self._turn() % len(entry.texts)], query)
        facts = entry.content.facts
        entry.is_used = True
        self._find_by(query, came, entry, keeper)
        self._beside(facts, 1)
        self._count(facts, query.name, came, octets)
        return octets

    def _refuse(self, query: Reject | Drop, came: _Came) -> bytes | None:
        if isinstance(query, Drop):
            self._tally.drop(query.reason)
            return None
        octets = render_reject(query, self._shape)
        facts = Facts(DROPPED, 0, do=False, rcode=query.rcode, rule="reject")
        self._count(facts, (), came, octets)
        return octets

    def _resolution(self, query: Query, arrival: Arrival) -> Resolution:
        if query.edns is not None and query.edns.version:
            return Resolution(Reply(BADVERS), None, "edns_version")  # RFC 6891, 6.1.3
        do = query.edns is not None and query.edns.do
        asked = arrival.local
        return resolve(query.name, query.qtype, query.qclass, self._view, asked=asked, do=do)

    def _forward(
        self, query: Query, came: _Came, found: Resolution, fold: bytes
    ) -> bytes | Deferred:
        """Return what upstreams are known to say, or what has to be waited for."""
        upstreams = self._upstreams
        assert upstreams is not None  # noqa: S101 - the caller has looked
        ask = ask_of(query, found)
        said = upstreams.find(ask)
        if said is not None:
            onward, found = found, complete(found, said, self._view)
            if is_plain(onward, found, said):
                octets = self._reply(query, came, found)
                self._learn(query, came, ask, found, fold)
                return octets
            found = look_up(query, found, self._view, upstreams)
            if found.onward is None:
                return self._reply(query, came, found)
            ask = ask_of(query, found)
        finish = partial(self._finish, query, came)
        return Pending(query, ask, found, self._view, upstreams, finish)

    def _keep(self, query: Query, came: _Came, found: Resolution, fold: bytes) -> None:
        """Keep an answer of ours that is asked for again, if it is known what it depends on."""
        keeper = self.keeper
        if keeper is None or not keeper.wants(fold):
            return
        depends = dependencies(query.name, query.qtype, found, self._view)
        if depends is not None:
            facts = self._facts(query, found, family=came.arrival.family)
            content = self._contents.own(query, found.reply, facts, came.started)
            if content is not None:
                self._find_by(query, came, keeper.keep(fold, content, depends), keeper)

    def _learn(self, query: Query, came: _Came, ask: Ask, found: Resolution, fold: bytes) -> None:
        """Keep an answer of others, which is asked for again since it was known already."""
        keeper, upstreams = self.keeper, self._upstreams
        if keeper is None or upstreams is None or not fold:
            return
        facts = self._facts(query, found, family=came.arrival.family, ask=ask)
        counted = upstreams.counted(ask)
        content = self._contents.foreign(query, found.reply, facts, counted)
        if content is not None:
            self._find_by(query, came, keeper.keep(fold, content), keeper)

    @staticmethod
    def _find_by(query: Query, came: _Came, entry: Entry | None, keeper: Keeper) -> None:
        """Have an entry found by a query's own octets, where they may come again."""
        key = exact_key(came.message, query, entry.fold) if entry is not None else None
        if entry is not None and key is not None:
            keeper.find_by(entry, key)

    def _finish(self, query: Query, came: _Came, found: Resolution | Exception) -> bytes:
        """Return the reply to a query that had to wait."""
        if isinstance(found, Exception):
            return self._fault(found, came)
        try:
            return self._reply(query, came, found)
        except Exception as fault:  # noqa: BLE001 - counted, said and answered
            return self._fault(fault, came)

    def _reply(self, query: Query, came: _Came, found: Resolution) -> bytes:
        proto = came.arrival.proto
        limit = TCP_LIMIT if proto == "tcp" else udp_limit(query.edns, self._shape)
        octets = self._denials.octets(query, found.reply, limit)
        if octets is None:
            turn = self._turn()
            rendered = render(query, found.reply, limit, shape=self._shape, turn=turn)
            octets = rendered.octets
            if rendered.is_cut:
                self._tally.truncate(proto)
        self._count(self._facts(query, found), query.name, came, octets)
        return octets

    def _facts(
        self, query: Query, found: Resolution, *, family: int = 0, ask: Ask | None = None
    ) -> Facts:
        zone = self._zone_texts.get(found.zone) or self._zone_text(found.zone)
        do = query.edns is not None and query.edns.do
        return Facts(zone, query.qtype, do, found.reply.rcode, found.rule, family, ask=ask)

    def _fault(self, fault: Exception, came: _Came) -> bytes:
        """Return SERVFAIL from the header alone: all that is known to be sound."""
        message = came.message
        self._tally.panic()
        _LOG.error("a message could not be answered: %s", message[:512].hex(), exc_info=fault)
        flags = int.from_bytes(message[_FLAGS], "big") & (OPCODE | RD) | QR | SERVFAIL
        octets = message[:2] + flags.to_bytes(2, "big") + bytes(HEADER_OCTETS - 4)
        facts = Facts(DROPPED, 0, do=False, rcode=SERVFAIL, rule="panic")
        self._count(facts, (), came, octets)
        return octets

    def _count_uses(self, facts: Facts, times: int, seconds: float) -> None:
        """Count replies that were repeated as octets."""
        zone, qtype, do, rcode, rule = facts.zone, facts.qtype, facts.do, facts.rcode, facts.rule
        asked, replied, family = facts.asked_octets, facts.replied_octets, facts.family
        record = self._tally.record
        record("udp", family, zone, qtype, do, asked, replied, rcode, rule, seconds, times)
        self._beside(facts, times)

    def _beside(self, facts: Facts, times: int) -> None:
        """Count what is true of few replies that were kept."""
        if facts.is_cut:
            self._tally.truncate("udp", times)
        if facts.ask is not None and self._upstreams is not None:
            self._upstreams.credit(facts.ask, times)

    def _count(self, facts: Facts, name: Name, came: _Came, octets: bytes) -> None:
        proto, family = came.arrival.proto, came.arrival.family
        zone, qtype, do, rcode, rule = facts.zone, facts.qtype, facts.do, facts.rcode, facts.rule
        asked, replied, seconds = len(came.message), len(octets), self._clock() - came.started
        self._tally.record(proto, family, zone, qtype, do, asked, replied, rcode, rule, seconds)
        if self._query_log.wants(seconds):
            self._query_log.say(name, qtype, proto, rcode, rule, seconds)

    def _zone_text(self, zone: Name | None) -> str:
        text = self._zone_texts[zone] = to_text(zone or ())
        return text


class _Came(Struct, frozen=True, gc=False):
    """A message, how it came, and when (monotonic seconds)."""

    message: bytes
    arrival: Arrival
    started: float
