"""The DNS tests of Kubernetes' suite that are not conformance: N rows of behaviour 3.2."""

import pytest

from tests.e2e.apiclient import JsonObject
from tests.e2e.cluster import Cluster
from tests.e2e.dnsserver import fqdn, pointers, wait_answer
from tests.e2e.manifests import a_pod, a_service
from tests.e2e.prober import Prober
from tests.helpers.process import ServerProcess

pytestmark = pytest.mark.e2e

LABELS = {"app": "test"}


def test_a_name_outside_the_cluster_is_refused_and_never_denied(prober: Prober) -> None:
    """N1: google.com and the one-label name metadata; without an upstream nobody is misled."""
    for name in ("google.com.", "metadata."):
        assert prober.ask(name).status == "REFUSED"


@pytest.mark.parametrize(
    "name", ["kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
)
def test_partial_names_of_the_cluster_are_found_from_any_namespace(
    prober: Prober, namespace: str, name: str
) -> None:
    """N1, N2: should resolve DNS of partial qualified names for the cluster."""
    assert prober.search(name, namespace).data == ["10.96.0.1"]


def test_two_namespaces_may_use_one_name(prober: Prober, cluster: Cluster, namespace: str) -> None:
    """N18: the example application cluster-dns."""
    other = cluster.add_namespace(f"{namespace}-other")
    own, theirs = (
        cluster.api.create(a_service("dns-backend", each, ports=["http:8000"]))["spec"]["clusterIP"]
        for each in (namespace, other)
    )
    for each, address in ((namespace, own), (other, theirs)):
        name = fqdn(f"dns-backend.{each}")
        prober.wait(name, [f"{name} 30 IN A {address}"])

    assert prober.search("dns-backend", namespace).data == [own]
    assert prober.search(f"dns-backend.{other}", namespace).data == [theirs]
    cluster.remove_namespace(other)


def test_a_service_name_may_begin_with_a_digit(
    prober: Prober, cluster: Cluster, namespace: str
) -> None:
    """N6: relaxed service names."""
    made = cluster.api.create(a_service("1kubernetes", namespace, ports=["http:80"]))

    name = fqdn(f"1kubernetes.{namespace}")
    prober.wait(name, [f"{name} 30 IN A {made['spec']['clusterIP']}"])


def test_an_unready_pod_is_reached_by_name_before_it_is_ready_and_while_it_terminates(
    prober: Prober, cluster: Cluster, namespace: str
) -> None:
    """N9: should create endpoints for unready pods."""
    specs: dict[str, JsonObject] = {
        "tolerate-unready": {},
        "tolerate-headless": {"clusterIP": "None"},
    }
    for service, spec in specs.items():
        published: JsonObject = {"publishNotReadyAddresses": True, **spec}
        cluster.api.create(
            a_service(service, namespace, ports=["http:80"], selector=LABELS, **published)
        )
    pod = a_pod("slow-terminating-unready-pod", namespace, labels=LABELS, grace_s=600)
    cluster.run_pod(pod, addresses=["10.4.0.1"], unready=["app"])
    regular = fqdn(f"10-4-0-1.tolerate-unready.{namespace}")
    headless = fqdn(f"tolerate-headless.{namespace}")
    for name in (regular, headless):
        prober.wait(name, [f"{name} 30 IN A 10.4.0.1"])

    cluster.terminate_pod("slow-terminating-unready-pod", namespace)
    cluster.run_pod(a_pod("second", namespace, labels=LABELS), addresses=["10.4.0.2"])
    prober.wait(headless, [f"{headless} 30 IN A 10.4.0.{number}" for number in (1, 2)])
    prober.wait(regular, [f"{regular} 30 IN A 10.4.0.1"])

    cluster.remove_pod("slow-terminating-unready-pod", namespace)
    prober.wait(headless, [f"{headless} 30 IN A 10.4.0.2"])
    assert prober.ask(regular).status == "NXDOMAIN"


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_a_service_changes_between_an_external_name_and_an_address(
    prober: Prober, cluster: Cluster, namespace: str, kind: str
) -> None:
    """N10: type changes; the target of the alias is a name of this cluster there too."""
    target = cluster.api.create(a_service("target", namespace, ports=["http:80"]))
    target_name, name = fqdn(f"target.{namespace}"), fqdn(f"service.{namespace}")
    external: JsonObject = {"type": "ExternalName", "externalName": target_name.rstrip(".")}
    cluster.api.create(a_service("service", namespace, **external))
    alias = [
        f"{name} 30 IN CNAME {target_name}",
        f"{target_name} 30 IN A {target['spec']['clusterIP']}",
    ]
    prober.wait(name, sorted(alias))

    ports = [{"port": 80, "name": "http", "protocol": "TCP"}]
    change = {"spec": {"type": kind, "externalName": None, "ports": ports}}
    made = cluster.api.patch("Service", "service", namespace, change)
    prober.wait(name, [f"{name} 30 IN A {made['spec']['clusterIP']}"])

    change = {"spec": {**external, "clusterIP": None, "clusterIPs": None, "ports": None}}
    cluster.api.patch("Service", "service", namespace, change)
    prober.wait(name, sorted(alias))


def test_the_pods_of_a_stateful_set_keep_their_names_over_a_rolling_update(
    prober: Prober, dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """N11: StatefulSet basic, network identity: each pod comes back with another address."""
    cluster.api.create(
        a_service("test", namespace, ports=["http:80"], selector=LABELS, clusterIP="None")
    )
    for number in range(3):
        _run_replica(cluster, namespace, number, f"10.4.1.{number}")
    for number in range(3):
        name = fqdn(f"ss-{number}.test.{namespace}")
        prober.wait(name, [f"{name} 30 IN A 10.4.1.{number}"])
        assert prober.search(f"ss-{number}.test", namespace).data == [f"10.4.1.{number}"]

    for number in reversed(range(3)):
        cluster.remove_pod(f"ss-{number}", namespace)
        _run_replica(cluster, namespace, number, f"10.4.2.{number}")
        name = fqdn(f"ss-{number}.test.{namespace}")
        prober.wait(name, [f"{name} 30 IN A 10.4.2.{number}"])
        assert pointers(dns_server, f"10.4.1.{number}") == ["REFUSED"]
        assert pointers(dns_server, f"10.4.2.{number}") == [name]
    wait_answer(dns_server, fqdn(f"test.{namespace}"), ["10.4.2.0", "10.4.2.1", "10.4.2.2"])


def test_a_pod_has_a_name_of_its_address(prober: Prober, namespace: str) -> None:
    """N19: the pod A record that the suite asked for up to Kubernetes 1.20."""
    name = f"10-4-0-9.{namespace}.pod.cluster.local."

    prober.wait(name, [f"{name} 30 IN A 10.4.0.9"])

    assert prober.ask(name, "AAAA").status == "NOERROR"
    assert prober.ask("10-4-0-9.no-such-namespace.pod.cluster.local.").status == "NXDOMAIN"


def _run_replica(cluster: Cluster, namespace: str, number: int, address: str) -> None:
    """Run a pod as a StatefulSet's controller makes it."""
    identity: JsonObject = {"hostname": f"ss-{number}", "subdomain": "test"}
    pod = a_pod(f"ss-{number}", namespace, labels=LABELS, **identity)
    cluster.run_pod(pod, addresses=[address])
