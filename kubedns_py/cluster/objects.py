"""Slim objects: the fields of API objects that DNS needs, and no others.

Rules of this file:

- A field is here because an answer depends on it. Each one costs memory at 100,000 endpoints.
- Everything is immutable and comparable: two equal objects make equal records. None can refer to
  itself, so the garbage collector need not walk through them; packed, they are arrays.
- Names are lower case. Addresses are packed octets, 4 or 16 of them, so that two spellings of one
  address are one value.
- Raw JSON is typed in ``decode.py``; from here on, types make invalid states impossible.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, NewType

import msgspec

Address = NewType("Address", bytes)
"""An IP address in network order: 4 octets (IPv4) or 16 (IPv6)."""


class Key(NamedTuple):
    """An object's name within its resource. ``namespace`` is empty for a Namespace."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


key_from: Callable[[tuple[str, str]], Key] = partial(tuple.__new__, Key)
"""A key of namespace and name, at half the cost of calling the class."""


class ServiceKind(enum.Enum):
    """How a Service is published (DNS specification 1.1.0, sections 2.3 to 2.5)."""

    CLUSTER_IP = "ClusterIP"
    HEADLESS = "headless"
    EXTERNAL_NAME = "ExternalName"


class Port(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A port as an endpoint or a service offers it.

    Attributes:
        name: lower case; empty for an unnamed port.
        protocol: ``tcp``, ``udp`` or ``sctp``.
        number: 1 to 65535, or 0 where the API gives none (no SRV record then).
    """

    name: str
    protocol: str
    number: int


class ServicePort(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A Service's port.

    Attributes:
        target: ``targetPort``: a number, or the name of a container port. Only used where endpoints
            are made from Pods.
    """

    port: Port
    target: int | str


class Service(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A v1 Service.

    Attributes:
        cluster_ips: valid addresses of ``spec.clusterIPs`` (or ``clusterIP``), in that order,
            without duplicates; empty for headless, ExternalName and not yet allocated ones.
        external_name: ``spec.externalName`` as written; empty unless the kind is EXTERNAL_NAME.
        publish_not_ready: endpoints that are not ready get names too: the field
            ``publishNotReadyAddresses`` or the annotation
            ``service.alpha.kubernetes.io/tolerate-unready-endpoints``.
        selector: pairs in key order; empty where endpoints are made by hand.
        families: address lengths (4, 16) of a headless Service's ``spec.ipFamilies``; empty where
            they are not said. Only used where endpoints are made from Pods.
    """

    key: Key
    kind: ServiceKind
    cluster_ips: tuple[Address, ...] = ()
    ports: tuple[ServicePort, ...] = ()
    external_name: str = ""
    publish_not_ready: bool = False
    selector: tuple[tuple[str, str], ...] = ()
    families: tuple[int, ...] = ()


class Endpoint(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One backend of a Service.

    Attributes:
        addresses: without duplicates; of one family in a slice.
        hostname: lower case; empty when it has none.
        ready: the endpoint's ``ready`` condition, true when absent (EndpointSlice API); for v1
            Endpoints, whether it stood in ``addresses`` rather than ``notReadyAddresses``.
        serving: not ready, yet serving and terminating: a graceful shutdown. Only answered where
            ``--terminating include-if-none-ready`` asks for it (behaviour row HDL-18).
        pod_name: name of the Pod in ``targetRef``; empty too where nobody wants it (``Wanted``).
    """

    addresses: tuple[Address, ...]
    hostname: str = ""
    ready: bool = True
    pod_name: str = ""
    serving: bool = False


class Subset(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Endpoints that share one list of ports: an EndpointSlice, or a subset of v1 Endpoints."""

    endpoints: tuple[Endpoint, ...]
    ports: tuple[Port, ...] = ()


class Endpoints(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One EndpointSlice, or one v1 Endpoints object.

    Attributes:
        key: the object's own name.
        service: the Service that it belongs to.
        changed_at: ``endpoints.kubernetes.io/last-change-trigger-time`` in seconds since the epoch,
            or 0.0; it takes no part in equality of answers.
    """

    key: Key
    service: Key
    subsets: tuple[Subset, ...]
    changed_at: float = 0.0


class Namespace(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A Namespace with the labels that ``--namespace-labels`` selects by."""

    key: Key
    labels: tuple[tuple[str, str], ...] = ()


class Pod(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A Pod.

    Attributes:
        addresses: ``status.podIPs``; empty when none is assigned or the Pod has finished.
        ready: the Ready condition, which asks that every container, a sidecar included, is ready.
        terminal: the phase is Succeeded or Failed.
        deleting: has a deletion timestamp.
        labels, hostname, subdomain, ports: only filled where endpoints are made from Pods.
    """

    key: Key
    addresses: tuple[Address, ...] = ()
    ready: bool = False
    terminal: bool = False
    deleting: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    hostname: str = ""
    subdomain: str = ""
    ports: tuple[Port, ...] = ()


Object = Service | Endpoints | Namespace | Pod
