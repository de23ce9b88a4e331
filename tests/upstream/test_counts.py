"""Counts of forwarding."""

from __future__ import annotations

from kubedns_py.dns.rcode import OTHER
from kubedns_py.upstream.counts import ForwardCounts, Reject, Retry, ServerCounts


def test_replies_are_counted_by_the_name_of_their_code() -> None:
    """CoreDNS, proxy_request_duration_seconds: label rcode."""
    counts = ServerCounts()

    counts.replied(0, 0.001)
    counts.replied(0, 0.002)
    counts.replied(3, 0.1)

    assert counts.responses() == {"NOERROR": 2, "NXDOMAIN": 1}
    assert counts.durations()["NOERROR"].total == 0.003


def test_codes_that_nobody_knows_are_one_word_however_many_a_server_sends() -> None:
    """Reliability 4.4: no key from the network."""
    counts = ServerCounts()

    for rcode in range(100, 4096):
        counts.replied(rcode, 0.001)

    assert counts.responses() == {OTHER: 3996}


def test_every_reason_is_there_from_the_start() -> None:
    """A rate over a counter that appears later misses its first step."""
    counts = ForwardCounts()

    assert counts.rejects == dict.fromkeys(Reject, 0)
    assert counts.retries == dict.fromkeys(Retry, 0)
    assert (counts.coalesced, counts.loop_detected) == (0, 0)
