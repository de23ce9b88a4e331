"""Forwarders that ask each other: each finds it out, in whatever order they start (C-22)."""

from __future__ import annotations

import pytest

from kubedns_py.dns.rcode import NXDOMAIN, SERVFAIL
from kubedns_py.dns.rrset import HINFO
from kubedns_py.upstream.health import LOOPING_S
from tests.helpers.circle import GOOD, ONE, THREE, TWO, Circle
from tests.helpers.forwarding import ede

FOUND_S = 2.5
"""How soon a loop is found, from when it is there."""

ORDERS = [(ONE, TWO), (TWO, ONE)]
GAPS = [0.0, 0.0005, 0.1, 0.4, 0.7, 1.0, 1.6, 3.0, 20.0]


def started(first: str, second: str, gap: float = 0.7) -> Circle:
    """Return two that are each other's upstream, and have found that out."""
    circle = Circle()
    circle.start(first, second)
    circle.clock.advance(gap)
    circle.start(second, first)
    circle.clock.advance(FOUND_S)
    return circle


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize(("first", "second"), ORDERS)
def test_two_that_ask_each_other_find_out_whoever_starts_first(
    first: str, second: str, gap: float
) -> None:
    """C-22: the second's look comes while the first has it marked down."""
    circle = started(first, second, gap)

    for host in (first, second):
        assert circle.found(host)
        (reply,) = circle.ask(host)
        assert ede(reply) == (22, "all upstreams of . are down or send questions back to us")


@pytest.mark.parametrize("gap", GAPS)
def test_two_that_ask_each_other_never_trust_each_other_again(gap: float) -> None:
    """C-22: each look passes through the other, whatever that one thinks of us."""
    circle = started(ONE, TWO, gap)

    for _ in range(1500):
        circle.clock.advance(0.1)
        assert circle.is_marked(ONE)
        assert circle.is_marked(TWO)

    looks = [sent for _, sent in circle.sent if sent.ask.qtype == HINFO]
    assert len(looks) < 30  # in 150 s, and each goes both ways


def test_who_has_got_another_upstream_is_trusted_again() -> None:
    """C-22: within 30 s, and whoever got it can use it at once."""
    circle = started(ONE, TWO)

    circle.use(ONE, GOOD)
    assert circle.is_usable(ONE)
    circle.clock.advance(LOOPING_S)

    assert circle.is_usable(TWO)
    replies = circle.ask(TWO)
    circle.clock.advance(0.1)
    assert [reply.rcode for reply in replies] == [NXDOMAIN]


def test_who_has_a_good_upstream_besides_is_trusted_again_and_leaves_the_other_out() -> None:
    """C-22: one of two is enough to end a circle."""
    circle = started(ONE, TWO)

    circle.use(ONE, TWO, GOOD)
    circle.clock.advance(2 * LOOPING_S)

    assert circle.is_usable(TWO)
    assert not circle.is_usable(ONE)


def test_three_in_a_circle_find_out() -> None:
    """C-22: also where nobody's upstream asks them."""
    circle = Circle()
    for host, upstream in ((ONE, TWO), (TWO, THREE), (THREE, ONE)):
        circle.start(host, upstream)
        circle.clock.advance(0.7)
    circle.clock.advance(FOUND_S)

    assert all(map(circle.found, (ONE, TWO, THREE)))


def test_a_circle_that_another_closes_is_found_by_the_questions_that_get_no_reply() -> None:
    """C-22: somebody else's forwarder is told to ask us; nothing of ours has changed."""
    circle = Circle()
    circle.relay(TWO, GOOD)
    circle.start(ONE, TWO)
    circle.clock.advance(60)
    assert circle.is_usable(ONE)

    circle.relay(TWO, ONE)
    circle.ask(ONE)
    circle.clock.advance(FOUND_S)

    assert circle.is_marked(ONE)


def test_a_server_that_is_back_and_asks_us_now_is_found() -> None:
    """C-22: it was down while it was told to."""
    circle = Circle()
    circle.relay(TWO, GOOD)
    circle.start(ONE, TWO)
    circle.clock.advance(60)
    circle.relay(TWO, THREE)  # which does not run
    circle.ask(ONE)
    circle.clock.advance(60)
    assert not circle.is_usable(ONE)

    circle.relay(TWO, ONE)
    circle.clock.advance(FOUND_S)

    assert circle.is_marked(ONE)


def test_a_look_that_nobody_can_pass_on_is_refused() -> None:
    """C-22: a form alone opens nothing."""
    circle = Circle()
    circle.start(ONE)

    replies = circle.look(ONE)

    assert [reply.rcode for reply in replies] == [SERVFAIL]
    assert circle.sent == []
