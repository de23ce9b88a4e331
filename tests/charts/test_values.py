"""The chart's values: each reaches the server's own options, and what does not exist is refused."""

import json
from typing import Any

import pytest
import yaml

from kubedns_py.config.arguments import load
from kubedns_py.config.dynamic import read_dynamic
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.config.options import OPTIONS, Config
from kubedns_py.config.query_log import QueryLog
from tests.charts.everything import EVERYTHING
from tests.charts.render import CHART, RenderError, container, one, render_chart, render_files

# Flags that are facts of a pod, or that the chart sets from values of its own.
OF_THE_POD = {
    "kube-master-url",
    "kubecfg-file",
    "manifests",
    "dns-bind-address",
    "dns-port",
    "healthz-port",
    "metrics-port",
    "admin-bind-address",
    "lameduck",
    "logging-format",
    "v",
    "resolv-conf",
    "config-dir",
    "config-map",
    "config-map-namespace",
}


def config(values: dict[str, Any] | None) -> Config:
    """Return what the server makes of the Deployment's arguments; no warning may be left."""
    command, *arguments = container(values)["args"]
    assert command == "serve"
    loaded = load(arguments, {}, program="kubedns-py serve")
    assert loaded.notices == ()
    return loaded.config


def properties() -> dict[str, Any]:
    """Return the values' schema: what a user may write."""
    schema: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
    made: dict[str, Any] = schema["properties"]
    return made


def test_the_server_understands_the_default_arguments() -> None:
    """House rule 23: chart values against options."""
    made = config(None)

    assert (made.dns_port, made.healthz_port, made.metrics_port) == (10053, 8081, 9153)
    assert made.domains == ("cluster.local.",)
    assert made.dns_service == "kube-system/kube-dns"
    assert made.lameduck_s == 30


def test_every_dns_value_arrives_in_the_option_of_its_name() -> None:
    """House rule 23: chart values against options."""
    made = config(EVERYTHING)

    assert made.ttl == 10
    assert made.negative_ttl == 0
    assert made.pods == "verified"
    assert made.ptr == "hostname"
    assert made.ptr_pods is True
    assert made.headless_empty == "nodata"
    assert made.endpoint_names == "both"
    assert made.endpoint_pod_names is True
    assert made.endpoints_api == "endpoints"
    assert made.namespaces == ("default", "shop")
    assert made.labels == "tier=front"
    assert made.externalname_ip == "address"
    assert made.ignore_empty_service is True
    assert made.terminating == "include-if-none-ready"
    assert made.local_cidrs == ("10.96.0.0/12", "fd00::/108")
    assert made.max_answers == 8
    assert made.max_udp_size == 4096
    assert made.answer_order == "stable"
    assert made.workers == 1
    assert made.answer_table_size_octets == 8 * 2**20
    assert made.chaos is True
    assert made.initial_sync_timeout_s == 120
    assert made.nameservers == (Nameserver("10.0.0.3", 5353),)
    assert made.config_period_s == 30
    assert made.max_concurrent == 5000
    assert made.cache_size_octets == 64 * 2**20
    assert made.cache_max_ttl == 600
    assert made.cache_max_negative_ttl == 0
    assert made.serve_stale_s == 0
    assert made.forward is True
    assert made.prefetch is False
    assert made.filter_aaaa == (".", "10.0.0.3")
    assert made.rebind_protection is True
    assert made.randomize_case is True
    assert made.private_reverse == "nxdomain"
    assert made.search_completion is True
    assert made.log_queries == QueryLog(share=0.01, slower_than_s=0.0)
    assert made.logging_format == "json"
    assert made.v == 2
    assert made.dns_bind_addresses == ("0.0.0.0",)


def test_a_server_that_asks_nobody_says_that_it_does_not_read_the_config_map() -> None:
    """The chart mounts it in any case: a notice, and the pod starts."""
    _, *arguments = container({"dns": {"forward": False}})["args"]

    loaded = load(arguments, {}, program="kubedns-py serve")

    assert loaded.config.forward is False
    assert loaded.notices == ("--config-dir: not read with --forward=false; nobody is asked then",)


def test_the_server_reads_the_config_map_where_the_chart_has_it() -> None:
    """House rule 23: chart values against options; kube-dns's directory."""
    mounted, watched = config(None), config(EVERYTHING)

    assert (mounted.config_dir, mounted.config_map) == ("/kube-dns-config", "")
    assert (watched.config_dir, watched.config_map) == ("", "dns-servers")
    assert watched.config_map_namespace == "kube-system"
    assert mounted.resolv_conf == "/etc/resolv.conf"


def test_the_server_accepts_the_config_map_that_the_chart_makes() -> None:
    """Values users expect (ecosystem 4.3): config.stubDomains and config.upstreamNameservers."""
    made = one(EVERYTHING, "ConfigMap")

    found = read_dynamic(made["data"], cluster_domains=())

    assert made["metadata"]["name"] == "dns-servers"
    assert found.stub_domains == {
        (b"corp", b"example"): (Nameserver("10.0.0.1"), Nameserver("ns.corp.example", 5353))
    }
    assert found.upstream_nameservers == (
        Nameserver("10.0.0.2"),
        Nameserver("1.1.1.1", 853, "one.one.one.one"),
    )
    assert found.notices == ()


def test_without_servers_of_its_own_the_chart_makes_no_config_map() -> None:
    """The one of kube-dns may be there already, and is read."""
    assert "ConfigMap" not in {each["kind"] for each in render_chart()}
    only_stubs = one({"config": {"stubDomains": {"a.b": ["10.0.0.1"]}}}, "ConfigMap")
    assert only_stubs["data"].keys() == {"stubDomains"}


def test_every_option_has_a_value_or_is_a_fact_of_the_pod() -> None:
    """House rule 23: an option that the chart cannot set was forgotten here."""
    folded = {key.lower() for key in properties()["dns"]["properties"]}

    of_answers = {
        option.flag.replace("-", "") for option in OPTIONS if option.flag not in OF_THE_POD
    }

    assert folded == of_answers


def test_what_is_not_set_keeps_the_programs_default() -> None:
    """Our choice: a default stands in one place, the declaration of the option."""
    given = {option.field: option.default for option in OPTIONS}
    chart = yaml.safe_load((CHART / "values.yaml").read_text())["dns"]

    assert chart == {
        "domain": "cluster.local",
        "pods": given["pods"],
        "endpointsAPI": given["endpoints_api"],
    }


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"replicas": 3}, "replicas", id="at the top"),
        pytest.param({"dns": {"cacheOctets": 1}}, "cacheOctets", id="under dns"),
        pytest.param({"dns": {"cacheSize": 1}}, "cacheSize", id="number for a text"),
        pytest.param({"config": {"stubs": {}}}, "stubs", id="under config"),
        pytest.param({"config": {"stubDomains": {"a": "b"}}}, "stubDomains", id="no list"),
        pytest.param({"config": {"read": "often"}}, "read", id="not one of the two"),
        pytest.param({"service": {"port": 53}}, "port", id="under service"),
        pytest.param({"dns": {"ttl": "30"}}, "ttl", id="text for a number"),
        pytest.param({"dns": {"ttl": 3601}}, "ttl", id="out of range"),
        pytest.param({"dns": {"pods": "verify"}}, "pods", id="not one of the choices"),
        pytest.param({"dns": {"ptrPods": True}}, "pods", id="pointers of unverified pods"),
        pytest.param({"image": {"digest": "latest"}}, "digest", id="not a digest"),
        pytest.param({"extraArgs": ["domain"]}, "extraArgs", id="an argument without dashes"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused_by_name(
    values: dict[str, Any], named: str
) -> None:
    """Values users expect (ecosystem 4.3): a schema that knows every key."""
    with pytest.raises(RenderError, match=named):
        render_chart(values)


def test_every_value_of_the_file_is_in_the_schema_and_the_other_way_round() -> None:
    """Values users expect (ecosystem 4.3): additionalProperties false at the top."""
    shown = yaml.safe_load((CHART / "values.yaml").read_text())

    # "global" is Helm's own, for charts that hold this one.
    assert shown.keys() == properties().keys() - {"global"}


def test_the_notes_name_the_service_that_was_installed() -> None:
    """NOTES.txt with the exact lines (ecosystem 4.3)."""
    notes = (CHART / "templates" / "NOTES.txt").read_text()

    assert "{{ .Values.service.name }}" in notes
    for path, text in render_files({"service": {"name": "trial"}}, namespace="dns").items():
        if path.endswith("NOTES.txt"):
            assert "kubectl -n dns port-forward service/trial 10053:dns-tcp" in text
            assert "dig @127.0.0.1 -p 10053 +tcp kubernetes.default.svc.cluster.local A" in text
            assert "<no value>" not in text
