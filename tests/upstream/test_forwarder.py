"""The forwarder without sockets: what clients get, and what upstreams see.

Loops and changes of the configuration are in ``test_forwarder_changes.py``.
"""

from __future__ import annotations

import pytest

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import NOERROR
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import AAAA, IN
from kubedns_py.upstream.admission import Bounds
from kubedns_py.upstream.counts import Reject
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.forwarder import TICK_S
from kubedns_py.upstream.lookup import TOTAL_S
from kubedns_py.upstream.routes import Routes
from tests.helpers.fake_exchanges import an_ask, failing
from tests.helpers.forwarding import CLIENT, ONE, THREE, TWO, ForwardStage, a_group, ede


def test_a_question_is_answered() -> None:
    """FWD-1."""
    stage = ForwardStage(ONE)

    assert stage.ask() is None
    stage.questions()[0].say("192.0.2.1")

    ((reply, _),) = stage.replies
    assert reply.rcode == NOERROR
    assert reply.answer[0].rdatas == (b"\xc0\x00\x02\x01",)
    assert (stage.forwarder.in_flight, stage.forwarder.waiting) == (0, 0)


# -- the same question from many


def test_a_thousand_equal_questions_are_one_question() -> None:
    """C-17, CVE-2023-30464: and all are answered."""
    stage = ForwardStage(ONE)

    for _ in range(1000):
        assert stage.ask() is None
    assert (stage.forwarder.in_flight, stage.forwarder.waiting) == (1, 1000)
    assert len(stage.questions()) == 1
    stage.questions()[0].say("192.0.2.1")

    assert len(stage.replies) == 1000
    assert stage.forwarder.counts.coalesced == 999
    assert (stage.forwarder.in_flight, stage.forwarder.waiting) == (0, 0)


def test_who_waits_is_bounded() -> None:
    """C-17, C-27."""
    stage = ForwardStage(ONE)
    for _ in range(1000):
        stage.ask()

    code, text = ede(stage.ask())

    assert (code, text.split(":")[0]) == (0, "too many questions are waiting")
    assert stage.forwarder.counts.rejects[Reject.CLIENT] == 1


@pytest.mark.parametrize(
    "other",
    [
        Ask(from_text("www.example.org."), AAAA, IN),
        Ask(from_text("www.example.org."), 1, IN, do=True),
        Ask(from_text("www.example.org."), 1, IN, cd=True),
        Ask(from_text("example.org."), 1, IN),
    ],
)
def test_what_could_be_answered_otherwise_is_another_question(other: Ask) -> None:
    """C-18: DO, CD and type."""
    stage = ForwardStage(ONE)
    stage.ask()

    stage.ask(other)

    assert stage.forwarder.in_flight == 2


def test_the_same_question_to_another_route_is_another_question() -> None:
    """C-23."""
    stage = ForwardStage(ONE)
    stub = a_group(TWO, route="example.org.")
    stage.forwarder.replace_routes(Routes(stage.group, {from_text("example.org."): stub}))

    stage.ask()
    stage.ask(group=stub)

    assert {sent.server.host for sent in stage.questions()} == {ONE, TWO}


def test_the_next_client_with_a_question_that_was_answered_asks_anew() -> None:
    """The cache remembers; the forwarder does not."""
    stage = ForwardStage(ONE)
    stage.ask()
    stage.questions()[0].say("192.0.2.1")

    stage.ask()

    assert len(stage.questions()) == 2


def test_a_client_may_ask_again_when_it_is_told() -> None:
    """A chain is followed from within ``done``."""
    stage = ForwardStage(ONE)
    again: list[Reply | None] = []

    def ask_again(_: Reply) -> None:
        again.append(stage.ask())

    stage.forwarder.ask(an_ask(), stage.group, CLIENT, ask_again)
    stage.questions()[0].say("192.0.2.1")

    assert again == [None]
    assert stage.forwarder.in_flight == 1


# -- bounds


def test_one_client_holds_a_tenth_of_the_slots_and_others_are_served() -> None:
    """L-04: silent upstream, random names."""
    stage = ForwardStage(ONE, bounds=Bounds(slots=100))
    refused = [stage.ask(f"r{n}.example.org.", "10.244.0.1") for n in range(50)]

    assert refused[:10] == [None] * 10
    assert {ede(reply) for reply in refused[10:]} == {
        (0, "too many questions are waiting: 10 is the limit of one client")
    }
    assert stage.ask("www.example.org.", "10.244.0.2") is None


def test_questions_over_the_bound_are_refused_at_once_with_the_reason() -> None:
    """L-04, FWD-7: never dropped in silence."""
    stage = ForwardStage(ONE, bounds=Bounds(slots=100))
    for n in range(100):
        assert stage.ask(f"r{n}.example.org.", f"10.244.1.{n}") is None

    assert ede(stage.ask()) == (
        0,
        "too many questions are waiting: 100 is the limit of all clients",
    )
    assert stage.forwarder.load == 1
    assert stage.forwarder.counts.rejects[Reject.TOTAL] == 1


def test_slots_are_free_again_soon_when_the_upstream_is_silent() -> None:
    """L-04: after two seconds the server is down, and who waits is told."""
    stage = ForwardStage(ONE, bounds=Bounds(slots=100))
    stage.settle()
    stage.silence(ONE)
    for n in range(100):
        stage.ask(f"r{n}.example.org.", f"10.244.1.{n}")

    stage.clock.advance(3)

    assert len(stage.replies) == 100
    assert stage.forwarder.in_flight == 0


def test_nobody_waits_longer_than_the_total() -> None:
    """C-15, C-27: also who came last."""
    stage = ForwardStage(ONE, TWO)
    stage.probes_alone(ONE, TWO)
    stage.ask()
    stage.clock.advance(2)
    stage.ask()

    stage.clock.advance(3)

    assert stage.times == pytest.approx([TOTAL_S - 2, TOTAL_S], abs=2 * TICK_S)


# -- nobody to ask


def test_without_upstreams_the_client_is_told_at_once() -> None:
    """FWD-5: EDE 22."""
    stage = ForwardStage()

    assert ede(stage.ask()) == (22, "no upstream is configured")
    assert stage.forwarder.counts.rejects[Reject.NONE] == 1


def test_a_route_that_nobody_has_is_refused() -> None:
    """A group that is not one of the routes."""
    stage = ForwardStage(ONE)

    assert ede(stage.forwarder.ask(an_ask(), None, CLIENT, print)) == (
        22,
        "no upstream is configured",
    )
    assert stage.ask(group=a_group(THREE)) is not None


def test_when_all_upstreams_are_down_the_client_is_told_at_once() -> None:
    """FWD-5, F-32: nothing is sent but probes, and ``is_up`` tells of each server."""
    stage = ForwardStage(ONE, TWO)
    stage.clock.advance(3)
    before = len(stage.udp.sent)

    assert ede(stage.ask()) == (22, "all upstreams of . are down")
    assert len(stage.udp.sent) == before
    assert stage.forwarder.counts.rejects[Reject.DOWN] == 1
    assert {server.is_up for server in stage.forwarder.servers} == {False}


def test_an_upstream_that_comes_back_is_asked_within_half_a_second() -> None:
    """C-15: flapping."""
    stage = ForwardStage(ONE)
    stage.clock.advance(3)
    assert stage.ask() is not None

    stage.alive(ONE)
    stage.clock.advance(0.52)

    assert stage.ask() is None


# -- a dead upstream among others


def test_a_dead_upstream_among_three_costs_one_retry_and_then_nothing() -> None:
    """Issue 3: shown for 2000 clients, 1 ms apart, 20 ms from the others."""
    stage = ForwardStage(ONE, TWO, THREE)
    stage.settle(0.02)
    stage.alive(ONE, 0.001)  # the best one
    for n in range(200):
        stage.ask(f"warm{n}.example.org.")
        stage.clock.advance(0.005)
    stage.replies.clear()
    stage.silence(ONE)

    for n in range(2000):
        assert stage.ask(f"r{n}.example.org.", f"10.244.1.{n % 250}") is None
        stage.clock.advance(0.001)
    stage.clock.advance(1)

    assert {reply.rcode for reply, _ in stage.replies} == {NOERROR}
    assert max(stage.times) <= 0.15 + TICK_S + 0.021
    slow = [seconds for seconds in stage.times if seconds > 0.03]
    assert len(slow) <= 180  # those that were asked before the first wait was over
    assert [sent.server.host for sent in stage.questions("r1999.example.org.")] == [TWO]
    assert not next(s for s in stage.forwarder.servers if s.server.host == ONE).is_up


def test_an_upstream_that_dies_with_icmp_costs_a_round_trip() -> None:
    """C-15: no wait at all."""
    stage = ForwardStage(ONE, TWO)
    stage.settle(0.02)
    for exchanges in (stage.udp, stage.tcp):
        exchanges.answers[ONE] = exchanges.after(0.001, failing(Failure.UNREACHABLE))

    for n in range(20):
        stage.ask(f"r{n}.example.org.")
        stage.clock.advance(0.1)

    assert max(stage.times) <= 0.022
    assert stage.times[:-1] == pytest.approx([0.02] * 19)


def test_names_that_are_slow_everywhere_take_no_upstream_from_the_others() -> None:
    """L-04, C-15: the upstream replies to everything else."""
    stage = ForwardStage(ONE)
    stage.settle()
    fast = stage.udp.answers[ONE]
    stage.udp.answers[ONE] = lambda sent: None if b"slow" in sent.ask.name else fast(sent)

    for n in range(60):
        stage.ask(Ask((b"r%d" % n, b"slow", b"example"), 1, IN))
        stage.clock.advance(0.05)
    assert stage.ask() is None
    stage.clock.advance(0.02)

    assert [seconds for reply, seconds in stage.replies if reply.rcode == NOERROR] == [
        pytest.approx(0.01)
    ]
