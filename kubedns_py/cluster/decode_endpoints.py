"""EndpointSlices and v1 Endpoints to the same slim endpoints.

Rules of this file:

- Both APIs give subsets of endpoints that share a list of ports.
- An endpoint without a usable address is left out; one without a usable hostname is kept.
- Slices that no Service owns, or whose addresses are names, decode to no item.
"""

from __future__ import annotations

from datetime import datetime

from kubedns_py.cluster.addresses import ipv4_addresses
from kubedns_py.cluster.apitypes import (
    ApiEndpoint,
    ApiEndpoints,
    ApiPort,
    ApiSlice,
    ApiSubset,
    Identified,
    Meta,
    SliceMeta,
    TargetRef,
)
from kubedns_py.cluster.objects import Address, Endpoint, Endpoints, Key, Port, Subset
from kubedns_py.cluster.reading import Decoded, Reading, folded, present

_ADDRESS_TYPES = frozenset({"IPv4", "IPv6", "", None})


def read_slice(reading: Reading, api: ApiSlice) -> Decoded:
    """Return what an EndpointSlice says.

    Slices of type FQDN (row HDL-7) and those without the Service's label (row HDL-30) have no item.

    Raises:
        BadObject: see ``decode``.
    """
    meta = api.metadata or SliceMeta()
    of = Identified(api.kind, meta)
    key = reading.key(of)
    service = folded(meta.labels.service_name) if meta.labels else ""
    if api.address_type not in _ADDRESS_TYPES:
        reading.warnings.append("address-type")
        return reading.done(of, None)
    if not service:
        reading.warnings.append("no-service-label")
        return reading.done(of, None)
    subset = Subset(_slice_endpoints(reading, present(api.endpoints)), _ports(reading, api.ports))
    changed_at = _changed_at(reading, meta)
    item = Endpoints(key, Key(key.namespace, service), (subset,), changed_at)
    return reading.done(of, item)


def read_endpoints(reading: Reading, api: ApiEndpoints) -> Decoded:
    """Return what a v1 Endpoints says. Raises BadObject: see ``decode``."""
    of = Identified(api.kind, api.metadata)
    key = reading.key(of)
    subsets = tuple([_subset(reading, each) for each in present(api.subsets)])
    item = Endpoints(key, key, subsets, _changed_at(reading, of.metadata or Meta()))
    return reading.done(of, item)


def _slice_endpoints(reading: Reading, api: list[ApiEndpoint]) -> tuple[Endpoint, ...]:
    """Return endpoints; most slices have one IPv4 address in each, read by one call for all."""
    firsts = [each.addresses[0] for each in api if each.addresses and len(each.addresses) == 1]
    known = ipv4_addresses(firsts) if len(firsts) == len(api) else None
    if known is not None:
        return tuple([_endpoint(reading, each, (at,)) for each, at in zip(api, known, strict=True)])
    read = [(each, reading.addresses(each.addresses or ())) for each in api]
    return tuple([_endpoint(reading, each, found) for each, found in read if found])


def _endpoint(reading: Reading, api: ApiEndpoint, addresses: tuple[Address, ...]) -> Endpoint:
    """Return an endpoint; a null ``ready`` means ready (EndpointSlice API, row HDL-17)."""
    conditions = api.conditions
    ready = conditions is None or conditions.ready is not False
    return Endpoint(
        addresses,
        reading.hostname(api.hostname) if api.hostname else "",
        ready,
        _pod_name(api.target_ref),
        not ready and bool(conditions and conditions.serving and conditions.terminating),
    )


def _subset(reading: Reading, api: ApiSubset) -> Subset:
    found: list[Endpoint] = []
    for listed, ready in ((api.addresses, True), (api.not_ready_addresses, False)):
        for each in present(listed):
            addresses = reading.addresses((each.ip,))
            if addresses:
                hostname = reading.hostname(each.hostname)
                found.append(Endpoint(addresses, hostname, ready, _pod_name(each.target_ref)))
    return Subset(tuple(found), _ports(reading, api.ports))


def _ports(reading: Reading, api: list[ApiPort | None] | None) -> tuple[Port, ...]:
    known = [each for each in present(api) if reading.has_protocol(each)]
    return tuple([reading.port(each.name, each.protocol, each.port) for each in known])


def _pod_name(target: TargetRef | None) -> str:
    return folded(target.name) if target is not None and target.kind == "Pod" else ""


def _changed_at(reading: Reading, meta: Meta) -> float:
    """Return the trigger time in seconds since the epoch; Go writes RFC 3339 with nanoseconds."""
    text = meta.annotations.trigger_time if meta.annotations else None
    if not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass  # counted below, together with a time that belongs to no zone
    reading.warnings.append("trigger-time-invalid")
    return 0.0
