"""One name of a Service, or the pointers of one address, made without the rest of its subtree.

Rules of this file:

- What is made here is what the subtree has (``records.py``); a property test compares them. It is
  not kept: most names that are not in the answer table are asked for once.
- Endpoints are not read. What a service has whatever they are follows from the service; where no
  endpoint has a hostname, an address says all that there is to say of one.
"""

from __future__ import annotations

from kubedns_py.cluster.objects import Address, Service, ServiceKind
from kubedns_py.dns.name import MAX_NAME, Name, wire_length
from kubedns_py.dns.rrset import SRV, RRset, address_type
from kubedns_py.zone.naming import Naming, dashed
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.rrsets import address_rrsets, service_srv
from kubedns_py.zone.tree import Node, OnDemand, Pointer, PointerKind


def is_own_alone(service: Service, publishing: Publishing) -> bool:
    """Tell whether the names of a service and its ports are there whatever its endpoints are."""
    return service.kind is ServiceKind.CLUSTER_IP and not publishing.ignore_empty_service


def own_node(service: Service, below: Name, naming: Naming) -> Node | None:
    """Return the node of a service, or of one of its ports, for which ``is_own_alone`` holds.

    Args:
        service: as it is in the store.
        below: labels left of the service's, leftmost first: none, or such as begin with an
            underscore (``_tcp``, ``_http._tcp``).
        naming: how it is called.
    """
    owner = naming.service(service.key)
    if not service.cluster_ips or wire_length(owner) > MAX_NAME:
        return None
    if below:
        return _port_node(service, below, owner, naming.ttl)
    rrsets = address_rrsets(owner, naming.ttl, service.cluster_ips)
    if not any(each.port.number for each in service.ports):
        return Node(rrsets)
    ports = [each.port for each in service.ports]
    return Node(OnDemand(rrsets, {SRV: lambda: service_srv(owner, ports, owner, rrsets)}))


def _port_node(service: Service, below: Name, own: Name, ttl: int) -> Node | None:
    ports = [
        each.port
        for each in service.ports
        if each.port.name and f"_{each.port.protocol}".encode() == below[-1]
    ]
    if len(below) == 1:
        return Node() if ports else None
    ports = [each for each in ports if f"_{each.name}".encode() == below[0]]
    if not ports or len(below) > len(("port", "protocol")):
        return None
    owner = (*below, *own)
    rrsets = address_rrsets(owner, ttl, service.cluster_ips)
    if not any(each.number for each in ports):
        return Node(rrsets)
    beside = address_rrsets(own, ttl, service.cluster_ips)
    return Node(rrsets | {SRV: service_srv(owner, ports, own, beside)})


def endpoint_node(address: Address, owner: Name, service: Service, ttl: int) -> Node | None:
    """Return the node of endpoints that are called by their address.

    Args:
        address: of one or more published endpoints of the service, none of its own.
        owner: what they are called.
        service: as it is in the store.
        ttl: seconds.
    """
    if not _names_endpoints(service) or wire_length(owner) > MAX_NAME:
        return None
    rtype = address_type(address)
    return Node({rtype: RRset(owner, rtype, ttl, (address,))})


def own_pointers(service: Service, naming: Naming) -> tuple[Pointer, ...]:
    """Return what a cluster IP points at, of a service for which ``is_own_alone`` holds."""
    owner = naming.service(service.key)
    return () if wire_length(owner) > MAX_NAME else (Pointer(PointerKind.SERVICE, owner),)


def endpoint_pointers(address: Address, service: Service, naming: Naming) -> tuple[Pointer, ...]:
    """Return what the address of endpoints points at that are called by it; see above."""
    owner = (dashed(address), *naming.service(service.key))
    if not _names_endpoints(service) or wire_length(owner) > MAX_NAME:
        return ()
    return (Pointer(PointerKind.ADDRESS, owner),)


def _names_endpoints(service: Service) -> bool:
    """Tell whether endpoints have names: those of a service without an address have none."""
    return service.kind is ServiceKind.HEADLESS or (
        service.kind is ServiceKind.CLUSTER_IP and bool(service.cluster_ips)
    )
