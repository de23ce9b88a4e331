"""EndpointSlices and v1 Endpoints to the same slim endpoints.

Rules of this file:

- Both APIs give subsets of endpoints that share a list of ports.
- An endpoint without a usable address is left out; one without a usable hostname is kept.
- Slices that no Service owns, or whose addresses are names, decode to no item.
"""

from __future__ import annotations

from datetime import datetime

from kubedns_py.cluster.apitypes import (
    ApiEndpoint,
    ApiEndpoints,
    ApiPodEndpoint,
    ApiPort,
    ApiSlice,
    ApiSubset,
    Conditions,
    Meta,
    SliceMeta,
    TargetRef,
)
from kubedns_py.cluster.objects import Address, Endpoint, Endpoints, Key, Port, Subset
from kubedns_py.cluster.packed import pack
from kubedns_py.cluster.reading import Decoded, Reading, folded, present

_ADDRESS_TYPES = frozenset({"IPv4", "IPv6", "", None})


def read_slice(reading: Reading, api: ApiSlice) -> Decoded:
    """Return what an EndpointSlice says; of most, ``plain_slices.py`` says it sooner.

    Slices of type FQDN (row HDL-7) and those without the Service's label (row HDL-30) have no item.

    Raises:
        BadObject: see ``decode``.
    """
    meta = api.metadata or SliceMeta()
    key = reading.key(api)
    service = folded(meta.labels.service_name) if meta.labels else ""
    if api.address_type not in _ADDRESS_TYPES:
        reading.warnings.append("address-type")
        return reading.done(api, key, None)
    if not service:
        reading.warnings.append("no-service-label")
        return reading.done(api, key, None)
    subset = Subset(_slice_endpoints(reading, api), read_ports(reading, api.ports))
    item = Endpoints(key, Key(key.namespace, service), (subset,), _changed_at(reading, meta))
    return reading.done(api, key, pack(item))


def read_endpoints(reading: Reading, api: ApiEndpoints) -> Decoded:
    """Return what a v1 Endpoints says. Raises BadObject: see ``decode``."""
    key = reading.key(api)
    subsets = tuple([_subset(reading, each) for each in present(api.subsets)])
    item = Endpoints(key, key, subsets, _changed_at(reading, api.metadata or Meta()))
    return reading.done(api, key, pack(item))


def _slice_endpoints(reading: Reading, api: ApiSlice) -> tuple[Endpoint, ...]:
    listed = present(api.endpoints)
    read = [(each, reading.addresses(each.addresses or ())) for each in listed]
    return tuple([_endpoint(reading, each, found) for each, found in read if found])


def _endpoint(reading: Reading, api: ApiEndpoint, addresses: tuple[Address, ...]) -> Endpoint:
    ready, serving = read_conditions(api.conditions)
    return Endpoint(
        addresses,
        reading.hostname(api.hostname) if api.hostname else "",
        ready,
        _pod_name(api.target_ref) if isinstance(api, ApiPodEndpoint) else "",
        serving,
    )


def read_conditions(api: Conditions | None) -> tuple[bool, bool]:
    """Return ``ready`` and ``serving`` of an ``Endpoint``.

    A null ``ready`` means ready (EndpointSlice API, row HDL-17).
    """
    if api is None or api.ready is not False:
        return True, False
    return False, bool(api.serving and api.terminating)


def _subset(reading: Reading, api: ApiSubset) -> Subset:
    found: list[Endpoint] = []
    for listed, ready in ((api.addresses, True), (api.not_ready_addresses, False)):
        for each in present(listed):
            addresses = reading.addresses((each.ip,))
            if addresses:
                hostname = reading.hostname(each.hostname)
                found.append(Endpoint(addresses, hostname, ready, _pod_name(each.target_ref)))
    return Subset(tuple(found), read_ports(reading, api.ports))


def read_ports(reading: Reading, api: list[ApiPort | None] | None) -> tuple[Port, ...]:
    """Return the ports of a slice or subset whose protocol is one that DNS names."""
    known = [each for each in present(api) if reading.has_protocol(each)]
    return tuple([reading.port(each.name, each.protocol, each.port) for each in known])


def _pod_name(target: TargetRef | None) -> str:
    return folded(target.name) if target is not None and target.kind == "Pod" else ""


def _changed_at(reading: Reading, meta: Meta) -> float:
    found = trigger_time(meta)
    if found is None:
        reading.warnings.append("trigger-time-invalid")
    return found or 0.0


def trigger_time(meta: Meta) -> float | None:
    """Return the trigger time in seconds since the epoch, 0.0 if there is none, None if it is bad.

    Go writes RFC 3339 with nanoseconds.
    """
    text = meta.annotations.trigger_time if meta.annotations else None
    if not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
