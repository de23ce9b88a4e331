"""The control plane does what the suite relies on, seen without the DNS server.

When a test of the suite fails, these say whether the ground under it holds.
"""

import ssl
from collections.abc import Generator
from contextlib import closing
from http import HTTPStatus
from itertools import takewhile
from pathlib import Path

import pytest

from tests.e2e.apiclient import ApiClient, ApiError, JsonObject, collection
from tests.e2e.binaries import kubernetes_version
from tests.e2e.certificates import issue_certificates
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane
from tests.e2e.manifests import a_pod, a_service, a_slice, some_endpoints

pytestmark = pytest.mark.e2e

WATCH_LIST = {
    "sendInitialEvents": "true",
    "resourceVersionMatch": "NotOlderThan",
    "allowWatchBookmarks": "true",
    "timeoutSeconds": "10",
}
INITIAL_EVENTS_END = "k8s.io/initial-events-end"
WEB = {"app": "web"}


def test_the_server_says_the_pinned_version(cluster: Cluster) -> None:
    """An unstamped build says v0.0.0-master, which charts refuse."""
    assert cluster.api.request("GET", "/version")["gitVersion"] == kubernetes_version()


def test_a_client_of_another_authority_refuses_the_server(
    control_plane: ControlPlane, tmp_path: Path
) -> None:
    """TLS is real: the names are right, the CA is not."""
    other = issue_certificates(tmp_path).ca

    with (
        closing(ApiClient(control_plane.server, other, control_plane.users.admin.token)) as api,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        api.list_all("Service")


def test_a_dual_stack_service_has_an_address_of_each_family(
    cluster: Cluster, namespace: str
) -> None:
    """The service ranges are IPv4 and IPv6."""
    service = a_service("web", namespace, ports=["http:80"], ipFamilyPolicy="RequireDualStack")

    made = cluster.api.create(service)

    first, second = made["spec"]["clusterIPs"]
    assert first.startswith("10.96.")
    assert second.startswith("fd00:10:96::")


def test_a_pod_leaves_the_ready_endpoints_with_its_sidecar(
    cluster: Cluster, namespace: str
) -> None:
    """The EndpointSlice controller follows the pod's Ready condition, both ways."""
    cluster.api.create(a_service("web", namespace, selector=WEB, ports=["http:80"]))
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.1.0.1"])
    cluster.wait_endpoints("web", namespace, {"10.1.0.1": True})

    cluster.set_ready("web-0", namespace, sidecar=False)
    cluster.wait_endpoints("web", namespace, {"10.1.0.1": False})

    cluster.set_ready("web-0", namespace, sidecar=True)
    cluster.wait_endpoints("web", namespace, {"10.1.0.1": True})


def test_a_dual_stack_pod_is_in_a_slice_of_each_family(cluster: Cluster, namespace: str) -> None:
    """Headless, so that the slices alone say the addresses."""
    headless = {"clusterIP": "None", "ipFamilyPolicy": "RequireDualStack"}
    cluster.api.create(a_service("web", namespace, selector=WEB, **headless))

    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.1.0.1", "fd00:1::1"])

    cluster.wait_endpoints("web", namespace, {"10.1.0.1": True, "fd00:1::1": True})


def test_a_terminating_pod_is_not_ready_and_then_gone(cluster: Cluster, namespace: str) -> None:
    """Nothing ends a terminating pod here until the test does."""
    cluster.api.create(a_service("web", namespace, selector=WEB, ports=["http:80"]))
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB, grace_s=60), addresses=["10.1.0.1"])
    cluster.wait_endpoints("web", namespace, {"10.1.0.1": True})

    cluster.terminate_pod("web-0", namespace)
    cluster.wait_endpoints("web", namespace, {"10.1.0.1": False})

    cluster.remove_pod("web-0", namespace)
    cluster.wait_endpoints("web", namespace, {})


def test_endpoints_written_by_hand_are_mirrored_to_slices(cluster: Cluster, namespace: str) -> None:
    """A Service without a selector, the old way."""
    cluster.api.create(a_service("db", namespace, ports=["sql:5432"]))

    cluster.api.create(some_endpoints("db", namespace, addresses=["192.0.2.1"], ports=["sql:5432"]))

    cluster.wait_endpoints("db", namespace, {"192.0.2.1": True})


def test_slices_written_by_hand_stay_as_they_are(cluster: Cluster, namespace: str) -> None:
    """A Service without a selector, the new way."""
    cluster.api.create(a_service("db", namespace, ports=["sql:5432"]))

    endpoint = {"addresses": ["192.0.2.2"], "hostname": "db-0"}
    cluster.api.create(a_slice("db-a", namespace, service="db", endpoints=[endpoint]))

    cluster.wait_endpoints("db", namespace, {"192.0.2.2": True})


def test_a_namespace_is_removed_with_its_pods(cluster: Cluster) -> None:
    """No kubelet is needed for it."""
    name = cluster.add_namespace("short-lived")
    cluster.run_pod(a_pod("web-0", name, grace_s=60), addresses=["10.1.0.1"])

    cluster.remove_namespace(name)

    cluster.wait_gone("Namespace", name)


@pytest.mark.parametrize("kind", ["Service", "EndpointSlice", "Namespace", "Pod"])
def test_the_dns_account_may_watch_what_it_needs_from_the_start(
    dns_api: ApiClient, cluster: Cluster, namespace: str, kind: str
) -> None:
    """WatchList: everything there is, then a bookmark that says so."""
    cluster.run_pod(a_pod("web-0", namespace), addresses=["10.1.0.1"])

    with closing(_watch(dns_api, kind)) as events:
        first = [event["type"] for event in takewhile(_is_not_the_end, events)]

    assert first
    assert set(first) == {"ADDED"}


@pytest.mark.parametrize(
    ("method", "kind"), [("GET", "Secret"), ("GET", "ConfigMap"), ("DELETE", "Service")]
)
def test_the_dns_account_may_do_nothing_else(dns_api: ApiClient, method: str, kind: str) -> None:
    """RBAC decides, not AlwaysAllow."""
    with pytest.raises(ApiError) as refused:
        dns_api.request(method, collection(kind, "default"))

    assert refused.value.status == HTTPStatus.FORBIDDEN


def test_an_unknown_token_is_refused(control_plane: ControlPlane) -> None:
    """Neither is there an anonymous user."""
    stranger = ApiClient(control_plane.server, control_plane.certificates.ca, "unknown")

    with closing(stranger), pytest.raises(ApiError) as refused:
        stranger.list_all("Service")

    assert refused.value.status == HTTPStatus.UNAUTHORIZED


def test_an_issued_token_is_the_dns_account(control_plane: ControlPlane, cluster: Cluster) -> None:
    """A signed token, as kubelets mount one, has the rights of the static one."""
    token = cluster.issue_dns_token()

    with closing(ApiClient(control_plane.server, control_plane.certificates.ca, token)) as api:
        assert api.list_all("Service")
        with pytest.raises(ApiError, match="secrets is forbidden"):
            api.list_all("Secret")


def _watch(client: ApiClient, kind: str) -> Generator[JsonObject, None, None]:
    return client.watch(collection(kind), WATCH_LIST)


def _is_not_the_end(event: JsonObject) -> bool:
    """Say whether an event is not the bookmark after the initial events."""
    annotations = event["object"]["metadata"].get("annotations") or {}
    return event["type"] != "BOOKMARK" or annotations.get(INITIAL_EVENTS_END) != "true"
