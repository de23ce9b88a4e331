"""Counting: closed sets of labels, CoreDNS's buckets, and next to no cost."""

from collections.abc import Iterator

import pytest

from kubedns_py.server.tally import DROPPED, Tally
from tests.helpers.threads import beside
from tests.helpers.work import lines_run

DNSSEC_OK = True
PLAIN = False


def test_a_reply_counts_once_in_every_view_of_it() -> None:
    """Ecosystem 6.3: the labels of CoreDNS's metrics."""
    tally = Tally()

    tally.record("udp", 2, "cluster.local.", 28, DNSSEC_OK, 60, 512, 3, "absent", 0.0003)
    counts = tally.snapshot()

    assert dict(counts.requests) == {("cluster.local.", "udp", 2, "AAAA"): 1}
    assert dict(counts.responses) == {("cluster.local.", "NXDOMAIN", "absent"): 1}
    assert dict(counts.do_requests) == {"cluster.local.": 1}
    assert counts.durations["cluster.local."].total == 0.0003
    assert counts.request_sizes["cluster.local.", "udp"].total == 60
    assert counts.response_sizes["cluster.local.", "udp"].total == 512


def test_histograms_of_a_zone_sum_up_all_families_and_types() -> None:
    """Ecosystem 6.3: request_duration has no labels but server, zone and view."""
    tally = Tally()

    tally.record("udp", 1, "cluster.local.", 1, PLAIN, 50, 100, 0, "service", 0.001)
    tally.record("udp", 2, "cluster.local.", 28, PLAIN, 50, 100, 0, "service", 0.002)
    tally.record("tcp", 1, "cluster.local.", 33, PLAIN, 50, 100, 0, "service", 0.004)
    counts = tally.snapshot()

    assert sum(counts.durations["cluster.local."].counts) == 3
    assert counts.durations["cluster.local."].total == pytest.approx(0.007)
    assert sum(counts.request_sizes["cluster.local.", "udp"].counts) == 2
    assert sum(counts.request_sizes["cluster.local.", "tcp"].counts) == 1
    assert counts.do_requests == {}


@pytest.mark.parametrize(
    ("octets", "bucket"),
    [
        (0, 0),
        (1, 1),
        (100, 1),
        (101, 2),
        (511, 5),
        (512, 6),
        (1023, 6),
        (4095, 8),
        (8291, 9),
        (8292, 10),
        (64000, 13),
        (64001, 14),
        (65535, 14),
    ],
)
def test_a_length_falls_into_the_bucket_whose_upper_bound_holds_it(
    octets: int, bucket: int
) -> None:
    """CoreDNS's bounds, 0 100 200 300 400 511 1023 2047 4095 8291 16e3 32e3 48e3 64e3."""
    tally = Tally()

    tally.record("tcp", 1, "cluster.local.", 1, PLAIN, octets, octets, 0, "service", 0.0)
    counts = tally.snapshot()

    assert counts.request_sizes["cluster.local.", "tcp"].counts.index(1) == bucket
    assert counts.response_sizes["cluster.local.", "tcp"].counts.index(1) == bucket


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, 0), (0.00025, 0), (0.00026, 1), (0.0005, 1), (0.001, 2), (8.192, 15), (8.2, 16)],
)
def test_a_duration_falls_into_the_bucket_whose_upper_bound_holds_it(
    seconds: float, bucket: int
) -> None:
    """CoreDNS's bounds: 0.25 ms, doubling, sixteen of them."""
    tally = Tally()

    tally.record("udp", 1, "cluster.local.", 1, PLAIN, 1, 1, 0, "service", seconds)

    assert tally.snapshot().durations["cluster.local."].counts.index(1) == bucket


def test_random_types_and_names_outside_our_zones_do_not_make_series() -> None:
    """Reliability 4.2 (CVE-2026-40011): labels from closed sets only."""
    tally = Tally()

    for qtype in range(65536):
        size = 12 + qtype % 500
        tally.record("udp", 1, DROPPED, qtype, PLAIN, size, size, 5, "outside", 0.0001)
    counts = tally.snapshot()

    assert len(counts.requests) == 19  # the eighteen that have a name, and "other"
    assert counts.requests[DROPPED, "udp", 1, "other"] == 65536 - 18
    assert dict(counts.responses) == {(DROPPED, "REFUSED", "outside"): 65536}
    assert len(counts.durations) == len(counts.request_sizes) == len(counts.response_sizes) == 1


def test_response_codes_without_a_mnemonic_count_as_other() -> None:
    """Reliability 4.2: rcode (known + other)."""
    tally = Tally()

    for rcode in range(4096):
        tally.record("udp", 1, "cluster.local.", 1, PLAIN, 1, 1, rcode, "service", 0.0)
    responses = tally.snapshot().responses

    assert len(responses) == 15
    assert responses["cluster.local.", "BADVERS", "service"] == 1
    assert responses["cluster.local.", "other", "service"] == 4096 - 14


def test_what_gets_no_reply_counts_by_its_reason() -> None:
    """Reliability 2.1: dropped messages are counted."""
    tally = Tally()

    tally.drop("short")
    tally.drop("short")
    tally.drop("response")
    tally.panic()
    counts = tally.snapshot()

    assert counts.drops == {"short": 2, "response": 1}
    assert counts.panics == 1


def test_a_snapshot_does_not_change_any_more() -> None:
    """A scrape reads it in another thread while queries go on."""
    tally = Tally()
    record = ("udp", 1, "cluster.local.", 1, DNSSEC_OK, 60, 120, 0, "service", 0.0001)
    tally.record(*record)
    tally.programmed("cluster_ip", 0.5)
    before = tally.snapshot()

    tally.record(*record)
    tally.drop("short")
    tally.panic()
    tally.programmed("cluster_ip", 0.5)

    assert list(before.requests.values()) == [1]
    assert list(before.responses.values()) == [1]
    assert list(before.do_requests.values()) == [1]
    assert sum(before.durations["cluster.local."].counts) == 1
    assert sum(before.request_sizes["cluster.local.", "udp"].counts) == 1
    assert sum(before.programming["cluster_ip"].counts) == 1
    assert (before.drops, before.panics) == ({}, 0)


def test_a_snapshot_can_be_taken_while_queries_are_counted() -> None:
    """Dictionaries grow in one thread while another reads them."""
    tally = Tally()

    def count() -> Iterator[None]:
        for number in range(2000):
            zone = f"{number}."
            tally.record("udp", 1, zone, 1, DNSSEC_OK, 60, 120, 0, "service", 0.0001)
            tally.drop(f"reason {number}")
            tally.programmed(f"kind {number}", 0.1)
            yield

    assert beside(tally.snapshot, count()) == []


def test_programming_latency_counts_by_kind_and_a_clock_ahead_of_ours_is_zero() -> None:
    """LIF-20, F-28: from the trigger time of the endpoints to their records; 1 ms doubling."""
    tally = Tally()

    tally.programmed("headless_with_selector", 0.0015)
    tally.programmed("headless_with_selector", -7.0)
    histogram = tally.snapshot().programming["headless_with_selector"]

    assert histogram.counts[:3] == [1, 1, 0]
    assert histogram.total == 0.0015
    assert len(histogram.bounds) == 20


def test_counting_a_reply_is_a_few_lines_and_no_loop() -> None:
    """It runs once per reply; the target is one microsecond."""
    tally = Tally()
    record = ("udp", 1, "cluster.local.", 1, DNSSEC_OK, 60, 120, 0, "service", 0.00003)
    tally.record(*record)

    first = lines_run(lambda: tally.record(*record))
    for number in range(1000):
        tally.record("udp", 1, f"{number}.", 1, DNSSEC_OK, 65535, 65535, 0, "service", 7.0)

    assert first <= 12
    assert lines_run(lambda: tally.record(*record)) == first
