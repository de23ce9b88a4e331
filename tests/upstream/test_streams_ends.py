"""Connections end, or never begin: what that means for the questions on them."""

from __future__ import annotations

import asyncio

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.response import Response
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.stream import StreamLimits
from tests.helpers.exchanges import (
    ADDRESS,
    GOOD,
    WWW,
    Asking,
    an_ask,
    ask,
    counted,
    streams,
)
from tests.helpers.fake_upstream import Turn, fake_upstream, nobody
from tests.helpers.loop_clock import LoopClock
from tests.helpers.upstream_script import (
    answer,
    by_name,
    closing,
    in_turn,
    late,
    silent,
)
from tests.helpers.waiting import until


@pytest.mark.parametrize("end", ["FIN", "RST"])
async def test_a_question_on_a_connection_that_the_server_closes_is_asked_again(
    end: str,
) -> None:
    """C-26: one transparent retry, on a new connection (CoreDNS, ErrCachedClosed)."""
    script = [answer(GOOD), closing(reset=end == "RST"), answer(GOOD)]
    async with fake_upstream(script) as up, streams() as exchanges:
        await ask(exchanges, up)

        assert await ask(exchanges, up) == [ADDRESS]

    assert [asked.connection for asked in up.asked] == [1, 1, 2]
    assert counted(exchanges) == {"opened": 2, "reused": 1, "retried": 1}


async def test_it_is_asked_again_once() -> None:
    """C-26: a server that always closes is broken."""
    async with fake_upstream([answer(GOOD), closing()]) as up, streams() as exchanges:
        await ask(exchanges, up)

        assert await Asking(exchanges, up.nameserver).outcome() is Failure.BROKEN

    assert [asked.connection for asked in up.asked] == [1, 1, 2]


async def test_what_a_server_does_not_answer_twice_has_failed() -> None:
    """C-26: once, though the new connection has answered another question before its end."""
    script = [
        answer(GOOD),
        *[silent()] * 2,
        closing(),
        in_turn(answer(GOOD), closing()),
        silent(),
    ]
    async with fake_upstream(script) as up, streams() as exchanges:
        await ask(exchanges, up)
        askings = [Asking(exchanges, up.nameserver) for _ in range(3)]
        outcomes = [await asking.outcome() for asking in askings]

    assert isinstance(outcomes[0], Response)
    assert outcomes[1:] == [Failure.BROKEN] * 2
    assert up.connections == 2


async def test_all_that_were_lost_are_asked_again_on_one_connection() -> None:
    """C-26: the other kept connections may be as dead."""
    limits = StreamLimits(outstanding=3)
    script = [*[answer(GOOD)] * 4, *[silent()] * 2, closing(), answer(GOOD)]
    async with fake_upstream(script) as up, streams(limits=limits) as exchanges:
        await asyncio.gather(*(ask(exchanges, up) for _ in range(4)))
        assert up.connections == 2

        assert await asyncio.gather(*(ask(exchanges, up) for _ in range(3))) == [[ADDRESS]] * 3

    assert [asked.connection for asked in up.asked][-3:] == [3, 3, 3]
    assert exchanges.counts["retried"] == 3


async def test_a_question_that_was_cancelled_is_not_asked_again() -> None:
    """C-26."""
    async with (
        fake_upstream([answer(GOOD), silent(), silent(), answer(GOOD)]) as up,
        streams() as exchanges,
    ):
        await ask(exchanges, up)
        kept = Asking(exchanges, up.nameserver)
        dropped = Asking(exchanges, up.nameserver)
        await up.has_been_asked(3)
        dropped.exchange.cancel()
        await up.close_streams()
        assert await kept.addresses() == [ADDRESS]

    assert len(up.asked) == 4
    assert not dropped.has_ended


async def test_a_server_that_closes_after_each_answer_is_used_all_the_same() -> None:
    """RFC 7766, 6.2.4: what it has not answered is asked again."""
    script = in_turn(answer(GOOD), closing())
    async with fake_upstream(script) as up, streams() as exchanges:
        for _ in range(3):
            assert await ask(exchanges, up) == [ADDRESS]
            await until(lambda: not up.writers)

    assert up.connections == 3


@pytest.mark.parametrize("end", ["FIN", "RST"])
async def test_a_new_connection_that_ends_without_a_reply_has_failed(end: str) -> None:
    """C-26: only what was kept may have been closed as idle."""
    async with fake_upstream(closing(reset=end == "RST")) as up, streams() as exchanges:
        assert await Asking(exchanges, up.nameserver).outcome() is Failure.BROKEN

    assert len(up.asked) == 1


async def test_a_connection_that_ends_within_a_reply_has_failed() -> None:
    """C-26: without a single octet of its reply."""

    async def half(turn: Turn) -> None:
        turn.send_octets(b"\0\x40half")
        turn.close()

    async with fake_upstream([answer(GOOD), half]) as up, streams() as exchanges:
        await ask(exchanges, up)

        assert await Asking(exchanges, up.nameserver).outcome() is Failure.BROKEN

    assert len(up.asked) == 2


async def test_a_length_that_is_none_fails_every_question_of_the_connection() -> None:
    """RFC 1035, 4.2.2."""

    async def nonsense(turn: Turn) -> None:
        turn.send_octets(b"\0\0\0\0")

    async with fake_upstream([silent(), nonsense]) as up, streams() as exchanges:
        askings = [Asking(exchanges, up.nameserver) for _ in range(2)]

        assert [await asking.outcome() for asking in askings] == [Failure.BROKEN] * 2


async def test_a_connection_that_the_server_has_closed_is_not_used_again() -> None:
    """RFC 7766, 6.2.3: its idle timeout may be shorter than ours."""
    async with fake_upstream(answer(GOOD)) as up, streams() as exchanges:
        await ask(exchanges, up)
        await up.close_streams()

        assert await ask(exchanges, up) == [ADDRESS]

    assert len(up.asked) == 2
    assert exchanges.counts["retried"] == 0


async def test_idle_connections_are_closed_and_others_are_not() -> None:
    """RFC 7766, 6.2.3: ours to close; one timer for all of them."""
    go = asyncio.Event()
    limits = StreamLimits(outstanding=1, idle_s=0.05)
    script = by_name({"slow.test.": late(go, answer(GOOD)), "www.example.test.": answer(GOOD)})
    async with fake_upstream(script) as up, streams(limits=limits) as exchanges:
        slow = Asking(exchanges, up.nameserver, an_ask("slow.test."))
        await asyncio.gather(ask(exchanges, up), ask(exchanges, up))
        assert up.connections == 3
        await until(lambda: len(up.writers) == 1)
        go.set()
        assert await slow.addresses() == [ADDRESS]
        await until(lambda: not up.writers)

        assert await ask(exchanges, up) == [ADDRESS]


async def test_each_connection_has_its_own_time_to_be_idle() -> None:
    """RFC 7766, 6.2.3: one timer for all, set again for those whose time has not come."""
    clock, go = LoopClock(), asyncio.Event()
    limits = StreamLimits(outstanding=1, idle_s=100)
    script = by_name({"far.test.": late(go, answer(GOOD)), "www.example.test.": answer(GOOD)})
    async with fake_upstream(script) as up, streams(limits=limits) as exchanges:
        far = Asking(exchanges, up.nameserver, an_ask("far.test."))
        await ask(exchanges, up)
        await up.has_been_asked(2)
        await clock.pass_by(60)
        go.set()
        assert await far.addresses() == [ADDRESS]
        assert len(up.writers) == 2

        await clock.pass_by(60)
        await until(lambda: len(up.writers) == 1)
        await clock.pass_by(60)
        await until(lambda: not up.writers)


async def test_an_end_may_cancel_others_and_begin_new_ones() -> None:
    """Exchanges: ``done`` may call whatever it likes, here when a connection is lost."""
    async with (
        fake_upstream([silent(), silent(), closing(), answer(GOOD)]) as up,
        streams() as exchanges,
    ):
        begun: list[Asking] = []
        others = [Asking(exchanges, up.nameserver) for _ in range(2)]

        def done(_: Response | Failure) -> None:
            for other in others:
                other.exchange.cancel()
            begun.append(Asking(exchanges, up.nameserver))

        exchanges.begin(up.nameserver, WWW, done, edns=True)
        await until(lambda: bool(begun))

        assert await begun[0].addresses() == [ADDRESS]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_without_a_server_is_unreachable(host: str) -> None:
    """C-15: RST."""
    with nobody(host) as nameserver:
        async with streams() as exchanges:
            assert await Asking(exchanges, nameserver).outcome() is Failure.UNREACHABLE


async def test_opening_a_connection_has_a_deadline_though_nobody_waits() -> None:
    """Every wait on the network is bounded. The server accepts, and never says hello in TLS."""
    async with fake_upstream() as up, streams(limits=StreamLimits(open_s=0.05)) as exchanges:
        mute = up.nameserver._replace(tls_name="mute.test")
        assert await Asking(exchanges, mute).outcome() is Failure.UNREACHABLE

        Asking(exchanges, mute).exchange.cancel()
        await until(lambda: up.connections == 2)
        await until(lambda: not up.writers)


async def test_what_only_a_fault_of_ours_can_raise_is_told_and_ends_the_question() -> None:
    """House rule of errors: nothing is swallowed. No such port passes the options."""
    told: list[BaseException] = []
    async with streams() as exchanges:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
        asking = Asking(exchanges, Nameserver("127.0.0.1", 70000))

        assert await asking.outcome() is Failure.BROKEN

    assert [type(error) for error in told] == [OverflowError]


async def test_closing_ends_everything_without_a_word() -> None:
    """Start and stop: questions that wait, that were sent, and whose connection is being opened."""
    limits = StreamLimits(outstanding=1, connections=2)
    async with fake_upstream() as up, streams(limits=limits) as exchanges:
        sent = Asking(exchanges, up.nameserver)
        await up.has_been_asked(1)
        askings = [sent, *(Asking(exchanges, up.nameserver) for _ in range(3))]
        mute = up.nameserver._replace(tls_name="mute.test")
        askings.append(Asking(exchanges, mute))
        await until(lambda: up.connections == 3)
        await exchanges.aclose()
        await exchanges.aclose()
        await until(lambda: not up.writers)

        assert not any(asking.has_ended for asking in askings)


async def test_closing_at_once_after_the_beginning_leaves_nothing() -> None:
    """Start and stop: the attempt to connect has not had its first turn."""
    async with fake_upstream() as up, streams() as exchanges:
        asking = Asking(exchanges, up.nameserver)
        await exchanges.aclose()

        assert not asking.has_ended
