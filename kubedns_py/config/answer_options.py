"""The options that decide how the cluster's own names are answered; see ``options.py``."""

from kubedns_py.config import values
from kubedns_py.config.declaration import Group, Option
from kubedns_py.config.values import choice, many, whole

ANSWERS = Group(
    "Answers",
    (
        Option(
            "ttl",
            "ttl",
            whole(0, 3600, "SECONDS"),
            "30",
            help="TTL of records, in seconds.",
        ),
        Option(
            "negative-ttl",
            "negative_ttl",
            whole(0, 3600, "SECONDS"),
            "5",
            help="TTL of NXDOMAIN and NODATA, in seconds.",
        ),
        Option(
            "pods",
            "pods",
            choice("insecure", "verified", "disabled"),
            "insecure",
            help="Names such as 10-1-2-3.NAMESPACE.pod: for any address in an existing "
            "namespace, for addresses of running pods (watches Pods), or none.",
        ),
        Option(
            "endpoint-names",
            "endpoint_names",
            choice("dashed", "hash", "both"),
            "dashed",
            help="Names of endpoints without a hostname: the dashed address as in CoreDNS, "
            "the hash as in kube-dns, or both.",
        ),
        Option(
            "endpoint-pod-names",
            "endpoint_pod_names",
            values.BOOLEAN,
            "false",
            help="Name endpoints without a hostname after their pod.",
        ),
        Option(
            "headless-empty",
            "headless_empty",
            choice("nxdomain", "nodata"),
            "nxdomain",
            help="What a headless Service without ready endpoints answers.",
        ),
        Option(
            "ignore-empty-service",
            "ignore_empty_service",
            values.BOOLEAN,
            "false",
            help="NXDOMAIN for a ClusterIP Service without ready endpoints.",
        ),
        Option(
            "terminating",
            "terminating",
            choice("exclude", "include-if-none-ready"),
            default="exclude",
            help="Endpoints that still serve while they terminate: left out, or taken when "
            "no endpoint is ready.",
        ),
        Option(
            "externalname-ip",
            "externalname_ip",
            choice("nodata", "address"),
            "nodata",
            help="What a Service answers whose externalName is an IP address.",
        ),
        Option(
            "ptr",
            "ptr",
            choice("all", "hostname", "first"),
            "all",
            help="Which names an endpoint's address has: one per Service, only those "
            "of endpoints with a hostname, or the first.",
        ),
        Option(
            "ptr-pods",
            "ptr_pods",
            values.BOOLEAN,
            "false",
            help="Reverse names of pods that no Service selects; needs --pods verified.",
        ),
        Option(
            "local-cidrs",
            "local_cidrs",
            many(values.CIDR),
            "",
            help="Networks whose reverse names are ours: an unknown address in them is NXDOMAIN.",
        ),
        Option(
            "answer-order",
            "answer_order",
            choice("rotate", "stable"),
            "rotate",
            help="Whether the records of an answer change places from reply to reply.",
        ),
        Option(
            "max-answers",
            "max_answers",
            whole(0, 65535),
            "0",
            help="At most this many records of a headless Service in an answer, "
            "picked anew for each; 0 is all.",
        ),
    ),
)
