"""A service and its endpoints to the subtree of RRsets that they make.

Pure functions: the same objects always make equal records, in the same order. Sections are those
of the DNS specification 1.1.0; row ids those of docs/requirements.md.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from kubedns_py.cluster.objects import Address, Endpoint, Port, Service, ServiceKind, Subset
from kubedns_py.dns.name import MAX_NAME, Name, from_text, to_wire, wire_length
from kubedns_py.dns.rrset import AAAA, CNAME, SRV, A, RRset, address_type, srv
from kubedns_py.errors import BadName
from kubedns_py.zone.naming import Naming, hash_label
from kubedns_py.zone.tree import Node, Pointer, PointerKind, Subtree

_WEIGHT_TOTAL = 100


@dataclass(frozen=True, slots=True)
class Publishing:
    """Which services and endpoints get names, where the specification leaves a choice.

    Attributes:
        headless_empty: what a headless service without endpoints is: absent, or an empty name.
        terminating: whether endpoints that still serve stand in when none is ready (HDL-18).
        ignore_empty_service: a ClusterIP service without a ready endpoint is absent (CIP-10).
        address_as_external_name: an ExternalName that is an address is answered as one (EXT-10).
    """

    headless_empty: Literal["nxdomain", "nodata"] = "nxdomain"
    terminating: Literal["exclude", "include-if-none-ready"] = "exclude"
    ignore_empty_service: bool = False
    address_as_external_name: bool = False


@dataclass(frozen=True, slots=True)
class Backend:
    """A published endpoint's address with the ports of its slice."""

    endpoint: Endpoint
    address: Address
    ports: tuple[Port, ...]


def published(
    service: Service, subsets: Iterable[Subset], publishing: Publishing
) -> tuple[Backend, ...]:
    """Return the endpoints that get names: ready ones, or all where the service says so.

    An address that is ready in one slice and not in another is ready (HDL-12).
    """
    every = [(each, subset.ports) for subset in subsets for each in subset.endpoints]
    chosen = [each for each in every if each[0].ready or service.publish_not_ready]
    if not chosen and publishing.terminating == "include-if-none-ready":
        chosen = [each for each in every if each[0].serving]
    return tuple(
        Backend(endpoint, address, ports)
        for endpoint, ports in chosen
        for address in endpoint.addresses
    )


def service_subtree(
    service: Service, subsets: Iterable[Subset], naming: Naming, publishing: Publishing
) -> Subtree | None:
    """Return what a service makes, or None when its name does not exist, or cannot (BAD-2)."""
    if wire_length(naming.service(service.key)) > MAX_NAME:
        return None
    if service.kind is ServiceKind.EXTERNAL_NAME:
        return Subtree(_external_name(service, naming, publishing), {})
    backends = published(service, subsets, publishing)
    if service.kind is ServiceKind.HEADLESS:
        exists = bool(backends) or publishing.headless_empty == "nodata"
    else:
        exists = bool(service.cluster_ips) and not (
            publishing.ignore_empty_service and not backends
        )
    if not exists:
        return None
    maker = _Maker(service, backends, naming)
    return maker.headless() if service.kind is ServiceKind.HEADLESS else maker.cluster_ip()


def _external_name(service: Service, naming: Naming, publishing: Publishing) -> Node:
    """2.5. A target that is no name, or an address, makes the name exist without a record."""
    node = Node()
    owner = naming.service(service.key)
    literal = address_literal(service.external_name)
    if literal is not None:
        if publishing.address_as_external_name:
            _put(node, owner, address_type(literal), naming.ttl, [literal])
        return node
    try:
        target = from_text(service.external_name)
    except BadName:
        return node
    if target:
        _put(node, owner, CNAME, naming.ttl, [to_wire(target)])
    return node


def address_literal(text: str) -> Address | None:
    """Return the address that an externalName wrongly holds, or None."""
    try:
        return Address(ipaddress.ip_address(text.rstrip(".")).packed)
    except ValueError:
        return None


class _Maker:
    """Makes one service's nodes. ``owner`` is ``S.N.svc.D``."""

    def __init__(self, service: Service, backends: tuple[Backend, ...], naming: Naming) -> None:
        self._service = service
        self._backends = backends
        self._naming = naming
        self._owner = naming.service(service.key)
        self._targets = tuple(map(self._target, backends))
        self._node = Node()
        self._endpoints: dict[bytes, Node] = {}
        self._pointers: dict[Address, dict[Pointer, None]] = {}

    def cluster_ip(self) -> Subtree:
        """2.3: addresses of the service, SRV to the service, and its endpoints' own names."""
        service = self._service
        self._addresses(self._node, self._owner, service.cluster_ips)
        ports = [each.port for each in service.ports]
        self._srv_records((port, self._owner) for port in ports)
        for port in ports:
            if port.name:
                label, below = _port_labels(port)
                node = self._node.child(label, below)
                self._addresses(node, (below, label, *self._owner), service.cluster_ips)
        if self._naming.endpoint_names != "dashed":
            for address in service.cluster_ips:
                label = hash_label(address)
                self._addresses(self._node.child(label), (label, *self._owner), [address])
        self._endpoint_names()
        for address in service.cluster_ips:
            self._pointers[address] = {Pointer(PointerKind.SERVICE, self._owner): None}
        return self._finish()

    def headless(self) -> Subtree:
        """2.4: addresses of the endpoints, SRV to each endpoint's name."""
        self._addresses(self._node, self._owner, (each.address for each in self._backends))
        self._endpoint_names()
        self._srv_records(
            (port, target)
            for backend, target in zip(self._backends, self._targets, strict=True)
            if target is not None
            for port in backend.ports
        )
        by_port: dict[tuple[bytes, bytes], list[Address]] = {}
        for backend in self._backends:
            for port in backend.ports:
                if port.name and port.number:
                    by_port.setdefault(_port_labels(port), []).append(backend.address)
        for (label, below), addresses in by_port.items():
            node = self._node.child(label, below)
            self._addresses(node, (below, label, *self._owner), addresses)
        return self._finish()

    def _finish(self) -> Subtree:
        self._node.children.update(self._endpoints)
        pointers = {address: tuple(names) for address, names in self._pointers.items()}
        return Subtree(self._node, pointers)

    def _target(self, backend: Backend) -> Name | None:
        """Return an endpoint's name, or None where it would be too long (BAD-2)."""
        label = self._naming.endpoint_label(backend.endpoint, backend.address)
        name = (label, *self._owner)
        return name if wire_length(name) <= MAX_NAME else None

    def _endpoint_names(self) -> None:
        by_label: dict[bytes, list[Address]] = {}
        for backend, name in zip(self._backends, self._targets, strict=True):
            if name is None:
                continue
            aliases = self._naming.endpoint_aliases(backend.endpoint, backend.address)
            for label in {name[0]: None} | dict.fromkeys(aliases):
                by_label.setdefault(label, []).append(backend.address)
            pointer = Pointer(self._pointer_kind(backend), name)
            self._pointers.setdefault(backend.address, {})[pointer] = None
        for label, addresses in by_label.items():
            node = self._endpoints[label] = Node()
            self._addresses(node, (label, *self._owner), addresses)

    def _pointer_kind(self, backend: Backend) -> PointerKind:
        if not backend.endpoint.hostname:
            return PointerKind.ADDRESS
        if self._service.kind is ServiceKind.HEADLESS:
            return PointerKind.HEADLESS_HOSTNAME
        return PointerKind.HOSTNAME

    def _addresses(self, node: Node, owner: Name, addresses: Iterable[Address]) -> None:
        families: dict[int, dict[bytes, None]] = {}
        for address in addresses:
            families.setdefault(address_type(address), {})[address] = None
        for rtype, rdatas in families.items():
            _put(node, owner, rtype, self._naming.ttl, rdatas)

    def _srv_records(self, offers: Iterable[tuple[Port, Name]]) -> None:
        """2.3.2 and 2.4.2, and every port at the bare name, unnamed ones too (SRV-9, SRV-12)."""
        at_name: dict[tuple[Name, int], None] = {}
        at_port: dict[tuple[bytes, bytes], dict[tuple[Name, int], None]] = {}
        for port, target in offers:
            if not port.number:
                continue
            at_name[target, port.number] = None
            if port.name:
                at_port.setdefault(_port_labels(port), {})[target, port.number] = None
        self._srv(self._node, self._owner, at_name)
        for (label, below), targets in at_port.items():
            self._srv(self._node.child(label, below), (below, label, *self._owner), targets)

    def _srv(self, node: Node, owner: Name, targets: dict[tuple[Name, int], None]) -> None:
        if targets:
            # deduplicated first, so that dual stack does not halve it; 0 would mean "never" (2782)
            weight = max(1, _WEIGHT_TOTAL // len(targets))
            rdatas = tuple(srv(weight, number, target) for target, number in targets)
            beside = tuple(
                rrset
                for target in dict.fromkeys(target for target, _ in targets)
                for rrset in self._addresses_of(target)
            )
            node.rrsets[SRV] = RRset(owner, SRV, self._naming.ttl, rdatas, beside)

    def _addresses_of(self, target: Name) -> Iterator[RRset]:
        """Yield the A, then the AAAA RRset of a target: the service or one of its endpoints."""
        node = self._node if target == self._owner else self._endpoints[target[0]]
        return (node.rrsets[rtype] for rtype in (A, AAAA) if rtype in node.rrsets)


def _port_labels(port: Port) -> tuple[bytes, bytes]:
    """Return the protocol's and the port's label, topmost first."""
    return f"_{port.protocol}".encode(), f"_{port.name}".encode()


def _put(node: Node, owner: Name, rtype: int, ttl: int, rdatas: Iterable[bytes]) -> None:
    node.rrsets[rtype] = RRset(owner, rtype, ttl, tuple(rdatas))


def names_too_long(
    service: Service, subsets: Iterable[Subset], naming: Naming, publishing: Publishing
) -> int:
    """Return how many names of a service and its endpoints cannot be: over 255 octets (BAD-2)."""
    room = MAX_NAME - wire_length(naming.service(service.key))
    if room < 0 or service.kind is ServiceKind.EXTERNAL_NAME:
        return int(room < 0)
    backends = published(service, subsets, publishing)
    labels = {naming.endpoint_label(each.endpoint, each.address) for each in backends}
    return sum(1 + len(label) > room for label in labels)


def service_addresses(
    service: Service, subsets: Iterable[Subset], publishing: Publishing
) -> Iterator[Address]:
    """Yield the addresses that may have pointers to the service: all that its subtree has."""
    if service.kind is ServiceKind.EXTERNAL_NAME:
        return
    yield from service.cluster_ips
    for backend in published(service, subsets, publishing):
        yield backend.address
