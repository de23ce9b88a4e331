"""Manifests of the objects that the tests make: plain dictionaries, as the API takes them."""

from collections.abc import Mapping, Sequence

from tests.e2e.apiclient import JsonObject
from tests.e2e.credentials import DNS_ACCOUNT, DNS_NAMESPACE

NODE = "node-1"
"""The node of every pod that does not name another."""

DNS_RULES: tuple[JsonObject, ...] = (
    {
        "apiGroups": [""],
        "resources": ["services", "namespaces", "pods"],
        "verbs": ["list", "watch"],
    },
    {
        "apiGroups": ["discovery.k8s.io"],
        "resources": ["endpointslices"],
        "verbs": ["list", "watch"],
    },
)
"""All that the DNS server needs: pods only for verified pod names."""


def a_namespace(name: str) -> JsonObject:
    """Return a Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def a_node(name: str) -> JsonObject:
    """Return a Node."""
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


def a_pod(
    name: str,
    namespace: str,
    *,
    node: str = NODE,
    labels: Mapping[str, str] | None = None,
    containers: Sequence[str] = ("app", "sidecar"),
    grace_s: int = 0,
    **spec: object,
) -> JsonObject:
    """Return a Pod that is bound to a node.

    Args:
        name: The pod's name.
        namespace: Its namespace.
        node: Name of its node, which has to exist: the EndpointSlice controller looks it up.
        labels: What services select.
        containers: Names; their image is never pulled.
        grace_s: Seconds to terminate. With 0 a deletion is complete at once; otherwise the pod
            stays terminating, because nobody ends it, until it is deleted with 0.
        spec: Further fields of the spec, such as ``hostname`` and ``subdomain``.
    """
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels or {})},
        "spec": {
            "nodeName": node,
            "terminationGracePeriodSeconds": grace_s,
            "containers": [
                {"name": container, "image": "registry.invalid/none"} for container in containers
            ],
            **spec,
        },
    }


def a_service(
    name: str,
    namespace: str,
    *,
    ports: Sequence[str] = (),
    selector: Mapping[str, str] | None = None,
    **spec: object,
) -> JsonObject:
    """Return a Service.

    Args:
        name: The service's name.
        namespace: Its namespace.
        ports: Such as ``"http:80/TCP"``; without a name before the colon it is ``":80/TCP"``.
        selector: Labels of its pods; None for a service whose endpoints somebody else writes.
        spec: Further fields of the spec, such as ``clusterIP="None"``, ``externalName=...``.
    """
    made: JsonObject = {"ports": [_port(port) for port in ports], **spec}
    if selector is not None:
        made["selector"] = dict(selector)
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": made}


def some_endpoints(
    name: str, namespace: str, *, addresses: Sequence[str], ports: Sequence[str] = ()
) -> JsonObject:
    """Return the Endpoints of a Service without a selector; slices are mirrored from them."""
    subset: JsonObject = {"addresses": [{"ip": address} for address in addresses]}
    if ports:
        subset["ports"] = [_port(port) for port in ports]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": [subset]}


def a_slice(
    name: str,
    namespace: str,
    *,
    service: str,
    endpoints: Sequence[JsonObject],
    ports: Sequence[str] = (),
    family: str = "IPv4",
) -> JsonObject:
    """Return an EndpointSlice that no controller owns.

    Args:
        name: The slice's name.
        namespace: That of the slice and its service.
        service: Name of the service it belongs to.
        endpoints: Such as ``{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}``.
        ports: As for a_service().
        family: ``IPv4`` or ``IPv6``.
    """
    labels = {
        "kubernetes.io/service-name": service,
        "endpointslice.kubernetes.io/managed-by": "e2e",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "addressType": family,
        "endpoints": list(endpoints),
        "ports": [_port(port) for port in ports],
    }


def dns_access(rules: Sequence[JsonObject] = DNS_RULES) -> tuple[JsonObject, ...]:
    """Return the service account of the DNS server, a cluster role with ``rules``, its binding."""
    rbac = "rbac.authorization.k8s.io"
    named = {"name": DNS_ACCOUNT}
    account = {"name": DNS_ACCOUNT, "namespace": DNS_NAMESPACE}
    return (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": named,
            "rules": list(rules),
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": named,
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": DNS_ACCOUNT},
            "subjects": [{"kind": "ServiceAccount", **account}],
        },
    )


def _port(text: str) -> JsonObject:
    """Return a port written as ``name:number/PROTOCOL``."""
    name, _, rest = text.partition(":")
    number, _, protocol = rest.partition("/")
    port: JsonObject = {"port": int(number), "protocol": (protocol or "TCP").upper()}
    return {"name": name, **port} if name else port
