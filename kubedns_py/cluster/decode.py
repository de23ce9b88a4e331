"""One API object as JSON octets to one slim object.

Rules of this file:

- One object at a time: what is wrong with it is a ``BadObject`` of that object alone.
- An object that is not meant for DNS decodes to no item: whatever was there before goes.
- Nothing here trusts the API server's own validation; manifests come through the same door.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from kubedns_py.cluster.reading import Decoded, Octets, Reading, pairs, present

__all__ = ["DECODERS", "Decoded", "Document", "decode", "identify", "read"]

Document = ApiService | ApiSlice | ApiEndpoints | ApiNamespace | ApiPod
"""One API object, typed."""

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
    return read(reading, reading.document(DECODERS[resource], raw), for_endpoints=for_endpoints)


def read(reading: Reading, document: Document, *, for_endpoints: bool = False) -> Decoded:
    """Return what one object says that was typed already; see ``decode``."""
    match document:
        case ApiSlice():
            return read_slice(reading, document)
        case ApiService():
            return _service(reading, document)
        case ApiEndpoints():
            return read_endpoints(reading, document)
        case ApiNamespace():
            return _namespace(reading, document)
        case ApiPod():
            return _pod(reading, document, for_endpoints=for_endpoints)


def identify(resource: Resource, raw: Octets) -> Decoded:
    """Return an object's key and version without an item: all that a deletion needs.

    Raises:
        BadObject: as ``decode``.
    """
    reading = Reading(resource)
    return reading.done(reading.document(_IDENTIFIED, raw), None)


def _service(reading: Reading, api: ApiService) -> Decoded:
    of = Identified(api.kind, api.metadata)
    key = reading.key(of)
    spec = api.spec
    if spec is None:
        raise reading.bad("no-spec", of, "spec is missing")
    kind = _service_kind(spec)
    annotations = api.metadata.annotations if api.metadata else None
    tolerant = annotations is not None and annotations.tolerate_unready == "true"
    ports = [each for each in present(spec.ports) if reading.has_protocol(each)]
    item = Service(
        key=key,
        kind=kind,
        cluster_ips=_cluster_ips(reading, spec) if kind is ServiceKind.CLUSTER_IP else (),
        ports=tuple([_service_port(reading, each) for each in ports]),
        external_name=_external_name(reading, spec) if kind is ServiceKind.EXTERNAL_NAME else "",
        publish_not_ready=bool(spec.publish_not_ready_addresses) or tolerant,
        selector=pairs(spec.selector),
        families=_families(spec) if kind is ServiceKind.HEADLESS else (),
    )
    return reading.done(of, item)


def _service_kind(spec: ServiceSpec) -> ServiceKind:
    """Return how a Service is published; type ExternalName wins over whatever else is set."""
    if spec.type == "ExternalName":
        return ServiceKind.EXTERNAL_NAME
    first = spec.cluster_ip or next(iter(spec.cluster_ips or ()), None)
    return ServiceKind.HEADLESS if first == "None" else ServiceKind.CLUSTER_IP


def _cluster_ips(reading: Reading, spec: ServiceSpec) -> tuple[Address, ...]:
    """Return the readable cluster IPs; the others are no names of anything (rows CIP-12, BAD-7)."""
    found: dict[Address, None] = {}
    for text in spec.cluster_ips or [spec.cluster_ip]:
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
    lengths = {"IPv4": 4, "IPv6": 16}
    return tuple(lengths[name] for name in spec.ip_families or () if name in lengths)


def _service_port(reading: Reading, api: ApiServicePort) -> ServicePort:
    port = reading.port(api.name, api.protocol, api.port)
    target = api.target_port
    usable = isinstance(target, (int, str)) and not isinstance(target, bool)
    return ServicePort(port, (target if usable else 0) or port.number)


def _namespace(reading: Reading, api: ApiNamespace) -> Decoded:
    meta = api.metadata or LabelledMeta()
    of = Identified(api.kind, meta)
    key = reading.key(of)
    labels = reading.part(_LABELS, meta.labels, of)
    return reading.done(of, Namespace(key, labels=pairs(labels)))


def _pod(reading: Reading, api: ApiPod, *, for_endpoints: bool) -> Decoded:
    of = Identified(api.kind, api.metadata)
    key = reading.key(of)
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
    return reading.done(of, _with_specification(reading, item, api) if for_endpoints else item)


def _pod_addresses(reading: Reading, status: PodStatus) -> tuple[Address, ...]:
    listed = [each.ip for each in present(status.pod_ips)]
    return reading.addresses([text for text in listed or [status.pod_ip] if text])


def _with_specification(reading: Reading, pod: Pod, api: ApiPod) -> Pod:
    meta = api.metadata or LabelledMeta()
    of = Identified(api.kind, meta)
    spec = reading.part(_POD_SPEC, api.spec, of) or PodSpec()
    return msgspec.structs.replace(
        pod,
        labels=pairs(reading.part(_LABELS, meta.labels, of)),
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


DECODERS: Mapping[Resource, msgspec.json.Decoder[Document]] = {
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
