"""Which pods have names: the server follows what the real EndpointSlice controller says."""

from collections.abc import Callable

import pytest

from tests.e2e.apiclient import JsonObject
from tests.e2e.cluster import Cluster
from tests.e2e.dnsserver import DnsServers, catch_up, data, fqdn, pointers, wait_answer
from tests.e2e.manifests import a_pod, a_service, a_slice
from tests.helpers.process import ServerProcess

pytestmark = pytest.mark.e2e

WEB = {"app": "web"}
TOLERATE = "service.alpha.kubernetes.io/tolerate-unready-endpoints"
MakeService = Callable[..., JsonObject]


@pytest.fixture
def make_headless(cluster: Cluster, namespace: str) -> MakeService:
    """Return what makes the headless Service ``web``."""

    def make(**spec: object) -> JsonObject:
        headless = {"clusterIP": "None", **spec}
        return cluster.api.create(
            a_service("web", namespace, selector=WEB, ports=["http:80"], **headless)
        )

    return make


def test_a_pod_leaves_and_enters_its_services_names_with_its_sidecar(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-1, HDL-2, PTR-4, PTR-9: address, SRV and pointer go together, both ways, again and again.

    Two more flips than one, because what is forgotten on the way out shows on the way in.
    """
    make_headless()
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.3.0.1"])
    name = fqdn(f"web.{namespace}")
    endpoint = f"10-3-0-1.{name}"
    for _ in range(3):
        wait_answer(dns_server, name, ["10.3.0.1"])
        assert data(dns_server, f"_http._tcp.{name}", "SRV") == [f"0 100 80 {endpoint}"]
        assert pointers(dns_server, "10.3.0.1") == [endpoint]

        cluster.set_ready("web-0", namespace, sidecar=False)
        wait_answer(dns_server, name, ["NXDOMAIN"])
        assert data(dns_server, f"_http._tcp.{name}", "SRV") == ["NXDOMAIN"]
        assert data(dns_server, endpoint) == ["NXDOMAIN"]
        assert pointers(dns_server, "10.3.0.1") == ["REFUSED"]

        cluster.set_ready("web-0", namespace, sidecar=True)
    wait_answer(dns_server, name, ["10.3.0.1"])


def test_a_pod_whose_sidecar_fails_from_the_start_has_no_name_until_it_is_ready(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-19: running, with an address and a ready main container, and still not an endpoint."""
    make_headless()
    pod = a_pod("web-0", namespace, labels=WEB)
    cluster.run_pod(pod, addresses=["10.3.0.2"], unready=["sidecar"])
    cluster.wait_endpoints("web", namespace, {"10.3.0.2": False})
    catch_up(dns_server, cluster, namespace)
    name = fqdn(f"web.{namespace}")
    assert data(dns_server, name) == ["NXDOMAIN"]
    assert pointers(dns_server, "10.3.0.2") == ["REFUSED"]

    cluster.set_ready("web-0", namespace, sidecar=True)

    wait_answer(dns_server, name, ["10.3.0.2"])


def test_a_server_that_starts_while_a_sidecar_fails_sees_only_the_ready_pod(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-19: the first list is read by the same rule as the events after it."""
    make_headless()
    for number, unready in ((0, ()), (1, ("sidecar",))):
        pod = a_pod(f"web-{number}", namespace, labels=WEB)
        cluster.run_pod(pod, addresses=[f"10.3.5.{number}"], unready=unready)
    cluster.wait_endpoints("web", namespace, {"10.3.5.0": True, "10.3.5.1": False})

    server = own_dns_servers.start()

    name = fqdn(f"web.{namespace}")
    assert data(server, name) == ["10.3.5.0"]
    cluster.set_ready("web-0", namespace, sidecar=False)
    cluster.set_ready("web-1", namespace, sidecar=True)
    wait_answer(server, name, ["10.3.5.1"])


def test_the_other_pods_keep_their_names_when_one_is_not_ready(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-1: one of two; the weights of SRV are those of one target then."""
    make_headless()
    for number in (0, 1):
        pod = a_pod(f"web-{number}", namespace, labels=WEB)
        cluster.run_pod(pod, addresses=[f"10.3.1.{number}"])
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, ["10.3.1.0", "10.3.1.1"])

    cluster.set_ready("web-1", namespace, app=False)

    wait_answer(dns_server, name, ["10.3.1.0"])
    assert data(dns_server, name, "SRV") == [f"0 100 80 10-3-1-0.{name}"]


def test_a_cluster_ip_keeps_its_name_when_no_pod_is_ready(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """CIP-10: only the endpoint's own name goes."""
    made = cluster.api.create(a_service("web", namespace, selector=WEB, ports=["http:80"]))
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.3.0.3"])
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, f"10-3-0-3.{name}", ["10.3.0.3"])

    cluster.set_ready("web-0", namespace, sidecar=False)

    wait_answer(dns_server, f"10-3-0-3.{name}", ["NXDOMAIN"])
    assert data(dns_server, name) == [made["spec"]["clusterIP"]]


def test_unready_pods_have_names_where_the_service_publishes_them(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-15: publishNotReadyAddresses, from the start and through a flip."""
    make_headless(publishNotReadyAddresses=True)
    pod = a_pod("web-0", namespace, labels=WEB)
    cluster.run_pod(pod, addresses=["10.3.0.4"], unready=["sidecar"])
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, ["10.3.0.4"])

    cluster.set_ready("web-0", namespace, sidecar=True)
    cluster.set_ready("web-0", namespace, app=False)
    catch_up(dns_server, cluster, namespace)

    assert data(dns_server, name) == ["10.3.0.4"]


def test_publishing_unready_pods_can_be_switched_on_and_off(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-15: the field of a Service that exists already."""
    make_headless()
    pod = a_pod("web-0", namespace, labels=WEB)
    cluster.run_pod(pod, addresses=["10.3.0.5"], unready=["sidecar"])
    name = fqdn(f"web.{namespace}")

    for publishes, answer in ((True, "10.3.0.5"), (False, "NXDOMAIN")):
        change = {"spec": {"publishNotReadyAddresses": publishes}}
        cluster.api.patch("Service", "web", namespace, change)
        wait_answer(dns_server, name, [answer])


def test_the_old_annotation_publishes_endpoints_that_are_not_ready(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """HDL-16: tolerate-unready-endpoints, which no controller of today knows: slices by hand."""
    service = a_service("web", namespace, ports=["http:80"], clusterIP="None")
    service["metadata"]["annotations"] = {TOLERATE: "true"}
    cluster.api.create(service)
    endpoint = {"addresses": ["10.3.0.6"], "conditions": {"ready": False}}
    cluster.api.create(a_slice("web-a", namespace, service="web", endpoints=[endpoint]))
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, ["10.3.0.6"])

    change = {"metadata": {"annotations": {TOLERATE: None}}}
    cluster.api.patch("Service", "web", namespace, change)

    wait_answer(dns_server, name, ["NXDOMAIN"])


def test_an_endpoint_without_a_condition_is_ready(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """HDL-17: the API says to read nothing as ready."""
    cluster.api.create(a_service("web", namespace, clusterIP="None"))
    endpoints: list[JsonObject] = [
        {"addresses": ["10.3.0.7"]},
        {"addresses": ["10.3.0.8"], "conditions": {"ready": None}},
        {"addresses": ["10.3.0.9"], "conditions": {"ready": False}},
    ]
    cluster.api.create(a_slice("web-a", namespace, service="web", endpoints=endpoints))

    wait_answer(dns_server, fqdn(f"web.{namespace}"), ["10.3.0.7", "10.3.0.8"])


def test_a_terminating_pod_has_no_name_any_more(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-18: it still serves, and the slice says so, but new clients go elsewhere."""
    make_headless()
    for number in (0, 1):
        pod = a_pod(f"web-{number}", namespace, labels=WEB, grace_s=60)
        cluster.run_pod(pod, addresses=[f"10.3.2.{number}"])
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, ["10.3.2.0", "10.3.2.1"])

    cluster.terminate_pod("web-1", namespace)

    wait_answer(dns_server, name, ["10.3.2.0"])
    assert pointers(dns_server, "10.3.2.1") == ["REFUSED"]


def test_the_last_pods_that_terminate_can_stand_in(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-18: --terminating=include-if-none-ready, as kube-proxy does."""
    server = own_dns_servers.start("--terminating=include-if-none-ready")
    make_headless()
    for number in (0, 1):
        pod = a_pod(f"web-{number}", namespace, labels=WEB, grace_s=60)
        cluster.run_pod(pod, addresses=[f"10.3.3.{number}"])
    name = fqdn(f"web.{namespace}")
    wait_answer(server, name, ["10.3.3.0", "10.3.3.1"])

    cluster.terminate_pod("web-1", namespace)
    wait_answer(server, name, ["10.3.3.0"])
    cluster.terminate_pod("web-0", namespace)
    wait_answer(server, name, ["10.3.3.0", "10.3.3.1"])
    cluster.remove_pod("web-0", namespace)
    wait_answer(server, name, ["10.3.3.1"])


def test_a_deleted_pod_is_gone_and_its_successor_has_its_name(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """F-20, PTR-9: the old address has no pointer."""
    make_headless()
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.3.4.1"])
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, ["10.3.4.1"])

    cluster.remove_pod("web-0", namespace)
    wait_answer(dns_server, name, ["NXDOMAIN"])
    assert pointers(dns_server, "10.3.4.1") == ["REFUSED"]

    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.3.4.2"])
    wait_answer(dns_server, name, ["10.3.4.2"])
    assert pointers(dns_server, "10.3.4.2") == [f"10-3-4-2.{name}"]


def test_a_finished_pod_has_no_name(
    dns_server: ServerProcess, cluster: Cluster, namespace: str, make_headless: MakeService
) -> None:
    """HDL-15: a Job's pod, published or not; its address may be somebody else's soon."""
    make_headless(publishNotReadyAddresses=True)
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.3.0.10"])
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, ["10.3.0.10"])

    cluster.finish_pod("web-0", namespace)

    wait_answer(dns_server, name, ["NXDOMAIN"])
