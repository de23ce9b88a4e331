"""The table of metrics: CoreDNS's names and labels, and ours for the sync."""

from collections.abc import Iterator

import pytest

from kubedns_py.admin.declaration import Row
from kubedns_py.admin.forward_metrics import FORWARD_METRICS
from kubedns_py.admin.metrics import METRICS
from kubedns_py.admin.scrape import scrape
from kubedns_py.server.tally import Tally
from tests.admin.numbers import FakeStatus, some_sources
from tests.helpers.threads import beside

DNSSEC_OK = True

ZONE = ("server", "zone", "view")
COREDNS = {
    "build_info": ("version",),
    "panics_total": (),
    "dns_requests_total": (*ZONE, "proto", "family", "type"),
    "dns_request_duration_seconds": ZONE,
    "dns_request_size_bytes": (*ZONE, "proto"),
    "dns_response_size_bytes": (*ZONE, "proto"),
    "dns_do_requests_total": ZONE,
    "dns_responses_total": (*ZONE, "rcode", "plugin"),
    "dns_programming_duration_seconds": ("service_kind",),
}
"""Without ``coredns_`` and ``coredns_kubernetes_``."""

OURS = {
    "dns_dropped_total": ("reason",),
    "answer_truncated_total": ("proto",),
    "tcp_connections_total": ("outcome",),
    "tcp_connections_open": (),
    "dns_waiting": ("proto",),
    "informer_synced": ("resource",),
    "informer_last_contact_seconds": ("resource",),
    "relists_total": ("resource", "reason"),
    "watch_restarts_total": ("resource",),
    "watch_short_total": ("resource",),
    "watch_decode_errors_total": ("resource",),
    "watch_stale_events_total": ("resource",),
    "bad_objects_total": ("kind", "reason"),
    "api_errors_total": ("resource", "code"),
    "list_bytes": ("resource",),
    "list_seconds": ("resource",),
    "events_total": ("resource", "type"),
    "drift_total": ("resource",),
    "zone_serial": ("zone",),
    "zone_names_too_long": ("zone",),
    "services": (),
    "manifest_problems": (),
    "answer_table_entries": ("type",),
    "answer_table_octets": ("type",),
    "workers": (),
    "worker_restarts_total": (),
    "log_lines_dropped_total": (),
}


def rows(
    name: str, tally: Tally | None = None, resources: dict[str, FakeStatus] | None = None
) -> list[Row]:
    """Return what one metric makes of a scrape."""
    (metric,) = [each for each in METRICS if each.name == name]
    return list(metric.rows(scrape(some_sources(tally, resources))) or ())


def test_names_and_labels_are_those_that_dashboards_read() -> None:
    """Ecosystem 6.3; behaviour 2.2.4."""
    forwarding = {metric.name for metric in FORWARD_METRICS}  # theirs: test_forward_metrics.py

    labels = {metric.name: metric.labels for metric in METRICS if metric.name not in forwarding}

    assert labels == COREDNS | OURS


def test_every_counter_is_named_as_one_and_nothing_else_is() -> None:
    """OpenMetrics: the suffix _total belongs to counters."""
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.help.endswith("."), metric.name


def test_a_query_is_labelled_as_coredns_labels_it() -> None:
    """Ecosystem 6.3: server dns://:53, the zone with its dot, family 1 or 2."""
    tally = Tally()
    tally.record("tcp", 2, "cluster.local.", 33, DNSSEC_OK, 60, 200, 0, "service", 0.001)

    assert rows("dns_requests_total", tally) == [
        (("dns://:53", "cluster.local.", "", "tcp", "2", "SRV"), 1)
    ]
    assert rows("dns_responses_total", tally) == [
        (("dns://:53", "cluster.local.", "", "NOERROR", "service"), 1)
    ]
    assert rows("dns_do_requests_total", tally) == [(("dns://:53", "cluster.local.", ""), 1)]
    ((labels, _),) = rows("dns_request_duration_seconds", tally)
    assert labels == ("dns://:53", "cluster.local.", "")
    ((labels, _),) = rows("dns_response_size_bytes", tally)
    assert labels == ("dns://:53", "cluster.local.", "", "tcp")


def test_the_age_of_the_data_is_measured_by_the_monotonic_clock() -> None:
    """F-02, F-28: informer_last_contact_seconds; the sources' clock stands at 1000."""
    resources = {
        "services": FakeStatus(last_contact=990.0),
        "pods": FakeStatus(last_contact=1001.0),
        "endpointslices": FakeStatus(last_contact=None),
    }

    assert rows("informer_last_contact_seconds", resources=resources) == [
        (("services",), 10.0),
        (("pods",), 0.0),
    ]


def test_what_is_not_synced_is_zero_and_not_missing() -> None:
    """F-01: informer_synced{resource} = 0."""
    resources = {"services": FakeStatus(synced=True), "pods": FakeStatus(synced=False)}

    assert rows("informer_synced", resources=resources) == [(("services",), 1), (("pods",), 0)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relists_total", [(("services", "expired"), 4)]),
        ("watch_restarts_total", [(("services",), 5)]),
        ("watch_short_total", [(("services",), 6)]),
        ("watch_decode_errors_total", [(("services",), 7)]),
        ("api_errors_total", [(("services", "429"), 8)]),
        ("events_total", [(("services", "ADDED"), 9)]),
        ("list_bytes", [(("services",), 10)]),
        ("list_seconds", [(("services",), 1.5)]),
        ("drift_total", [(("services",), 11)]),
        ("bad_objects_total", [(("Service", "no name"), 12)]),
    ],
)
def test_the_state_of_a_resource_is_shown(name: str, expected: list[Row]) -> None:
    """F-07, F-09, F-16, F-17, F-22."""
    status = FakeStatus(
        relists={"expired": 4},
        watch_restarts=5,
        short_watches=6,
        decode_errors=7,
        api_errors={429: 8},
        events={"ADDED": 9},
        list_octets=10,
        list_seconds=1.5,
        drift=11,
        bad_objects={("Service", "no name"): 12},
    )

    assert rows(name, resources={"services": status}) == expected


def test_unreadable_objects_of_all_resources_are_summed() -> None:
    """The same kind may be read by two resources; series must not occur twice."""
    resources = {
        "endpoints": FakeStatus(bad_objects={("Endpoints", "no name"): 1}),
        "endpointslices": FakeStatus(bad_objects={("Endpoints", "no name"): 2}),
    }

    assert rows("bad_objects_total", resources=resources) == [(("Endpoints", "no name"), 3)]


def test_what_the_program_knows_is_shown() -> None:
    """Ecosystem 6.3: our own."""
    tally = Tally()
    tally.panic()
    tally.drop("short")
    tally.truncate("tcp")

    assert rows("answer_truncated_total", tally) == [(("tcp",), 1)]
    assert rows("panics_total", tally) == [((), 1)]
    assert rows("dns_dropped_total", tally) == [(("short",), 1), (("send_full",), 4)]
    assert rows("tcp_connections_total") == [(("accepted",), 9), (("idle",), 7)]
    assert rows("tcp_connections_open") == [((), 2)]
    assert rows("dns_waiting") == [(("udp",), 5), (("tcp",), 6)]
    assert rows("zone_serial") == [(("cluster.local.",), 7)]
    assert rows("zone_names_too_long") == [(("cluster.local.",), 1)]
    assert rows("services") == [((), 3)]
    assert rows("manifest_problems") == [((), 2)]
    assert rows("answer_table_entries") == [(("own",), 8), (("denial",), 2)]
    assert rows("answer_table_octets") == [(("own",), 9600), (("denial",), 1200)]
    assert rows("workers") == [((), 3)]
    assert rows("worker_restarts_total") == [((), 7)]


@pytest.mark.parametrize("name", ["events_total", "bad_objects_total"])
def test_a_scrape_can_run_while_the_cluster_changes(name: str) -> None:
    """The reflector's dictionaries grow in one thread while another reads them."""
    status = FakeStatus()

    def change() -> Iterator[None]:
        for number in range(3000):
            status.events[f"type {number}"] = number
            status.bad_objects["Service", f"reason {number}"] = number
            yield

    assert beside(lambda: rows(name, resources={"services": status}), change()) == []
