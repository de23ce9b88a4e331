"""The endpoints controller's rules: which Pods stand behind a Service, at which ports.

Used where no controller writes EndpointSlices: in a directory of manifests. Rules of this file:

- The result is what the EndpointSlice controller of Kubernetes would write, so that a name resolves
  here as it would in a cluster. Endpoints that are not ready are kept, marked as such.
- A Pod is ready when its Ready condition is true, which asks that every container is ready. One
  failing sidecar therefore takes a Pod's address away.
- The order of the result depends on the Pods' keys and on nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from kubedns_py.cluster.objects import (
    Endpoint,
    Pod,
    Port,
    Service,
    ServiceKind,
    ServicePort,
    Subset,
)

_BOTH_FAMILIES = frozenset({4, 16})


def endpoints_from_pods(service: Service, pods: Iterable[Pod]) -> tuple[Subset, ...]:
    """Return the endpoints that the selected Pods give a Service.

    Args:
        service: any Service; without a selector, or of type ExternalName, it has no such endpoints.
        pods: Pods in any order; those of other namespaces are passed over.

    Returns:
        One subset for each address family and list of resolved ports, as the controller makes
        slices; ordered by the Pod that comes first in it. Endpoints stand in the order of Pod keys.
    """
    if not service.selector or service.kind is ServiceKind.EXTERNAL_NAME:
        return ()
    chosen = sorted((pod for pod in pods if _is_endpoint(service, pod)), key=attrgetter("key"))
    families = _families(service)
    groups: dict[tuple[int, tuple[Port, ...]], list[Endpoint]] = {}
    for pod in chosen:
        ports = _resolved_ports(service, pod)
        for family in sorted({len(address) for address in pod.addresses} & families):
            groups.setdefault((family, ports), []).append(_endpoint(service, pod, family))
    return tuple(Subset(tuple(found), ports) for (_, ports), found in groups.items())


def _is_endpoint(service: Service, pod: Pod) -> bool:
    """Tell whether a Pod belongs to a Service at all, ready or not.

    A finished Pod never does, whatever the Service publishes: its address may be another's by now.
    """
    return (
        pod.key.namespace == service.key.namespace
        and bool(pod.addresses)
        and not pod.terminal
        and set(service.selector) <= set(pod.labels)
    )


def _endpoint(service: Service, pod: Pod, family: int) -> Endpoint:
    """Return a Pod as an endpoint. Its hostname counts where its subdomain is the Service."""
    named = pod.hostname and pod.subdomain == service.key.name
    ready = service.publish_not_ready or (pod.ready and not pod.deleting)
    return Endpoint(
        addresses=tuple(address for address in pod.addresses if len(address) == family),
        hostname=pod.hostname if named else "",
        ready=ready,
        pod_name=pod.key.name,
        serving=not ready and pod.ready and pod.deleting,
    )


def _families(service: Service) -> frozenset[int]:
    """Return the address lengths that a Service takes endpoints of.

    The cluster IPs have one address for each entry of ``spec.ipFamilies``; a headless Service has
    only the entries themselves. Where a manifest says nothing, it takes what its Pods have.
    """
    said = service.families or tuple(map(len, service.cluster_ips))
    return frozenset(said) or _BOTH_FAMILIES


def _resolved_ports(service: Service, pod: Pod) -> tuple[Port, ...]:
    """Return a Service's ports as one Pod offers them; a port that it lacks by name is left out."""
    found = ((each.port, _target_number(each, pod)) for each in service.ports)
    return tuple(Port(port.name, port.protocol, number) for port, number in found if number)


def _target_number(port: ServicePort, pod: Pod) -> int:
    """Return the port number that ``targetPort`` means at a Pod, or 0 if it has none of that name.

    A container port is found by name and protocol. An absent target means the Service's own number.
    """
    if isinstance(port.target, int):
        return port.target or port.port.number
    wanted = (port.target.lower(), port.port.protocol)
    numbers = (each.number for each in pod.ports if (each.name, each.protocol) == wanted)
    return next(numbers, 0)
