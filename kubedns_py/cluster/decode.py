"""One API object as JSON octets to one slim object.

Rules of this file:

- One object at a time: what is wrong with it is a ``BadObject`` of that object alone.
- An object that is not meant for DNS decodes to no item: whatever was there before goes.
- Nothing here trusts the API server's own validation; manifests come through the same door.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kubedns_py.cluster.apitypes import (
    ApiEndpoints,
    ApiNamespace,
    ApiPod,
    ApiPodSlice,
    ApiService,
    ApiSlice,
    Container,
    Identified,
    LabelledMeta,
    PodSpec,
    PodStatus,
)
from kubedns_py.cluster.decode_endpoints import read_endpoints, read_slice
from kubedns_py.cluster.decode_services import read_service
from kubedns_py.cluster.objects import Address, Namespace, Pod, Port
from kubedns_py.cluster.plain_services import read_plain as read_plain_services
from kubedns_py.cluster.plain_slices import read_plain
from kubedns_py.cluster.reading import (
    USUAL,
    Decoded,
    Octets,
    Reading,
    Wanted,
    pairs,
    present,
)
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject

__all__ = ["Decoded", "Document", "decode", "document_type", "identify", "read_all"]

Document = ApiService | ApiSlice | ApiEndpoints | ApiNamespace | ApiPod
"""One API object, typed."""

_FINISHED = frozenset({"Succeeded", "Failed"})


def decode(resource: Resource, raw: Octets, wanted: Wanted = USUAL) -> Decoded:
    """Return what one API object says.

    Args:
        resource: what the object has to be.
        raw: one JSON document.
        wanted: what is read of it.

    Raises:
        BadObject: with a reason of ``json``, ``type``, ``kind``, ``no-name``, ``no-namespace``,
            ``no-spec`` or ``name``.
    """
    reading = Reading(resource)
    document = reading.document(_DECODERS[document_type(resource, wanted)], raw)
    plain = read_plain((document,))[0] if isinstance(document, ApiSlice) else None
    return plain or _read(reading, document, wanted)


def read_all(
    resource: Resource, documents: Sequence[Document], wanted: Wanted = USUAL
) -> list[Decoded | BadObject]:
    """Return what objects say that were typed already, all of one resource; see ``decode``."""
    return [
        _read_one(resource, document, wanted) if known is None else known
        for known, document in zip(_plain(resource, documents), documents, strict=True)
    ]


def _plain(resource: Resource, documents: Sequence[Document]) -> list[Decoded | None]:
    """Return what is plain of objects, read together, and None for each of the others."""
    match resource:
        case Resource.SERVICES:
            return read_plain_services([each for each in documents if isinstance(each, ApiService)])
        case Resource.ENDPOINTSLICES:
            return read_plain([each for each in documents if isinstance(each, ApiSlice)])
        case _:
            return [None] * len(documents)


def _read_one(resource: Resource, document: Document, wanted: Wanted) -> Decoded | BadObject:
    try:
        return _read(Reading(resource), document, wanted)
    except BadObject as bad:
        return bad


def _read(reading: Reading, document: Document, wanted: Wanted) -> Decoded:
    match document:
        case ApiService():
            return read_service(reading, document)
        case ApiSlice():
            return read_slice(reading, document)
        case ApiEndpoints():
            return read_endpoints(reading, document)
        case ApiNamespace():
            return _namespace(reading, document)
        case _:
            return _pod(reading, document, wanted)


def document_type(resource: Resource, wanted: Wanted) -> type[Document]:
    """Return how an object is typed that is read so far."""
    if resource is Resource.ENDPOINTSLICES and wanted.pod_names:
        return ApiPodSlice
    return _TYPES[resource]


def identify(resource: Resource, raw: Octets) -> Decoded:
    """Return an object's key and version without an item: all that a deletion needs.

    Raises:
        BadObject: as ``decode``.
    """
    reading = Reading(resource)
    of = reading.document(_IDENTIFIED, raw)
    return reading.done(of, reading.key(of), None)


def _namespace(reading: Reading, api: ApiNamespace) -> Decoded:
    meta = api.metadata or LabelledMeta()
    key = reading.key(api)
    labels = reading.part(_LABELS, meta.labels, api)
    return reading.done(api, key, Namespace(key, labels=pairs(labels)))


def _pod(reading: Reading, api: ApiPod, wanted: Wanted) -> Decoded:
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
    whole = _with_specification(reading, item, api) if wanted.pod_specifications else item
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


_TYPES: Mapping[Resource, type[Document]] = {
    Resource.SERVICES: ApiService,
    Resource.ENDPOINTSLICES: ApiSlice,
    Resource.ENDPOINTS: ApiEndpoints,
    Resource.NAMESPACES: ApiNamespace,
    Resource.PODS: ApiPod,
}
_DECODERS: Mapping[type[Document], msgspec.json.Decoder[Document]] = {
    each: msgspec.json.Decoder(each) for each in (*_TYPES.values(), ApiPodSlice)
}
_IDENTIFIED = msgspec.json.Decoder(Identified)
_POD_SPEC: msgspec.json.Decoder[PodSpec | None] = msgspec.json.Decoder(PodSpec | None)
_LABELS: msgspec.json.Decoder[dict[str, str | None] | None] = msgspec.json.Decoder(
    dict[str, str | None] | None
)
