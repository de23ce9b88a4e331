"""A service and its endpoints to the subtree of RRsets that they make.

Pure functions: the same objects always make equal records, in the same order. Sections are those
of the DNS specification 1.1.0; row ids those of docs/requirements.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from kubedns_py.cluster.objects import Address, Endpoint, Port, Service, ServiceKind
from kubedns_py.cluster.parts import Part
from kubedns_py.dns.name import MAX_LABEL, MAX_NAME, Name, from_text, to_wire, wire_length
from kubedns_py.dns.rrset import CNAME, SRV, RRset
from kubedns_py.errors import BadName
from kubedns_py.zone.naming import Naming, dashed, hash_label, read_dashed
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.rrsets import Targets, address_rrsets, in_order, joined_rrsets, srv_rrset
from kubedns_py.zone.tree import Node, OnDemand, OneByOne, Pointer, PointerKind, Subtree


class _Backend(NamedTuple):
    """A published endpoint's address with the ports of its slice."""

    endpoint: Endpoint
    address: Address
    ports: tuple[Port, ...]


def _backends(parts: Iterable[Part]) -> tuple[_Backend, ...]:
    return tuple(
        [
            _Backend(endpoint, address, part.ports)
            for part in parts
            for endpoint in part.endpoints
            for address in endpoint.addresses
        ]
    )


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
    return _Maker(service, parts, naming).subtree(are_distinct=are_distinct) if exists else None


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

    The service's own name has its addresses at once; what has a part for each endpoint is made when
    it is asked for. So a change of one among 5,000 does not wait for 5,000 names.
    """

    def __init__(self, service: Service, parts: Sequence[Part], naming: Naming) -> None:
        self._service = service
        self._parts = parts
        self._naming = naming
        self._owner = naming.service(service.key)
        self._is_headless = service.kind is ServiceKind.HEADLESS
        self._room = MAX_NAME - wire_length(self._owner)

    def subtree(self, *, are_distinct: bool) -> Subtree:
        """2.3 of a service with addresses, 2.4 of a headless one."""
        weight = sum([len(each.endpoints) for each in self._parts], len(self._service.cluster_ips))
        below = OneByOne(self._child, lambda: self._children)
        node = Node(self._own_rrsets(are_distinct=are_distinct), below)
        return Subtree(node, OneByOne(self._pointer, lambda: self._pointers), weight)

    def _own_rrsets(self, *, are_distinct: bool) -> Mapping[int, RRset]:
        owner, ttl, parts = self._owner, self._naming.ttl, self._parts
        ready: dict[int, RRset] = {}
        later: dict[int, Callable[[], RRset]] = {}
        if self._service.cluster_ips:
            ready = address_rrsets(owner, ttl, self._service.cluster_ips)
        elif len(parts) == 1:
            ready = address_rrsets(owner, ttl, parts[0].addresses)
        elif parts:
            later = joined_rrsets(owner, ttl, parts, are_distinct=are_distinct)
        if self._has_srv():
            later[SRV] = self._own_srv
        return OnDemand(ready, later) if later else ready

    def _has_srv(self) -> bool:
        """Tell whether the bare name has SRV records, without making all where that can be."""
        if not self._is_headless:
            return any(each.port.number for each in self._service.ports)
        if self._room <= MAX_LABEL:
            return bool(self._offers[0])  # some endpoints may have no name (BAD-2)
        return any(port.number for part in self._parts for port in part.ports)

    # -- names below

    def _child(self, label: bytes) -> Node | None:
        """Return the node of an endpoint alone; what cannot be told from its label, of anything."""
        naming = self._naming
        if label.startswith(b"_") or naming.pod_names or naming.endpoint_names != "dashed":
            return self._children.get(label)
        address = read_dashed(label)
        if address is not None and dashed(address) != label:
            address = None  # another spelling is another name
        hostname = label.decode("ascii", "replace")
        found = [at for part in self._parts for at in part.called(hostname, address)]
        if not found or not self._has_room(label):
            return None
        return Node(address_rrsets((label, *self._owner), naming.ttl, found))

    def _has_room(self, label: bytes) -> bool:
        """Tell whether a name directly below the service's can be (BAD-2)."""
        return len(label) < self._room

    @cached_property
    def _children(self) -> dict[bytes, Node]:
        """Return the nodes of ports, then those of endpoints."""
        naming, service = self._naming, self._service
        made: dict[bytes, Node] = {}
        below: dict[bytes, dict[bytes, Node]] = {}
        targets = self._offers[1]
        for (protocol, port), addresses in self._port_addresses().items():
            owner = (port, protocol, *self._owner)
            found = targets.get((protocol, port))
            rrsets = {SRV: self._srv(owner, found)} if found else {}
            rrsets |= address_rrsets(owner, naming.ttl, addresses)
            below.setdefault(protocol, {})[port] = Node(rrsets)
        for protocol, ports in below.items():
            made[protocol] = Node({}, ports)
        if not self._is_headless and naming.endpoint_names != "dashed":
            for address in service.cluster_ips:
                label = hash_label(address)
                made[label] = Node(address_rrsets((label, *self._owner), naming.ttl, [address]))
        return made | self._endpoints

    def _port_addresses(self) -> dict[tuple[bytes, bytes], list[Address]]:
        """Return the addresses at each named port."""
        found: dict[tuple[bytes, bytes], list[Address]] = {}
        if not self._is_headless:
            for each in self._service.ports:
                if each.port.name:
                    found.setdefault(_port_labels(each.port), []).extend(self._service.cluster_ips)
            return found
        for backend in self._backends:
            for port in backend.ports:
                if port.name and port.number:
                    found.setdefault(_port_labels(port), []).append(backend.address)
        return found

    @cached_property
    def _backends(self) -> tuple[_Backend, ...]:
        return _backends(self._parts)

    @cached_property
    def _targets(self) -> tuple[Name | None, ...]:
        """Each backend's name, or None where it would be too long (BAD-2)."""
        naming = self._naming
        labels = [naming.endpoint_label(each.endpoint, each.address) for each in self._backends]
        return tuple([(label, *self._owner) if self._has_room(label) else None for label in labels])

    @cached_property
    def _endpoints(self) -> dict[bytes, Node]:
        """The nodes of endpoints by label."""
        by_label: dict[bytes, list[Address]] = {}
        for backend, name in zip(self._backends, self._targets, strict=True):
            if name is not None:
                aliases = self._naming.endpoint_aliases(backend.endpoint, backend.address)
                for label in {name[0]: None} | dict.fromkeys(aliases):
                    by_label.setdefault(label, []).append(backend.address)
        return {
            label: Node(address_rrsets((label, *self._owner), self._naming.ttl, addresses))
            for label, addresses in by_label.items()
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
                if self._has_room(label):
                    pointer = Pointer(self._pointer_kind(endpoint), (label, *self._owner))
                    found[pointer] = None
        return tuple(found) or None

    @cached_property
    def _pointers(self) -> dict[Address, tuple[Pointer, ...]]:
        found: dict[Address, dict[Pointer, None]] = {}
        for backend, name in zip(self._backends, self._targets, strict=True):
            if name is not None:
                pointer = Pointer(self._pointer_kind(backend.endpoint), name)
                found.setdefault(backend.address, {})[pointer] = None
        for address in self._service.cluster_ips:
            found[address] = {Pointer(PointerKind.SERVICE, self._owner): None}
        return {address: tuple(names) for address, names in found.items()}

    def _pointer_kind(self, endpoint: Endpoint) -> PointerKind:
        if not endpoint.hostname:
            return PointerKind.ADDRESS
        return PointerKind.HEADLESS_HOSTNAME if self._is_headless else PointerKind.HOSTNAME

    # -- SRV: 2.3.2 and 2.4.2, and every port at the bare name, unnamed ones too (SRV-9, SRV-12)

    @cached_property
    def _offers(self) -> tuple[Targets, dict[tuple[bytes, bytes], Targets]]:
        """Where the bare name's SRV records point, and those of each named port."""
        at_name: Targets = {}
        at_port: dict[tuple[bytes, bytes], Targets] = {}
        for port, target in self._offered():
            if port.number:
                at_name[target, port.number] = None
                if port.name:
                    at_port.setdefault(_port_labels(port), {})[target, port.number] = None
        return at_name, at_port

    def _offered(self) -> Iterator[tuple[Port, Name]]:
        if not self._is_headless:
            yield from ((each.port, self._owner) for each in self._service.ports)
            return
        for backend, target in zip(self._backends, self._targets, strict=True):
            if target is not None:
                yield from ((port, target) for port in backend.ports)

    def _own_srv(self) -> RRset:
        return self._srv(self._owner, self._offers[0])

    def _srv(self, owner: Name, targets: Targets) -> RRset:
        return srv_rrset(owner, self._naming.ttl, targets, self._addresses_of)

    def _addresses_of(self, target: Name) -> Iterable[RRset]:
        """Return the A, then the AAAA RRset of a target: the service or one of its endpoints."""
        if target == self._owner:
            own = address_rrsets(self._owner, self._naming.ttl, self._service.cluster_ips)
        else:
            own = dict(self._endpoints[target[0]].rrsets)
        return in_order(own)


def _port_labels(port: Port) -> tuple[bytes, bytes]:
    """Return the protocol's and the port's label, topmost first."""
    return f"_{port.protocol}".encode(), f"_{port.name}".encode()


def names_too_long(service: Service, parts: Iterable[Part], naming: Naming) -> int:
    """Return how many names of a service and its endpoints cannot be: over 255 octets (BAD-2)."""
    room = MAX_NAME - wire_length(naming.service(service.key))
    if room < 0 or service.kind is ServiceKind.EXTERNAL_NAME:
        return int(room < 0)
    labels = {naming.endpoint_label(each.endpoint, each.address) for each in _backends(parts)}
    return sum(1 + len(label) > room for label in labels)
