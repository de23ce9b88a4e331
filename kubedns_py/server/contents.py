"""A resolution to what is kept of it: its octets in several orders, and when they end.

Rules of this file:

- A reply that is kept is one that ``respond`` would make now.
- What is kept of one answer is bounded whatever it holds: a few orders, and few octets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from kubedns_py.dns.lifetime import serials, ttls
from kubedns_py.dns.query import HEADER_OCTETS, ID_OCTETS, Query
from kubedns_py.dns.render import Rendered, Reply, Shape, render, udp_limit
from kubedns_py.dns.rrset import AAAA, SOA, A, turned
from kubedns_py.resolver.view import View
from kubedns_py.server.entry import Content, Facts
from kubedns_py.server.folding import plain_octets
from kubedns_py.server.ring import Ring
from kubedns_py.structs import replace

MOST_ORDERS: Final = 8
"""Orders of addresses that one answer is kept in."""
MOST_OCTETS: Final = 4096
"""Of all orders together, where there is more than one."""
MOST_RECORDS: Final = 1024
"""Of a large set of addresses: at most 28 KiB."""
ORDERS_LAST_S: Final = 5.0
"""What is kept is a part of all orders for so long; then it is another part."""
LEAST_TTL: Final = 2
"""Seconds: below, what others said would hardly be used before it ends."""
_ANSWERS: Final = slice(4, 6)
_FIXED_OCTETS: Final = 12
"""Of a record beside its rdata: a pointer to the question, type, class, TTL and size."""
_USED_SHARE: Final = 0.9
"""Of the least TTL: then the cache may fetch anew in time."""


class Contents:
    """Makes what is kept of replies over UDP.

    Args:
        view: what answers of ours were resolved from.
        shape: how replies look.
        turn: 0 or more: where the rotation of several addresses begins.
        is_stable: whether it always begins there, and addresses do not take turns.
    """

    def __init__(
        self, view: View, shape: Shape, turn: Callable[[], int], *, is_stable: bool
    ) -> None:
        self._view = view
        self._shape = shape
        self._turn = turn
        self._is_stable = is_stable

    def own(self, query: Query, reply: Reply, facts: Facts, now: float) -> Content | None:
        """Return what is kept of an answer of ours: it stays as it is until something changes.

        Where records are left out, they are others each time; what has no fixed size is not kept.

        Args:
            query: whose octets may come again.
            reply: what it gets.
            facts: what is counted of it, but for the sizes.
            now: monotonic seconds.
        """
        if _is_large(query, reply) and not self._is_stable:
            return self._ring(query, reply, facts, now)
        turn = self._turn()
        first = self._render(query, reply, turn)
        if not self._is_stable and (first.is_cut or 0 < self._shape.max_answers < _most(reply)):
            return None
        rendered, are_all = self._in_orders(query, reply, turn, first)
        return Content(
            _with_sizes(facts, query, first),
            _texts(rendered),
            now,
            inf if are_all else now + ORDERS_LAST_S,
            serials=tuple(at - ID_OCTETS for at in serials(first.octets)),
            zone=self._zone_number(reply),
        )

    def _ring(self, query: Query, reply: Reply, facts: Facts, now: float) -> Content:
        """Return what is kept of many addresses, all of them or some that stand together."""
        (rrset,) = reply.answer
        turn = self._turn()
        rdatas = turned(rrset.rdatas, turn, MOST_RECORDS)
        rendered = self._render(query, reply, turn)
        text = rendered.octets[ID_OCTETS:]
        at = HEADER_OCTETS - ID_OCTETS + len(query.question)
        shown = int.from_bytes(text[_ANSWERS], "big")
        size = _FIXED_OCTETS + len(rdatas[0])
        end = at + shown * size
        fixed = text[at : at + size - len(rdatas[0])]
        is_whole = len(rdatas) == len(rrset.rdatas)
        ring = Ring(
            text[:at],
            fixed + fixed.join(rdatas),
            size,
            shown,
            text[end:],
            is_whole,
        )
        until = inf if is_whole else now + ORDERS_LAST_S
        return Content(_with_sizes(facts, query, rendered), (text,), now, until, ring=ring)

    def foreign(
        self, query: Query, reply: Reply, facts: Facts, counted: tuple[float, int]
    ) -> Content | None:
        """Return what is kept of what others said, if it lives long enough; see ``own``.

        Its TTLs count down, at the same moments as those of the reply.

        Args:
            query: whose octets may come again.
            reply: what it gets.
            facts: what is counted of it, but for the sizes.
            counted: since when the reply's TTLs count down, in monotonic seconds, and how many
                seconds are off.
        """
        since, off = counted
        turn = self._turn()
        rendered, _ = self._in_orders(query, reply, turn, self._render(query, reply, turn))
        # TTLs stand at other places in another order, unless all rdata has one length
        found = [
            tuple((at - ID_OCTETS, ttl + off) for at, ttl in ttls(each.octets)) for each in rendered
        ]
        lifetime = min((ttl for _, ttl in found[0]), default=0) - off
        if lifetime < LEAST_TTL:
            return None
        shared = {each: each for each in found}
        return Content(
            _with_sizes(facts, query, rendered[0]),
            _texts(rendered),
            since,
            since + off + lifetime * _USED_SHARE,
            tuple(shared[each] for each in found),
        )

    def _render(self, query: Query, reply: Reply, turn: int) -> Rendered:
        limit = udp_limit(query.edns, self._shape)
        return render(query, reply, limit, shape=self._shape, turn=turn)

    def _in_orders(
        self, query: Query, reply: Reply, turn: int, first: Rendered
    ) -> tuple[list[Rendered], bool]:
        """Return the reply in several orders, all of one length, and whether there are no more."""
        most = _most(reply)
        if most == 1 or self._is_stable:
            return [first], True
        count = max(1, min(most, MOST_ORDERS, MOST_OCTETS // len(first.octets)))
        found = {first.octets: first}
        for order in range(1, count):
            other = self._render(query, reply, turn + order)
            if len(other.octets) == len(first.octets) and other.is_cut == first.is_cut:
                found[other.octets] = other
        return list(found.values()), count == most

    def _zone_number(self, reply: Reply) -> int:
        """Return the number of the zone whose serial a reply has; reverse zones share the first."""
        for rrset in (*reply.authority, *reply.answer):
            if rrset.rtype == SOA:
                zone = self._view.zone_of(rrset.owner)
                return self._view.zones.index(zone) if zone else 0
        return 0


def _with_sizes(facts: Facts, query: Query, rendered: Rendered) -> Facts:
    return replace(
        facts,
        asked_octets=plain_octets(query),
        replied_octets=len(rendered.octets),
        is_cut=rendered.is_cut,
    )


def _is_large(query: Query, reply: Reply) -> bool:
    """Tell whether a reply is nothing but many addresses of the name in question."""
    answer = reply.answer
    return (
        len(answer) == 1
        and answer[0].rtype in {A, AAAA}
        and len(answer[0].rdatas) > MOST_ORDERS
        and answer[0].owner == query.name
        and not (reply.authority or reply.additional or reply.truncated)
    )


def _most(reply: Reply) -> int:
    return max((len(each.rdatas) for each in reply.answer), default=1)


def _texts(rendered: Sequence[Rendered]) -> tuple[bytes, ...]:
    return tuple(each.octets[ID_OCTETS:] for each in rendered)
