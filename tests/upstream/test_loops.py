"""Names that nobody can guess, and what it means when they come back."""

from __future__ import annotations

import re

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import ROOT, Name, from_text
from kubedns_py.dns.rcode import NXDOMAIN, REFUSED, SERVFAIL
from kubedns_py.dns.rrset import HINFO, IN, A
from kubedns_py.upstream.health import LOOPING_S, Health
from kubedns_py.upstream.loops import APART_S, KNOWN_S, MOST_REPEATS, Loops, is_look
from tests.helpers.fake_exchanges import FakeExchanges, ManualClock

HOST = "10.0.0.1"


class Stage:
    """A detector, and one server."""

    def __init__(self, *, domain: Name = ROOT, tls_name: str = "") -> None:
        self.clock = ManualClock()
        self.udp = FakeExchanges(self.clock)
        self.tcp = FakeExchanges(self.clock)
        self.health = Health(Nameserver(HOST, 53, tls_name))
        self.found: list[Health] = []
        self.loops = Loops(self.udp, self.tcp, clock=self.clock, on_loop=self.found.append)
        self.loops.watch({self.health: domain})

    @property
    def is_usable(self) -> bool:
        """Whether the server is asked."""
        return self.health.is_usable(self.clock.time())


@pytest.mark.parametrize(
    ("domain", "pattern"),
    [
        (".", r"10\.0\.0\.1 [0-9a-f]{16}\.[0-9a-f]{16}\. HINFO"),
        ("corp.example.", r"10\.0\.0\.1 [0-9a-f]{16}\.[0-9a-f]{16}\.corp\.example\. HINFO"),
    ],
)
def test_a_new_server_is_sent_a_name_that_nobody_can_guess(domain: str, pattern: str) -> None:
    """C-22, CVE-2026-26018: 128 bits of chance below the route."""
    stage = Stage(domain=from_text(domain))

    (sent,) = stage.udp.sent

    assert re.fullmatch(pattern, str(sent))
    assert stage.loops.is_own(sent.ask.name)


def test_two_names_have_nothing_in_common() -> None:
    """C-22: chance from the operating system."""
    labels = {label for _ in range(100) for label in Stage().udp.sent[0].ask.name}

    assert len(labels) == 200


def test_a_name_that_comes_back_means_that_its_server_loops() -> None:
    """C-22, FWD-8: it is left alone for 30 s; nothing exits."""
    stage = Stage()

    stage.loops.came_back(stage.udp.sent[0].ask.name)

    assert stage.found == [stage.health]
    assert not stage.is_usable


def test_a_name_that_comes_back_again_and_again_is_one_loop() -> None:
    """C-22: who gets SERVFAIL asks again."""
    stage = Stage()
    name = stage.udp.sent[0].ask.name

    for _ in range(5):
        stage.loops.came_back(name)

    assert len(stage.found) == 1


def test_a_name_that_does_not_come_back_is_forgotten() -> None:
    """C-22: whatever the server says of it."""
    stage = Stage()
    (sent,) = stage.udp.sent

    sent.say(rcode=NXDOMAIN)
    assert stage.loops.is_own(sent.ask.name)
    stage.clock.advance(KNOWN_S)

    assert not stage.loops.is_own(sent.ask.name)
    assert stage.is_usable
    assert stage.clock.waiting == 0


def test_nobody_listens_for_ever_to_a_server_that_says_nothing() -> None:
    """Every wait on the network has an end (4.5)."""
    stage = Stage()

    stage.clock.advance(KNOWN_S)

    assert stage.udp.open == []


def test_a_server_that_looped_is_looked_at_before_it_is_trusted_again() -> None:
    """C-22: every 30 s for as long as it does."""
    stage = Stage()
    stage.loops.came_back(stage.udp.sent[0].ask.name)

    for _ in range(3):
        stage.clock.advance(LOOPING_S - KNOWN_S)
        stage.loops.came_back(stage.udp.sent[-1].ask.name)
        assert not stage.is_usable

    assert len(stage.found) == len(stage.udp.sent) == 4


def test_a_server_that_does_not_loop_any_more_is_asked_again() -> None:
    """C-22: degrade, then recover."""
    stage = Stage()
    stage.loops.came_back(stage.udp.sent[0].ask.name)

    stage.clock.advance(LOOPING_S)

    assert stage.is_usable
    assert len(stage.udp.sent) == 2
    assert stage.clock.waiting == 0


def test_one_look_a_second_is_enough() -> None:
    """C-22: a client that pretends brings no flood of names."""
    stage = Stage()

    for _ in range(450):
        stage.loops.look(stage.health)
        stage.clock.advance(0.01)

    assert [sent.at for sent in stage.udp.sent] == pytest.approx([1000, 1001, 1002, 1003, 1004])


def test_who_complains_too_early_is_not_forgotten() -> None:
    """C-22: what happened after the last look was sent is looked at."""
    stage = Stage()

    stage.loops.look(stage.health)
    assert len(stage.udp.sent) == 1
    stage.clock.advance(60)

    assert [sent.at for sent in stage.udp.sent] == [1000, 1000 + APART_S]


@pytest.mark.parametrize("rcode", [SERVFAIL, REFUSED])
def test_a_look_that_is_refused_is_repeated(rcode: int) -> None:
    """C-22: the server may have found us down, and ask us again soon."""
    stage = Stage()

    for _ in range(100):
        for sent in stage.udp.open:
            sent.say(rcode=rcode)
        stage.clock.advance(0.1)

    assert len(stage.udp.sent) == 1 + MOST_REPEATS
    assert stage.clock.waiting == 0  # some servers always refuse such names
    stage.loops.look(stage.health)
    stage.udp.open[-1].say(rcode=rcode)
    stage.clock.advance(APART_S)
    assert len(stage.udp.sent) == 1 + MOST_REPEATS + 2


def test_a_look_that_came_back_is_not_repeated_because_the_server_was_told_to_refuse_it() -> None:
    """C-22: it hears of the loop from us, and says so."""
    stage = Stage()
    stage.loops.came_back(stage.udp.sent[0].ask.name)

    stage.udp.sent[0].say(rcode=SERVFAIL)
    stage.clock.advance(LOOPING_S - KNOWN_S - 0.1)

    assert len(stage.udp.sent) == 1


def test_a_refusal_from_a_server_that_is_gone_is_passed_over() -> None:
    """FWD-12."""
    stage = Stage()
    stage.loops.watch({})

    stage.udp.sent[0].say(rcode=SERVFAIL)

    assert stage.udp.open == []
    stage.clock.advance(KNOWN_S)
    assert stage.clock.waiting == 0


def test_a_server_that_is_known_to_loop_is_looked_at_in_its_time_alone() -> None:
    """C-22: complaints of it bring nothing new."""
    stage = Stage()
    stage.loops.look(stage.health)
    stage.loops.came_back(stage.udp.sent[0].ask.name)

    for _ in range(200):
        stage.loops.look(stage.health)
        stage.clock.advance(0.1)

    assert len(stage.udp.sent) == 1


def test_a_name_of_somebody_else_is_not_ours() -> None:
    """C-22: also one that looks like ours."""
    stage = Stage()

    assert not stage.loops.is_own((b"0123456789abcdef", b"0123456789abcdef"))
    stage.clock.advance(KNOWN_S)
    assert not stage.loops.is_own(ROOT)


def test_a_domain_that_has_no_room_below_it_is_not_looked_at() -> None:
    """RFC 1035, 2.3.4: 255 octets."""
    stage = Stage(domain=(b"x" * 63, b"x" * 63, b"x" * 63, b"x" * 50))

    assert stage.udp.sent == []


def test_a_server_with_tls_is_sent_its_name_over_tls() -> None:
    """RFC 7858."""
    stage = Stage(tls_name="dns.example")

    assert (stage.udp.sent, stage.tcp.hosts) == ([], [HOST])


def test_a_server_that_is_gone_is_not_looked_at_any_more() -> None:
    """FWD-12: a new configuration."""
    stage = Stage()
    stage.loops.came_back(stage.udp.sent[0].ask.name)

    stage.loops.watch({})
    stage.loops.look(stage.health)
    stage.clock.advance(2 * LOOPING_S)

    assert len(stage.udp.sent) == 1
    assert stage.clock.waiting == 0


def test_a_name_that_comes_back_from_a_server_that_is_gone_says_nothing() -> None:
    """FWD-12: perhaps it was removed because it looped."""
    stage = Stage()
    stage.loops.watch({})

    stage.loops.came_back(stage.udp.sent[0].ask.name)

    assert stage.found == []


def test_closing_ends_everything() -> None:
    """Stop: no timer and no socket stays."""
    stage = Stage()
    stage.loops.came_back(stage.udp.sent[0].ask.name)

    stage.loops.close()
    stage.loops.close()

    assert stage.udp.open == []
    assert stage.clock.waiting == 0


@pytest.mark.parametrize(
    ("name", "qtype", "expected"),
    [
        ("0123456789abcdef.0123456789abcdef.", HINFO, True),
        ("0123456789abcdef.0123456789abcdef.corp.example.", HINFO, True),
        ("0123456789abcdef.0123456789abcdef.", A, False),
        ("0123456789abcdef.0123456789abcde.", HINFO, False),
        ("0123456789abcdef.0123456789abcdeg.", HINFO, False),
        ("0123456789abcdef.", HINFO, False),
        (".", HINFO, False),
    ],
)
def test_a_look_of_somebody_like_us_is_known_by_its_form(
    name: str, qtype: int, *, expected: bool
) -> None:
    """C-22: it must get through to whoever it is meant for."""
    assert is_look(Ask(from_text(name), qtype, IN)) is expected
