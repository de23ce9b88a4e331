"""A cluster as objects of the Kubernetes API, and as a directory of manifests.

The objects carry what those of a real cluster carry beside the fields that DNS needs (labels,
references to pods, nodes, zones), because reading past it is a part of every list's cost.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.cluster import Cluster, Endpoint, Kind, Service

JsonObject = dict[str, Any]

MOST_IN_SLICE = 100
"""Endpoints in a slice: the default of the EndpointSlice controller."""

_NODES = 500
_TARGET_PORTS = 8000


def namespace_object(name: str) -> JsonObject:
    """Return a Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service_object(service: Service) -> JsonObject:
    """Return the Service; without a selector, so that no controller writes its endpoints."""
    spec: JsonObject
    if service.kind is Kind.EXTERNAL_NAME:
        spec = {"type": "ExternalName", "externalName": service.address.removesuffix(".")}
    else:
        address = service.address or "None"
        spec = {
            "type": "ClusterIP",
            "clusterIP": address,
            "clusterIPs": [address],
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [
                {
                    "name": port.name,
                    "port": port.number,
                    "protocol": port.protocol,
                    "targetPort": _TARGET_PORTS + port.number,
                }
                for port in service.ports
            ],
        }
    metadata = {
        "name": service.name,
        "namespace": service.namespace,
        "labels": {"app.kubernetes.io/name": service.name, "app.kubernetes.io/part-of": "bench"},
        "annotations": {"bench/owner": f"{service.namespace}@example.com"},
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def slice_objects(service: Service) -> Iterator[JsonObject]:
    """Yield the EndpointSlices of a Service, numbered from 0."""
    for number, start in enumerate(range(0, len(service.endpoints), MOST_IN_SLICE)):
        yield _slice(service, number, service.endpoints[start : start + MOST_IN_SLICE])


def slice_name(service: Service, number: int = 0) -> str:
    """Return the name of a Service's slice of that number."""
    return f"{service.name}-slice-{number}"


def cluster_objects(cluster: Cluster) -> Iterator[JsonObject]:
    """Yield every object, each after those that it needs."""
    for namespace in cluster.namespaces:
        yield namespace_object(namespace)
    for service in cluster.services:
        yield service_object(service)
        yield from slice_objects(service)


def write_manifests(cluster: Cluster, folder: Path) -> None:
    """Write every object as JSON, a list for each namespace, into a folder that is made."""
    folder.mkdir(parents=True)
    by_namespace: dict[str, list[JsonObject]] = {}
    for each in cluster_objects(cluster):
        metadata = each["metadata"]
        by_namespace.setdefault(metadata.get("namespace", metadata["name"]), []).append(each)
    for namespace, items in by_namespace.items():
        listed = {"apiVersion": "v1", "kind": "List", "items": items}
        (folder / f"{namespace}.json").write_text(json.dumps(listed))


def endpoint_object(service: Service, endpoint: Endpoint) -> JsonObject:
    """Return one entry of a slice."""
    number = hash_of(endpoint.address)
    made: JsonObject = {
        "addresses": [endpoint.address],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": f"node-{number % _NODES:03}",
        "zone": f"zone-{number % 3}",
        "targetRef": {
            "kind": "Pod",
            "name": f"{service.name}-{endpoint.label}",
            "namespace": service.namespace,
            "uid": str(uuid.UUID(int=number)),
        },
    }
    if endpoint.hostname:
        made["hostname"] = endpoint.hostname
    return made


def hash_of(address: str) -> int:
    """Return a number that follows from an address alone."""
    return int.from_bytes(bytes(map(int, address.split("."))), "big") * 2_654_435_761


def _slice(service: Service, number: int, endpoints: tuple[Endpoint, ...]) -> JsonObject:
    metadata = {
        "name": slice_name(service, number),
        "namespace": service.namespace,
        "labels": {
            "app.kubernetes.io/name": service.name,
            "endpointslice.kubernetes.io/managed-by": "bench",
            "kubernetes.io/service-name": service.name,
        },
        "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z"},
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "endpoints": [endpoint_object(service, each) for each in endpoints],
        "ports": [
            {
                "name": port.name,
                "port": _TARGET_PORTS + port.number,
                "protocol": port.protocol,
                "appProtocol": None,
            }
            for port in service.ports
        ],
    }
