"""Every option, declared once: flag, environment variable, range, default, help.

Rules of this file:

- ``Config`` is what the program reads; ``OPTIONS`` is how a person sets it. Nothing else declares
  a flag: arguments, environment, help text and ``docs/configuration.md`` are made from the table.
- Flags are spelled as kube-dns spells them where it has them.
- A default is written as a person would write it, and read by the same reader.
- What kube-dns accepts and we do not have stands in ``LEGACY``: manifests keep working, and one
  line says what is not done.
"""

from typing import Literal, NamedTuple

from kubedns_py.config import values
from kubedns_py.config.answer_options import ANSWERS
from kubedns_py.config.declaration import Group, Legacy, Option
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.config.outside_options import OUTSIDE
from kubedns_py.config.query_log import QueryLog
from kubedns_py.config.values import at_least_one, choice, duration, many, octets, whole


class Config(NamedTuple):
    """The options after reading. An empty text or tuple means "not given" or "all".

    Attributes:
        domains: lower case, with the trailing dot; one or more.
        healthz_port, metrics_port: 0 is off; equal ports share one listener.
        ttl, negative_ttl: seconds, 0 to 3600.
        dns_service: ``namespace/name``.
        max_answers: 0 is all.
        max_udp_size: octets, 512 to 4096.
        workers: processes that answer over UDP beside this one; 0 is none.
        answer_table_size_octets: of each process; 0 is no answer table, otherwise at least 1 MiB.
        nameservers: addresses only, no host names.
        config_dir, config_map: at most one of them.
        cache_size_octets: 0 is no cache.
        cache_max_ttl, cache_max_negative_ttl: seconds, 0 to 86,400.
        serve_stale_s: how long after its end an answer may be kept; 0 is off.
        filter_aaaa: domains in lower case with the last dot, ``.`` for all names, and addresses of
            upstreams in their shortest spelling.
    """

    kube_master_url: str
    kubecfg_file: str
    manifests: str
    domains: tuple[str, ...]
    dns_bind_addresses: tuple[str, ...]
    dns_port: int
    workers: int
    answer_table_size_octets: int
    healthz_port: int
    metrics_port: int
    admin_bind_addresses: tuple[str, ...]
    ttl: int
    negative_ttl: int
    pods: Literal["insecure", "verified", "disabled"]
    ptr: Literal["all", "hostname", "first"]
    headless_empty: Literal["nxdomain", "nodata"]
    endpoint_names: Literal["dashed", "hash", "both"]
    endpoint_pod_names: bool
    endpoints_api: Literal["endpointslices", "endpoints"]
    namespaces: tuple[str, ...]
    namespace_labels: str
    labels: str
    dns_service: str
    externalname_ip: Literal["nodata", "address"]
    ignore_empty_service: bool
    terminating: Literal["exclude", "include-if-none-ready"]
    local_cidrs: tuple[str, ...]
    max_answers: int
    max_udp_size: int
    answer_order: Literal["rotate", "stable"]
    chaos: bool
    ptr_pods: bool
    lameduck_s: float
    initial_sync_timeout_s: float
    stale_after_s: float
    logging_format: Literal["text", "json"]
    v: int
    nameservers: tuple[Nameserver, ...]
    forward: bool
    resolv_conf: str
    config_dir: str
    config_map: str
    config_map_namespace: str
    config_period_s: float
    max_concurrent: int
    cache_size_octets: int
    cache_max_ttl: int
    cache_max_negative_ttl: int
    serve_stale_s: float
    prefetch: bool
    filter_aaaa: tuple[str, ...]
    rebind_protection: bool
    randomize_case: bool
    private_reverse: Literal["forward", "nxdomain"]
    search_completion: bool
    log_queries: QueryLog


_HOUR = 3600

GROUPS = (
    Group(
        "Source of the cluster's objects (default: the API server of the pod's service account)",
        (
            Option(
                "kube-master-url",
                "kube_master_url",
                values.URL,
                "",
                help="URL of the API server; it wins over the one in --kubecfg-file. "
                "$NAME and ${NAME} are replaced from the environment.",
            ),
            Option(
                "kubecfg-file",
                "kubecfg_file",
                values.PATH,
                "",
                help="A kubeconfig file; its current context is used.",
            ),
            Option(
                "manifests",
                "manifests",
                values.PATH,
                "",
                help="A directory of YAML or JSON manifests to serve instead of a cluster.",
            ),
            Option(
                "endpoints-api",
                "endpoints_api",
                choice("endpointslices", "endpoints"),
                "endpointslices",
                help="Where endpoints are read from.",
            ),
            Option(
                "namespaces",
                "namespaces",
                many(values.NAMESPACE),
                "",
                help="Serve only these namespaces. Not together with --namespace-labels.",
            ),
            Option(
                "namespace-labels",
                "namespace_labels",
                values.SELECTOR,
                "",
                help="Serve only namespaces with these labels.",
            ),
            Option(
                "labels",
                "labels",
                values.SELECTOR,
                "",
                help="Serve only Services with these labels.",
            ),
            Option(
                "initial-sync-timeout",
                "initial_sync_timeout_s",
                duration(0, _HOUR, "0 to 1h"),
                "60s",
                help="After this time an unfinished first sync is reported as an error. "
                "The server keeps trying, and keeps answering SERVFAIL for its own names.",
            ),
            Option(
                "stale-after",
                "stale_after_s",
                duration(0, 24 * _HOUR, "0s to 24h"),
                "0s",
                help="When the API server has not been heard for this long, answers say so: "
                "EDE 3 (Stale Answer) and TTLs of at most 5 seconds. A quiet API server is heard "
                "about once a minute, so give 2m or more. 0s is never.",
            ),
        ),
    ),
    Group(
        "Serving",
        (
            Option(
                "domain",
                "domains",
                at_least_one(values.DOMAIN),
                "cluster.local.",
                help="The cluster's domain.",
            ),
            Option(
                "dns-bind-address",
                "dns_bind_addresses",
                at_least_one(values.ADDRESS),
                default="0.0.0.0,::",
                help="Addresses to answer on, UDP and TCP.",
            ),
            Option(
                "dns-port",
                "dns_port",
                values.PORT,
                "53",
                help="Port to answer on. Below 1024 it needs the right to bind there; "
                "containers use 10053.",
            ),
            Option(
                "workers",
                "workers",
                whole(0, 64, "PROCESSES"),
                "0",
                help="Processes that answer over UDP what was answered before, so that cores add "
                "up and nothing else that is done here slows them down; 0 answers in this one.",
            ),
            Option(
                "answer-table-size",
                "answer_table_size_octets",
                octets(2**30, "0, or 1Mi to 1Gi", least=2**20),
                "16Mi",
                help="Memory for answers over UDP that are repeated as they are, in this process "
                "and as much again in each worker; 0 makes every answer anew.",
            ),
            Option(
                "dns-service",
                "dns_service",
                values.SERVICE,
                "kube-system/kube-dns",
                help="The Service that clients reach this server by; the zone's NS record "
                "points at it.",
            ),
            Option(
                "max-udp-size",
                "max_udp_size",
                whole(512, 4096, "OCTETS"),
                "1232",
                help="Largest UDP reply, and the EDNS buffer size that is announced.",
            ),
            Option(
                "lameduck",
                "lameduck_s",
                duration(0, _HOUR, "0 to 1h"),
                "5s",
                help="How long to keep answering after SIGTERM, while readiness already fails. "
                "Must stay below terminationGracePeriodSeconds.",
            ),
            Option(
                "chaos",
                "chaos",
                values.BOOLEAN,
                "false",
                help="Answer id.server. and version.bind. TXT in class CH.",
            ),
        ),
    ),
    ANSWERS,
    OUTSIDE,
    Group(
        "Operation",
        (
            Option(
                "healthz-port",
                "healthz_port",
                values.PORT_OR_OFF,
                "8081",
                help="Port of /healthz and /readyz; 0 is off.",
            ),
            Option(
                "metrics-port",
                "metrics_port",
                values.PORT_OR_OFF,
                "9153",
                help="Port of /metrics; 0 is off. May equal --healthz-port.",
                aliases=("PROMETHEUS_PORT",),
            ),
            Option(
                "admin-bind-address",
                "admin_bind_addresses",
                at_least_one(values.ADDRESS),
                default="0.0.0.0,::",
                help="Addresses of the health and metrics ports.",
            ),
            Option(
                "logging-format",
                "logging_format",
                choice("text", "json"),
                "text",
                help="Log lines as klog writes them, or as JSON.",
            ),
            Option(
                "v",
                "v",
                whole(0, 10),
                "0",
                help="How much is logged; from 3 on also what is only of use to developers.",
            ),
        ),
    ),
)

OPTIONS = tuple(option for group in GROUPS for option in group.options)

_TO_STDERR = "log lines always go to standard error"

LEGACY = (
    Legacy("federations", "federated clusters are not served; kube-dns deprecated them"),
    Legacy("profiling", "there is no profiling page", switch=True),
    Legacy("logtostderr", _TO_STDERR, switch=True),
    Legacy("alsologtostderr", _TO_STDERR, switch=True),
    Legacy("stderrthreshold", _TO_STDERR),
    Legacy("log-dir", _TO_STDERR),
    Legacy("log-file", _TO_STDERR),
    Legacy("log-backtrace-at", "there are no backtraces of log lines"),
    Legacy("log-flush-frequency", "log lines are not held back"),
    Legacy("vmodule", "--v counts for all modules"),
)
