"""What the chart lets the server read: exactly what its options need (reliability 4.1)."""

from typing import Any

import pytest

from tests.charts.render import one, render_chart
from tests.e2e.manifests import DNS_RULES

DISCOVERY = ("discovery.k8s.io", "endpointslices")


def granted(values: dict[str, Any] | None) -> set[tuple[str, str]]:
    """Return the (API group, resource) pairs of the ClusterRole."""
    return {
        (group, resource)
        for rule in one(values, "ClusterRole")["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


@pytest.mark.parametrize(
    ("dns", "resources"),
    [
        pytest.param({}, {("", "services"), ("", "namespaces"), DISCOVERY}, id="default"),
        pytest.param(
            {"pods": "verified"},
            {("", "services"), ("", "namespaces"), ("", "pods"), DISCOVERY},
            id="verified pods",
        ),
        pytest.param(
            {"pods": "disabled"},
            {("", "services"), ("", "namespaces"), DISCOVERY},
            id="no pod names",
        ),
        pytest.param(
            {"endpointsAPI": "endpoints"},
            {("", "services"), ("", "namespaces"), ("", "endpoints")},
            id="the older API",
        ),
    ],
)
def test_the_role_grants_what_the_options_read(
    dns: dict[str, str], resources: set[tuple[str, str]]
) -> None:
    """ClusterRole (reliability 4.1): pods only with verified pods; no nodes, no ConfigMaps."""
    assert granted({"dns": dns}) == resources


def test_every_rule_is_list_and_watch_and_nothing_else() -> None:
    """ClusterRole (reliability 4.1): no get, no wildcard."""
    for rule in one({"dns": {"pods": "verified"}}, "ClusterRole")["rules"]:
        assert sorted(rule["verbs"]) == ["list", "watch"]
        assert rule.keys() == {"apiGroups", "resources", "verbs"}


def test_one_config_map_may_be_read_where_it_is_watched_and_no_other() -> None:
    """Ecosystem 1.6: get, list and watch on the one ConfigMap, only with --config-map."""
    values = {"config": {"name": "dns-servers", "read": "watched"}}
    role, binding = one(values, "Role"), one(values, "RoleBinding")

    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["configmaps"],
            "resourceNames": ["dns-servers"],
            "verbs": ["get", "list", "watch"],
        }
    ]
    assert role["metadata"]["namespace"] == binding["metadata"]["namespace"] == "kube-system"
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == one(None, "ClusterRoleBinding")["subjects"]
    assert not {"Role", "RoleBinding"} & {each["kind"] for each in render_chart()}


def test_the_control_plane_of_the_tests_grants_what_the_chart_grants() -> None:
    """House rule 23: what passes the tests against a real API server passes with the chart."""
    rules = one({"dns": {"pods": "verified"}}, "ClusterRole")["rules"]

    assert [{**rule, "resources": sorted(rule["resources"])} for rule in rules] == [
        {**rule, "resources": sorted(rule["resources"])} for rule in DNS_RULES
    ]


def test_the_role_is_bound_to_the_pods_account_only() -> None:
    """ServiceAccount (reliability 4.1): its own."""
    binding = one(None, "ClusterRoleBinding")

    assert binding["roleRef"]["name"] == one(None, "ClusterRole")["metadata"]["name"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": "kubedns-py", "namespace": "kube-system"}
    ]


def test_two_releases_of_one_name_in_two_namespaces_do_not_share_a_role() -> None:
    """Chart of CoreDNS (ecosystem 4.3): there, cluster-scoped names meet."""
    names = {
        each["metadata"]["name"]
        for namespace in ("one", "two")
        for each in render_chart(namespace=namespace, show_only="rbac.yaml")
    }

    assert names == {"one:kubedns-py", "two:kubedns-py"}


def test_rbac_and_account_can_be_somebody_elses() -> None:
    """Values users expect (ecosystem 4.3): rbac.create, serviceAccount.create and name."""
    values = {
        "rbac": {"create": False},
        "serviceAccount": {"create": False, "name": "theirs"},
        "config": {"read": "watched"},
    }

    kinds = {each["kind"] for each in render_chart(values)}

    assert not {kind for kind in kinds if "Role" in kind or "Account" in kind}
    pod = one(values, "Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "theirs"
