"""What is known of one server."""

from __future__ import annotations

from math import inf

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.upstream.health import (
    LOOPING_S,
    ONLY_STREAMS_S,
    UNKNOWN_RTT_S,
    WITHOUT_EDNS_S,
    Health,
    label_of,
)


def a_server(host: str = "10.0.0.1", *, tls: str = "") -> Health:
    """Return what is known of a server at first."""
    return Health(Nameserver(host, 853 if tls else 53, tls))


def test_a_new_server_is_up_and_unknown() -> None:
    """Our choice: it is asked until something is known against it."""
    health = a_server()

    assert health.is_usable(0)
    assert (health.rtt_s, health.patience_s) == (0, UNKNOWN_RTT_S)


def test_the_first_time_is_taken_and_later_ones_change_it_by_an_eighth() -> None:
    """RFC 6298, 2.2 and 2.3."""
    health = a_server()

    health.replied(0.08, 1)
    assert health.rtt_s == pytest.approx(0.08)
    health.replied(0.16, 2)
    assert health.rtt_s == pytest.approx(0.09)


@pytest.mark.parametrize(("rtt_s", "patience_s"), [(0.001, 0.15), (0.1, 0.4), (2, 1.0)])
def test_patience_is_four_times_the_usual_time_within_bounds(
    rtt_s: float, patience_s: float
) -> None:
    """C-15, our choice: somebody else is asked long before a stub resolver asks again."""
    health = a_server()

    health.replied(rtt_s, 1)

    assert health.patience_s == pytest.approx(patience_s)


def test_a_reply_that_takes_no_time_at_all_is_known_too() -> None:
    """Clocks are coarse."""
    health = a_server()

    health.replied(0, 1)

    assert 0 < health.rtt_s < 0.001


def test_who_keeps_us_waiting_is_a_suspect_and_slower_but_stays_up() -> None:
    """C-15: some names are slow wherever they are asked for; that takes no server down."""
    health = a_server()
    health.replied(0.01, 1)

    for _ in range(100):
        health.kept_waiting(0.4)

    assert health.is_suspect
    assert health.is_usable(2)
    assert health.rtt_s == pytest.approx(0.4, rel=0.01)
    assert health.patience_s == 0.15


def test_having_waited_less_than_usual_says_nothing_about_the_time() -> None:
    """RFC 6298, 2: a time that did not end is only a lower bound."""
    health = a_server()
    health.replied(0.3, 1)

    health.kept_waiting(0.15)

    assert health.rtt_s == pytest.approx(0.3)


def test_a_suspect_costs_more_than_everybody_who_is_none() -> None:
    """A dead upstream among three: the next question goes to somebody else."""
    dead, slow = a_server("10.0.0.1"), a_server("10.0.0.2")
    dead.replied(0.001, 1)
    slow.replied(3, 1)

    dead.kept_waiting(0.2)

    assert dead.cost_s > slow.cost_s


def test_two_probes_in_a_row_without_a_reply_take_a_server_down() -> None:
    """C-15; CoreDNS, max_fails 2."""
    health = a_server()

    health.failed_probe()
    assert health.is_usable(1)
    health.failed_probe()

    assert not health.is_usable(1)
    assert health.counts.healthcheck_failures == 2


def test_a_reply_in_between_begins_the_count_anew() -> None:
    """C-15: in a row."""
    health = a_server()

    health.failed_probe()
    health.replied(0.01, 1)
    health.failed_probe()

    assert health.is_up


@pytest.mark.parametrize("how", ["question", "probe"])
def test_any_reply_brings_a_server_up(how: str) -> None:
    """C-15: whatever it says."""
    health = a_server()
    health.failed_probe()
    health.failed_probe()

    health.replied(0.01, 5) if how == "question" else health.replied_to_probe(0.01)

    assert health.is_usable(5)
    assert not health.is_suspect
    assert health.cost_s == health.rtt_s


def test_a_probe_tells_the_time_of_an_unknown_server_alone() -> None:
    """FWD-4: a probe is answered out of a cache, a question perhaps not."""
    health = a_server()

    health.replied_to_probe(0.02)
    assert health.rtt_s == pytest.approx(0.02)
    health.replied(0.1, 1)
    known = health.rtt_s
    health.replied_to_probe(0.001)

    assert health.rtt_s == known


def test_a_refusal_of_edns_is_remembered_for_a_quarter_of_an_hour() -> None:
    """C-13."""
    health = a_server()

    health.refuses_edns(100)

    assert not health.knows_edns(100 + WITHOUT_EDNS_S - 1)
    assert health.knows_edns(100 + WITHOUT_EDNS_S)
    assert WITHOUT_EDNS_S == 15 * 60


def test_who_does_not_hear_udp_is_asked_over_tcp_for_a_while() -> None:
    """C-25."""
    health = a_server()
    assert not health.needs_streams(100)

    health.is_deaf_to_datagrams(100)

    assert health.needs_streams(100 + ONLY_STREAMS_S - 1)
    assert not health.needs_streams(100 + ONLY_STREAMS_S)


def test_udp_is_tried_again_when_tcp_fails_too() -> None:
    """C-25: the server may have been changed."""
    health = a_server()
    health.is_deaf_to_datagrams(100)

    health.failed(over_stream=True)

    assert not health.needs_streams(100)
    assert health.is_suspect


def test_a_server_with_tls_is_never_asked_over_udp() -> None:
    """RFC 7858: privacy that was asked for is not given up."""
    health = a_server(tls="dns.example")

    health.is_deaf_to_datagrams(1)
    health.failed(over_stream=True)
    health.hears_datagrams()

    assert health.streams_until == inf


def test_a_server_that_loops_is_left_alone_for_half_a_minute() -> None:
    """C-22, FWD-8."""
    health = a_server()

    health.loops(100)

    assert not health.is_usable(100 + LOOPING_S - 1)
    assert health.is_usable(100 + LOOPING_S)
    assert LOOPING_S == 30


@pytest.mark.parametrize(
    ("server", "label"),
    [
        (Nameserver("10.0.0.1"), "10.0.0.1:53"),
        (Nameserver("fd00::1", 5353), "[fd00::1]:5353"),
        (Nameserver("10.0.0.1", 853, "dns.example"), "tls://10.0.0.1:853#dns.example"),
    ],
)
def test_a_label_names_one_server_and_no_other(server: Nameserver, label: str) -> None:
    """CoreDNS, label to."""
    assert label_of(server) == label
