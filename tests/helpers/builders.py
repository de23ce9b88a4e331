"""Builders of API objects as the API server writes them: JSON, as dictionaries.

Names are written ``name.namespace``, as in DNS. What a test does not state is left out of the
object, or null where Go would write null; ``**spec`` goes into the specification as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]


def octets(document: object) -> bytes:
    """Return a document as JSON octets without spaces."""
    return json.dumps(document, separators=(",", ":")).encode()


def a_meta(name: str, *, version: str = "", **fields: Any) -> Json:
    """Return ObjectMeta of ``name.namespace``; only the last dot separates."""
    own, _, namespace = name.rpartition(".")
    named = {"name": own, "namespace": namespace} if own else {"name": namespace}
    stamped = {"resourceVersion": version} if version else {}
    return {**named, **stamped, "uid": f"uid-{name}", "managedFields": [{"manager": "x"}], **fields}


def a_service_json(
    name: str,
    *,
    cluster_ips: Iterable[str] = ("10.96.0.1",),
    ports: Iterable[str] = (),
    version: str = "",
    meta: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Json:
    """Return a v1 Service; ports are written ``name:number/protocol``."""
    addresses = list(cluster_ips)
    return {
        "metadata": a_meta(name, version=version, **(meta or {})),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": addresses[0] if addresses else "",
            "clusterIPs": addresses or None,
            "ports": [a_port_json(each) for each in ports] or None,
            **spec,
        },
    }


def a_headless_service_json(name: str, **facts: Any) -> Json:
    """Return a v1 Service without a cluster IP."""
    return a_service_json(name, cluster_ips=["None"], **facts)


def a_port_json(text: str) -> Json:
    """Return a port from ``name:number/protocol``; name and protocol may be left out."""
    number, _, protocol = text.rpartition(":")[2].partition("/")
    name = text.rpartition(":")[0]
    named = {"name": name} if name else {}
    return {**named, "port": int(number), **({"protocol": protocol.upper()} if protocol else {})}


def a_slice_json(
    name: str,
    *,
    service: str | None = "",
    endpoints: Iterable[str | Json] = (),
    ports: Iterable[str] = (),
    address_type: str = "IPv4",
    version: str = "",
    meta: Mapping[str, Any] | None = None,
) -> Json:
    """Return an EndpointSlice.

    Args:
        name: of the slice, ``web-1.shop``.
        service: the Service's own name; the slice's name up to the last hyphen if empty, no label
            if None.
        endpoints: addresses, or whole endpoints (see ``an_endpoint_json``).
        ports: as for a Service.
        address_type: IPv4, IPv6 or FQDN.
        version: its resource version.
        meta: more fields of ObjectMeta.
    """
    owner = service or name.rpartition(".")[0].rpartition("-")[0]
    labels = {} if service is None else {"labels": {"kubernetes.io/service-name": owner}}
    listed = [an_endpoint_json(each) if isinstance(each, str) else each for each in endpoints]
    return {
        "metadata": a_meta(name, version=version, **labels, **(meta or {})),
        "addressType": address_type,
        "endpoints": listed or None,
        "ports": [a_port_json(each) for each in ports] or None,
    }


def an_endpoint_json(*addresses: str, pod: str = "", **fields: Any) -> Json:
    """Return an endpoint of a slice, ready unless ``conditions`` say otherwise."""
    target = {"targetRef": {"kind": "Pod", "name": pod}} if pod else {}
    return {"addresses": list(addresses), "conditions": {"ready": True}, **target, **fields}


def an_endpoints_json(
    name: str, *subsets: Json, version: str = "", meta: Mapping[str, Any] | None = None
) -> Json:
    """Return a v1 Endpoints."""
    return {
        "metadata": a_meta(name, version=version, **(meta or {})),
        "subsets": list(subsets) or None,
    }


def a_namespace_json(name: str, *, version: str = "", **labels: str) -> Json:
    """Return a v1 Namespace."""
    return {"metadata": a_meta(name, version=version, labels=labels or None)}


def a_pod_json(
    name: str,
    *,
    addresses: Iterable[str] = ("10.1.0.1",),
    ready: bool = True,
    phase: str = "Running",
    version: str = "",
    meta: Mapping[str, Any] | None = None,
    **spec: Any,
) -> Json:
    """Return a v1 Pod."""
    listed = list(addresses)
    return {
        "metadata": a_meta(name, version=version, **(meta or {})),
        "spec": spec,
        "status": {
            "phase": phase,
            **({"podIP": listed[0]} if listed else {}),
            "podIPs": [{"ip": each} for each in listed] or None,
            "conditions": [
                {"type": "Initialized", "status": "True"},
                {"type": "Ready", "status": "True" if ready else "False"},
            ],
        },
    }


def a_page(*items: object, version: str = "100", continue_token: str = "") -> bytes:
    """Return a page of a list; items may be octets that are no JSON."""
    meta = {"resourceVersion": version, **({"continue": continue_token} if continue_token else {})}
    listed = b",".join(each if isinstance(each, bytes) else octets(each) for each in items)
    return b'{"kind":"List","metadata":' + octets(meta) + b',"items":[' + listed + b"]}"


def an_event(type_: str, item: object) -> bytes:
    """Return a line of a watch; the item may be octets that are no JSON."""
    body = item if isinstance(item, bytes) else octets(item)
    return b'{"type":' + octets(type_) + b',"object":' + body + b"}"


def a_bookmark(version: str) -> bytes:
    """Return a BOOKMARK event."""
    return an_event("BOOKMARK", {"metadata": {"resourceVersion": version}})


def an_error(code: int, message: str = "", *, reason: str = "") -> bytes:
    """Return an ERROR event with a Status."""
    return an_event("ERROR", a_status(code, message, reason=reason))


def a_status(code: int, message: str = "", *, reason: str = "", **details: Any) -> Json:
    """Return a Status."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details or None,
    }
