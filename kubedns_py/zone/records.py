"""A service and its endpoints to the subtree of RRsets that they make.

Pure functions: the same objects always make equal records, in the same order. Sections are those
of the DNS specification 1.1.0; row ids those of docs/requirements.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial

from kubedns_py.cluster.objects import Address, Endpoint, Port, Service, ServiceKind
from kubedns_py.cluster.parts import Part
from kubedns_py.dns.name import MAX_NAME, Name, from_text, to_wire, wire_length
from kubedns_py.dns.rrset import CNAME, SRV, RRset
from kubedns_py.errors import BadName
from kubedns_py.zone.backends import addresses_by_label, addresses_called, backends, has_room
from kubedns_py.zone.naming import Naming, hash_label
from kubedns_py.zone.offers import Offers, port_labels
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.rrsets import address_rrsets, joined_rrsets, part_rrsets, service_srv
from kubedns_py.zone.tree import Node, OnDemand, OneByOne, Pointer, PointerKind, Subtree


def service_subtree(
    service: Service,
    parts: Sequence[Part],
    naming: Naming,
    publishing: Publishing,
    *,
    are_distinct: bool = False,
) -> Subtree | None:
    """Return what a service makes, or None when its name does not exist, or cannot (BAD-2).

    Args:
        service: any.
        parts: what is published of its endpoints.
        naming: how it is called.
        publishing: whether it has a name without endpoints.
        are_distinct: whether it is known that no address is in two of the parts.
    """
    if wire_length(naming.service(service.key)) > MAX_NAME:
        return None
    if service.kind is ServiceKind.EXTERNAL_NAME:
        return Subtree(_external_name(service, naming, publishing), {})
    if service.kind is ServiceKind.HEADLESS:
        exists = bool(parts) or publishing.headless_empty == "nodata"
    else:
        exists = bool(service.cluster_ips) and not (publishing.ignore_empty_service and not parts)
    if not exists:
        return None
    return _Maker(service, parts, naming, are_distinct=are_distinct).subtree()


def _external_name(service: Service, naming: Naming, publishing: Publishing) -> Node:
    """2.5. A target that is no name, or an address, makes the name exist without a record."""
    owner = naming.service(service.key)
    literal = address_literal(service.external_name)
    if literal is not None:
        found = [literal] if publishing.address_as_external_name else []
        return Node(address_rrsets(owner, naming.ttl, found))
    try:
        target = from_text(service.external_name)
    except BadName:
        return Node()
    return Node({CNAME: RRset(owner, CNAME, naming.ttl, (to_wire(target),))} if target else {})


def address_literal(text: str) -> Address | None:
    """Return the address that an externalName wrongly holds, or None."""
    try:
        return Address(ipaddress.ip_address(text.rstrip(".")).packed)
    except ValueError:
        return None


class _Maker:
    """Makes one service's nodes. ``owner`` is ``S.N.svc.D``.

    What has a part for each endpoint is looked up in the slices' parts when it is asked for, or
    joined from them. So a change of one among 5,000 does not wait for 5,000 names.
    """

    def __init__(
        self, service: Service, parts: Sequence[Part], naming: Naming, *, are_distinct: bool
    ) -> None:
        self._service = service
        self._parts = parts
        self._naming = naming
        self._are_distinct = are_distinct
        self._owner = naming.service(service.key)
        self._is_headless = service.kind is ServiceKind.HEADLESS
        self._offers = Offers(parts, naming, self._owner)

    def subtree(self) -> Subtree:
        """2.3 of a service with addresses, 2.4 of a headless one."""
        weight = sum([len(each.endpoints) for each in self._parts], len(self._service.cluster_ips))
        below = OneByOne(self._child, lambda: self._ports | self._labelled)
        node = Node(self._own_rrsets(), below)
        return Subtree(node, OneByOne(self._pointer, lambda: self._pointers), weight)

    def _own_rrsets(self) -> Mapping[int, RRset]:
        if self._is_headless:
            return self._endpoint_rrsets(self._owner, self._parts)
        ports = [each.port for each in self._service.ports]
        return self._service_rrsets(self._owner, ports)

    def _service_rrsets(self, owner: Name, ports: Sequence[Port]) -> Mapping[int, RRset]:
        """Return the RRsets of the service's own addresses, and of its ports."""
        ips, ttl = self._service.cluster_ips, self._naming.ttl
        addresses = address_rrsets(owner, ttl, ips)
        if not any(each.number for each in ports):
            return addresses
        own = address_rrsets(self._owner, ttl, ips)
        return addresses | {SRV: service_srv(owner, ports, self._owner, own)}

    def _endpoint_rrsets(
        self, owner: Name, parts: Sequence[Part], labels: Name = ()
    ) -> Mapping[int, RRset]:
        """Return the RRsets of endpoints' addresses, and of the ports with such labels."""
        ttl = self._naming.ttl
        ready: dict[int, RRset] = {}
        later: dict[int, Callable[[], RRset]] = {}
        if len(parts) == 1:
            ready = part_rrsets(owner, ttl, parts[0])
        elif parts:
            later |= joined_rrsets(owner, ttl, parts, are_distinct=self._are_distinct)
        if self._offers.are_any(labels):
            later[SRV] = partial(self._offers.rrset, owner, labels)
        return OnDemand(ready, later) if later else ready

    # -- names below

    def _child(self, label: bytes) -> Node | None:
        """Return the node of an endpoint alone; what cannot be told from its label, of anything."""
        naming = self._naming
        if label.startswith(b"_"):
            return self._ports.get(label)
        if naming.pod_names or naming.endpoint_names != "dashed":
            return self._labelled.get(label)
        found = addresses_called(label, self._parts)
        if not found or not has_room(label, self._owner):
            return None
        return Node(address_rrsets((label, *self._owner), naming.ttl, found))

    @cached_property
    def _ports(self) -> dict[bytes, Node]:
        """The nodes of protocols, with named ports below them (2.3.2, 2.4.2)."""
        below: dict[bytes, dict[bytes, Node]] = {}
        for labels, rrsets in self._endpoint_ports() if self._is_headless else self._own_ports():
            port, protocol = labels
            below.setdefault(protocol, {})[port] = Node(rrsets)
        return {protocol: Node({}, ports) for protocol, ports in below.items()}

    def _own_ports(self) -> Iterator[tuple[Name, Mapping[int, RRset]]]:
        named: dict[Name, list[Port]] = {}
        for each in self._service.ports:
            if each.port.name:
                named.setdefault(port_labels(each.port), []).append(each.port)
        for labels, ports in named.items():
            yield labels, self._service_rrsets((*labels, *self._owner), ports)

    def _endpoint_ports(self) -> Iterator[tuple[Name, Mapping[int, RRset]]]:
        offering: dict[Name, list[Part]] = {}
        for part in self._parts:
            named = [port_labels(each) for each in part.ports if each.name and each.number]
            for labels in dict.fromkeys(named):
                offering.setdefault(labels, []).append(part)
        for labels, parts in offering.items():
            yield labels, self._endpoint_rrsets((*labels, *self._owner), parts, labels)

    @cached_property
    def _labelled(self) -> dict[bytes, Node]:
        """All nodes of endpoints, by label."""
        naming, owner = self._naming, self._owner
        found = addresses_by_label(self._parts, naming, owner)
        if not self._is_headless and naming.endpoint_names != "dashed":
            for address in self._service.cluster_ips:
                found.setdefault(hash_label(address), [address])
        return {
            label: Node(address_rrsets((label, *owner), naming.ttl, addresses))
            for label, addresses in found.items()
        }

    # -- pointers

    def _pointer(self, address: Address) -> tuple[Pointer, ...] | None:
        """Return the pointers of one address alone."""
        if address in self._service.cluster_ips:
            return (Pointer(PointerKind.SERVICE, self._owner),)
        found: dict[Pointer, None] = {}
        for part in self._parts:
            for endpoint in part.by_address.get(address, ()):
                label = self._naming.endpoint_label(endpoint, address)
                if has_room(label, self._owner):
                    pointer = Pointer(self._pointer_kind(endpoint), (label, *self._owner))
                    found[pointer] = None
        return tuple(found) or None

    @cached_property
    def _pointers(self) -> dict[Address, tuple[Pointer, ...]]:
        held = [address for part in self._parts for address in part.addresses]
        found = {each: self._pointer(each) for each in (*held, *self._service.cluster_ips)}
        return {address: pointers for address, pointers in found.items() if pointers}

    def _pointer_kind(self, endpoint: Endpoint) -> PointerKind:
        if not endpoint.hostname:
            return PointerKind.ADDRESS
        return PointerKind.HEADLESS_HOSTNAME if self._is_headless else PointerKind.HOSTNAME


def names_too_long(service: Service, parts: Iterable[Part], naming: Naming) -> int:
    """Return how many names of a service and its endpoints cannot be: over 255 octets (BAD-2)."""
    room = MAX_NAME - wire_length(naming.service(service.key))
    if room < 0 or service.kind is ServiceKind.EXTERNAL_NAME:
        return int(room < 0)
    labels = {naming.endpoint_label(each.endpoint, each.address) for each in backends(parts)}
    return sum(1 + len(label) > room for label in labels)
