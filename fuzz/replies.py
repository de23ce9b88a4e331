"""Replies of upstreams: where fuzzing starts from, and what must hold for whatever they become.

A reply goes the way that it goes in the server: octets, response, what of it is kept, and the
octets that a client gets.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterator

import dns.message
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from fuzz.handler import BrokenInvariantError
from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.chain import clean
from kubedns_py.dns.name import Name, from_text, is_below, to_wire
from kubedns_py.dns.query import Edns, Query
from kubedns_py.dns.rdata import DNAME
from kubedns_py.dns.render import TCP_LIMIT, Reply, Shape, render, udp_limit
from kubedns_py.dns.response import Unusable, read_response
from kubedns_py.dns.rrset import AAAA, CNAME, IN, NS, PTR, SOA, SRV, A, RRset

_IDENT = 0x2B1D
_CLUSTER = from_text("cluster.local")
_TIMES = "20300101000000 20200101000000"
_SOA = "example. 900 IN SOA ns.example. host.example. 1 7200 3600 86400 60"
MX, RP, NAPTR = 15, 17, 35
_READ = frozenset({A, AAAA, NS, CNAME, PTR, SOA, SRV, MX, RP, NAPTR, DNAME})
"""Types whose rdata is looked at; that of others is handed on as it is, even if it is no such
thing, and then dnspython refuses the record."""
_REPLIES: tuple[tuple[str, str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("www.example.", "A", ("www.example. 300 IN A 192.0.2.1",), ()),
    ("www.example.", "AAAA", ("www.example. 300 IN AAAA 2001:db8::1",), (_SOA,)),
    (
        "www.example.",
        "A",
        (
            "www.example. 300 IN CNAME a.example.",
            "a.example. 300 IN CNAME b.example.org.",
            "b.example.org. 300 IN A 192.0.2.1",
            "b.example.org. 300 IN A 192.0.2.2",
        ),
        ("example.org. 300 IN NS ns.example.org.",),
    ),
    ("www.example.", "A", ("www.example. 300 IN CNAME web.prod.svc.cluster.local.",), (_SOA,)),
    ("loop.example.", "A", ("loop.example. 300 IN CNAME loop.example.",), ()),
    ("none.example.", "A", (), (_SOA,)),
    (
        "www.example.",
        "A",
        (
            "example. 300 IN DNAME example.net.",
            f"example. 300 IN RRSIG DNAME 13 1 300 {_TIMES} 1 example. AAAA",
            "www.example. 300 IN CNAME www.example.net.",
            "www.example.net. 300 IN A 192.0.2.1",
        ),
        ("a.example. 60 IN NSEC z.example. A RRSIG NSEC",),
    ),
    ("example.", "MX", ("example. 300 IN MX 10 mail.example.",), ()),
    ("_a._tcp.example.", "SRV", ("_a._tcp.example. 300 IN SRV 0 0 80 www.example.",), ()),
    ("example.", "NAPTR", ('example. 300 IN NAPTR 1 2 "u" "E2U" "" a.example.',), ()),
    ("example.", "TXT", ('example. 300 IN TXT "v=spf1" "-all"',), ()),
    ("example.", "ANY", (_SOA, "example. 300 IN RP host.example. a.example."), ()),
    (".", "NS", (". 300 IN NS a.root-servers.net.", ". 300 IN NS b.root-servers.net."), ()),
)


def replies() -> Iterator[tuple[bytes, Callable[[bytes], None]]]:
    """Yield replies of every kind, each with the check of what is made of it."""
    for name, rtype, answer, authority in _REPLIES:
        query = dns.message.make_query(name, rtype, use_edns=0, id=_IDENT)
        message = dns.message.make_response(query)
        message.answer = [_rrset(line) for line in answer]
        message.authority = [_rrset(line) for line in authority]
        octets = message.to_wire()
        for do in (False, True):
            ask = Ask(from_text(name), int(dns.rdatatype.from_text(rtype)), IN, do)
            for flags in (0x8180, 0x8183, 0x8380):
                yield struct.pack("!HH", _IDENT, flags) + octets[4:], functools.partial(check, ask)


def _rrset(line: str) -> dns.rrset.RRset:
    owner, ttl, rclass, rtype, rdata = line.split(" ", 4)
    return dns.rrset.from_text(owner, int(ttl), rclass, rtype, rdata)


def check(ask: Ask, message: bytes) -> None:
    """Read a message as the reply to a question, and hold what becomes of it to the invariants.

    Raises:
        BrokenInvariantError: one does not hold.
    """
    try:
        reply = _reply(ask, message)
        if reply is not None:
            _check_rendered(ask, reply)
    except Exception as error:
        raise BrokenInvariantError(f"{error!r} for {ask}: {message.hex()}") from error


def _reply(ask: Ask, message: bytes) -> Reply | None:
    response = read_response(message, write_ask(ask, _IDENT), ask)
    if isinstance(response, Unusable):
        return None
    reply = clean(response, ask, is_elsewhere=_is_ours)
    if reply is not None:
        said, kept = _triples(response.answer), _triples(reply.answer)
        if not set(said).issuperset(kept) or len(set(kept)) != len(kept):
            raise BrokenInvariantError("a record was made up or doubled")
    return reply


def _triples(rrsets: tuple[RRset, ...]) -> list[tuple[Name, int, bytes]]:
    return [(rrset.owner, rrset.rtype, rdata) for rrset in rrsets for rdata in rrset.rdatas]


def _is_ours(name: Name, _: Name) -> bool:
    return is_below(name, _CLUSTER)


def _check_rendered(ask: Ask, reply: Reply) -> None:
    question = to_wire(ask.name) + struct.pack("!HH", ask.qtype, ask.qclass)
    query = Query(_IDENT, 0x0100, question, ask.name, ask.qtype, IN, Edns(1232, 0, ask.do))
    shape = Shape(recursion_available=True)
    for limit in (udp_limit(query.edns, shape), TCP_LIMIT):
        rendered = render(query, reply, limit, shape=shape, turn=0)
        if len(rendered.octets) > limit:
            raise BrokenInvariantError("the reply does not fit")
        message = dns.message.from_wire(
            rendered.octets, one_rr_per_rrset=True, continue_on_error=True
        )
        opaque = sum(len(each.rdatas) for each in _records(reply) if each.rtype not in _READ)
        if len(message.errors) > opaque:
            raise BrokenInvariantError(f"unreadable: {message.errors}")
        read = len(message.answer) + len(message.authority) + len(message.errors)
        whole = sum(len(each.rdatas) for each in _records(reply))
        if read != whole and not rendered.is_cut:
            raise BrokenInvariantError("a record got lost")


def _records(reply: Reply) -> tuple[RRset, ...]:
    return reply.answer + reply.authority
