"""Builders of slim objects in the words of a test.

Names are written ``name.namespace``, as in DNS. Ports are written ``name:number/protocol->target``:
name, protocol and target may be left out (``80``, ``:80/udp``, ``http:80/tcp->web``). Endpoints are
written as an address, or several with commas, then words: ``10.1.0.1 hostname=db-0 pod=db-0``,
and ``not-ready``, or ``serving`` for one that still serves while it shuts down.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from kubedns_py.cluster.objects import (
    Address,
    Endpoint,
    Endpoints,
    Key,
    Namespace,
    Object,
    Pod,
    Port,
    Service,
    ServiceKind,
    ServicePort,
    Subset,
)
from kubedns_py.cluster.packed import Packed, pack, unpack_endpoints
from kubedns_py.cluster.reading import Decoded


def address(text: str) -> Address:
    """Return an address in network order: ``10.1.0.1`` or ``fd00::5``."""
    return Address(ipaddress.ip_address(text).packed)


def a_key(name: str) -> Key:
    """Return the key of ``name.namespace``. Only the last dot separates."""
    own, _, namespace = name.rpartition(".")
    return Key(namespace, own)


def a_port(text: str) -> Port:
    """Return a port as an endpoint offers it: ``http:8080/tcp``."""
    return _service_port(text).port


def a_service(
    name: str,
    *,
    cluster_ips: Iterable[str] = (),
    ports: Iterable[str] = (),
    headless: bool = False,
    external_name: str = "",
    selector: Mapping[str, str] | None = None,
    publish_not_ready: bool = False,
) -> Service:
    """Return a Service; with neither address, ``headless`` nor name it is not yet allocated."""
    kind = ServiceKind.HEADLESS if headless else ServiceKind.CLUSTER_IP
    return Service(
        key=a_key(name),
        kind=ServiceKind.EXTERNAL_NAME if external_name else kind,
        cluster_ips=tuple(map(address, cluster_ips)),
        ports=tuple(map(_service_port, ports)),
        external_name=external_name,
        publish_not_ready=publish_not_ready,
        selector=_pairs(selector),
    )


def an_endpoint(text: str) -> Endpoint:
    """Return an endpoint: ``10.1.0.1 hostname=db-0 pod=db-0 not-ready``."""
    addresses, *words = text.split()
    facts = dict(word.split("=") for word in words if "=" in word)
    flags = {word for word in words if "=" not in word}
    assert facts.keys() <= {"hostname", "pod"}, text
    assert flags <= {"not-ready", "serving"}, text
    return Endpoint(
        addresses=tuple(map(address, addresses.split(","))),
        hostname=facts.get("hostname", ""),
        ready=not flags,
        pod_name=facts.get("pod", ""),
        serving="serving" in flags,
    )


def a_subset(endpoints: Iterable[str], ports: Iterable[str] = ()) -> Subset:
    """Return endpoints that share one list of ports."""
    return Subset(tuple(map(an_endpoint, endpoints)), tuple(map(a_port, ports)))


def an_endpoints(
    service: str,
    endpoints: Iterable[str] = (),
    ports: Iterable[str] = (),
    *,
    subsets: Iterable[Subset] = (),
    name: str = "",
    changed_at: float = 0.0,
) -> Endpoints:
    """Return an EndpointSlice or v1 Endpoints object of a Service.

    Args:
        service: the Service that it belongs to, ``web.shop``.
        endpoints: those of its first subset, with ``ports``.
        ports: ports of the first subset.
        subsets: more of them; alone if no endpoints are given.
        name: the object's own name, without namespace; the Service's if empty.
        changed_at: seconds since the epoch.
    """
    first = tuple(endpoints)
    own = (a_subset(first, ports),) if first else ()
    of = a_key(service)
    return Endpoints(Key(of.namespace, name or of.name), of, (*own, *subsets), changed_at)


def a_pod(
    name: str,
    addresses: Iterable[str] = (),
    *,
    ready: bool = True,
    terminal: bool = False,
    deleting: bool = False,
    labels: Mapping[str, str] | None = None,
    hostname: str = "",
    subdomain: str = "",
    ports: Iterable[str] = (),
) -> Pod:
    """Return a Pod, ready unless said otherwise."""
    return Pod(
        key=a_key(name),
        addresses=tuple(map(address, addresses)),
        ready=ready,
        terminal=terminal,
        deleting=deleting,
        labels=_pairs(labels),
        hostname=hostname,
        subdomain=subdomain,
        ports=tuple(map(a_port, ports)),
    )


def a_decoded(item: Object, version: str = "") -> Decoded:
    """Return an object as it comes from the API: endpoints are packed."""
    return Decoded(item.key, version, pack(item) if isinstance(item, Endpoints) else item)


def item_of(found: Decoded) -> Object | None:
    """Return an object that was read, its endpoints unpacked."""
    item = found.item
    return unpack_endpoints(found.key, item) if isinstance(item, Packed) else item


def a_namespace(name: str, *, labels: Mapping[str, str] | None = None) -> Namespace:
    """Return a Namespace."""
    return Namespace(Key("", name), _pairs(labels))


def _service_port(text: str) -> ServicePort:
    port, _, target = text.partition("->")
    name, colon, rest = port.rpartition(":")
    number, _, protocol = rest.partition("/")
    value = Port(name if colon else "", protocol or "tcp", int(number))
    return ServicePort(value, _target(target, value.number))


def _target(text: str, number: int) -> int | str:
    if not text:
        return number
    return int(text) if text.isdigit() else text


def _pairs(labels: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((labels or {}).items()))
