"""What the tests do to a cluster, in the place of its users, its scheduler and its kubelets.

Methods that start an effect of a controller do not wait for it; the ``wait_`` methods do.
"""

from collections.abc import Mapping, Sequence

from tests.e2e.apiclient import STRATEGIC_PATCH, ApiClient, JsonObject, item
from tests.e2e.credentials import DNS_ACCOUNT, DNS_NAMESPACE
from tests.e2e.manifests import (
    DNS_RULES,
    NODE,
    a_namespace,
    a_node,
    a_service,
    a_slice,
    dns_access,
)
from tests.e2e.wait import until


class Cluster:
    """A cluster as its administrator sees it.

    ``api`` creates, reads, patches, replaces and deletes single objects.
    """

    def __init__(self, api: ApiClient) -> None:
        self.api = api

    def add_node(self, name: str = NODE) -> None:
        """Have a node of that name."""
        self.api.apply(a_node(name))

    def grant_dns_access(self, rules: Sequence[JsonObject] = DNS_RULES) -> None:
        """Let the DNS server's service account do what ``rules`` say, and nothing else."""
        for manifest in dns_access(rules):
            self.api.apply(manifest)

    def issue_dns_token(self, *, expires_s: int = 600) -> str:
        """Return a signed token of the DNS server's service account, as kubelets mount one.

        Args:
            expires_s: Seconds of validity, at least 600.
        """
        answer = self.api.request(
            "POST",
            f"{item('ServiceAccount', DNS_ACCOUNT, DNS_NAMESPACE)}/token",
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"expirationSeconds": expires_s},
            },
        )
        token: str = answer["status"]["token"]
        return token

    def revoke_dns_tokens(self) -> None:
        """Make all issued tokens invalid, by a new service account of the same name.

        The API server remembers a valid token for ten seconds more. Static tokens stay valid.
        """
        account = self.api.get("ServiceAccount", DNS_ACCOUNT, DNS_NAMESPACE)
        self.api.delete("ServiceAccount", DNS_ACCOUNT, DNS_NAMESPACE)
        metadata = {"name": DNS_ACCOUNT, "namespace": DNS_NAMESPACE}
        self.api.create({**account, "metadata": metadata})

    def add_namespace(self, name: str) -> str:
        """Have a namespace of that name; return the name."""
        self.api.apply(a_namespace(name))
        return name

    def remove_namespace(self, name: str) -> None:
        """Delete a namespace with all that is in it; the controller takes five seconds for it."""
        for pod in self.api.list_all("Pod", name):
            self.remove_pod(pod["metadata"]["name"], name)
        self.api.delete("Namespace", name)

    def run_pod(
        self, manifest: JsonObject, *, addresses: Sequence[str], unready: Sequence[str] = ()
    ) -> None:
        """Create a pod and let it run and be ready.

        Args:
            manifest: Made by a_pod().
            addresses: One address, or one of each family, the primary one first.
            unready: Containers that are not ready yet, and with them the pod.
        """
        made = self.api.create(manifest)
        containers = [container["name"] for container in made["spec"]["containers"]]
        status = {
            "phase": "Running",
            "podIP": addresses[0],
            "podIPs": [{"ip": address} for address in addresses],
            **_readiness({name: name not in unready for name in containers}),
        }
        self._set_status(made["metadata"]["name"], made["metadata"]["namespace"], status)

    def set_ready(self, pod: str, namespace: str, **containers: bool) -> None:
        """Make containers of a pod ready or not: ``set_ready("web-0", "shop", sidecar=False)``.

        The pod is ready when all of its containers are, as a kubelet has it.
        """
        status = self.api.get("Pod", pod, namespace)["status"]
        ready = {seen["name"]: bool(seen["ready"]) for seen in status["containerStatuses"]}
        unknown = containers.keys() - ready.keys()
        if unknown:
            raise ValueError(f"pod {pod} has no container {sorted(unknown)}")
        self._set_status(pod, namespace, _readiness({**ready, **containers}))

    def finish_pod(self, name: str, namespace: str, phase: str = "Succeeded") -> None:
        """Let a pod have ended, in phase ``Succeeded`` or ``Failed``, no container being ready."""
        containers = self.api.get("Pod", name, namespace)["spec"]["containers"]
        ended = _readiness({container["name"]: False for container in containers})
        self._set_status(name, namespace, {"phase": phase, **ended})

    def terminate_pod(self, name: str, namespace: str, *, grace_s: int = 3600) -> None:
        """Let a pod begin to terminate; it stays so until remove_pod()."""
        self.api.delete("Pod", name, namespace, grace_s=grace_s)

    def remove_pod(self, name: str, namespace: str) -> None:
        """Have a pod no longer, at once."""
        self.api.delete("Pod", name, namespace, grace_s=0)

    def add_headless(self, name: str, namespace: str, address: str) -> None:
        """Make a headless Service with one endpoint, in a slice written by hand."""
        self.api.create(a_service(name, namespace, clusterIP="None"))
        endpoint = {"addresses": [address]}
        self.api.create(a_slice(f"{name}-1", namespace, service=name, endpoints=[endpoint]))

    def move_headless(self, name: str, namespace: str, address: str) -> None:
        """Give the endpoint of add_headless() another address."""
        change = {"endpoints": [{"addresses": [address]}]}
        self.api.patch("EndpointSlice", f"{name}-1", namespace, change)

    def endpoints(self, service: str, namespace: str) -> dict[str, bool]:
        """Return the addresses in a service's slices and whether each is ready (null means yes)."""
        selector = f"kubernetes.io/service-name={service}"
        found: dict[str, bool] = {}
        for piece in self.api.list_all("EndpointSlice", namespace, selector=selector):
            for endpoint in piece["endpoints"] or []:
                ready = endpoint.get("conditions", {}).get("ready")
                found.update(dict.fromkeys(endpoint["addresses"], ready is not False))
        return found

    def wait_endpoints(self, service: str, namespace: str, expected: Mapping[str, bool]) -> None:
        """Wait until a service's slices have exactly these addresses with this readiness."""
        until(
            lambda: self.endpoints(service, namespace),
            f"the slices of {namespace}/{service} say {dict(expected)}",
            accept=lambda seen: seen == expected,
        )

    def wait_gone(self, kind: str, name: str, namespace: str = "") -> None:
        """Wait until an object is no longer there."""
        until(
            lambda: self.api.find(kind, name, namespace) is None,
            f"{kind} {name} is gone",
            within_s=30,
        )

    def _set_status(self, pod: str, namespace: str, status: JsonObject) -> None:
        """Write a part of a pod's status, as its kubelet does."""
        self.api.patch(
            "Pod",
            pod,
            namespace,
            {"status": status},
            subresource="status",
            media=STRATEGIC_PATCH,
        )


def _readiness(containers: Mapping[str, bool]) -> JsonObject:
    """Return the part of a pod's status that says which containers are ready."""
    said = {True: "True", False: "False"}
    return {
        "containerStatuses": [
            {
                "name": name,
                "ready": ready,
                "image": "",
                "imageID": "",
                "restartCount": 0,
                "state": {"running": {}},
            }
            for name, ready in containers.items()
        ],
        "conditions": [
            {"type": kind, "status": said[all(containers.values())]}
            for kind in ("ContainersReady", "Ready")
        ],
    }
