"""Reverse names: ours when an address is known or local, somebody else's otherwise.

The zone that a negative answer speaks for is the most specific one that we serve: the octet or
nibble boundary inside a local network, otherwise ``in-addr.arpa`` or ``ip6.arpa`` (ENV-7).
"""

from __future__ import annotations

from itertools import islice

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.name import MAX_NAME, Name, to_wire, wire_length
from kubedns_py.dns.rcode import EDE_NOT_AUTHORITATIVE, REFUSED, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.reverse import NotAnAddress, read_reverse, reverse_apex
from kubedns_py.dns.rrset import NS, PTR, SOA, RRset
from kubedns_py.resolver.answers import (
    forwarded,
    from_rrsets,
    nodata,
    ns_reply,
    nxdomain,
    soa_rrset,
)
from kubedns_py.resolver.view import Question, Resolution, View
from kubedns_py.zone.naming import POD, dashed
from kubedns_py.zone.reverse import MOST_POINTERS
from kubedns_py.zone.zone import Zone

_NOT_OURS = ExtendedError(EDE_NOT_AUTHORITATIVE, "no service of this cluster has this address")


def reverse_names(question: Question, view: View) -> Resolution | None:
    """T-41 to T-46: pointers of services, endpoints and, by option, pods."""
    if question.zone is not None:
        return None
    apex = reverse_apex(question.name)
    if apex is None:
        return None
    zone = view.zones[0]
    local = view.own_reverse.longest(question.name)
    owner = local or apex
    address = read_reverse(question.name)
    rrsets = _rrsets(question, owner, address, view)
    if question.name == owner and question.qtype == NS:
        reply = ns_reply(owner, zone, question.asked, view)
    elif rrsets:
        reply = from_rrsets(rrsets, question, owner, zone, view)
    elif local is None and address is not NotAnAddress.MALFORMED:
        if view.policy.forwards:
            return forwarded(question, apex, "reverse_names")
        reply = Reply(REFUSED, ede=_NOT_OURS)
    elif address is NotAnAddress.PARTIAL:
        reply = nodata(owner, zone, view)
    else:
        reply = nxdomain(owner, zone, view)
    return Resolution(reply, apex, "reverse_names")


def served_apex(name: Name, view: View) -> Name | None:
    """Return the longest reverse zone of ours that a name is in, or None."""
    return view.local_reverse.longest(name) or reverse_apex(name)


def answering_stub(name: Name, zone: Zone | None, view: View) -> Name | None:
    """Return the stub domain that answers for a name: one longer than any zone of ours (FWD-2).

    It may lie inside the cluster domain, above it, or beside it; a local network makes a reverse
    zone of ours longer.

    Args:
        name: folded.
        zone: the zone of ours that it is in, or None.
        view: what the stub domains are.
    """
    stub = view.stub_of(name)
    if stub is None:
        return None
    own = zone.apex if zone else served_apex(name, view)
    return None if own is not None and len(own) >= len(stub) else stub


def is_served(name: Name, view: View) -> bool:
    """Tell whether a reverse name is ours to answer: in a local network, or a known address's."""
    if reverse_apex(name) is None:
        return False
    if view.own_reverse.longest(name) is not None:
        return True
    address = read_reverse(name)
    return not isinstance(address, NotAnAddress) and bool(
        _targets(Address(address), view.zones[0], view)
    )


def _rrsets(
    question: Question, owner: Name, address: bytes | NotAnAddress, view: View
) -> dict[int, RRset]:
    """Return what a reverse name has: pointers, and a SOA where a zone begins (APX-13).

    The zone of one single address begins at the name that has its pointers.
    """
    zone = view.zones[0]
    rrsets = {}
    if question.name == owner:
        rrsets[SOA] = soa_rrset(owner, zone, view, zone.naming.ttl)
    targets = () if isinstance(address, NotAnAddress) else _targets(Address(address), zone, view)
    if targets:
        rdatas = tuple(map(to_wire, targets))
        rrsets[PTR] = RRset(question.name, PTR, zone.naming.ttl, rdatas)
    return rrsets


def _targets(address: Address, zone: Zone, view: View) -> tuple[Name, ...]:
    targets = zone.pointers(address, view.policy.pointers)
    if targets or not view.policy.pod_pointers:
        return targets
    namespaces = (each.encode() for each in sorted(view.store.pod_namespaces(address)))
    names = (
        (dashed(address), each, POD, *zone.apex) for each in namespaces if zone.has_namespace(each)
    )
    return tuple(islice((each for each in names if wire_length(each) <= MAX_NAME), MOST_POINTERS))
