"""EndpointSlices and v1 Endpoints to the same slim endpoints.

Rules of this file:

- Both APIs give subsets of endpoints that share a list of ports.
- An endpoint without a usable address is left out; one without a usable hostname is kept.
- Slices that no Service owns, or whose addresses are names, decode to no item.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from kubedns_py.cluster.apitypes import (
    ApiEndpoint,
    ApiEndpoints,
    ApiPort,
    ApiSlice,
    ApiSubset,
    Conditions,
    Identified,
    Meta,
    SliceLabels,
    TargetRef,
)
from kubedns_py.cluster.objects import Endpoint, Endpoints, Key, Port, Subset
from kubedns_py.cluster.reading import Decoded, Octets, Reading, folded, present

_ADDRESS_TYPES = frozenset({"IPv4", "IPv6", "", None})


def decode_slice(reading: Reading, raw: Octets) -> Decoded:
    """Return what an EndpointSlice says.

    Slices of type FQDN (row HDL-7) and those without the Service's label (row HDL-30) have no item.

    Raises:
        BadObject: see ``decode``.
    """
    api = reading.document(_SLICE, raw)
    of = Identified(api.kind, api.metadata)
    key = reading.key(of)
    meta = of.metadata or Meta()
    labels = reading.part(_SLICE_LABELS, meta.labels, of)
    service = folded(labels.service_name if labels else None)
    if api.address_type not in _ADDRESS_TYPES:
        reading.warnings.append("address-type")
        return reading.done(of, None)
    if not service:
        reading.warnings.append("no-service-label")
        return reading.done(of, None)
    endpoints = (_slice_endpoint(reading, each) for each in present(api.endpoints))
    subset = Subset(
        endpoints=tuple(each for each in endpoints if each is not None),
        ports=_ports(reading, api.ports),
    )
    changed_at = _changed_at(reading, meta)
    item = Endpoints(key, Key(key.namespace, service), (subset,), changed_at)
    return reading.done(of, item)


def decode_endpoints(reading: Reading, raw: Octets) -> Decoded:
    """Return what a v1 Endpoints says. Raises BadObject: see ``decode``."""
    api = reading.document(_ENDPOINTS, raw)
    of = Identified(api.kind, api.metadata)
    key = reading.key(of)
    subsets = tuple(_subset(reading, each) for each in present(api.subsets))
    item = Endpoints(key, key, subsets, _changed_at(reading, of.metadata or Meta()))
    return reading.done(of, item)


def _slice_endpoint(reading: Reading, api: ApiEndpoint) -> Endpoint | None:
    """Return an endpoint; a null ``ready`` means ready (EndpointSlice API, row HDL-17)."""
    addresses = reading.addresses(api.addresses or ())
    if not addresses:
        return None
    conditions = api.conditions or Conditions()
    ready = conditions.ready is not False
    return Endpoint(
        addresses=addresses,
        hostname=reading.hostname(api.hostname),
        ready=ready,
        pod_name=_pod_name(api.target_ref),
        serving=not ready and bool(conditions.serving and conditions.terminating),
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
    known = (each for each in present(api) if reading.has_protocol(each))
    return tuple(reading.port(each.name, each.protocol, each.port) for each in known)


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


_SLICE = msgspec.json.Decoder(ApiSlice)
_ENDPOINTS = msgspec.json.Decoder(ApiEndpoints)
_SLICE_LABELS: msgspec.json.Decoder[SliceLabels | None] = msgspec.json.Decoder(SliceLabels | None)
