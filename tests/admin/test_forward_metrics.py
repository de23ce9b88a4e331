"""The metrics of forwarding: CoreDNS's names and labels, and ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubedns_py.admin.declaration import Row
from kubedns_py.admin.forward_inputs import Forwarding
from kubedns_py.admin.forward_metrics import FORWARD_METRICS
from kubedns_py.admin.scrape import scrape
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.rcode import MNEMONICS
from kubedns_py.sources.configuration import ConfigurationStatus
from kubedns_py.structs import replace
from kubedns_py.upstream.cache import CacheCounts
from kubedns_py.upstream.counts import Reject, Retry
from kubedns_py.upstream.health import Health
from kubedns_py.upstream.routes import Routes
from tests.admin.forward_numbers import (
    NOTHING,
    FakeExchanges,
    FakeForwarder,
    FakeForwarding,
    FakeUpstreams,
)
from tests.admin.numbers import some_sources
from tests.helpers.forwarding import ONE, TWO, ForwardStage, a_group
from tests.helpers.threads import beside

NOW = 1000.0
"""What the clock of the sources shows."""

CACHE = ("server", "zones", "view")
CACHE_TYPE = ("server", "type", "zones", "view")
COREDNS = {
    "cache_entries": CACHE_TYPE,
    "cache_requests_total": CACHE,
    "cache_hits_total": CACHE_TYPE,
    "cache_misses_total": CACHE,
    "cache_prefetch_total": CACHE,
    "cache_served_stale_total": CACHE,
    "cache_evictions_total": CACHE_TYPE,
    "proxy_request_duration_seconds": ("proxy_name", "to", "rcode"),
    "proxy_healthcheck_failures_total": ("proxy_name", "to"),
    "proxy_conn_cache_hits_total": ("proxy_name", "proto"),
    "proxy_conn_cache_misses_total": ("proxy_name", "proto"),
    "forward_healthcheck_broken_total": (),
    "forward_max_concurrent_rejects_total": (),
}
"""Without ``coredns_``; its label ``to`` of connections is missing: they are counted together."""

OURS = {
    "cache_octets": ("type",),
    "upstream_up": ("to",),
    "upstream_rtt_seconds": ("to",),
    "forward_rejects_total": ("reason",),
    "forward_retries_total": ("reason",),
    "forward_coalesced_total": (),
    "forward_mismatches_total": ("transport", "reason"),
    "forward_rebinding_total": (),
    "loop_detected_total": (),
    "forward_in_flight": (),
    "forward_waiting": (),
    "config_valid": (),
    "config_generation": (),
    "config_refusals_total": (),
}


def rows_or_none(name: str, forwarding: Forwarding | None) -> list[Row] | None:
    """Return what one metric makes of a scrape; None if it is not on the page."""
    (metric,) = [each for each in FORWARD_METRICS if each.name == name]
    made = metric.rows(scrape(some_sources(forwarding=forwarding)))
    return None if made is None else list(made)


def rows(name: str, forwarding: Forwarding) -> list[Row]:
    """Return what one metric that is on the page makes of a scrape."""
    made = rows_or_none(name, forwarding)
    assert made is not None
    return made


def of_servers(*healths: Health) -> FakeForwarding:
    """Return the forwarding to these upstreams."""
    return FakeForwarding(forwarder=FakeForwarder(healths))


def test_names_and_labels_are_those_that_dashboards_read() -> None:
    """Ecosystem 6.3; behaviour 2.2.4."""
    assert {metric.name: metric.labels for metric in FORWARD_METRICS} == COREDNS | OURS


@pytest.mark.parametrize("name", COREDNS | OURS)
def test_without_forwarding_nothing_of_it_is_on_the_page(name: str) -> None:
    """--forward=false."""
    assert rows_or_none(name, None) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cache_entries", ["success 1", "denial 2"]),
        ("cache_hits_total", ["success 50", "denial 6"]),
        ("cache_evictions_total", ["success 7", "denial 8"]),
        ("cache_requests_total", ["65"]),
        ("cache_misses_total", ["9"]),
        ("cache_served_stale_total", ["10"]),
        ("cache_prefetch_total", ["11"]),
    ],
)
def test_the_cache_is_labelled_as_coredns_labels_its_own(name: str, expected: list[str]) -> None:
    """Behaviour 2.2.4: types success and denial; requests are hits and misses."""
    cache = CacheCounts(
        entries={"success": 1, "denial": 2},
        octets={"success": 300, "denial": 400},
        hits={"success": 50, "denial": 6},
        misses=9,
        evictions={"success": 7, "denial": 8},
        served_stale=10,
    )
    made = rows(name, FakeForwarding(upstreams=FakeUpstreams(cache, prefetches=11)))

    assert {(labels[0], *labels[-2:]) for labels, _ in made} == {("dns://:53", ".", "")}
    assert [" ".join((*labels[1:-2], str(value))) for labels, value in made] == expected


def test_the_memory_of_the_cache_is_shown() -> None:
    """L-03: by share."""
    cache = replace(NOTHING, octets={"success": 300, "denial": 400})

    made = rows("cache_octets", FakeForwarding(upstreams=FakeUpstreams(cache)))

    assert made == [(("success",), 300), (("denial",), 400)]


def test_replies_are_counted_by_upstream_and_code() -> None:
    """Behaviour 2.2.4: coredns_proxy_request_duration_seconds{proxy_name,to,rcode}."""
    plain, tls = Health(Nameserver("2001:db8::1")), Health(Nameserver("192.0.2.1", 853, "one.test"))
    plain.counts.replied(0, 0.002)
    plain.counts.replied(3, 0.001)
    tls.counts.replied(4095, 0.3)

    made = rows("proxy_request_duration_seconds", of_servers(plain, tls))

    assert [labels for labels, _ in made] == [
        ("forward", "[2001:db8::1]:53", "NOERROR"),
        ("forward", "[2001:db8::1]:53", "NXDOMAIN"),
        ("forward", "tls://192.0.2.1:853#one.test", "other"),
    ]
    histogram = made[0][1]
    assert not isinstance(histogram, int | float)
    assert list(histogram.bounds) == [0.00025 * 2**step for step in range(16)]
    assert (sum(histogram.counts), histogram.total) == (1, 0.002)


def test_an_upstream_that_answers_is_up_and_one_that_does_not_is_not() -> None:
    """F-32: upstream_up; the time to a reply is missing while there was none."""
    good, dead = Health(Nameserver(ONE)), Health(Nameserver(TWO))
    good.replied(0.02, NOW)
    for _ in range(2):
        dead.failed_probe()
    forwarding = of_servers(good, dead)

    assert rows("upstream_up", forwarding) == [((f"{ONE}:53",), 1), ((f"{TWO}:53",), 0)]
    assert rows("upstream_rtt_seconds", forwarding) == [((f"{ONE}:53",), 0.02)]
    assert rows("proxy_healthcheck_failures_total", forwarding) == [
        (("forward", f"{ONE}:53"), 0),
        (("forward", f"{TWO}:53"), 2),
    ]


@pytest.mark.parametrize(("since", "up"), [(NOW, 0), (NOW - 31, 1)])
def test_an_upstream_that_sends_questions_back_is_not_up_as_long_as_it_rests(
    since: float, up: int
) -> None:
    """C-22: 30 s, by the clock of the sources."""
    health = Health(Nameserver(ONE))
    health.loops(since)

    assert rows("upstream_up", of_servers(health)) == [((f"{ONE}:53",), up)]


@pytest.mark.parametrize("name", ["upstream_up", "proxy_healthcheck_failures_total"])
def test_an_upstream_that_is_asked_no_more_is_gone(name: str) -> None:
    """Of a closed set are the upstreams of now, not all that ever were."""
    stage = ForwardStage(ONE, TWO)
    forwarding = FakeForwarding(forwarder=stage.forwarder)
    before = [labels[-1] for labels, _ in rows(name, forwarding)]

    stage.forwarder.replace_routes(Routes(a_group(TWO), {}))

    assert before == [f"{ONE}:53", f"{TWO}:53"]
    assert [labels[-1] for labels, _ in rows(name, forwarding)] == [f"{TWO}:53"]


def test_refusals_are_counted_by_reason_and_as_coredns_counts_them() -> None:
    """Behaviour 2.2.4: forward_healthcheck_broken and forward_max_concurrent_rejects."""
    forwarder = FakeForwarder()
    forwarder.counts.rejects = dict(zip(Reject, (1, 20, 300, 4000, 50000), strict=True))
    forwarding = FakeForwarding(forwarder=forwarder)

    assert dict(rows("forward_rejects_total", forwarding)) == {
        ("total",): 1,
        ("client",): 20,
        ("down",): 300,
        ("none",): 4000,
        ("loop",): 50000,
    }
    assert rows("forward_max_concurrent_rejects_total", forwarding) == [((), 21)]
    assert rows("forward_healthcheck_broken_total", forwarding) == [((), 300)]


def test_what_was_sent_once_more_is_counted_by_reason() -> None:
    """C-26: also where a server had closed the connection."""
    forwarder = FakeForwarder()
    forwarder.counts.retries[Retry.LATE] = 7
    forwarding = FakeForwarding(forwarder=forwarder)
    forwarding.streams.counts["retried"] = 8

    made = dict(rows("forward_retries_total", forwarding))

    assert made.keys() == {(str(reason),) for reason in Retry} | {("closed",)}
    assert {key: value for key, value in made.items() if value} == {("late",): 7, ("closed",): 8}


def test_connections_that_were_open_are_hits_and_those_that_had_to_be_opened_misses() -> None:
    """Behaviour 2.2.4: proxy_conn_cache_hits_total and _misses_total."""
    forwarding = FakeForwarding(streams=FakeExchanges({"opened": 2, "reused": 9, "retried": 1}))

    assert rows("proxy_conn_cache_hits_total", forwarding) == [(("forward", "tcp"), 9)]
    assert rows("proxy_conn_cache_misses_total", forwarding) == [(("forward", "tcp"), 2)]


def test_what_was_passed_over_is_counted_by_transport_and_reason() -> None:
    """C-01: counter per reason."""
    forwarding = FakeForwarding()
    forwarding.datagrams.mismatches["question"] = 3
    forwarding.streams.mismatches["id"] = 4

    made = dict(rows("forward_mismatches_total", forwarding))

    assert {key: value for key, value in made.items() if value} == {
        ("udp", "question"): 3,
        ("tcp", "id"): 4,
    }
    assert len(made) == 2 * len(forwarding.datagrams.mismatches)


def test_labels_are_plain_text_also_where_the_words_are_enumerations() -> None:
    """The page is made by a library that is not ours."""
    forwarding = FakeForwarding()

    for name in ("forward_rejects_total", "forward_retries_total", "forward_mismatches_total"):
        assert {type(value) for labels, _ in rows(name, forwarding) for value in labels} == {str}


def test_what_is_in_flight_is_shown() -> None:
    """L-04, C-17, C-22."""
    forwarder = FakeForwarder(in_flight=5, waiting=9)
    forwarder.counts.coalesced = 4
    forwarder.counts.loop_detected = 1
    forwarding = FakeForwarding(forwarder=forwarder)

    assert rows("forward_in_flight", forwarding) == [((), 5)]
    assert rows("forward_waiting", forwarding) == [((), 9)]
    assert rows("forward_coalesced_total", forwarding) == [((), 4)]
    assert rows("loop_detected_total", forwarding) == [((), 1)]


def test_a_config_map_that_cannot_be_used_is_seen() -> None:
    """F-29: config_valid 0, and the generation that is in force."""
    status = ConfigurationStatus("--config-dir /kube", valid=False, generation=3, refusals=2)
    forwarding = FakeForwarding(configuration=status)

    assert rows("config_valid", forwarding) == [((), 0)]
    assert rows("config_generation", forwarding) == [((), 3)]
    assert rows("config_refusals_total", forwarding) == [((), 2)]


@pytest.mark.parametrize("name", ["config_valid", "config_generation", "config_refusals_total"])
def test_without_a_config_map_nothing_is_said_of_one(name: str) -> None:
    """It would look like one that is in force."""
    assert rows_or_none(name, FakeForwarding()) is None


def test_a_scrape_can_run_while_upstreams_reply_and_change() -> None:
    """The event loop's thread counts while another reads."""
    stage = ForwardStage(ONE)
    forwarding = FakeForwarding(forwarder=stage.forwarder)

    def change() -> Iterator[None]:
        for number in range(300):
            stage.forwarder.replace_routes(Routes(a_group(ONE, f"10.1.{number}.1"), {}))
            for rcode in MNEMONICS:
                for health in stage.forwarder.servers:
                    health.counts.replied(rcode, 0.001)
                    yield

    def read() -> None:
        for metric in FORWARD_METRICS:
            rows_or_none(metric.name, forwarding)

    assert beside(read, change()) == []
