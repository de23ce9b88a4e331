"""Probes of suspects: when they are sent, and what they bring."""

from __future__ import annotations

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import ROOT, Name, from_text
from kubedns_py.dns.rcode import FORMERR, REFUSED, SERVFAIL
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.health import Health
from kubedns_py.upstream.probe import INTERVAL_S, Prober
from tests.helpers.fake_exchanges import FakeExchanges, ManualClock, addresses, failing

HOST = "10.0.0.1"


class Stage:
    """A prober of one server that has replied to its first probe."""

    def __init__(self, *, domain: Name = ROOT, tls_name: str = "") -> None:
        self.clock = ManualClock()
        self.udp = FakeExchanges(self.clock)
        self.tcp = FakeExchanges(self.clock)
        self.health = Health(Nameserver(HOST, 53, tls_name))
        self.back: list[Health] = []
        self.prober = Prober(self.udp, self.tcp, clock=self.clock, on_back=self.back.append)
        self.prober.watch({self.health: domain})
        self.first = [str(sent) for sent in self.udp.sent + self.tcp.sent]
        for sent in self.udp.open + self.tcp.open:
            sent.say()
        self.clock.advance(10)
        self.forget()

    def forget(self) -> None:
        """Look only at what is sent from now on."""
        self.udp.sent.clear()
        self.tcp.sent.clear()

    def suspect(self) -> None:
        """Complain of the server, as a look-up does."""
        self.health.kept_waiting(0.4)
        self.prober.suspect(self.health)

    def is_up(self) -> bool:
        """Whether the server is asked."""
        return self.health.is_up

    @property
    def sent(self) -> str:
        """What was sent: u for UDP, t for TCP, in order."""
        both = [(each.at, "u") for each in self.udp.sent] + [(t.at, "t") for t in self.tcp.sent]
        return "".join(way for _, way in sorted(both, key=lambda sent: sent[0]))


def test_a_new_server_is_probed_once() -> None:
    """FWD-4: how far it is, before a client asks."""
    stage = Stage()

    assert stage.first == ["10.0.0.1 . NS"]
    assert stage.health.rtt_s > 0
    stage.clock.advance(60)
    assert stage.sent == ""
    assert stage.clock.waiting == 0


def test_the_server_of_a_stub_domain_is_asked_for_that_domain() -> None:
    """FWD-2: it may refuse, or drop, everything else."""
    assert Stage(domain=from_text("corp.example.")).first == ["10.0.0.1 corp.example. NS"]


def test_a_suspect_is_probed_at_once_and_each_half_second_until_it_replies() -> None:
    """C-15: health probe 0.5 s."""
    stage = Stage()

    stage.suspect()
    assert stage.sent == "u"
    stage.clock.advance(1.6)
    assert stage.sent == "utuu"
    stage.udp.open[-1].say()
    stage.clock.advance(10)

    assert stage.sent == "utuu"
    assert not stage.health.is_suspect
    assert stage.udp.open == stage.tcp.open == []
    assert stage.clock.waiting == 0


def test_a_silent_server_is_down_after_two_probes() -> None:
    """C-15: a second and a half after somebody noticed."""
    stage = Stage()

    stage.suspect()
    stage.clock.advance(1.4)
    assert stage.is_up()
    stage.clock.advance(0.2)

    assert not stage.is_up()
    assert stage.health.counts.healthcheck_failures == 2


def test_a_server_that_is_down_is_probed_until_it_replies() -> None:
    """C-15: flapping; it is back within half a second."""
    stage = Stage()
    stage.suspect()
    stage.clock.advance(60)
    assert not stage.is_up()
    assert len(stage.sent) in range(118, 123)

    for exchanges in (stage.udp, stage.tcp):
        exchanges.answers[HOST] = exchanges.after(0.001, addresses())
    stage.clock.advance(INTERVAL_S + 0.002)

    assert stage.is_up()


def test_a_server_that_is_back_is_reported_once() -> None:
    """C-22: it may send our questions back now."""
    stage = Stage()
    assert stage.back == []  # a new one was not away

    stage.suspect()
    stage.clock.advance(60)
    stage.udp.open[-1].say()
    stage.clock.advance(60)

    assert stage.back == [stage.health]


def test_a_suspect_that_replies_in_time_is_reported_too() -> None:
    """C-22: a question to it had no reply, though it is there."""
    stage = Stage()

    stage.suspect()
    stage.udp.open[0].say(rcode=SERVFAIL)

    assert stage.back == [stage.health]


@pytest.mark.parametrize("rcode", [SERVFAIL, REFUSED, FORMERR])
def test_whatever_it_says_it_is_up(rcode: int) -> None:
    """C-15: any usable reply."""
    stage = Stage()
    stage.suspect()
    stage.clock.advance(5)

    stage.udp.open[-1].say(rcode=rcode)

    assert stage.is_up()


def test_a_host_that_refuses_both_ways_is_down_at_once() -> None:
    """C-15: ICMP and RST are quick answers."""
    stage = Stage()
    stage.suspect()

    stage.udp.open[0].end(Failure.UNREACHABLE)
    assert stage.sent == "ut"
    assert stage.is_up()
    stage.tcp.open[0].end(Failure.UNREACHABLE)

    assert not stage.is_up()
    assert stage.sent == "ut"
    stage.clock.advance(INTERVAL_S)
    assert stage.sent == "utu"


def test_a_server_that_has_tcp_alone_is_up_and_asked_over_tcp() -> None:
    """C-25."""
    stage = Stage()
    stage.udp.answers[HOST] = stage.udp.after(0, failing(Failure.UNREACHABLE))
    stage.tcp.answers[HOST] = stage.tcp.after(0.001, addresses())

    stage.suspect()
    stage.clock.advance(5)

    assert stage.is_up()
    assert stage.health.needs_streams(stage.clock.time())
    assert stage.sent == "ut"


def test_a_server_that_hears_udp_again_is_asked_over_udp() -> None:
    """C-25: what was remembered is forgotten."""
    stage = Stage()
    stage.health.is_deaf_to_datagrams(stage.clock.time())

    stage.suspect()
    stage.udp.open[0].say()

    assert not stage.health.needs_streams(stage.clock.time())


def test_a_reply_over_tcp_says_nothing_against_udp_that_is_slow() -> None:
    """C-25: both are on their way."""
    stage = Stage()

    stage.suspect()
    stage.clock.advance(0.6)
    stage.tcp.open[0].say()

    assert not stage.health.needs_streams(stage.clock.time())


def test_a_server_with_tls_is_probed_over_tls_alone() -> None:
    """RFC 7858."""
    stage = Stage(tls_name="dns.example")

    stage.suspect()
    stage.clock.advance(3)

    assert set(stage.sent) == {"t"}
    assert not stage.is_up()


def test_many_complaints_are_one_probe() -> None:
    """L-04: slow names bring no flood of probes."""
    stage = Stage()

    for _ in range(1000):
        stage.suspect()
        for sent in stage.udp.open:
            sent.say()
        stage.clock.advance(0.001)

    assert len(stage.sent) <= 3


def test_a_complaint_that_has_been_answered_meanwhile_needs_no_probe() -> None:
    """L-04: the server replied to somebody's question."""
    stage = Stage()
    stage.suspect()
    stage.udp.open[0].say()

    stage.suspect()
    stage.health.replied(0.01, stage.clock.time())
    stage.clock.advance(10)

    assert stage.sent == "u"


def test_a_lost_probe_counts_nothing_while_questions_are_answered() -> None:
    """C-15: replies prove more than probes."""
    stage = Stage()
    stage.suspect()

    for _ in range(50):
        stage.clock.advance(0.1)
        stage.health.replied(0.01, stage.clock.time())

    assert stage.health.counts.healthcheck_failures == 0
    assert stage.sent == "u"


def test_a_refused_probe_counts_nothing_when_a_question_was_answered_after_it() -> None:
    """C-15: replies prove more than probes."""
    stage = Stage()
    stage.suspect()
    stage.health.replied(0.01, stage.clock.time())

    stage.udp.open[0].end(Failure.UNREACHABLE)
    stage.clock.advance(10)

    assert stage.health.failures == 0
    assert stage.clock.waiting == 0


def test_sockets_that_we_lack_take_no_server_down() -> None:
    """B-rows: EMFILE is ours."""
    stage = Stage()
    for exchanges in (stage.udp, stage.tcp):
        exchanges.answers[HOST] = exchanges.after(0, failing(Failure.NO_SOCKET))

    stage.suspect()
    stage.clock.advance(10)

    assert stage.is_up()
    assert len(stage.sent) > 10


def test_what_is_not_configured_any_more_is_not_probed() -> None:
    """FWD-12: a new configuration."""
    stage = Stage()
    stage.suspect()
    stage.prober.watch({})
    stage.prober.suspect(stage.health)

    stage.clock.advance(10)

    assert stage.sent == "u"
    assert stage.udp.open == []


def test_what_stays_is_not_probed_again_and_what_has_a_new_domain_is() -> None:
    """FWD-12."""
    stage = Stage()

    stage.prober.watch({stage.health: ROOT})
    assert stage.sent == ""
    stage.prober.watch({stage.health: from_text("corp.example.")})
    assert [str(sent) for sent in stage.udp.sent] == ["10.0.0.1 corp.example. NS"]


def test_closing_ends_everything() -> None:
    """Stop: no timer and no socket stays."""
    stage = Stage()
    stage.suspect()
    stage.clock.advance(0.6)

    stage.prober.close()
    stage.prober.close()

    assert stage.udp.open == stage.tcp.open == []
    assert stage.clock.waiting == 0


def test_probes_know_what_a_server_knows_of_edns() -> None:
    """C-13."""
    stage = Stage()
    stage.health.refuses_edns(stage.clock.time())

    stage.suspect()

    assert not stage.udp.sent[0].edns
