"""Makes ``docs/metrics.md``: ``python -m kubedns_py.admin.document`` prints it."""

import sys

from kubedns_py.admin.metrics import METRICS, PREFIX

_INTRODUCTION = """\
# Metrics

`/metrics` on `--metrics-port`, as Prometheus text or OpenMetrics, whichever the Accept header
names. This page is made from their declarations (`python -m kubedns_py.admin.document`); a test
checks that it is current.

Names, labels and buckets are CoreDNS's where it has the metric, with the prefix `kubedns_` for
`coredns_`. `zone` is where a name belongs: to one of the zones served, a stub domain, `.` for
what the default upstreams are asked, or `dropped` for what is in none of them, or no question;
`type` is a query type of a fixed list, or `other`; `plugin` is the rule that decided; `family` is 1
for IPv4 and 2 for IPv6; `view` is empty. No label holds a name that was asked for, or a client's
address.

`to` is an upstream as it is configured: `ip:port`, or `tls://ip:port#name`. One that is asked no
more is gone from the page. Without forwarding (`--forward=false`) there is nothing of `cache_*`,
`proxy_*`, `forward_*`, `upstream_*`, `loop_*` and `config_*`; the last stand there only where a
ConfigMap is used. CoreDNS has its older names (`forward_requests_total` and the like) no more, nor
have we: `proxy_request_duration_seconds_count` says the same.

| Name | Type | Labels | Meaning |
|---|---|---|---|
"""

_OTHERS = """
Beside these stand `process_*`, `python_info` and `python_gc_*`.
"""


def markdown() -> str:
    """Return the page."""
    rows = [
        f"| `{PREFIX}{each.name}` | {each.kind} | "
        f"{', '.join(f'`{label}`' for label in each.labels) or 'none'} | {each.help} |\n"
        for each in METRICS
    ]
    return _INTRODUCTION + "".join(rows) + _OTHERS


if __name__ == "__main__":
    sys.stdout.write(markdown())
