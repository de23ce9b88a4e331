"""One question in flight: what is sent when, and to whom.

What replies come to is in ``test_lookup_replies.py``; sockets are in ``test_forwarder_sockets.py``.
"""

from __future__ import annotations

import pytest

from kubedns_py.dns.rcode import NXDOMAIN, SERVFAIL
from kubedns_py.upstream.counts import Retry
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.lookup import TOTAL_S
from tests.helpers.fake_exchanges import addresses, an_ask, failing
from tests.helpers.lookups import ANSWER, ONE, THREE, TICK_S, TWO, LookupStage


def test_an_answer_is_taken_and_its_time_is_learned() -> None:
    """FWD-4."""
    stage = LookupStage([ONE, TWO])
    lookup = stage.look_up()
    assert stage.desk.lookups == {lookup.ask: lookup}

    stage.clock.advance(0.02)
    stage.udp.sent[0].say("192.0.2.1")

    assert stage.lines == ANSWER
    assert stage.desk.lookups == {}
    assert stage.health(ONE).rtt_s == pytest.approx(0.02)
    assert stage.health(ONE).counts.requests == 1
    assert stage.health(ONE).counts.responses() == {"NOERROR": 1}
    assert stage.suspects == []


def test_a_name_that_does_not_exist_is_an_answer() -> None:
    """FWD-6: only what says that the server cannot is asked elsewhere."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].say(rcode=NXDOMAIN)

    assert [reply.rcode for reply in stage.replies] == [NXDOMAIN]
    assert stage.udp.hosts == [ONE]


# -- silence


def test_the_next_server_is_asked_while_the_first_is_still_listened_to() -> None:
    """C-15: the next upstream after the first wait."""
    stage = LookupStage([ONE, TWO, THREE])
    stage.look_up()

    stage.advance(0.4)

    assert stage.udp.hosts == [ONE, TWO]
    assert len(stage.udp.open) == 2
    assert stage.suspects == [stage.health(ONE)]
    assert stage.counts.retries[Retry.LATE] == 1


@pytest.mark.parametrize("answers", [ONE, TWO])
def test_whoever_replies_first_is_taken_and_the_other_is_let_go(answers: str) -> None:
    """C-15: a slow server is not a dead one."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()
    stage.advance(0.5)

    stage.udp.to(answers)[0].say("192.0.2.1")

    assert stage.lines == ANSWER
    assert stage.udp.open == []


@pytest.mark.parametrize(("rtt_s", "sent_at"), [(0.001, 0.15), (0.1, 0.4), (0.9, 1.0)])
def test_who_is_usually_quick_is_waited_for_less(rtt_s: float, sent_at: float) -> None:
    """C-15: four times the usual time, 0.15 to 1 s."""
    stage = LookupStage([ONE, TWO])
    stage.health(ONE).replied(rtt_s, stage.clock.time())
    stage.health(TWO).replied(1.5, stage.clock.time())
    start = stage.clock.time()
    stage.look_up()

    stage.advance(1.2)

    assert stage.udp.to(TWO)[0].at - start == pytest.approx(sent_at, abs=TICK_S)


def test_a_lost_packet_costs_a_second_where_there_is_one_server() -> None:
    """C-15: far less than the 5 s of a stub resolver."""
    stage = LookupStage([ONE])
    stage.look_up()

    stage.advance(1)

    assert stage.udp.hosts == [ONE, ONE]
    assert len(stage.udp.open) == 2
    stage.udp.sent[1].say("192.0.2.1")
    assert stage.lines == ANSWER


@pytest.mark.parametrize("hosts", [[ONE], [ONE, TWO], [ONE, TWO, THREE]])
def test_no_server_is_asked_more_than_three_times_and_nobody_waits_for_ever(
    hosts: list[str],
) -> None:
    """C-11, RFC 9520, 3.1; C-15: at most 5 s in all; C-27."""
    stage = LookupStage(hosts)
    stage.look_up()

    stage.advance(TOTAL_S - TICK_S)
    assert stage.replies == []
    stage.advance(2 * TICK_S)

    rcode, code, text = stage.failure
    assert (rcode, code) == (SERVFAIL, 23)
    assert text == "; ".join(f"{host}:53 did not answer" for host in hosts)
    hosts_sent = [sent.server.host for sent in stage.sent]
    assert max(map(hosts_sent.count, hosts)) == 3
    assert min(map(hosts_sent.count, hosts)) >= 2
    assert len(hosts_sent) <= 7
    assert [sent for sent in stage.sent if sent.is_open] == []


def test_a_server_that_takes_three_seconds_is_waited_for() -> None:
    """C-15: slow 3 s."""
    stage = LookupStage([ONE, TWO])
    stage.udp.answers[ONE] = stage.udp.after(3, addresses("192.0.2.1"))
    stage.look_up()

    stage.advance(3.1)

    assert stage.lines == ANSWER


def test_waiting_ends_when_all_who_were_asked_are_known_to_be_down() -> None:
    """L-04: slots are not held by questions to the dead."""
    stage = LookupStage([ONE])
    stage.look_up()
    stage.advance(0.5)
    for _ in range(2):
        stage.health(ONE).failed_probe()

    stage.advance(0.5)

    assert stage.failure == (SERVFAIL, 23, "10.0.0.1:53 did not answer")


def test_waiting_ends_soon_after_that_however_long_the_next_wait_would_be() -> None:
    """L-04: the same, between the second and the third send."""
    stage = LookupStage([ONE])
    stage.look_up()
    stage.advance(1.5)
    for _ in range(2):
        stage.health(ONE).failed_probe()

    stage.advance(0.5)

    assert len(stage.replies) == 1


def test_who_was_asked_three_times_is_waited_for_to_the_end() -> None:
    """C-11, C-15: quick servers are asked again soon, and then no more."""
    stage = LookupStage([ONE, TWO])
    for host in stage.hosts:
        stage.health(host).replied(0.001, stage.clock.time())
    stage.look_up()

    stage.advance(4)
    assert len(stage.sent) == 6
    stage.udp.open[0].say("192.0.2.1")

    assert stage.lines == ANSWER


def test_nothing_is_sent_to_a_server_that_is_down() -> None:
    """C-15: a dead server is passed over."""
    stage = LookupStage([ONE, TWO, THREE])
    stage.look_up()
    for _ in range(2):
        stage.health(TWO).failed_probe()

    stage.advance(4)

    assert stage.sent
    assert TWO not in {sent.server.host for sent in stage.sent}


def test_the_last_try_goes_over_tcp() -> None:
    """C-25: an upstream that has TCP alone, and does not say so."""
    stage = LookupStage([ONE])
    stage.tcp.answers[ONE] = stage.tcp.after(0.01, addresses("192.0.2.1"))
    stage.look_up()

    stage.advance(3.1)

    assert stage.lines == ANSWER
    assert len(stage.udp.sent) == 2
    stage.look_up(an_ask("mail.example.org."))
    assert len(stage.tcp.sent) == 2  # and that is remembered


# -- the network says no


def test_the_next_server_is_asked_at_once_where_one_is_unreachable() -> None:
    """C-15: ICMP is a quick answer."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].end(Failure.UNREACHABLE)

    assert stage.udp.hosts == [ONE, TWO]
    assert stage.suspects == [stage.health(ONE)]
    assert stage.counts.retries[Retry.UNREACHABLE] == 1


def test_tcp_is_tried_at_once_where_udp_is_refused() -> None:
    """C-25: client UDP, upstream TCP alone."""
    stage = LookupStage([ONE])
    stage.look_up()

    stage.udp.sent[0].end(Failure.UNREACHABLE)
    stage.tcp.sent[0].say("192.0.2.1")

    assert stage.lines == ANSWER
    stage.look_up(an_ask("mail.example.org."))
    assert len(stage.tcp.sent) == 2


def test_a_server_that_starts_again_is_asked_again_half_a_second_later() -> None:
    """C-15: flapping; a client that is told SERVFAIL does not ask again."""
    stage = LookupStage([ONE])
    stage.look_up()
    stage.udp.sent[0].end(Failure.UNREACHABLE)
    stage.tcp.sent[0].end(Failure.UNREACHABLE)
    assert stage.replies == []

    stage.advance(0.5)
    stage.udp.sent[1].say("192.0.2.1")

    assert stage.lines == ANSWER


def test_a_server_that_went_down_meanwhile_is_not_asked_again() -> None:
    """FWD-5: the probes say so within half a second."""
    stage = LookupStage([ONE])
    stage.look_up()
    stage.udp.sent[0].end(Failure.UNREACHABLE)
    for _ in range(2):
        stage.health(ONE).failed_probe()

    stage.tcp.sent[0].end(Failure.UNREACHABLE)

    assert stage.failure == (SERVFAIL, 23, "10.0.0.1:53 is unreachable")


def test_no_server_is_blamed_for_sockets_that_we_lack() -> None:
    """B-rows: EMFILE is ours; the question is tried again."""
    stage = LookupStage([ONE, TWO])
    stage.look_up()

    stage.udp.sent[0].end(Failure.NO_SOCKET)

    assert stage.suspects == []
    assert not stage.health(ONE).is_suspect
    stage.advance(0.4)
    assert stage.udp.hosts == [ONE, TWO]


# -- ends


def test_a_look_up_that_is_cancelled_says_nothing() -> None:
    """Stop: sockets are closed."""
    stage = LookupStage([ONE, TWO])
    lookup = stage.look_up()
    stage.advance(0.5)

    lookup.cancel()
    stage.advance(5)

    assert stage.udp.open == []
    assert stage.replies == []


def test_a_flood_of_failures_ends() -> None:
    """C-11: at most 3 sends for each server, at whatever speed they fail."""
    stage = LookupStage([ONE, TWO])
    for exchanges in (stage.udp, stage.tcp):
        for host in stage.hosts:
            exchanges.answers[host] = exchanges.after(0.001, failing(Failure.UNREACHABLE))
    stage.look_up()

    stage.advance(5)

    assert stage.failure[:2] == (SERVFAIL, 23)
    assert len(stage.sent) <= 6
