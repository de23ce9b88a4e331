"""Every metric, declared once: name, type, labels, help, and where its numbers come from.

Those of forwarding, its cache and its ConfigMap stand in ``forward_metrics.py``.

Rules of this file:

- Names, labels and buckets are CoreDNS's where CoreDNS has the metric, with our own prefix.
- Label values come from closed sets: zones, protocols, types, RCODEs, rules, reasons, resources.
  No names, no addresses of clients.
- ``docs/metrics.md`` is made from this table.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from kubedns_py import __version__
from kubedns_py.admin.declaration import VIEW, Metric, Row, Rows
from kubedns_py.admin.forward_metrics import FORWARD_METRICS
from kubedns_py.admin.inputs import Counts, Histogram, ResourceStatus
from kubedns_py.admin.scrape import Scrape

PREFIX = "kubedns_"

_Key = TypeVar("_Key", int, str)


def _requests(now: Scrape) -> Iterator[Row]:
    for (zone, proto, family, qtype), value in now.counts.requests.items():
        yield (now.server, zone, VIEW, proto, str(family), qtype), value


def _responses(now: Scrape) -> Iterator[Row]:
    for (zone, rcode, rule), value in now.counts.responses.items():
        yield (now.server, zone, VIEW, rcode, rule), value


def _by_zone(pick: Callable[[Counts], Mapping[str, float | Histogram]]) -> Rows:
    return lambda now: [
        ((now.server, zone, VIEW), value) for zone, value in pick(now.counts).items()
    ]


def _by_transport(pick: Callable[[Counts], Mapping[tuple[str, str], Histogram]]) -> Rows:
    return lambda now: [
        ((now.server, zone, VIEW, proto), value)
        for (zone, proto), value in pick(now.counts).items()
    ]


def _one(pick: Callable[[Scrape], float]) -> Rows:
    return lambda now: [((), pick(now))]


def _by(pick: Callable[[Scrape], Mapping[str, float | Histogram]]) -> Rows:
    return lambda now: [((name,), value) for name, value in pick(now).items()]


def _of_table(pick: Callable[[int, int], int]) -> Rows:
    return lambda now: [((kind,), pick(*held)) for kind, held in now.answer_table.items()]


def _of_resource(pick: Callable[[ResourceStatus], float]) -> Rows:
    return lambda now: [((name,), pick(status)) for name, status in now.resources.items()]


def _of_resource_by(pick: Callable[[ResourceStatus], Mapping[_Key, int]]) -> Rows:
    return lambda now: [
        ((name, str(key)), value)
        for name, status in now.resources.items()
        for key, value in dict(pick(status)).items()
    ]


def _last_contact(now: Scrape) -> Iterator[Row]:
    for name, status in now.resources.items():
        heard = status.last_contact
        if heard is not None:
            yield (name,), max(0.0, now.now - heard)


def _bad_objects(now: Scrape) -> Iterable[Row]:
    total: Counter[tuple[str, str]] = Counter()
    for status in now.resources.values():
        total.update(dict(status.bad_objects))
    return [(names, value) for names, value in total.items()]


_ZONE = ("server", "zone", "view")
_TRANSPORT = (*_ZONE, "proto")
_RESOURCE = ("resource",)

METRICS = (
    Metric(
        *("build_info", "info", ("version",)),
        "The version that runs.",
        lambda _: [((__version__,), 1)],
    ),
    Metric(
        *("panics_total", "counter", ()),
        "Queries answered with SERVFAIL because of a fault of ours.",
        _one(lambda now: now.counts.panics),
    ),
    Metric(
        *("dns_requests_total", "counter", (*_TRANSPORT, "family", "type")),
        "Queries that were answered.",
        _requests,
    ),
    Metric(
        *("dns_request_duration_seconds", "histogram", _ZONE),
        "Time from query to reply.",
        _by_zone(lambda counts: counts.durations),
    ),
    Metric(
        *("dns_request_size_bytes", "histogram", _TRANSPORT),
        "Length of queries.",
        _by_transport(lambda counts: counts.request_sizes),
    ),
    Metric(
        *("dns_response_size_bytes", "histogram", _TRANSPORT),
        "Length of replies.",
        _by_transport(lambda counts: counts.response_sizes),
    ),
    Metric(
        *("dns_do_requests_total", "counter", _ZONE),
        "Queries with the DO bit.",
        _by_zone(lambda counts: counts.do_requests),
    ),
    Metric(
        *("dns_responses_total", "counter", (*_ZONE, "rcode", "plugin")),
        "Replies; plugin is the rule that decided.",
        _responses,
    ),
    Metric(
        *("dns_dropped_total", "counter", ("reason",)),
        "Messages and connections that got no reply.",
        _by(lambda now: {**now.counts.drops, **now.datagram_drops}),
    ),
    Metric(
        *("answer_truncated_total", "counter", ("proto",)),
        "Replies that lost records because they did not fit; over TCP there is no second try.",
        _by(lambda now: now.counts.truncated),
    ),
    Metric(
        *("tcp_connections_total", "counter", ("outcome",)),
        "TCP connections: accepted, refused, and how they ended.",
        _by(lambda now: {name: each for name, each in now.connections.items() if name != "open"}),
    ),
    Metric(
        *("tcp_connections_open", "gauge", ()),
        "TCP connections that are open.",
        _one(lambda now: now.connections.get("open", 0)),
    ),
    Metric(
        *("dns_waiting", "gauge", ("proto",)),
        "Queries whose reply is waited for.",
        _by(lambda now: now.waiting),
    ),
    Metric(
        *("informer_synced", "gauge", _RESOURCE),
        "1 when a complete list was read once.",
        _of_resource(lambda status: float(status.synced)),
    ),
    Metric(
        *("informer_last_contact_seconds", "gauge", _RESOURCE),
        "Time since the API server was last heard; missing before the first time.",
        _last_contact,
    ),
    Metric(
        *("relists_total", "counter", (*_RESOURCE, "reason")),
        "Complete lists that were asked for again.",
        _of_resource_by(lambda status: status.relists),
    ),
    Metric(
        *("watch_restarts_total", "counter", _RESOURCE),
        "Watches that were opened again.",
        _of_resource(lambda status: status.watch_restarts),
    ),
    Metric(
        *("watch_short_total", "counter", _RESOURCE),
        "Watches that the server ended within a second.",
        _of_resource(lambda status: status.short_watches),
    ),
    Metric(
        *("watch_decode_errors_total", "counter", _RESOURCE),
        "Watches dropped because an event could not be read.",
        _of_resource(lambda status: status.decode_errors),
    ),
    Metric(
        *("watch_stale_events_total", "counter", _RESOURCE),
        "Events that were older than what was known, and ignored.",
        _of_resource(lambda status: status.stale_events),
    ),
    Metric(
        *("bad_objects_total", "counter", ("kind", "reason")),
        "Objects that could not be read, whose last good version stays, or that say something odd.",
        _bad_objects,
    ),
    Metric(
        *("api_errors_total", "counter", (*_RESOURCE, "code")),
        "Requests that the API server refused, by HTTP status; 0 is no answer.",
        _of_resource_by(lambda status: status.api_errors),
    ),
    Metric(
        *("list_bytes", "gauge", _RESOURCE),
        "Size of the last complete list.",
        _of_resource(lambda status: status.list_octets),
    ),
    Metric(
        *("list_seconds", "gauge", _RESOURCE),
        "Time that the last complete list took.",
        _of_resource(lambda status: status.list_seconds),
    ),
    Metric(
        *("events_total", "counter", (*_RESOURCE, "type")),
        "Events of watches.",
        _of_resource_by(lambda status: status.events),
    ),
    Metric(
        *("drift_total", "counter", _RESOURCE),
        "Objects that a relist had to correct.",
        _of_resource(lambda status: status.drift),
    ),
    Metric(
        *("zone_serial", "gauge", ("zone",)),
        "Serial of the zone's SOA record.",
        _by(lambda now: now.serials),
    ),
    Metric(
        *("zone_names_too_long", "gauge", ("zone",)),
        "Names of services and endpoints that would be longer than 255 octets, and are not served.",
        _by(lambda now: now.names_too_long),
    ),
    Metric(
        *("services", "gauge", ()),
        "Services that are known.",
        _one(lambda now: now.services),
    ),
    Metric(
        *("dns_programming_duration_seconds", "histogram", ("service_kind",)),
        "Time from a change of endpoints to its records.",
        _by(lambda now: now.counts.programming),
    ),
    Metric(
        *("manifest_problems", "gauge", ()),
        "What could not be read in the directory of manifests, at its last reading.",
        _one(lambda now: now.manifest_problems),
    ),
    Metric(
        *("answer_table_entries", "gauge", ("type",)),
        "Answers in the answer table; own is of the cluster's names, other is what upstreams said, "
        "denial is that there is nothing.",
        _of_table(lambda entries, _: entries),
    ),
    Metric(
        *("answer_table_octets", "gauge", ("type",)),
        "Estimate of the memory that they take, here and in each worker.",
        _of_table(lambda _, octets: octets),
    ),
    Metric(
        *("workers", "gauge", ()),
        "Processes that answer over UDP beside the main one.",
        _one(lambda now: now.workers),
    ),
    Metric(
        *("worker_restarts_total", "counter", ()),
        "Workers that ended or said nothing any more, and were started again.",
        _one(lambda now: now.worker_restarts),
    ),
    Metric(
        *("log_lines_dropped_total", "counter", ()),
        "Log lines that could not be written.",
        _one(lambda now: now.log_lines_dropped),
    ),
    *FORWARD_METRICS,
)
