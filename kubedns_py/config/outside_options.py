"""The options for names outside the cluster; see ``options.py``."""

from kubedns_py.config import values
from kubedns_py.config.declaration import Group, Option
from kubedns_py.config.nameserver import NAMESERVER
from kubedns_py.config.query_log import QUERY_LOG
from kubedns_py.config.values import choice, duration, many, octets, whole

_DAY = 86_400
_HOUR = 3600

OUTSIDE = Group(
    "Names outside the cluster",
    (
        Option(
            "forward",
            "forward",
            values.BOOLEAN,
            "true",
            help="Whether names outside the cluster are asked of upstreams. Without it they are "
            "refused: for a server that only others send the cluster's names to.",
        ),
        Option(
            "nameservers",
            "nameservers",
            many(NAMESERVER),
            "",
            help="Servers that other names are asked of, instead of those in --resolv-conf; "
            "upstreamNameservers of the ConfigMap counts more.",
        ),
        Option(
            "resolv-conf",
            "resolv_conf",
            values.PATH,
            "/etc/resolv.conf",
            help="Where the node's nameservers are read from, again when it changes.",
        ),
        Option(
            "config-dir",
            "config_dir",
            values.PATH,
            "",
            help="A directory with stubDomains and upstreamNameservers as files: kube-dns's "
            "ConfigMap, mounted. Not together with --config-map.",
        ),
        Option(
            "config-map",
            "config_map",
            values.CONFIG_MAP,
            "",
            help="A ConfigMap with stubDomains and upstreamNameservers, watched through the API "
            "server.",
        ),
        Option(
            "config-map-namespace",
            "config_map_namespace",
            values.NAMESPACE,
            "kube-system",
            help="The namespace of --config-map.",
        ),
        Option(
            "config-period",
            "config_period_s",
            duration(1, _HOUR, "1s to 1h"),
            "10s",
            help="How often --config-dir and --resolv-conf are looked at.",
        ),
        Option(
            "max-concurrent",
            "max_concurrent",
            whole(10, 100_000),
            "1000",
            help="At most this many questions wait for other servers at a time; further ones get "
            "SERVFAIL at once.",
        ),
        Option(
            "cache-size",
            "cache_size_octets",
            octets(16 * 2**30, "0 to 16Gi"),
            "32Mi",
            help="Memory for answers of other servers; 0 is no cache.",
        ),
        Option(
            "cache-max-ttl",
            "cache_max_ttl",
            whole(0, _DAY, "SECONDS"),
            "3600",
            help="An answer with records is kept for its TTL, at most this many seconds.",
        ),
        Option(
            "cache-max-negative-ttl",
            "cache_max_negative_ttl",
            whole(0, _DAY, "SECONDS"),
            "1800",
            help="NXDOMAIN and NODATA are kept for their TTL, at most this many seconds.",
        ),
        Option(
            "serve-stale",
            "serve_stale_s",
            duration(0, 3 * _DAY, "0s to 72h"),
            "24h",
            help="How long past its TTL an answer is kept, to be given with EDE 3 (Stale Answer) "
            "when no server answers. 0s is off.",
        ),
        Option(
            "prefetch",
            "prefetch",
            values.BOOLEAN,
            "true",
            help="Ask again for names that are asked often, before their answer's TTL ends.",
        ),
        Option(
            "filter-aaaa",
            "filter_aaaa",
            many(values.AAAA_FILTER),
            "",
            help="Answer AAAA questions with no data for names in these domains (. is all), and "
            "where these servers would be asked.",
        ),
        Option(
            "rebind-protection",
            "rebind_protection",
            values.BOOLEAN,
            "false",
            help="Take private, loopback and link-local addresses, and those in --local-cidrs, out "
            "of what the default upstreams say; those of stub domains may say them.",
        ),
        Option(
            "randomize-case",
            "randomize_case",
            values.BOOLEAN,
            "false",
            help="Ask upstreams over UDP for names in random capitals and take no reply in others "
            "(0x20), where a server keeps them.",
        ),
        Option(
            "private-reverse",
            "private_reverse",
            choice("forward", "nxdomain"),
            "forward",
            help="Unknown reverse names of private addresses (RFC 6303): ask other servers, or "
            "NXDOMAIN.",
        ),
        Option(
            "search-completion",
            "search_completion",
            values.BOOLEAN,
            "false",
            help="Answer the first name of a search list walk with what the last one would give, "
            "when none in between exists.",
        ),
        Option(
            "log-queries",
            "log_queries",
            QUERY_LOG,
            "off",
            help="Log all queries, a random share, or only those that took longer. What cannot be "
            "written in time is counted in kubedns_log_lines_dropped_total.",
        ),
    ),
)
