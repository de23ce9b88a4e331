"""Loops, and changes of the configuration: what becomes of upstreams, and of what is in flight."""

from __future__ import annotations

from collections.abc import Sequence

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name, from_text
from kubedns_py.dns.rcode import SERVFAIL
from kubedns_py.dns.rrset import HINFO, IN, NS
from kubedns_py.upstream.forwarder import TICK_S
from kubedns_py.upstream.health import LOOPING_S
from kubedns_py.upstream.lookup import TOTAL_S
from kubedns_py.upstream.routes import Routes
from tests.helpers.fake_exchanges import an_ask
from tests.helpers.forwarding import CLIENT, ONE, THREE, TWO, ForwardStage, a_group, ede


def test_a_question_that_comes_from_where_it_was_sent_is_a_loop() -> None:
    """C-22, FWD-8: SERVFAIL, a counter, and never an exit."""
    stage = ForwardStage(ONE)
    stage.settle()
    stage.silence(ONE)
    stage.ask()
    before = len(stage.loop_probes)

    assert ede(stage.ask(client=ONE)) == (0, "forwarding loop")
    assert stage.forwarder.counts.loop_detected == 1
    assert len(stage.questions()) == 1
    assert len(stage.loop_probes) == before + 1  # whether it really loops is found out


def test_a_client_on_the_host_of_an_upstream_may_ask() -> None:
    """C-22: another question, or one that was sent elsewhere, is no loop."""
    stage = ForwardStage(ONE, TWO)
    stage.ask()

    assert stage.ask("mail.example.org.", ONE) is None
    assert stage.ask(client=TWO) is None
    assert stage.forwarder.counts.loop_detected == 0


def test_no_client_can_take_an_upstream_away_by_pretending() -> None:
    """C-22: addresses can be forged."""
    stage = ForwardStage(ONE)
    stage.settle()
    stage.silence(ONE)
    stage.ask()

    for _ in range(100):
        stage.ask(client=ONE)

    assert stage.ask("mail.example.org.") is None


def test_an_upstream_that_sends_our_questions_back_is_left_alone() -> None:
    """C-22, FWD-8: and own names are served, because nothing exits."""
    stage = ForwardStage(ONE, TWO)
    name: Name = stage.loop_probes[0].ask.name

    reply = stage.ask(Ask(name, HINFO, IN), ONE)

    assert ede(reply) == (0, "forwarding loop")
    assert stage.forwarder.counts.loop_detected == 1
    stage.ask()
    assert [sent.server.host for sent in stage.questions()] == [TWO]


def test_when_every_upstream_loops_the_client_is_told() -> None:
    """C-22, FWD-8."""
    stage = ForwardStage(ONE)
    stage.settle()
    stage.forwarder.replace_routes(Routes(a_group(), {}))
    stage.forwarder.replace_routes(Routes(stage.group, {}))
    stage.ask(Ask(stage.loop_probes[-1].ask.name, HINFO, IN), ONE)

    assert ede(stage.ask()) == (
        22,
        "all upstreams of . are down or send questions back to us",
    )
    stage.clock.advance(LOOPING_S)
    assert stage.ask() is None


def test_other_names_are_not_our_probes() -> None:
    """C-22."""
    stage = ForwardStage(ONE)

    assert stage.ask(Ask(from_text("www.example.org."), HINFO, IN)) is None
    assert stage.forwarder.counts.loop_detected == 0


# -- configuration


def routes_of(hosts: Sequence[str]) -> Routes:
    """Return a default route alone."""
    return Routes(a_group(*hosts), {})


def test_what_is_known_of_servers_that_stay_is_kept() -> None:
    """FWD-12: a new resolv.conf."""
    stage = ForwardStage(ONE, TWO)
    stage.settle()
    known = {health.server.host: health for health in stage.forwarder.servers}

    stage.forwarder.replace_routes(routes_of([TWO, THREE]))

    now = {health.server.host: health for health in stage.forwarder.servers}
    assert set(now) == {TWO, THREE}
    assert now[TWO] is known[TWO]


def test_a_server_of_several_routes_is_one_server() -> None:
    """C-15: what is learned for one route is known for the other."""
    stage = ForwardStage(ONE)
    stub = a_group(ONE, ONE, TWO, route="corp.example.")

    stage.forwarder.replace_routes(Routes(stage.group, {from_text("corp.example."): stub}))

    assert [health.server.host for health in stage.forwarder.servers] == [ONE, TWO]
    probes = {str(sent) for sent in stage.udp.sent if sent.ask.qtype == NS}
    assert probes == {f"{ONE} . NS", f"{TWO} corp.example. NS"}


def test_what_is_in_flight_is_finished_when_its_route_goes() -> None:
    """FWD-12: no client loses its answer."""
    stage = ForwardStage(ONE)
    stage.ask()

    stage.forwarder.replace_routes(routes_of([TWO]))
    stage.questions()[0].say("192.0.2.1")

    assert len(stage.replies) == 1
    stage.forwarder.replace_routes(routes_of([TWO]))
    assert stage.ask() is not None  # the old group is no route any more


def test_what_is_in_flight_ends_in_time_when_its_route_goes() -> None:
    """FWD-12, C-15."""
    stage = ForwardStage(ONE)
    stage.ask()

    stage.forwarder.replace_routes(routes_of([TWO]))
    stage.clock.advance(TOTAL_S + 2 * TICK_S)

    assert [reply.rcode for reply, _ in stage.replies] == [SERVFAIL]


def test_closing_ends_everything_without_a_word() -> None:
    """Stop: no timer and no socket stays."""
    stage = ForwardStage(ONE, TWO)
    stage.ask()
    stage.clock.advance(0.5)

    stage.forwarder.close()
    stage.forwarder.close()
    stage.clock.advance(60)

    assert stage.udp.open == stage.tcp.open == []
    assert stage.clock.waiting == 0
    assert stage.replies == []


def test_closing_from_within_an_answer_is_harmless() -> None:
    """Stop may come at any time."""
    stage = ForwardStage(ONE)
    stage.forwarder.ask(an_ask(), stage.group, CLIENT, lambda _: stage.forwarder.close())
    stage.ask("mail.example.org.")

    stage.clock.advance(60)

    assert stage.clock.waiting == 0
    assert stage.udp.open == stage.tcp.open == []


def test_no_timer_runs_when_nothing_is_in_flight() -> None:
    """An idle server sleeps."""
    stage = ForwardStage(ONE)
    stage.settle()
    stage.ask()

    stage.clock.advance(1)

    assert stage.clock.waiting == 0
