"""One API object as JSON octets to one slim object.

Rules of this file:

- One object at a time: what is wrong with it is a ``BadObject`` of that object alone.
- An object that is not meant for DNS decodes to no item: whatever was there before goes.
- Nothing here trusts the API server's own validation; manifests come through the same door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from kubedns_py.cluster.addresses import is_target, packed
from kubedns_py.cluster.apitypes import (
    ApiEndpoints,
    ApiNamespace,
    ApiPod,
    ApiService,
    ApiServicePort,
    ApiSlice,
    Container,
    Identified,
    LabelledMeta,
    Meta,
    PodSpec,
    PodStatus,
    ServiceSpec,
)
from kubedns_py.cluster.decode_endpoints import read_endpoints, read_slice
from kubedns_py.cluster.objects import (
    Address,
    Namespace,
    Pod,
    Port,
    Resource,
    Service,
    ServiceKind,
    ServicePort,
)
from kubedns_py.cluster.plain_slices import read_plain
from kubedns_py.cluster.reading import Decoded, Octets, Reading, pairs, present
from kubedns_py.errors import BadObject

__all__ = ["Decoded", "Document", "decode", "identify", "read_all"]

Document = ApiService | ApiSlice | ApiEndpoints | ApiNamespace | ApiPod
"""One API object, typed."""

_CLUSTER_IP = ServiceKind.CLUSTER_IP  # a member costs more to look up than to compare
_HEADLESS = ServiceKind.HEADLESS
_EXTERNAL_NAME = ServiceKind.EXTERNAL_NAME
_LENGTHS = {"IPv4": 4, "IPv6": 16}
_FINISHED = frozenset({"Succeeded", "Failed"})


def decode(resource: Resource, raw: Octets, *, for_endpoints: bool = False) -> Decoded:
    """Return what one API object says.

    Args:
        resource: what the object has to be.
        raw: one JSON document.
        for_endpoints: whether endpoints are made from Pods; only then are the labels, hostname and
            ports of a Pod kept.

    Raises:
        BadObject: with a reason of ``json``, ``type``, ``kind``, ``no-name``, ``no-namespace``,
            ``no-spec`` or ``name``.
    """
    reading = Reading(resource)
    document = reading.document(_DECODERS[resource], raw)
    plain = read_plain((document,))[0] if isinstance(document, ApiSlice) else None
    return plain or _read(reading, document, for_endpoints=for_endpoints)


def read_all(
    resource: Resource, documents: Sequence[Document], *, for_endpoints: bool = False
) -> list[Decoded | BadObject]:
    """Return what objects say that were typed already, all of one resource; see ``decode``."""
    slices = [each for each in documents if isinstance(each, ApiSlice)]
    plain = read_plain(slices) if slices else [None] * len(documents)
    return [
        known or _read_one(resource, document, for_endpoints=for_endpoints)
        for known, document in zip(plain, documents, strict=True)
    ]


def _read_one(
    resource: Resource, document: Document, *, for_endpoints: bool
) -> Decoded | BadObject:
    try:
        return _read(Reading(resource), document, for_endpoints=for_endpoints)
    except BadObject as bad:
        return bad


def _read(reading: Reading, document: Document, *, for_endpoints: bool) -> Decoded:
    match document:
        case ApiService():
            return _service(reading, document)
        case ApiSlice():
            return read_slice(reading, document)
        case ApiEndpoints():
            return read_endpoints(reading, document)
        case ApiNamespace():
            return _namespace(reading, document)
        case _:
            return _pod(reading, document, for_endpoints=for_endpoints)


def identify(resource: Resource, raw: Octets) -> Decoded:
    """Return an object's key and version without an item: all that a deletion needs.

    Raises:
        BadObject: as ``decode``.
    """
    reading = Reading(resource)
    of = reading.document(_IDENTIFIED, raw)
    return reading.done(of, reading.key(of), None)


def _service(reading: Reading, api: ApiService) -> Decoded:
    key = reading.key(api)
    spec = api.spec
    if spec is None:
        raise reading.bad("no-spec", api, "spec is missing")
    kind = _service_kind(spec)
    item = Service(
        key,
        kind,
        _cluster_ips(reading, spec) if kind is _CLUSTER_IP else (),
        _service_ports(reading, spec.ports) if spec.ports else (),
        _external_name(reading, spec) if kind is _EXTERNAL_NAME else "",
        bool(spec.publish_not_ready_addresses) or _tolerates_unready(api.metadata),
        pairs(spec.selector) if spec.selector else (),
        _families(spec) if kind is _HEADLESS else (),
    )
    return reading.done(api, key, item)


def _tolerates_unready(meta: Meta | None) -> bool:
    annotations = meta.annotations if meta is not None else None
    return annotations is not None and annotations.tolerate_unready == "true"


def _service_kind(spec: ServiceSpec) -> ServiceKind:
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


def _families(spec: ServiceSpec) -> tuple[int, ...]:
    return tuple([_LENGTHS[name] for name in spec.ip_families or () if name in _LENGTHS])


def _service_ports(reading: Reading, api: list[ApiServicePort | None]) -> tuple[ServicePort, ...]:
    """Return ports; most Services have the same few, of which nothing has to be left out."""
    plain = [
        port
        for each in api
        if each is not None
        and (port := _plain_port(each.name, each.protocol, each.port, _target(each.target_port)))
        is not None
    ]
    if len(plain) == len(api):
        return tuple(plain)
    known = [each for each in present(api) if reading.has_protocol(each)]
    return tuple([_service_port(reading, each) for each in known])


def _service_port(reading: Reading, api: ApiServicePort) -> ServicePort:
    port = reading.port(api.name, api.protocol, api.port)
    return ServicePort(port, _target(api.target_port) or port.number)


@lru_cache(4096)
def _plain_port(
    name: str | None, protocol: str | None, number: int | None, target: int | str
) -> ServicePort | None:
    """Return a port, the same one for all Services that say so; None where one has to be warned."""
    reading = Reading(Resource.SERVICES)
    api = ApiServicePort(name, protocol, number, target)
    found = _service_port(reading, api) if reading.has_protocol(api) else None
    return None if reading.warnings else found


def _target(value: Any) -> int | str:
    """Return a target port, or 0 where there is none that is usable."""
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else 0


def _namespace(reading: Reading, api: ApiNamespace) -> Decoded:
    meta = api.metadata or LabelledMeta()
    key = reading.key(api)
    labels = reading.part(_LABELS, meta.labels, api)
    return reading.done(api, key, Namespace(key, labels=pairs(labels)))


def _pod(reading: Reading, api: ApiPod, *, for_endpoints: bool) -> Decoded:
    key = reading.key(api)
    status = api.status or PodStatus()
    terminal = status.phase in _FINISHED
    conditions = {each.type: each.status for each in present(status.conditions)}
    item = Pod(
        key=key,
        addresses=() if terminal else _pod_addresses(reading, status),
        ready=conditions.get("Ready") == "True",
        terminal=terminal,
        deleting=api.metadata is not None and api.metadata.deletion_timestamp is not None,
    )
    whole = _with_specification(reading, item, api) if for_endpoints else item
    return reading.done(api, key, whole)


def _pod_addresses(reading: Reading, status: PodStatus) -> tuple[Address, ...]:
    listed = [each.ip for each in present(status.pod_ips)]
    return reading.addresses([text for text in listed or [status.pod_ip] if text])


def _with_specification(reading: Reading, pod: Pod, api: ApiPod) -> Pod:
    meta = api.metadata or LabelledMeta()
    spec = reading.part(_POD_SPEC, api.spec, api) or PodSpec()
    return msgspec.structs.replace(
        pod,
        labels=pairs(reading.part(_LABELS, meta.labels, api)),
        hostname=reading.hostname(spec.hostname),
        subdomain=reading.hostname(spec.subdomain),
        ports=_container_ports(reading, spec),
    )


def _container_ports(reading: Reading, spec: PodSpec) -> tuple[Port, ...]:
    """Return the named ports of containers and of sidecars (init containers that restart)."""
    sidecars = [each for each in present(spec.init_containers) if each.restart_policy == "Always"]
    containers: list[Container] = [*present(spec.containers), *sidecars]
    return tuple(
        reading.port(each.name, each.protocol, each.container_port)
        for container in containers
        for each in present(container.ports)
        if each.name and reading.has_protocol(each)
    )


_DECODERS: Mapping[Resource, msgspec.json.Decoder[Document]] = {
    Resource.SERVICES: msgspec.json.Decoder(ApiService),
    Resource.ENDPOINTSLICES: msgspec.json.Decoder(ApiSlice),
    Resource.ENDPOINTS: msgspec.json.Decoder(ApiEndpoints),
    Resource.NAMESPACES: msgspec.json.Decoder(ApiNamespace),
    Resource.PODS: msgspec.json.Decoder(ApiPod),
}
_IDENTIFIED = msgspec.json.Decoder(Identified)
_POD_SPEC: msgspec.json.Decoder[PodSpec | None] = msgspec.json.Decoder(PodSpec | None)
_LABELS: msgspec.json.Decoder[dict[str, str | None] | None] = msgspec.json.Decoder(
    dict[str, str | None] | None
)
