"""Names that nobody can guess, and what it means when they come back."""

from __future__ import annotations

import re

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import ROOT, Name, from_text
from kubedns_py.dns.rcode import NXDOMAIN
from kubedns_py.upstream.health import LOOPING_S, Health
from kubedns_py.upstream.loops import KNOWN_S, Loops
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


def test_one_look_at_a_time_is_enough() -> None:
    """C-22: a client that pretends brings no flood of names."""
    stage = Stage()

    for _ in range(100):
        stage.loops.look(stage.health)
    assert len(stage.udp.sent) == 1
    stage.clock.advance(KNOWN_S)
    stage.loops.look(stage.health)

    assert len(stage.udp.sent) == 2


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
