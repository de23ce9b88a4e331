"""What several sendings of one question come to."""

from __future__ import annotations

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.rcode import NOTIMP, REFUSED, SERVFAIL
from kubedns_py.upstream.attempt import (
    ENDLESS,
    NO_EDNS,
    TRUNCATED,
    Attempt,
    failure_reply,
    garbled,
    is_closed_to_udp,
    knows_edns,
    learn,
    least_asked,
    may_still_come,
    may_use_stream,
    sends,
)
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.health import Health
from tests.helpers.fake_exchanges import FakeExchanges, ManualClock, Outcome, an_ask

NOW = 1000.0
ONE, TWO, THREE, FOUR = (f"10.0.0.{n}" for n in range(1, 5))


def a_health(host: str = ONE) -> Health:
    """Return what is known of a server at first."""
    return Health(Nameserver(host))


def an_attempt(
    health: Health, *, over_stream: bool = False, edns: bool = True, mismatches: int = 0
) -> Attempt:
    """Return one that is waited for."""
    attempt = Attempt(health, NOW, ignored, over_stream=over_stream, edns=edns)
    exchanges = FakeExchanges(ManualClock())
    attempt.exchange = exchanges.begin(health.server, an_ask(), attempt.done, edns=edns)
    exchanges.sent[0].mismatches = mismatches
    return attempt


def ignored(_attempt: Attempt, _outcome: Outcome) -> None:
    """Take what nobody asks for."""


def failed(health: Health, failure: Failure, *, over_stream: bool = False) -> Attempt:
    """Return one without a reply."""
    attempt = an_attempt(health, over_stream=over_stream)
    attempt.failed(failure)
    return attempt


def said(health: Health, rcode: int) -> Attempt:
    """Return one with a reply that is no answer."""
    attempt = an_attempt(health)
    attempt.said(rcode)
    return attempt


def sent(health: Health, what: str) -> Attempt:
    """Return one with a reply that is of no use."""
    attempt = an_attempt(health)
    attempt.sent(what)
    return attempt


def test_the_end_of_an_exchange_is_handed_on_with_its_attempt() -> None:
    """One callback serves all attempts of a question."""
    taken: list[tuple[Attempt, Outcome]] = []
    attempt = Attempt(a_health(), NOW, lambda *end: taken.append(end), over_stream=False, edns=True)

    attempt.done(Failure.BROKEN)

    assert taken == [(attempt, Failure.BROKEN)]


def test_sends_are_counted_over_all_transports() -> None:
    """C-11, RFC 9520, 3.1."""
    one, two = a_health(ONE), a_health(TWO)
    attempts = [an_attempt(one), an_attempt(two), an_attempt(one, over_stream=True)]

    assert (sends(attempts, one), sends(attempts, two)) == (2, 1)


def test_tcp_is_a_second_way_once() -> None:
    """C-03, C-12: and never a fourth sending."""
    health = a_health()
    udp, tcp = an_attempt(health), an_attempt(health, over_stream=True)

    assert may_use_stream([udp], health)
    assert may_use_stream([udp, udp], health)
    assert not may_use_stream([udp, tcp], health)
    assert not may_use_stream([udp, udp, udp], health)


def test_a_host_that_refuses_udp_is_asked_over_tcp() -> None:
    """C-25."""
    health = a_health()
    refused = failed(health, Failure.UNREACHABLE)

    assert is_closed_to_udp([refused], health)
    assert not is_closed_to_udp([an_attempt(health)], health)
    assert not is_closed_to_udp([refused, an_attempt(health, over_stream=True)], health)


def test_unreadable_replies_name_a_server_while_it_is_waited_for() -> None:
    """C-02: TCP is tried once."""
    health = a_health()
    attempt = an_attempt(health, mismatches=3)

    assert garbled([an_attempt(health)]) is None
    assert garbled([attempt]) is health
    assert garbled([attempt, an_attempt(health, over_stream=True)]) is None
    attempt.failed(Failure.SUSPICIOUS)
    assert garbled([attempt]) is None


def test_nobody_is_waited_for_who_is_down() -> None:
    """L-04: what waits for the dead is answered as soon as they are known to be."""
    health = a_health()
    attempts = [an_attempt(health)]
    assert may_still_come(attempts)

    health.failed_probe()
    health.failed_probe()

    assert not may_still_come(attempts)
    assert not may_still_come([failed(a_health(TWO), Failure.BROKEN)])


def test_who_was_asked_least_is_next_and_of_those_the_soonest() -> None:
    """C-15: the next upstream."""
    one, two, three = a_health(ONE), a_health(TWO), a_health(THREE)
    two.replied(0.2, NOW)
    three.replied(0.1, NOW)

    assert least_asked([an_attempt(one)], [one, two, three]) is three
    assert least_asked([an_attempt(h) for h in (one, three, two)], [one, two, three]) is three


def test_who_has_spoken_or_was_asked_three_times_is_not_asked_again() -> None:
    """C-11; FWD-6."""
    one, two = a_health(ONE), a_health(TWO)

    assert least_asked([said(one, SERVFAIL), *[an_attempt(two)] * 3], [one, two]) is None
    assert least_asked([sent(one, TRUNCATED), *[an_attempt(two)] * 2], [one, two]) is two


def test_an_answer_without_edns_is_remembered_only_where_edns_was_refused() -> None:
    """C-13."""
    health = a_health()
    refused = an_attempt(health)
    refused.end = NO_EDNS
    plain = an_attempt(health, edns=False)
    assert not knows_edns([refused], health)
    assert knows_edns([an_attempt(health)], health)

    learn([plain], plain, NOW)
    assert health.knows_edns(NOW)
    learn([refused, plain], plain, NOW)

    assert not health.knows_edns(NOW)


def test_an_answer_over_tcp_is_remembered_where_udp_brings_nothing() -> None:
    """C-25."""
    refused, silent, healthy = a_health(ONE), a_health(TWO), a_health(THREE)

    for first, health in [
        ([failed(refused, Failure.UNREACHABLE)], refused),
        ([an_attempt(silent)] * 2, silent),
        ([an_attempt(healthy)], healthy),
        ([sent(healthy, TRUNCATED)], healthy),
    ]:
        answer = an_attempt(health, over_stream=True)
        learn([*first, answer], answer, NOW)

    assert refused.needs_streams(NOW)
    assert silent.needs_streams(NOW)
    assert not healthy.needs_streams(NOW)


@pytest.mark.parametrize(
    ("attempts", "rcode", "code", "text"),
    [
        (
            [an_attempt(a_health(ONE)), failed(a_health(TWO), Failure.UNREACHABLE)],
            SERVFAIL,
            23,
            "10.0.0.1:53 did not answer; 10.0.0.2:53 is unreachable",
        ),
        (
            [said(a_health(ONE), SERVFAIL), said(a_health(TWO), REFUSED)],
            SERVFAIL,
            22,
            "10.0.0.1:53 said SERVFAIL; 10.0.0.2:53 said REFUSED",
        ),
        (
            [said(a_health(ONE), REFUSED), said(a_health(TWO), REFUSED)],
            REFUSED,
            22,
            "10.0.0.1:53 said REFUSED; 10.0.0.2:53 said REFUSED",
        ),
        (
            [said(a_health(ONE), NOTIMP), failed(a_health(TWO), Failure.UNTRUSTED)],
            SERVFAIL,
            22,
            "10.0.0.1:53 said NOTIMP; 10.0.0.2:53 has a certificate that is not trusted",
        ),
        (
            [sent(a_health(ONE), ENDLESS), said(a_health(TWO), 3841)],
            SERVFAIL,
            22,
            "10.0.0.1:53 sent a chain of aliases without end; 10.0.0.2:53 said 3841",
        ),
        (
            [said(a_health(host), REFUSED) for host in (ONE, TWO, THREE, FOUR)],
            REFUSED,
            22,
            "; ".join([f"{host}:53 said REFUSED" for host in (ONE, TWO, THREE)] + ["and 1 more"]),
        ),
    ],
)
def test_the_client_is_told_what_happened(
    attempts: list[Attempt], rcode: int, code: int, text: str
) -> None:
    """FWD-5, FWD-6; RFC 8914, 4.23 and 4.24."""
    reply = failure_reply(attempts)

    assert reply.rcode == rcode
    assert reply.ede == (code, text)


def test_what_is_told_of_a_server_is_how_it_ended() -> None:
    """FWD-5: one word for each server, however often it was asked."""
    health = a_health()

    reply = failure_reply([failed(health, Failure.SUSPICIOUS), failed(health, Failure.BROKEN)])

    assert reply.ede == (23, "10.0.0.1:53 broke off")
