"""How long a reply of an upstream may be kept, and what its TTLs say meanwhile.

Rules of this file:

- A reply is data (RRsets, or the proof by SOA that there are none), a failure, or neither; only the
  first two are kept (RFC 2308, 5; RFC 9520, 3.2).
- Whole seconds that have passed are subtracted, so what is handed out is the rest of a TTL rounded
  up: never 0 while it is fresh, never more than a second too long.
- Nothing here knows what time it is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from typing import Final

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.rcode import EDE_STALE, NOERROR, NXDOMAIN, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import ANY, SOA, RRset
from kubedns_py.structs import Struct, replace

STALE_TTL: Final = 30
"""Seconds that stale data may be kept by whoever gets it (RFC 8767, 5)."""

_STALE = ExtendedError(EDE_STALE, "no upstream answered; this is what was known before")
_ABOUT_DATA = frozenset({NOERROR, NXDOMAIN})
_MINIMUM = slice(-4, None)
"""Where the last field of SOA rdata stands (RFC 1035, 3.3.13)."""


class Kind(enum.StrEnum):
    """What a reply tells."""

    SUCCESS = enum.auto()  # what was asked for
    DENIAL = enum.auto()  # there is no such name or no such data, and for how long
    FAILURE = enum.auto()  # nothing was found out: SERVFAIL, REFUSED and the like
    UNKEPT = enum.auto()  # truncated, a denial without SOA, a TTL of 0


_SUCCESS, _DENIAL, _FAILURE, _UNKEPT = Kind  # in Python 3.11 Kind.X costs 0.1 us each time


class Limits(Struct, frozen=True):
    """How long replies are kept at most, in seconds.

    Attributes:
        max_ttl: data that exist, 0 or more.
        max_negative_ttl: denials, 0 or more (RFC 2308, 5, wants one to three hours at most).
        failure_s: failures, 1 to 300 (RFC 9520, 3.2).
        keep_stale_s: data and denials after their expiry, for when no upstream answers; 0 for not
            at all. RFC 8767, 5, wants one to three days at most.
    """

    max_ttl: int = 3600
    max_negative_ttl: int = 1800
    failure_s: int = 5
    keep_stale_s: int = 86400


DEFAULT_LIMITS: Final = Limits()


class Verdict(Struct, frozen=True, gc=False):
    """What becomes of a reply.

    Attributes:
        kind: what it tells.
        lifetime_s: whole seconds that it may be kept, at least 1; 0 for what is not kept.
        reply: it, with TTLs that are not above the limits.
    """

    kind: Kind
    lifetime_s: int
    reply: Reply


def judge(ask: Ask, reply: Reply, limits: Limits, *, is_cut: bool = False) -> Verdict:
    """Say what a reply tells and how long it may be kept.

    Args:
        ask: what was asked.
        reply: what ``chain.clean`` left of the upstream's reply, or the forwarder's own failure.
        limits: how long at most. A TTL of 2**31 or more is no other than a long one (C-09).
        is_cut: whether the aliases in the answer lead to a name that somebody else is asked for;
            then they are all that was asked for. Otherwise aliases without an end and without an
            SOA are a denial without SOA (RFC 2308, 2.2).
    """
    if reply.rcode not in _ABOUT_DATA:
        return Verdict(_FAILURE, limits.failure_s, reply)
    if len(reply.answer) == 1 and not (reply.authority or reply.rcode or reply.truncated):
        only = reply.answer[0]
        if only.rtype == ask.qtype and 0 < only.ttl <= limits.max_ttl:  # what most names have
            return Verdict(_SUCCESS, only.ttl, reply)
    kind = _UNKEPT if reply.truncated else _kind(ask, reply, is_cut=is_cut)
    answer, authority = _capped(reply.answer, limits.max_ttl), reply.authority
    if kind is _DENIAL:
        authority = tuple([_denial(rrset, limits.max_negative_ttl) for rrset in authority])
    elif authority:
        authority = _capped(authority, limits.max_ttl)
    if answer is not reply.answer or authority is not reply.authority:
        reply = replace(reply, answer=answer, authority=authority)
    lifetime_s = _least_ttl(answer, authority)
    if kind is _UNKEPT or not lifetime_s:
        return Verdict(_UNKEPT, 0, reply)
    return Verdict(kind, lifetime_s, reply)


def _least_ttl(answer: tuple[RRset, ...], authority: tuple[RRset, ...]) -> int:
    """Return the least TTL of all, 0 where there is none."""
    if len(answer) == 1 and not authority:
        return answer[0].ttl
    return min([rrset.ttl for rrset in answer + authority], default=0)


def _kind(ask: Ask, reply: Reply, *, is_cut: bool) -> Kind:
    if reply.rcode == NOERROR and reply.answer:
        for rrset in reply.answer:
            if rrset.rtype == ask.qtype:
                return _SUCCESS
        if ask.qtype == ANY:
            return _SUCCESS
    for rrset in reply.authority:
        if rrset.rtype == SOA:
            return _DENIAL
    return _SUCCESS if is_cut and reply.rcode == NOERROR else _UNKEPT


def _capped(rrsets: tuple[RRset, ...], most: int) -> tuple[RRset, ...]:
    for rrset in rrsets:
        if rrset.ttl > most:
            return tuple(replace(rrset, ttl=min(rrset.ttl, most)) for rrset in rrsets)
    return rrsets


def _denial(rrset: RRset, most: int) -> RRset:
    """Return an RRset of a denial; the TTL of its SOA is that of the denial (RFC 2308, 5)."""
    if rrset.rtype == SOA:
        most = min(most, int.from_bytes(rrset.rdatas[0][_MINIMUM]))
    return rrset if rrset.ttl <= most else replace(rrset, ttl=most)


def counted_down(reply: Reply, seconds: int) -> Reply:
    """Return the reply with ``seconds`` taken off each TTL; none may be shorter than that."""
    if not reply.answer and not reply.authority:
        return reply  # a failure, which many questions may share
    return _with_ttls(reply, lambda ttl: ttl - seconds)


def stale(reply: Reply) -> Reply:
    """Return the reply as one of data that has expired: EDE 3, TTLs of 30 s (RFC 8767, 5 and 6).

    What somebody validated once is not vouched for any more: signatures expire as well.
    """
    return replace(_with_ttls(reply, lambda _: STALE_TTL), ede=_STALE, authenticated=False)


def _with_ttls(reply: Reply, change: Callable[[int], int]) -> Reply:
    def changed(rrsets: Iterable[RRset]) -> tuple[RRset, ...]:
        return tuple([replace(rrset, ttl=change(rrset.ttl)) for rrset in rrsets])

    return replace(reply, answer=changed(reply.answer), authority=changed(reply.authority))
