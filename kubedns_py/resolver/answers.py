"""The forms of answers from our own data: data, NODATA, NXDOMAIN, and the zone's own records.

Rules of this file:

- Own data is authoritative, negative or not (ENV-1, ENV-2).
- Every negative answer carries the SOA of the zone that says no, with the negative TTL as its TTL
  and minimum (RFC 2308, 3 and 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.dns.name import Name, to_wire
from kubedns_py.dns.rcode import NOERROR, NXDOMAIN
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import (
    AAAA,
    ANY,
    HINFO,
    NS,
    SOA,
    A,
    RRset,
    address_type,
    soa,
    txt,
)
from kubedns_py.resolver.view import Onward, Question, Resolution, View
from kubedns_py.zone.naming import NS_DNS
from kubedns_py.zone.zone import Zone

HOSTMASTER: Final = b"hostmaster"
_RFC8482 = txt(b"RFC8482", b"")
_MOST_DENIALS: Final = 1024
"""Kept ready; there are two for each zone of ours, reverse ones in local networks included."""
_NOTHING_YET: Final = Reply(NOERROR)


def soa_rrset(owner: Name, zone: Zone, view: View, ttl: int) -> RRset:
    """Return a zone's SOA. A reverse zone shares the cluster domain's server and serial."""
    negative_ttl = view.policy.negative_ttl
    mname = (*NS_DNS, *zone.apex)
    rname = (HOSTMASTER, *zone.apex)
    return RRset(owner, SOA, ttl, (soa(mname, rname, zone.serial, negative_ttl),))


def nodata(owner: Name, zone: Zone, view: View) -> Reply:
    """Return NOERROR without an answer. ``owner`` is the apex that says so."""
    return _negative(NOERROR, owner, zone, view)


def nxdomain(owner: Name, zone: Zone, view: View) -> Reply:
    """Return NXDOMAIN. ``owner`` is the apex that says so."""
    return _negative(NXDOMAIN, owner, zone, view)


def _negative(rcode: int, owner: Name, zone: Zone, view: View) -> Reply:
    """Return a denial, which is the same for all names of a zone until its serial changes."""
    known = view.denials.get((rcode, owner))
    if known is not None and known[0] == zone.serial:
        return known[1]
    authority = (soa_rrset(owner, zone, view, view.policy.negative_ttl),)
    reply = Reply(rcode, authoritative=True, authority=authority)
    if len(view.denials) >= _MOST_DENIALS:
        view.denials.clear()
    view.denials[rcode, owner] = zone.serial, reply
    return reply


def forwarded(question: Question, zone: Name, rule: str) -> Resolution:
    """Return that somebody else has to be asked for the name in question."""
    return Resolution(_NOTHING_YET, zone, rule, None, Onward(question.name, question))


def data(rrset: RRset) -> Reply:
    """Return NOERROR with one RRset, and beside it the addresses of its targets."""
    return Reply(NOERROR, authoritative=True, answer=(rrset,), additional=rrset.beside)


def from_rrsets(
    rrsets: Mapping[int, RRset], question: Question, apex: Name, zone: Zone, view: View
) -> Reply:
    """Return what an existing name answers: the RRset of the type, or NODATA from ``apex``.

    ANY gets one small synthesised record where there is data (RFC 8482, 4.2).
    """
    rrset = rrsets.get(question.qtype)
    if rrset is not None:
        return data(rrset)
    if question.qtype == ANY and rrsets:
        return data(RRset(question.name, HINFO, zone.naming.ttl, (_RFC8482,)))
    return nodata(apex, zone, view)


def nameserver_rrsets(zone: Zone, asked: Address, view: View) -> dict[int, RRset]:
    """Return the address RRsets of ``ns.dns.D``.

    They are those of the DNS Service when it exists, otherwise the address that the query was
    sent to; that one is known to work.
    """
    owner: Name = (*NS_DNS, *zone.apex)
    addresses: dict[int, dict[bytes, None]] = {}
    for address in _dns_service_addresses(zone, view.policy.dns_service) or (asked,):
        if address:
            addresses.setdefault(address_type(address), {})[address] = None
    return {
        rtype: RRset(owner, rtype, zone.naming.ttl, tuple(found))
        for rtype, found in sorted(addresses.items())
    }


def has_nameserver(zone: Zone, view: View) -> bool:
    """Tell whether ``ns.dns.D`` has addresses of its own, not the one that a query was sent to."""
    return bool(_dns_service_addresses(zone, view.policy.dns_service))


def _dns_service_addresses(zone: Zone, key: Key) -> tuple[bytes, ...]:
    node = zone.find((key.name.encode(), key.namespace.encode()))
    rrsets = node.rrsets if node else {}
    return tuple(rdata for rtype in (A, AAAA) if rtype in rrsets for rdata in rrsets[rtype].rdatas)


def ns_reply(owner: Name, zone: Zone, asked: Address, view: View) -> Reply:
    """Return the NS RRset of an apex with its glue, A and AAAA (APX-2)."""
    target = to_wire((*NS_DNS, *zone.apex))
    glue = tuple(nameserver_rrsets(zone, asked, view).values())
    return data(RRset(owner, NS, zone.naming.ttl, (target,), glue))
