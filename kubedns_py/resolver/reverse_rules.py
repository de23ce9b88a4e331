"""Reverse names: ours when an address is known or local, somebody else's otherwise.

The zone that a negative answer speaks for is the most specific one that we serve: the octet or
nibble boundary inside a local network, otherwise ``in-addr.arpa`` or ``ip6.arpa`` (ENV-7).
"""

from __future__ import annotations

import ipaddress

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.name import Name, is_below, to_wire
from kubedns_py.dns.rcode import EDE_NOT_AUTHORITATIVE, REFUSED, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.reverse import (
    IN_ADDR_ARPA,
    NotAnAddress,
    read_reverse,
    reverse_apex,
    reverse_name,
)
from kubedns_py.dns.rrset import ANY, HINFO, NS, PTR, SOA, RRset, txt
from kubedns_py.resolver.answers import data, nodata, ns_reply, nxdomain, soa_rrset
from kubedns_py.resolver.view import Network, Question, Resolution, View
from kubedns_py.zone.naming import POD, dashed
from kubedns_py.zone.zone import Zone

_RULE = "reverse_names"


def reverse_names(question: Question, view: View) -> Resolution | None:
    """T-41 to T-46: pointers of services, endpoints and, by option, pods."""
    apex = reverse_apex(question.name)
    if question.zone is not None or apex is None:
        return None
    zone = view.zones[0]
    owner = _local_apex(question.name, view.policy.local_networks) or apex
    if question.name == owner:
        return Resolution(_at_apex(question, owner, zone, view), apex, _RULE)
    address = read_reverse(question.name)
    if isinstance(address, NotAnAddress):
        return _no_address(address, owner, apex, zone, view)
    targets = _targets(Address(address), zone, view)
    if targets:
        return Resolution(_known(question, targets, owner, zone, view), apex, _RULE)
    if owner is not apex:
        return Resolution(nxdomain(owner, zone, view), apex, _RULE)
    return _not_ours(apex)


def _at_apex(question: Question, owner: Name, zone: Zone, view: View) -> Reply:
    """APX-13: a reverse apex has a SOA and the same name server as the cluster domain."""
    if question.qtype == SOA:
        return data(soa_rrset(owner, zone, view, zone.naming.ttl))
    if question.qtype == NS:
        return ns_reply(owner, zone, question.asked, view)
    return nodata(owner, zone, view)


def _known(
    question: Question, targets: tuple[Name, ...], owner: Name, zone: Zone, view: View
) -> Reply:
    ttl = zone.naming.ttl
    if question.qtype == PTR:
        return data(RRset(question.name, PTR, ttl, tuple(map(to_wire, targets))))
    if question.qtype == ANY:
        return data(RRset(question.name, HINFO, ttl, (txt(b"RFC8482", b""),)))
    return nodata(owner, zone, view)  # T-45; incumbents say NXDOMAIN


def _targets(address: Address, zone: Zone, view: View) -> tuple[Name, ...]:
    targets = zone.pointers(address, view.policy.pointers)
    if targets or not view.policy.pod_pointers:
        return targets
    namespaces = sorted(view.store.pod_namespaces(address))
    return tuple(
        (dashed(address), each.encode(), POD, *zone.apex)
        for each in namespaces
        if zone.has_namespace(each.encode())
    )


def _no_address(why: NotAnAddress, owner: Name, apex: Name, zone: Zone, view: View) -> Resolution:
    """PTR-12, A-10: what stands under a reverse apex and is no address."""
    if why is NotAnAddress.MALFORMED:
        return Resolution(nxdomain(owner, zone, view), apex, _RULE)
    if owner is apex:
        return _not_ours(apex)
    if why is NotAnAddress.PARTIAL:
        return Resolution(nodata(owner, zone, view), apex, _RULE)
    return Resolution(nxdomain(owner, zone, view), apex, _RULE)


def _not_ours(apex: Name) -> Resolution:
    ede = ExtendedError(EDE_NOT_AUTHORITATIVE, "no service of this cluster has this address")
    return Resolution(Reply(REFUSED, ede=ede), apex, _RULE)


def _local_apex(name: Name, networks: tuple[Network, ...]) -> Name | None:
    """Return the most specific local reverse zone that a name is in, or None.

    A network is cut at the next octet or nibble boundary below its prefix, because that is where a
    reverse zone can begin: 10.96.0.0/12 becomes sixteen zones, of which one holds the name.
    """
    best: Name | None = None
    for network in networks:
        apex = _zone_inside(name, network)
        if apex is not None and (best is None or len(apex) > len(best)):
            best = apex
    return best


def _zone_inside(name: Name, network: Network) -> Name | None:
    bits = 8 if network.version == 4 else 4
    labels = -(-network.prefixlen // bits)
    base = reverse_name(network.network_address.packed)
    root = IN_ADDR_ARPA if network.version == 4 else base[-2:]
    if not is_below(name, root) or len(name) < len(root) + labels:
        return None
    apex = name[len(name) - len(root) - labels :]
    whole = (b"0",) * (len(base) - len(apex)) + apex
    address = read_reverse(whole)
    if isinstance(address, NotAnAddress) or ipaddress.ip_address(address) not in network:
        return None
    return apex
