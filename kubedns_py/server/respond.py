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
from typing import NamedTuple

from kubedns_py.dns.name import Name, to_text
from kubedns_py.dns.query import HEADER_OCTETS, OPCODE, QR, RD, Drop, Query, Reject, read_query
from kubedns_py.dns.rcode import BADVERS, SERVFAIL
from kubedns_py.dns.render import TCP_LIMIT, Reply, Shape, render, render_reject, udp_limit
from kubedns_py.dns.rrset import type_text
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Resolution, View
from kubedns_py.server.arrival import Arrival
from kubedns_py.server.tally import DROPPED, Tally

_LOG = logging.getLogger(__name__)
_FLAGS = slice(2, 4)


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
    """

    def __init__(self, view: View, shape: Shape, tally: Tally, chances: Chances) -> None:
        self._view = view
        self._shape = shape
        self._tally = tally
        self._chances = chances
        self._zone_texts: dict[Name | None, str] = {None: DROPPED}

    def respond(self, message: bytes, arrival: Arrival) -> bytes | None:
        """Return the reply to a message, or None for silence; see ``Respond``."""
        started = self._chances.clock()
        try:
            return self._respond(message, arrival, started)
        except Exception:  # noqa: BLE001 - whatever it is, it is counted, said and answered
            self._tally.panic()
            _LOG.exception("a message could not be answered: %s", message[:512].hex())
            return self._servfail(message, arrival, started)

    def _respond(self, message: bytes, arrival: Arrival, started: float) -> bytes | None:
        query = read_query(message)
        if isinstance(query, Drop):
            self._tally.drop(query.reason)
            return None
        if isinstance(query, Reject):
            octets = render_reject(query, self._shape)
            counted = _Counted(DROPPED, 0, query.rcode, "reject", do=False)
        else:
            resolution = self._resolution(query, arrival)
            reply = resolution.reply
            limit = TCP_LIMIT if arrival.proto == "tcp" else udp_limit(query.edns, self._shape)
            turn = self._chances.turn()
            octets, is_cut = render(query, reply, limit, shape=self._shape, turn=turn)
            if is_cut:
                self._tally.truncate(arrival.proto)
            zone = self._zone_text(resolution.zone)
            do = query.edns is not None and query.edns.do
            counted = _Counted(zone, query.qtype, reply.rcode, resolution.rule, do=do)
            if _LOG.isEnabledFor(logging.DEBUG):
                _log(query, resolution, arrival)
        self._count(counted, arrival, message, octets, started)
        return octets

    def _resolution(self, query: Query, arrival: Arrival) -> Resolution:
        if query.edns is not None and query.edns.version:
            return Resolution(Reply(BADVERS), None, "edns_version")  # RFC 6891, 6.1.3
        return resolve(query.name, query.qtype, query.qclass, self._view, asked=arrival.local)

    def _servfail(self, message: bytes, arrival: Arrival, started: float) -> bytes:
        """Return SERVFAIL from the header alone: all that is known to be sound."""
        flags = int.from_bytes(message[_FLAGS], "big") & (OPCODE | RD) | QR | SERVFAIL
        octets = message[:2] + flags.to_bytes(2, "big") + bytes(HEADER_OCTETS - 4)
        counted = _Counted(DROPPED, 0, SERVFAIL, "panic", do=False)
        self._count(counted, arrival, message, octets, started)
        return octets

    def _count(
        self, counted: _Counted, arrival: Arrival, message: bytes, octets: bytes, started: float
    ) -> None:
        self._tally.record(
            arrival.proto,
            arrival.family,
            counted.zone,
            counted.qtype,
            counted.do,
            len(message),
            len(octets),
            counted.rcode,
            counted.rule,
            self._chances.clock() - started,
        )

    def _zone_text(self, zone: Name | None) -> str:
        text = self._zone_texts.get(zone)
        if text is None:
            text = self._zone_texts[zone] = to_text(zone or ())
        return text


class _Counted(NamedTuple):
    """What is counted of a reply beside its octets. A tuple: one is made for every message."""

    zone: str
    qtype: int
    rcode: int
    rule: str
    do: bool


def _log(query: Query, resolution: Resolution, arrival: Arrival) -> None:
    """Query names are hostile: ``to_text`` escapes them (RFC 4343, 2.1)."""
    _LOG.debug(
        "%s %s over %s: rcode %d by %s",
        to_text(query.name),
        type_text(query.qtype),
        arrival.proto,
        resolution.reply.rcode,
        resolution.rule,
    )
