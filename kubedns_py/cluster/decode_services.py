"""Services: how one is published, at which addresses and ports.

Rules of this file:

- A part that cannot be used is left out and said; the Service is served without it.
- Ports are read once for all Services that list the same ones.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kubedns_py.cluster.addresses import is_target, packed
from kubedns_py.cluster.apitypes import ApiService, ApiServicePort, Meta, ServiceSpec
from kubedns_py.cluster.objects import Address, Service, ServiceKind, ServicePort
from kubedns_py.cluster.reading import Decoded, Reading, pairs, present
from kubedns_py.cluster.resources import Resource

_CLUSTER_IP = ServiceKind.CLUSTER_IP  # a member costs more to look up than to compare
_HEADLESS = ServiceKind.HEADLESS
_EXTERNAL_NAME = ServiceKind.EXTERNAL_NAME
_LENGTHS = {"IPv4": 4, "IPv6": 16}
_PLAIN_TARGETS = frozenset({int, str, type(None)})


def read_service(reading: Reading, api: ApiService) -> Decoded:
    """Return what a Service says; of most in a list, ``plain_services.py`` says it sooner.

    Raises:
        BadObject: see ``decode``.
    """
    key = reading.key(api)
    spec = api.spec
    if spec is None:
        raise reading.bad("no-spec", api, "spec is missing")
    kind = _kind(spec)
    item = Service(
        key,
        kind,
        _cluster_ips(reading, spec) if kind is _CLUSTER_IP else (),
        _ports(reading, spec.ports) if spec.ports else (),
        _external_name(reading, spec) if kind is _EXTERNAL_NAME else "",
        _publishes_not_ready(spec, api.metadata),
        pairs(spec.selector) if spec.selector else (),
        families(spec) if kind is _HEADLESS else (),
    )
    return reading.done(api, key, item)


def _publishes_not_ready(spec: ServiceSpec, meta: Meta | None) -> bool:
    """Tell whether endpoints that are not ready get names too (rows HDL-15, HDL-16)."""
    if spec.publish_not_ready_addresses:
        return True
    annotations = meta.annotations if meta is not None else None
    return annotations is not None and annotations.tolerate_unready == "true"


def _kind(spec: ServiceSpec) -> ServiceKind:
    """Return how a Service is published; type ExternalName wins over whatever else is set."""
    if spec.type == "ExternalName":
        return _EXTERNAL_NAME
    first = spec.cluster_ip or next(iter(spec.cluster_ips or ()), None)
    return _HEADLESS if first == "None" else _CLUSTER_IP


def _cluster_ips(reading: Reading, spec: ServiceSpec) -> tuple[Address, ...]:
    """Return the readable cluster IPs; the others are no names of anything (rows CIP-12, BAD-7)."""
    texts = spec.cluster_ips or [spec.cluster_ip]
    if len(texts) == 1 and (address := packed(texts[0])) is not None:  # as nearly always
        return (address,)
    found: dict[Address, None] = {}
    for text in texts:
        address = packed(text)
        if address is not None:
            found[address] = None
        elif text:
            reading.warnings.append("cluster-ip-invalid")
    return tuple(found)


def _external_name(reading: Reading, spec: ServiceSpec) -> str:
    """Return the name as written: what becomes of one that is none, the zone decides (EXT-10)."""
    text = spec.external_name or ""
    if packed(text.removesuffix(".")) is not None:
        reading.warnings.append("external-name-address")
    elif not is_target(text):
        reading.warnings.append("external-name-invalid")
    return text


def families(spec: ServiceSpec) -> tuple[int, ...]:
    """Return the address lengths of ``spec.ipFamilies``; what is unknown says nothing (HDL-4)."""
    return tuple([_LENGTHS[name] for name in spec.ip_families or () if name in _LENGTHS])


def _ports(reading: Reading, api: list[ApiServicePort | None]) -> tuple[ServicePort, ...]:
    found = plain_ports(api)
    return _each_port(reading, api) if found is None else found


def plain_ports(api: list[ApiServicePort | None]) -> tuple[ServicePort, ...] | None:
    """Return ports, the same for all Services that list them so; None if one of them is odd."""
    for each in api:
        if each is None or type(each.target_port) not in _PLAIN_TARGETS:
            return None  # true and 80.0 are equal to 1 and 80, and no target ports
    return _plain_ports(tuple(api))


@lru_cache(4096)
def _plain_ports(api: tuple[ApiServicePort | None, ...]) -> tuple[ServicePort, ...] | None:
    reading = Reading(Resource.SERVICES)
    found = _each_port(reading, list(api))
    return None if reading.warnings else found


def _each_port(reading: Reading, api: list[ApiServicePort | None]) -> tuple[ServicePort, ...]:
    known = [each for each in present(api) if reading.has_protocol(each)]
    return tuple([_port(reading, each) for each in known])


def _port(reading: Reading, api: ApiServicePort) -> ServicePort:
    port = reading.port(api.name, api.protocol, api.port)
    return ServicePort(port, _target(api.target_port) or port.number)


def _target(value: Any) -> int | str:
    """Return a target port, or 0 where there is none that is usable."""
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
