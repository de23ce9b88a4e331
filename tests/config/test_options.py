"""The table of options: complete, consistent, and with the defaults that operators expect."""

from typing import Any, get_args, get_origin, get_type_hints

import pytest

from kubedns_py.config.declaration import Option
from kubedns_py.config.options import LEGACY, OPTIONS, Config
from kubedns_py.config.query_log import QueryLog

DEFAULTS = {
    "kube_master_url": "",
    "kubecfg_file": "",
    "manifests": "",
    "domains": ("cluster.local.",),
    "dns_bind_addresses": ("0.0.0.0", "::"),
    "dns_port": 53,
    "healthz_port": 8081,
    "metrics_port": 9153,
    "admin_bind_addresses": ("0.0.0.0", "::"),
    "ttl": 30,
    "negative_ttl": 5,
    "pods": "insecure",
    "ptr": "all",
    "headless_empty": "nxdomain",
    "endpoint_names": "dashed",
    "endpoint_pod_names": False,
    "endpoints_api": "endpointslices",
    "namespaces": (),
    "namespace_labels": "",
    "labels": "",
    "dns_service": "kube-system/kube-dns",
    "externalname_ip": "nodata",
    "ignore_empty_service": False,
    "terminating": "exclude",
    "local_cidrs": (),
    "max_answers": 0,
    "max_udp_size": 1232,
    "workers": 0,
    "answer_table_size_octets": 16_777_216,
    "answer_order": "rotate",
    "chaos": False,
    "ptr_pods": False,
    "lameduck_s": 5.0,
    "initial_sync_timeout_s": 60.0,
    "stale_after_s": 0.0,
    "logging_format": "text",
    "v": 0,
    "nameservers": (),
    "forward": True,
    "resolv_conf": "/etc/resolv.conf",
    "config_dir": "",
    "config_map": "",
    "config_map_namespace": "kube-system",
    "config_period_s": 10.0,
    "max_concurrent": 1000,
    "cache_size_octets": 33_554_432,
    "cache_max_ttl": 3600,
    "cache_max_negative_ttl": 1800,
    "serve_stale_s": 86_400.0,
    "prefetch": True,
    "filter_aaaa": (),
    "rebind_protection": False,
    "randomize_case": False,
    "private_reverse": "forward",
    "search_completion": False,
    "log_queries": QueryLog(share=0.0, slower_than_s=0.0),
}


def by_flag(flag: str) -> Option:
    """Return the option with a flag."""
    (option,) = [each for each in OPTIONS if each.flag == flag]
    return option


def test_every_field_is_set_by_exactly_one_option() -> None:
    """Every option is declared exactly once (docs/architecture.md)."""
    assert sorted(option.field for option in OPTIONS) == sorted(Config._fields)
    assert len({option.flag for option in OPTIONS}) == len(OPTIONS)
    assert len({option.environment for option in OPTIONS}) == len(OPTIONS)


def test_defaults_are_those_of_the_contract() -> None:
    """Behaviour 0.3, 1.17 and 2.1.2."""
    assert {option.field: option.kind.read(option.default) for option in OPTIONS} == DEFAULTS


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_a_default_has_the_type_of_its_field(option: Option) -> None:
    """Config is filled from readers that mypy cannot connect with its fields."""
    expected: Any = get_type_hints(Config)[option.field]
    value = option.kind.read(option.default)

    choices = get_args(expected)
    if get_origin(expected) is tuple:
        assert isinstance(value, tuple)
        assert all(isinstance(each, choices[0]) for each in value)
    elif choices:
        assert set(option.kind.metavar.split("|")) == set(choices)
    else:
        assert type(value) is expected


@pytest.mark.parametrize(
    ("flag", "lowest", "highest"),
    [
        ("ttl", "0", "3600"),
        ("negative-ttl", "0", "3600"),
        ("dns-port", "1", "65535"),
        ("healthz-port", "0", "65535"),
        ("metrics-port", "0", "65535"),
        ("max-udp-size", "512", "4096"),
        ("workers", "0", "64"),
        ("max-answers", "0", "65535"),
        ("v", "0", "10"),
        ("lameduck", "0", "1h"),
        ("initial-sync-timeout", "0", "1h"),
        ("config-period", "1s", "1h"),
        ("max-concurrent", "10", "100000"),
        ("cache-size", "0", "16Gi"),
        ("cache-max-ttl", "0", "86400"),
        ("cache-max-negative-ttl", "0", "86400"),
        ("serve-stale", "0s", "72h"),
    ],
)
def test_both_ends_of_a_range_are_accepted(flag: str, lowest: str, highest: str) -> None:
    """Contract of Config; TTLs 0 to 3600 as in CoreDNS."""
    kind = by_flag(flag).kind

    assert kind.accepts == f"{lowest} to {highest}"
    kind.read(lowest)
    kind.read(highest)


def test_both_ends_of_the_answer_tables_range_are_accepted_and_nothing_is_too() -> None:
    """Less than 1 MiB would be for a few hundred answers; more than 1 GiB is of no use."""
    kind = by_flag("answer-table-size").kind

    assert kind.accepts == "0, or 1Mi to 1Gi"
    assert [kind.read(text) for text in ("0", "1Mi", "1Gi")] == [0, 2**20, 2**30]


def test_flags_of_kube_dns_are_options_or_accepted() -> None:
    """Behaviour 2.1.2: manifests made for kube-dns keep working."""
    known = {option.flag for option in OPTIONS} | {legacy.flag for legacy in LEGACY} | {"version"}

    assert known >= {
        "domain",
        "nameservers",
        "kubecfg-file",
        "kube-master-url",
        "healthz-port",
        "dns-bind-address",
        "dns-port",
        "federations",
        "config-map-namespace",
        "config-map",
        "config-dir",
        "config-period",
        "initial-sync-timeout",
        "profiling",
        "v",
        "vmodule",
        "logtostderr",
        "alsologtostderr",
        "stderrthreshold",
        "version",
    }


def test_every_text_for_people_ends_as_a_sentence_and_is_plain() -> None:
    """Help, documentation and warnings are made from the table."""
    for option in OPTIONS:
        assert option.help.endswith("."), option.flag
        assert option.help.isprintable(), option.flag
    for legacy in LEGACY:
        assert legacy.note, legacy.flag
        assert not legacy.note.endswith("."), legacy.flag
