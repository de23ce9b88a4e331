"""The chart before a real API server: it knows every field, and the account may do what it must."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.charts.everything import EVERYTHING
from tests.charts.render import render_chart
from tests.e2e.apiclient import ApiClient, ApiError, JsonObject
from tests.e2e.cluster import Cluster
from tests.e2e.wait import until

pytestmark = pytest.mark.e2e

ACCOUNTS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding")
RIGHTS = "apis/rbac.authorization.k8s.io/v1/namespaces/{}"
COLLECTIONS = {
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Role": f"{RIGHTS}/roles",
    "RoleBinding": f"{RIGHTS}/rolebindings",
    "Service": "api/v1/namespaces/{}/services",
    "Pod": "api/v1/namespaces/{}/pods",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "PodDisruptionBudget": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}


def try_to_create(api: ApiClient, namespace: str, manifest: JsonObject) -> JsonObject:
    """Have the API server judge an object as at creation, fields that it does not know included."""
    path = COLLECTIONS[manifest["kind"]].format(namespace)
    query = {"dryRun": "All", "fieldValidation": "Strict"}
    return api.request("POST", "/" + path, manifest, query=query)


def the_pod(namespace: str) -> JsonObject:
    """Return a pod as the chart's Deployment makes it."""
    (deployment,) = render_chart(namespace=namespace, show_only="deployment.yaml")
    template = deployment["spec"]["template"]
    metadata = {**template["metadata"], "name": "one", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


@pytest.fixture
def installed(cluster: Cluster, namespace: str) -> Iterator[str]:
    """Install the chart's account and role; return the account's user name."""
    made = [each for each in render_chart(namespace=namespace) if each["kind"] in ACCOUNTS]
    for each in made:
        cluster.api.create(each)
    yield f"system:serviceaccount:{namespace}:kubedns-py"
    for each in made:
        metadata = each["metadata"]
        cluster.api.delete(each["kind"], metadata["name"], metadata.get("namespace", ""))


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_the_api_server_takes_every_object_and_knows_every_field(
    cluster: Cluster, namespace: str, values: dict[str, Any]
) -> None:
    """Chart tests (ecosystem 4.2): a server-side dry run is the best final check."""
    tried = [
        try_to_create(cluster.api, namespace, without_addresses(each))
        for each in render_chart(values, namespace=namespace)
        if each["kind"] not in ACCOUNTS
    ]

    assert {each["kind"] for each in tried} >= {"Service", "Deployment", "PodDisruptionBudget"}


def without_addresses(made: JsonObject) -> JsonObject:
    """Leave the choice of cluster IPs to the server: the control plane has ranges of its own."""
    chosen = {"clusterIP", "clusterIPs"}
    if "spec" not in made:
        return made
    return {**made, "spec": {key: each for key, each in made["spec"].items() if key not in chosen}}


def test_a_field_that_does_not_exist_would_be_refused(cluster: Cluster, namespace: str) -> None:
    """A guard is finished when it has been seen to fail."""
    (service,) = render_chart(namespace=namespace, show_only="service.yaml")
    service["spec"]["sessionAffinty"] = "None"

    with pytest.raises(ApiError, match="sessionAffinty"):
        try_to_create(cluster.api, namespace, service)


@pytest.mark.usefixtures("installed")
def test_the_pod_passes_where_the_restricted_standard_is_enforced(
    cluster: Cluster, namespace: str
) -> None:
    """Container posture (reliability 4.1): PodSecurity "restricted" passes."""
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.patch("Namespace", namespace, "", {"metadata": {"labels": enforce}})
    privileged = the_pod(namespace)
    privileged["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True

    assert try_to_create(cluster.api, namespace, the_pod(namespace))
    with pytest.raises(ApiError, match="allowPrivilegeEscalation"):
        try_to_create(cluster.api, namespace, privileged)


@pytest.mark.parametrize(
    ("verb", "group", "resource", "allowed"),
    [
        ("list", "", "services", True),
        ("watch", "", "services", True),
        ("watch", "", "namespaces", True),
        ("watch", "discovery.k8s.io", "endpointslices", True),
        ("get", "", "services", False),
        ("list", "", "pods", False),
        ("list", "", "secrets", False),
        ("list", "", "configmaps", False),
        ("list", "", "nodes", False),
    ],
)
def test_the_account_may_read_what_dns_needs_and_no_more(
    cluster: Cluster, installed: str, verb: str, group: str, resource: str, *, allowed: bool
) -> None:
    """ClusterRole (reliability 4.1), as the authorizer understands it."""

    def may(verb: str, group: str, resource: str) -> bool:
        review = cluster.api.request(
            "POST",
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": installed,
                    "resourceAttributes": {"verb": verb, "group": group, "resource": resource},
                },
            },
        )
        return bool(review["status"]["allowed"])

    # the authorizer hears of a new role a moment after it was made
    until(lambda: may("list", "", "services"), "the role is in force")

    assert may(verb, group, resource) is allowed
