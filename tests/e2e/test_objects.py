"""Services, slices, Endpoints, namespaces and pods as a real API server stores and changes them."""

import dns.reversename
import pytest

from tests.e2e.apiclient import JsonObject
from tests.e2e.cluster import Cluster
from tests.e2e.dnsserver import DnsServers, data, fqdn, pointers, wait_answer
from tests.e2e.manifests import a_pod, a_service, a_slice, some_endpoints
from tests.e2e.wait import until
from tests.helpers.process import ServerProcess

pytestmark = pytest.mark.e2e

WEB = {"app": "web"}
DUAL: JsonObject = {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv4", "IPv6"]}


def test_endpoints_written_by_hand_have_names_through_their_mirrored_slices(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """HDL-5, LIF-1: a headless Service without a selector, the old way; Endpoints come first."""
    cluster.api.create(some_endpoints("db", namespace, addresses=["10.5.0.1"], ports=["sql:5432"]))
    cluster.api.create(a_service("db", namespace, ports=["sql:5432"], clusterIP="None"))
    name = fqdn(f"db.{namespace}")
    wait_answer(dns_server, name, ["10.5.0.1"])
    assert data(dns_server, f"_sql._tcp.{name}", "SRV") == [f"0 100 5432 10-5-0-1.{name}"]

    subsets = [{"addresses": [{"ip": "10.5.0.2", "hostname": "db-0"}]}]
    cluster.api.patch("Endpoints", "db", namespace, {"subsets": subsets})
    wait_answer(dns_server, name, ["10.5.0.2"])
    assert data(dns_server, f"db-0.{name}") == ["10.5.0.2"]

    cluster.api.delete("Endpoints", "db", namespace)
    wait_answer(dns_server, name, ["NXDOMAIN"])


def test_several_slices_written_by_hand_are_one_service(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """HDL-6, HDL-8, HDL-12, HDL-29: a name each, ports of its own slice, duplicates once."""
    cluster.api.create(a_service("db", namespace, clusterIP="None"))
    first = {"addresses": ["10.5.1.1"], "hostname": "db-0"}
    second = {"addresses": ["10.5.1.2"], "hostname": "db-1"}
    not_ready = {**first, "conditions": {"ready": False}}
    for name, endpoint, port in (
        ("db-a", first, "sql:5432"),
        ("db-b", second, "sql:5433"),
        ("db-c", not_ready, "sql:5432"),
    ):
        made = a_slice(name, namespace, service="db", endpoints=[endpoint], ports=[port])
        cluster.api.create(made)
    name = fqdn(f"db.{namespace}")

    wait_answer(dns_server, name, ["10.5.1.1", "10.5.1.2"])
    targets = [f"0 50 5432 db-0.{name}", f"0 50 5433 db-1.{name}"]
    assert data(dns_server, f"_sql._tcp.{name}", "SRV") == targets
    assert data(dns_server, f"db-1.{name}") == ["10.5.1.2"]
    assert pointers(dns_server, "10.5.1.1") == [f"db-0.{name}"]

    cluster.api.delete("EndpointSlice", "db-a", namespace)
    wait_answer(dns_server, name, ["10.5.1.2"])
    assert pointers(dns_server, "10.5.1.1") == ["REFUSED"]


def test_a_slice_that_changes_its_service_moves_its_endpoints(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """F-20: the label is all that says whose it is."""
    for service in ("db", "cache"):
        cluster.api.create(a_service(service, namespace, clusterIP="None"))
    endpoint = {"addresses": ["10.5.2.1"]}
    cluster.api.create(a_slice("moving", namespace, service="db", endpoints=[endpoint]))
    db, cache = fqdn(f"db.{namespace}"), fqdn(f"cache.{namespace}")
    wait_answer(dns_server, db, ["10.5.2.1"])

    labels = {"kubernetes.io/service-name": "cache"}
    cluster.api.patch("EndpointSlice", "moving", namespace, {"metadata": {"labels": labels}})

    wait_answer(dns_server, cache, ["10.5.2.1"])
    assert data(dns_server, db) == ["NXDOMAIN"]
    assert pointers(dns_server, "10.5.2.1") == [f"10-5-2-1.{cache}"]


def test_a_dual_stack_service_has_an_address_of_each_family(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """T-11, T-42, and PTR-17 when it loses one of them again."""
    made = cluster.api.create(a_service("web", namespace, ports=["http:80"], **DUAL))
    four, six = made["spec"]["clusterIPs"]
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, [four])
    assert data(dns_server, name, "AAAA") == [six]
    assert data(dns_server, _reverse6(six), "PTR") == [name]

    single = {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"], "clusterIPs": [four]}
    cluster.api.patch("Service", "web", namespace, {"spec": single})

    wait_answer(dns_server, name, ["NOERROR"], "AAAA")
    assert data(dns_server, name) == [four]
    assert data(dns_server, _reverse6(six), "PTR") == ["REFUSED"]


def test_the_pods_of_a_dual_stack_headless_service_have_both_addresses(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """HDL-4, HDL-10: two slices, one for each family; a hostname has both addresses."""
    headless = {"clusterIP": "None", **DUAL}
    cluster.api.create(a_service("web", namespace, selector=WEB, ports=["http:80"], **headless))
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.5.3.1", "fd00:5:3::1"])
    identity: JsonObject = {"hostname": "named", "subdomain": "web"}
    named = a_pod("web-1", namespace, labels=WEB, **identity)
    cluster.run_pod(named, addresses=["10.5.3.2", "fd00:5:3::2"])
    name = fqdn(f"web.{namespace}")

    wait_answer(dns_server, name, ["10.5.3.1", "10.5.3.2"])
    wait_answer(dns_server, name, ["fd00:5:3::1", "fd00:5:3::2"], "AAAA")
    assert data(dns_server, f"10-5-3-1.{name}") == ["10.5.3.1"]
    assert data(dns_server, f"fd00-5-3--1.{name}", "AAAA") == ["fd00:5:3::1"]
    assert data(dns_server, f"named.{name}") == ["10.5.3.2"]
    assert data(dns_server, f"named.{name}", "AAAA") == ["fd00:5:3::2"]
    assert data(dns_server, _reverse6("fd00:5:3::2"), "PTR") == [f"named.{name}"]

    cluster.set_ready("web-1", namespace, sidecar=False)
    wait_answer(dns_server, name, ["fd00:5:3::1"], "AAAA")
    wait_answer(dns_server, name, ["10.5.3.1"])


def test_a_service_can_become_headless_and_an_address_again(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """LIF-4, LIF-5, LIF-6, F-20: made anew each time, for the field cannot change; pointers too."""
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.5.4.1"])
    name = fqdn(f"web.{namespace}")
    regular = a_service("web", namespace, selector=WEB, ports=["http:80"])
    headless = a_service("web", namespace, selector=WEB, ports=["http:80"], clusterIP="None")
    old = cluster.api.create(regular)["spec"]["clusterIP"]
    wait_answer(dns_server, name, [old])
    assert pointers(dns_server, old) == [name]

    cluster.api.delete("Service", "web", namespace)
    cluster.api.create(headless)
    wait_answer(dns_server, name, ["10.5.4.1"])
    assert pointers(dns_server, old) == ["REFUSED"]
    assert pointers(dns_server, "10.5.4.1") == [f"10-5-4-1.{name}"]

    cluster.api.delete("Service", "web", namespace)
    new = cluster.api.create(regular)["spec"]["clusterIP"]
    wait_answer(dns_server, name, [new])
    assert pointers(dns_server, new) == [name]


def test_an_address_can_become_an_external_name_and_back_at_once(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """LIF-7, F-20: the type of a Service that stays; its old address points nowhere."""
    cluster.api.create(a_service("web", namespace, selector=WEB, ports=["http:80"]))
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.5.5.1"])
    old = cluster.api.get("Service", "web", namespace)["spec"]["clusterIP"]
    name = fqdn(f"web.{namespace}")
    endpoint = f"10-5-5-1.{name}"
    wait_answer(dns_server, endpoint, ["10.5.5.1"])

    alias = {"type": "ExternalName", "externalName": "example.org", "clusterIP": None}
    change = {"spec": {**alias, "clusterIPs": None}}
    cluster.api.patch("Service", "web", namespace, change)
    wait_answer(dns_server, name, ["example.org."], "CNAME")
    assert pointers(dns_server, old) == ["REFUSED"]
    assert pointers(dns_server, "10.5.5.1") == ["REFUSED"]
    assert data(dns_server, endpoint) == ["NXDOMAIN"]
    assert data(dns_server, f"_http._tcp.{name}", "SRV") == ["NXDOMAIN"]

    change = {"spec": {"type": "ClusterIP", "externalName": None}}
    new = cluster.api.patch("Service", "web", namespace, change)["spec"]["clusterIP"]
    wait_answer(dns_server, name, [new])
    assert pointers(dns_server, new) == [name]
    wait_answer(dns_server, endpoint, ["10.5.5.1"])
    assert data(dns_server, name, "CNAME") == ["NOERROR"]


def test_an_external_name_can_become_headless(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """F-20: the third way between the three kinds, in one update."""
    external = {"type": "ExternalName", "externalName": "example.org"}
    cluster.api.create(a_service("web", namespace, selector=WEB, ports=["http:80"], **external))
    cluster.run_pod(a_pod("web-0", namespace, labels=WEB), addresses=["10.5.6.1"])
    name = fqdn(f"web.{namespace}")
    wait_answer(dns_server, name, ["example.org."], "CNAME")

    change = {"spec": {"type": "ClusterIP", "externalName": None, "clusterIP": "None"}}
    cluster.api.patch("Service", "web", namespace, change)
    wait_answer(dns_server, name, ["10.5.6.1"])
    assert pointers(dns_server, "10.5.6.1") == [f"10-5-6-1.{name}"]


def test_a_renamed_port_is_renamed_at_once(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """LIF-8: old and new name are never both there, and never both gone."""
    cluster.api.create(a_service("web", namespace, ports=["http:80"]))
    name = fqdn(f"web.{namespace}")
    old, new = f"_http._tcp.{name}", f"_main._tcp.{name}"
    there, gone = [f"0 100 80 {name}"], ["NXDOMAIN"]
    wait_answer(dns_server, old, there, "SRV")

    ports = [{"port": 80, "name": "main", "protocol": "TCP"}]
    cluster.api.patch("Service", "web", namespace, {"spec": {"ports": ports}})

    def is_renamed() -> bool:
        before = data(dns_server, old, "SRV")
        after = data(dns_server, new, "SRV")
        assert there in (before, after)
        return after == there

    until(is_renamed, "the new name is there")
    assert data(dns_server, old, "SRV") == gone


def test_a_deleted_headless_service_leaves_no_pointer(
    dns_server: ServerProcess, cluster: Cluster, namespace: str
) -> None:
    """LIF-9: its slices may go later than it, or stay when they are written by hand."""
    cluster.api.create(a_service("db", namespace, clusterIP="None"))
    endpoint = {"addresses": ["10.5.7.1"], "hostname": "db-0"}
    cluster.api.create(a_slice("db-a", namespace, service="db", endpoints=[endpoint]))
    name = fqdn(f"db.{namespace}")
    wait_answer(dns_server, name, ["10.5.7.1"])

    cluster.api.delete("Service", "db", namespace)

    wait_answer(dns_server, name, ["NXDOMAIN"])
    assert pointers(dns_server, "10.5.7.1") == ["REFUSED"]
    assert data(dns_server, f"db-0.{name}") == ["NXDOMAIN"]


def test_a_deleted_namespace_is_gone_with_all_its_names(
    dns_server: ServerProcess, cluster: Cluster
) -> None:
    """LIF-18, ENT-3 to ENT-6: the namespace's own name too."""
    name = cluster.add_namespace("e2e-doomed")
    address = cluster.api.create(a_service("web", name, ports=["http:80"]))["spec"]["clusterIP"]
    web, own = fqdn(f"web.{name}"), fqdn(name)
    wait_answer(dns_server, web, [address])
    assert data(dns_server, own) == ["NOERROR"]
    pod = f"10-1-1-1.{name}.pod.cluster.local."
    wait_answer(dns_server, pod, ["10.1.1.1"])

    cluster.remove_namespace(name)

    wait_answer(dns_server, own, ["NXDOMAIN"], within_s=30)
    assert data(dns_server, web) == ["NXDOMAIN"]
    assert data(dns_server, pod) == ["NXDOMAIN"]
    assert pointers(dns_server, address) == ["REFUSED"]


def test_the_older_api_gives_the_same_names(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str
) -> None:
    """HDL-1: --endpoints-api=endpoints and its ClusterRole; endpoints by the real controller."""
    server = own_dns_servers.start(values={"dns": {"endpointsAPI": "endpoints"}})
    headless = {"clusterIP": "None"}
    cluster.api.create(a_service("web", namespace, selector=WEB, ports=["http:80"], **headless))
    for number in (0, 1):
        identity: JsonObject = {"hostname": f"web-{number}", "subdomain": "web"}
        pod = a_pod(f"web-{number}", namespace, labels=WEB, **identity)
        cluster.run_pod(pod, addresses=[f"10.5.8.{number}"])
    name = fqdn(f"web.{namespace}")
    wait_answer(server, name, ["10.5.8.0", "10.5.8.1"])
    targets = [f"0 50 80 web-0.{name}", f"0 50 80 web-1.{name}"]
    assert data(server, f"_http._tcp.{name}", "SRV") == targets
    assert pointers(server, "10.5.8.1") == [f"web-1.{name}"]

    cluster.set_ready("web-1", namespace, sidecar=False)

    wait_answer(server, name, ["10.5.8.0"])
    assert pointers(server, "10.5.8.1") == ["REFUSED"]


def test_verified_pod_names_are_those_of_pods_that_run(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str
) -> None:
    """POD-8, POD-9, POD-11: --pods=verified and its ClusterRole; every address of a pod."""
    server = own_dns_servers.start(values={"dns": {"pods": "verified"}})
    cluster.run_pod(a_pod("web-0", namespace), addresses=["10.5.9.1", "fd00:5:9::1"])
    zone = f"{namespace}.pod.cluster.local."
    wait_answer(server, f"10-5-9-1.{zone}", ["10.5.9.1"])
    assert data(server, f"fd00-5-9--1.{zone}", "AAAA") == ["fd00:5:9::1"]
    assert data(server, f"10-5-9-2.{zone}") == ["NXDOMAIN"]
    assert data(server, "10-5-9-1.default.pod.cluster.local.") == ["NXDOMAIN"]

    cluster.finish_pod("web-0", namespace)
    wait_answer(server, f"10-5-9-1.{zone}", ["NXDOMAIN"])


def test_only_namespaces_with_the_labels_are_served(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str
) -> None:
    """ENT-16, PTR-13: --namespace-labels, and a label that comes and goes."""
    server = own_dns_servers.start(f"--namespace-labels=team={namespace}")
    address = cluster.api.create(a_service("web", namespace, ports=["http:80"]))["spec"][
        "clusterIP"
    ]
    name = fqdn(f"web.{namespace}")
    assert data(server, "kubernetes.default.svc.cluster.local.") == ["NXDOMAIN"]

    for value, answer, pointer in ((namespace, address, name), (None, "NXDOMAIN", "REFUSED")):
        change = {"metadata": {"labels": {"team": value}}}
        cluster.api.patch("Namespace", namespace, "", change)
        wait_answer(server, name, [answer])
        assert pointers(server, address) == [pointer]


def _reverse6(address: str) -> str:
    """Return the reverse name of an IPv6 address."""
    return dns.reversename.from_address(address).to_text()
