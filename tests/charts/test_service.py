"""The Service of the chart: the name, address and ports by which pods know their DNS."""

import pytest

from tests.charts.render import one, render_chart


def test_the_service_answers_on_53_by_both_protocols_and_shows_metrics() -> None:
    """kube-dns's manifest (ecosystem 6.1): ports dns and dns-tcp; 9153 for metrics."""
    service = one(None, "Service")

    assert service["metadata"]["name"] == "kube-dns"
    assert service["spec"]["ports"] == [
        {"name": "dns", "port": 53, "targetPort": "dns", "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "targetPort": "dns-tcp", "protocol": "TCP"},
        {"name": "metrics", "port": 9153, "targetPort": "metrics", "protocol": "TCP"},
    ]


def test_the_service_selects_exactly_the_pods_of_its_release() -> None:
    """Our choice: not by k8s-app, which the pods of another cluster DNS carry too."""
    selector = one(None, "Service")["spec"]["selector"]
    labels = one(None, "Deployment")["spec"]["template"]["metadata"]["labels"]

    assert selector == {
        "app.kubernetes.io/name": "kubedns-py",
        "app.kubernetes.io/instance": "kubedns-py",
    }
    assert selector.items() <= labels.items()


def test_every_target_port_is_a_named_port_of_the_pod_with_the_same_protocol() -> None:
    """A Service port without its container port answers nobody."""
    (pod,) = one(None, "Deployment")["spec"]["template"]["spec"]["containers"]
    offered = {(port["name"], port["protocol"]) for port in pod["ports"]}

    wanted = {
        (port["targetPort"], port["protocol"]) for port in one(None, "Service")["spec"]["ports"]
    }

    assert wanted <= offered


@pytest.mark.parametrize(
    ("values", "label"),
    [
        pytest.param({}, "kube-dns", id="the cluster's DNS is found as kube-dns"),
        pytest.param(
            {"service": {"name": "trial"}}, "kubedns-py", id="a trial draws no queries to itself"
        ),
        pytest.param(
            {"service": {"name": "trial"}, "k8sApp": "kube-dns"}, "kube-dns", id="as the user says"
        ),
    ],
)
def test_the_k8s_app_label(values: dict[str, object], label: str) -> None:
    """Behaviour 2.1.1: an existing Service kube-dns selects k8s-app=kube-dns."""
    service, deployment = one(values, "Service"), one(values, "Deployment")
    pod = deployment["spec"]["template"]["metadata"]["labels"]

    assert service["metadata"]["labels"]["k8s-app"] == label
    assert pod["k8s-app"] == label


def test_a_given_address_is_the_services_address() -> None:
    """Values users expect (ecosystem 4.3): service.clusterIP."""
    assert one({"service": {"clusterIP": "10.96.0.10"}}, "Service")["spec"]["clusterIP"] == (
        "10.96.0.10"
    )
    assert "clusterIP" not in one(None, "Service")["spec"]


def test_two_addresses_make_a_dual_stack_service() -> None:
    """Service API: clusterIP is the first of clusterIPs."""
    spec = one(
        {
            "service": {
                "clusterIPs": ["10.96.0.10", "fd00::a"],
                "ipFamilyPolicy": "RequireDualStack",
            }
        },
        "Service",
    )["spec"]

    assert spec["clusterIP"] == "10.96.0.10"
    assert spec["clusterIPs"] == ["10.96.0.10", "fd00::a"]
    assert spec["ipFamilyPolicy"] == "RequireDualStack"


def test_prometheus_finds_the_metrics_port_by_annotation() -> None:
    """Chart of CoreDNS (ecosystem 4.3): prometheus.io/scrape and port."""
    assert one(None, "Service")["metadata"]["annotations"] == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "9153",
    }
    assert "annotations" not in one({"metrics": {"annotations": False}}, "Service")["metadata"]


def test_the_network_policy_admits_dns_from_everywhere_and_metrics_from_whom_it_names() -> None:
    """NetworkPolicy sample (reliability 4.1)."""
    peers = [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]
    values = {"networkPolicy": {"enabled": True, "monitoring": peers}}

    dns, metrics = one(values, "NetworkPolicy")["spec"]["ingress"]

    assert "from" not in dns
    assert [each["port"] for each in dns["ports"]] == ["dns", "dns-tcp"]
    assert metrics == {"ports": [{"port": "metrics", "protocol": "TCP"}], "from": peers}
    assert "NetworkPolicy" not in {each["kind"] for each in render_chart()}
