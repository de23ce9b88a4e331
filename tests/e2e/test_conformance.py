"""The DNS tests of Kubernetes' conformance suite, C1 to C7 (behaviour 3.1), as dig sees them.

The kubelet's share of C2 and C5, the pod's own name in its /etc/hosts, is no matter of DNS.
"""

import pytest

from tests.e2e.apiclient import JsonObject
from tests.e2e.cluster import Cluster
from tests.e2e.dnsserver import fqdn, reverse
from tests.e2e.manifests import a_pod, a_service
from tests.e2e.prober import Prober

pytestmark = pytest.mark.e2e

LABELS = {"dns-test": "true"}
CONTAINERS = ("webserver", "querier", "jessie-querier")
POD_IP = "10.1.0.1"


@pytest.fixture
def cluster_ip(cluster: Cluster, namespace: str) -> str:
    """Make the objects of C3 and C4; return the cluster IP of test-service-2."""
    cluster.api.create(headless("dns-test-service", namespace))
    regular = a_service("test-service-2", namespace, ports=["http:80"], selector=LABELS)
    made = cluster.api.create(regular)
    pod = a_pod("dns-test-0", namespace, labels=LABELS, containers=CONTAINERS)
    cluster.run_pod(pod, addresses=[POD_IP])
    address: str = made["spec"]["clusterIP"]
    return address


def headless(name: str, namespace: str) -> JsonObject:
    """Return a headless Service with a port, as those tests make them."""
    return a_service(name, namespace, ports=["http:80"], selector=LABELS, clusterIP="None")


def a_named_pod(cluster: Cluster, namespace: str) -> None:
    """Make the objects of C5 and C6."""
    cluster.api.create(headless("dns-test-service-2", namespace))
    named: JsonObject = {"hostname": "dns-querier-2", "subdomain": "dns-test-service-2"}
    cluster.run_pod(a_pod("dns-test-2", namespace, labels=LABELS, **named), addresses=[POD_IP])


def test_the_cluster_has_a_name(prober: Prober) -> None:
    """C1: should provide DNS for the cluster; IPv4, so AAAA exists without a record."""
    name = "kubernetes.default.svc.cluster.local."

    prober.wait(name, [f"{name} 30 IN A 10.96.0.1"])

    assert prober.ask(name, "AAAA").status == "NOERROR"
    assert prober.ask(name, "AAAA").answer == ()


def test_a_querier_pod_has_the_name_that_the_hosts_file_maps(
    prober: Prober, cluster: Cluster, namespace: str
) -> None:
    """C2: should provide /etc/hosts entries for the cluster: its whole name, by DNS."""
    cluster.api.create(headless("dns-test-service", namespace))
    named: JsonObject = {"hostname": "dns-querier-1", "subdomain": "dns-test-service"}
    cluster.run_pod(a_pod("dns-test-1", namespace, labels=LABELS, **named), addresses=[POD_IP])

    name = fqdn(f"dns-querier-1.dns-test-service.{namespace}")
    prober.wait(name, [f"{name} 30 IN A {POD_IP}"])


def test_services_have_addresses_ports_and_pointers(
    prober: Prober, namespace: str, cluster_ip: str
) -> None:
    """C3: should provide DNS for services."""
    of_pods, regular = (
        fqdn(f"{name}.{namespace}") for name in ("dns-test-service", "test-service-2")
    )

    prober.wait(of_pods, [f"{of_pods} 30 IN A {POD_IP}"])
    prober.wait(
        f"_http._tcp.{of_pods}",
        [f"_http._tcp.{of_pods} 30 IN SRV 0 100 80 10-1-0-1.{of_pods}"],
        "SRV",
    )
    prober.wait(
        f"_http._tcp.{regular}", [f"_http._tcp.{regular} 30 IN SRV 0 100 80 {regular}"], "SRV"
    )
    prober.wait(reverse(cluster_ip), [f"{reverse(cluster_ip)} 30 IN PTR {regular}"], "PTR")


@pytest.mark.parametrize(
    "name", ["dns-test-service", "dns-test-service.{ns}", "dns-test-service.{ns}.svc"]
)
@pytest.mark.usefixtures("cluster_ip")
def test_partial_names_are_found_through_the_search_list(
    prober: Prober, namespace: str, name: str
) -> None:
    """C4: should resolve DNS of partial qualified names for services."""
    whole = fqdn(f"dns-test-service.{namespace}")
    prober.wait(whole, [f"{whole} 30 IN A {POD_IP}"])

    assert prober.search(name.format(ns=namespace), namespace).data == [POD_IP]


@pytest.mark.parametrize(
    ("service", "target"),
    [("dns-test-service", "10-1-0-1.dns-test-service"), ("test-service-2", "test-service-2")],
)
def test_ports_and_pointers_are_found_through_the_search_list(
    prober: Prober, namespace: str, cluster_ip: str, service: str, target: str
) -> None:
    """C4: the same test's SRV names, and its PTR."""
    whole = fqdn(f"dns-test-service.{namespace}")
    prober.wait(whole, [f"{whole} 30 IN A {POD_IP}"])

    seen = prober.search(f"_http._tcp.{service}.{namespace}.svc", namespace, "SRV")

    assert seen.data == [f"0 100 80 {fqdn(f'{target}.{namespace}')}"]
    assert prober.ask(reverse(cluster_ip), "PTR").data == [fqdn(f"test-service-2.{namespace}")]


def test_a_pod_with_a_hostname_has_a_name_below_its_subdomain(
    prober: Prober, cluster: Cluster, namespace: str
) -> None:
    """C5: should provide DNS for pods for Hostname."""
    a_named_pod(cluster, namespace)

    name = fqdn(f"dns-querier-2.dns-test-service-2.{namespace}")
    prober.wait(name, [f"{name} 30 IN A {POD_IP}"])


def test_a_pod_with_a_hostname_is_behind_its_subdomain(
    prober: Prober, cluster: Cluster, namespace: str
) -> None:
    """C6: should provide DNS for pods for Subdomain."""
    a_named_pod(cluster, namespace)

    for path in ("dns-querier-2.dns-test-service-2", "dns-test-service-2"):
        name = fqdn(f"{path}.{namespace}")
        prober.wait(name, [f"{name} 30 IN A {POD_IP}"])


def test_an_external_name_follows_its_service(
    prober: Prober, cluster: Cluster, namespace: str
) -> None:
    """C7: should provide DNS for ExternalName services: made, changed, turned to a ClusterIP."""
    service = a_service(
        "dns-test-service-3", namespace, type="ExternalName", externalName="foo.example.com"
    )
    name = fqdn(f"dns-test-service-3.{namespace}")
    cluster.api.create(service)
    prober.wait(name, [f"{name} 30 IN CNAME foo.example.com."], "CNAME")
    assert prober.dig("+short", name, "CNAME") == "foo.example.com.\n"

    change: JsonObject = {"spec": {"externalName": "bar.example.com"}}
    cluster.api.patch("Service", "dns-test-service-3", namespace, change)
    prober.wait(name, [f"{name} 30 IN CNAME bar.example.com."], "CNAME")
    assert prober.dig("+short", name, "CNAME") == "bar.example.com.\n"

    ports = [{"port": 80, "name": "http", "protocol": "TCP"}]
    change = {"spec": {"type": "ClusterIP", "externalName": None, "ports": ports}}
    made = cluster.api.patch("Service", "dns-test-service-3", namespace, change)
    prober.wait(name, [f"{name} 30 IN A {made['spec']['clusterIP']}"])
    assert prober.ask(name, "CNAME").answer == ()
