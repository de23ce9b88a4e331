"""Octets in, octets out: the one seam under UDP, TCP and tests.

Rules of this file:

- ``respond`` is total. What it cannot answer is SERVFAIL and a counter; no message ends the process
  or a worker (ENV-28c).
- Every message is counted once: as a reply or as a drop.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from kubedns_py.dns.name import Name, to_text
from kubedns_py.dns.query import HEADER_OCTETS, OPCODE, QR, RD, Drop, Query, Reject, read_query
from kubedns_py.dns.rcode import BADVERS, SERVFAIL
from kubedns_py.dns.render import TCP_LIMIT, Reply, Shape, render, render_reject, udp_limit
from kubedns_py.resolver.complete import complete, declined
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Resolution, View
from kubedns_py.server.answers import AnswerTable, Entry, Facts
from kubedns_py.server.arrival import IPV4, IPV6, Arrival, Deferred, Repeats
from kubedns_py.server.elsewhere import Pending, Upstreams, ask_of, is_plain, look_up
from kubedns_py.server.query_logger import QueryLogger
from kubedns_py.server.tally import DROPPED, Tally
from kubedns_py.structs import Struct

_LOG = logging.getLogger(__name__)
_FLAGS = slice(2, 4)
_ORDERS = 4
"""Orders of addresses that a repeated answer is kept in."""


@dataclass(frozen=True, slots=True)
class Chances:
    """Where time and chance come from.

    Attributes:
        clock: monotonic seconds.
        turn: 0 or more, evenly spread: which of several addresses comes first. Nobody gains by
            guessing it.
    """

    clock: Callable[[], float]
    turn: Callable[[], int]


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
        self._tables: dict[int, AnswerTable] = {}
        if upstreams is not None and not query_log.is_about_all:
            for family in (IPV4, IPV6):
                count = partial(self._count_repeats, family)
                table = AnswerTable(upstreams, chances.clock, count, repeat_octets // 2)
                self._tables[family] = table
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
        return self._tables.get(family)

    def _respond(self, came: _Came) -> bytes | Deferred | None:
        query = read_query(came.message)
        if not isinstance(query, Query):
            return self._refuse(query, came)
        found = self._resolution(query, came.arrival)
        if found.onward is None:
            return self._reply(query, came, found)
        if self._upstreams is None or not query.flags & RD:
            return self._reply(query, came, declined(found))
        return self._forward(query, came, found, self._upstreams)

    def _refuse(self, query: Reject | Drop, came: _Came) -> bytes | None:
        if isinstance(query, Drop):
            self._tally.drop(query.reason)
            return None
        octets = render_reject(query, self._shape)
        facts = Facts(DROPPED, (), 0, do=False, rcode=query.rcode, rule="reject")
        self._count(facts, came, octets)
        return octets

    def _resolution(self, query: Query, arrival: Arrival) -> Resolution:
        if query.edns is not None and query.edns.version:
            return Resolution(Reply(BADVERS), None, "edns_version")  # RFC 6891, 6.1.3
        do = query.edns is not None and query.edns.do
        asked = arrival.local
        return resolve(query.name, query.qtype, query.qclass, self._view, asked=asked, do=do)

    def _forward(
        self, query: Query, came: _Came, found: Resolution, upstreams: Upstreams
    ) -> bytes | Deferred:
        """Return what upstreams are known to say, or what has to be waited for."""
        ask = ask_of(query, found)
        said = upstreams.find(ask)
        if said is not None:
            onward, found = found, complete(found, said, self._view)
            if is_plain(onward, found, said):
                return self._learn(query, came, onward, found)
            found = look_up(query, found, self._view, upstreams)
            if found.onward is None:
                return self._reply(query, came, found)
            ask = ask_of(query, found)
        finish = partial(self._finish, query, came)
        return Pending(query, ask, found, self._view, upstreams, finish)

    def _learn(self, query: Query, came: _Came, onward: Resolution, found: Resolution) -> bytes:
        """Return the reply, and keep it for those who ask the same."""
        first = self._reply(query, came, found)
        table = self._tables.get(came.arrival.family)
        if table is None or came.arrival.proto != "udp" or not AnswerTable.takes(query):
            return first
        turn = self._turn()
        limit = udp_limit(query.edns, self._shape)
        orders = min(_ORDERS, max((len(each.rdatas) for each in found.reply.answer), default=1))
        replies = [
            render(query, found.reply, limit, shape=self._shape, turn=turn + order).octets
            for order in range(orders)
        ]
        entry = Entry(ask_of(query, onward), self._facts(query, found), replies, came.started)
        table.put(came.message, entry)
        return first

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
        turn = self._turn()
        rendered = render(query, found.reply, limit, shape=self._shape, turn=turn)
        if rendered.is_cut:
            self._tally.truncate(proto)
        octets = rendered.octets
        self._count(self._facts(query, found), came, octets)
        return octets

    def _facts(self, query: Query, found: Resolution) -> Facts:
        zone = self._zone_texts.get(found.zone) or self._zone_text(found.zone)
        do = query.edns is not None and query.edns.do
        return Facts(zone, query.name, query.qtype, do, found.reply.rcode, found.rule)

    def _fault(self, fault: Exception, came: _Came) -> bytes:
        """Return SERVFAIL from the header alone: all that is known to be sound."""
        message = came.message
        self._tally.panic()
        _LOG.error("a message could not be answered: %s", message[:512].hex(), exc_info=fault)
        flags = int.from_bytes(message[_FLAGS], "big") & (OPCODE | RD) | QR | SERVFAIL
        octets = message[:2] + flags.to_bytes(2, "big") + bytes(HEADER_OCTETS - 4)
        facts = Facts(DROPPED, (), 0, do=False, rcode=SERVFAIL, rule="panic")
        self._count(facts, came, octets)
        return octets

    def _count_repeats(  # noqa: PLR0913, PLR0917 - see ``answers.Count``
        self, family: int, facts: Facts, asked: int, replied: int, seconds: float, times: int
    ) -> None:
        zone, qtype, do, rcode, rule = facts.zone, facts.qtype, facts.do, facts.rcode, facts.rule
        record = self._tally.record
        record("udp", family, zone, qtype, do, asked, replied, rcode, rule, seconds, times)

    def _count(self, facts: Facts, came: _Came, octets: bytes) -> None:
        proto, family = came.arrival.proto, came.arrival.family
        zone, qtype, do, rcode, rule = facts.zone, facts.qtype, facts.do, facts.rcode, facts.rule
        asked, replied, seconds = len(came.message), len(octets), self._clock() - came.started
        self._tally.record(proto, family, zone, qtype, do, asked, replied, rcode, rule, seconds)
        if self._query_log.wants(seconds):
            self._query_log.say(facts.name, qtype, proto, rcode, rule, seconds)

    def _zone_text(self, zone: Name | None) -> str:
        text = self._zone_texts[zone] = to_text(zone or ())
        return text


class _Came(Struct, frozen=True, gc=False):
    """A message, how it came, and when (monotonic seconds)."""

    message: bytes
    arrival: Arrival
    started: float
