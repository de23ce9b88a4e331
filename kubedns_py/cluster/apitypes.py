"""The JSON of API objects, typed as far as DNS needs it. Only ``decode.py`` reads these.

Rules of this file:

- Every field accepts null and absence: Go writes null for a nil slice, map or pointer.
- Unknown fields are skipped without making objects; what may have several types stays ``Any``.
- A value of the wrong type is an error of its object, and of that object alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import field


class Annotations(msgspec.Struct, gc=False):
    """The annotations that DNS reads."""

    trigger_time: str | None = field(
        default=None, name="endpoints.kubernetes.io/last-change-trigger-time"
    )
    tolerate_unready: str | None = field(
        default=None, name="service.alpha.kubernetes.io/tolerate-unready-endpoints"
    )


class SliceLabels(msgspec.Struct, gc=False):
    """The label that ties an EndpointSlice to its Service."""

    service_name: str | None = field(default=None, name="kubernetes.io/service-name")


class Meta(msgspec.Struct, rename="camel", gc=False):
    """ObjectMeta without labels, which most objects have many of and few are asked for."""

    name: str | None = None
    namespace: str | None = None
    resource_version: str | None = None
    annotations: Annotations | None = None
    deletion_timestamp: Any = None


class LabelledMeta(Meta, rename="camel", gc=False):
    """ObjectMeta with labels that are read where they are asked for."""

    labels: msgspec.Raw = msgspec.Raw(b"null")


class SliceMeta(Meta, rename="camel", gc=False):
    """ObjectMeta of an EndpointSlice."""

    labels: SliceLabels | None = None


class Identified(msgspec.Struct):
    """Any object, as far as its name."""

    kind: str | None = None
    metadata: Meta | None = None


class ApiNamespace(msgspec.Struct):
    """A v1 Namespace."""

    kind: str | None = None
    metadata: LabelledMeta | None = None


class SalvagedMeta(msgspec.Struct, rename="camel"):
    """What can be said of an object that cannot be read."""

    name: Any = None
    namespace: Any = None
    resource_version: Any = None


class Salvaged(msgspec.Struct):
    """An object that cannot be read, as far as its name."""

    metadata: SalvagedMeta | None = None


class ApiServicePort(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A port of a Service: frozen, so that what is made of it can be looked up by it."""

    name: str | None = None
    protocol: str | None = None
    port: int | None = None
    target_port: Any = None


class ServiceSpec(msgspec.Struct, rename="camel", gc=False):
    """ServiceSpec, its fields in the order in which the API server writes them: found sooner."""

    ports: list[ApiServicePort | None] | None = None
    selector: dict[str, str | None] | None = None
    cluster_ip: str | None = field(default=None, name="clusterIP")
    cluster_ips: list[str | None] | None = field(default=None, name="clusterIPs")
    type: str | None = None
    external_name: str | None = None
    publish_not_ready_addresses: bool | None = None
    ip_families: list[str | None] | None = None


class ApiService(msgspec.Struct, gc=False):
    """A v1 Service."""

    kind: str | None = None
    metadata: Meta | None = None
    spec: ServiceSpec | None = None


class TargetRef(msgspec.Struct, gc=False):
    """What an endpoint stands for."""

    kind: str | None = None
    name: str | None = None


class ApiPort(msgspec.Struct, frozen=True, gc=False):
    """A port of v1 Endpoints, an EndpointSlice or a container; frozen, see ``ApiServicePort``."""

    name: str | None = None
    protocol: str | None = None
    port: int | None = None


class Conditions(msgspec.Struct, gc=False):
    """Conditions of an endpoint."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class ApiEndpoint(msgspec.Struct, rename="camel", gc=False):
    """An endpoint of an EndpointSlice."""

    addresses: list[Any] | None = None
    conditions: Conditions | None = None
    hostname: str | None = None


class ApiPodEndpoint(ApiEndpoint, rename="camel", gc=False):
    """An endpoint with what it stands for, which few configurations ask for."""

    target_ref: TargetRef | None = None


class ApiSlice(msgspec.Struct, rename="camel"):
    """A discovery.k8s.io/v1 EndpointSlice."""

    kind: str | None = None
    metadata: SliceMeta | None = None
    address_type: str | None = None
    endpoints: Sequence[ApiEndpoint | None] | None = None
    ports: list[ApiPort | None] | None = None


class ApiPodSlice(ApiSlice, rename="camel"):
    """An EndpointSlice with what its endpoints stand for."""

    endpoints: Sequence[ApiPodEndpoint | None] | None = None


class ApiAddress(msgspec.Struct, rename="camel", gc=False):
    """An address of v1 Endpoints."""

    ip: Any = None
    hostname: str | None = None
    target_ref: TargetRef | None = None


class ApiSubset(msgspec.Struct, rename="camel"):
    """A subset of v1 Endpoints."""

    addresses: list[ApiAddress | None] | None = None
    not_ready_addresses: list[ApiAddress | None] | None = None
    ports: list[ApiPort | None] | None = None


class ApiEndpoints(msgspec.Struct):
    """A v1 Endpoints."""

    kind: str | None = None
    metadata: Meta | None = None
    subsets: list[ApiSubset | None] | None = None


class PodAddress(msgspec.Struct, gc=False):
    """One of ``status.podIPs``."""

    ip: Any = None


class PodCondition(msgspec.Struct, gc=False):
    """A condition of a Pod."""

    type: str | None = None
    status: str | None = None


class PodStatus(msgspec.Struct, rename="camel"):
    """PodStatus."""

    phase: str | None = None
    pod_ip: Any = field(default=None, name="podIP")
    pod_ips: list[PodAddress | None] | None = field(default=None, name="podIPs")
    conditions: list[PodCondition | None] | None = None


class ContainerPort(msgspec.Struct, rename="camel", gc=False):
    """A port of a container."""

    name: str | None = None
    protocol: str | None = None
    container_port: int | None = None


class Container(msgspec.Struct, rename="camel"):
    """A container of a Pod."""

    ports: list[ContainerPort | None] | None = None
    restart_policy: str | None = None


class PodSpec(msgspec.Struct, rename="camel"):
    """PodSpec."""

    hostname: str | None = None
    subdomain: str | None = None
    containers: list[Container | None] | None = None
    init_containers: list[Container | None] | None = None


class ApiPod(msgspec.Struct):
    """A v1 Pod. The specification is only read where endpoints are made from Pods."""

    kind: str | None = None
    metadata: LabelledMeta | None = None
    spec: msgspec.Raw = msgspec.Raw(b"null")
    status: PodStatus | None = None
