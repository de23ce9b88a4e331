"""The pods of the chart: how they roll, what they may do, when they are alive and ready."""

import pytest

from tests.charts.render import RenderError, container, one, pod_spec


def test_a_roll_out_never_has_fewer_replicas_than_wanted() -> None:
    """kube-dns's manifest (behaviour 2.1.1): maxSurge 10 %, maxUnavailable 0."""
    spec = one(None, "Deployment")["spec"]

    assert spec["replicas"] == 2
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "10%", "maxUnavailable": 0},
    }


def test_a_stopping_pod_has_time_for_lameduck_and_drain() -> None:
    """The shutdown contract (reliability 3.1): 30 s lameduck within 60 s of grace."""
    assert "--lameduck=30s" in container()["args"]
    assert pod_spec()["terminationGracePeriodSeconds"] == 60


def test_a_lameduck_time_that_the_grace_period_cuts_short_is_refused() -> None:
    """The shutdown contract (reliability 3.1): exit 0 before the grace period ends."""
    with pytest.raises(RenderError, match="at least lameduckSeconds \\+ 10"):
        one({"lameduckSeconds": 51}, "Deployment")

    assert one({"lameduckSeconds": 50}, "Deployment")


def test_the_pod_passes_the_restricted_pod_security_standard() -> None:
    """Container posture (reliability 4.1): numeric user, nothing added, nothing writable."""
    assert pod_spec()["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_pod_has_nothing_to_write_to_and_no_share_of_the_host() -> None:
    """F-40 and reliability 4.1: no writable path is needed, no hostNetwork, no hostPath."""
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod_spec().keys()
    assert [volume.keys() for volume in pod_spec()["volumes"]] == [{"name", "configMap"}]
    assert all(mount["readOnly"] for mount in container()["volumeMounts"])


def test_the_config_map_is_mounted_where_kube_dns_has_it_and_need_not_exist() -> None:
    """kube-dns's manifest (ecosystem 6.1): optional, at /kube-dns-config."""
    assert pod_spec()["volumes"] == [
        {"name": "config", "configMap": {"name": "kube-dns", "optional": True}}
    ]
    assert container()["volumeMounts"] == [
        {"name": "config", "mountPath": "/kube-dns-config", "readOnly": True}
    ]


def test_a_config_map_that_is_watched_is_not_mounted() -> None:
    """Issue: --config-dir or --config-map."""
    values = {"config": {"read": "watched"}}

    assert "volumes" not in pod_spec(values)
    assert "volumeMounts" not in container(values)


def test_no_port_below_1024_is_bound() -> None:
    """Trap 8 (ecosystem 8): NET_BIND_SERVICE does not reach a Python that is not root."""
    assert {port["containerPort"] for port in container()["ports"]} == {10053, 8081, 9153}


def test_liveness_and_readiness_ask_the_health_port_and_are_patient() -> None:
    """Process behaviour (ecosystem 6.2): /healthz and /readyz; a busy node takes seconds."""
    live, ready = container()["livenessProbe"], container()["readinessProbe"]

    assert live["httpGet"] == {"path": "/healthz", "port": "healthz"}
    assert ready["httpGet"] == {"path": "/readyz", "port": "healthz"}
    assert (live["timeoutSeconds"], ready["timeoutSeconds"]) == (5, 5)


def test_memory_is_limited_and_cpu_is_not() -> None:
    """Values users expect (ecosystem 4.3): throttling shows as DNS latency."""
    assert container()["resources"] == {
        "requests": {"cpu": "100m", "memory": "128Mi"},
        "limits": {"memory": "340Mi"},
    }


def test_the_pod_is_critical_and_is_not_its_own_client() -> None:
    """kube-dns's manifest (behaviour 2.1.1): priority class, tolerations, dnsPolicy Default."""
    spec = pod_spec()

    assert spec["dnsPolicy"] == "Default"
    assert spec["priorityClassName"] == "system-cluster-critical"
    assert {"key": "CriticalAddonsOnly", "operator": "Exists"} in spec["tolerations"]


def test_only_the_pod_asks_for_the_service_accounts_token() -> None:
    """ServiceAccount (reliability 4.1): mounted only here."""
    assert one(None, "ServiceAccount")["automountServiceAccountToken"] is False
    assert pod_spec()["automountServiceAccountToken"] is True
    assert pod_spec()["serviceAccountName"] == "kubedns-py"


def test_replicas_spread_over_nodes_and_zones() -> None:
    """Availability (reliability 4.1): the constraints count this release's pods."""
    spreads = pod_spec()["topologySpreadConstraints"]

    assert [each["topologyKey"] for each in spreads] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert {str(each["labelSelector"]) for each in spreads} == {
        str(one(None, "Deployment")["spec"]["selector"])
    }


def test_one_pod_at_a_time_may_be_evicted() -> None:
    """Availability (reliability 4.1): PDB maxUnavailable 1."""
    budget = one(None, "PodDisruptionBudget")["spec"]

    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == one(None, "Deployment")["spec"]["selector"]


def test_a_digest_wins_over_a_tag() -> None:
    """Supply chain (reliability 4.1): an image can be pinned."""
    digest = "sha256:" + "0" * 64

    assert container()["image"] == "kubedns-py:0.1.0"
    assert container({"image": {"tag": "x"}})["image"] == "kubedns-py:x"
    assert container({"image": {"tag": "x", "digest": digest}})["image"] == f"kubedns-py@{digest}"
