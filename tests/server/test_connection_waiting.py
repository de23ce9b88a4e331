"""A TCP connection whose answers come later, from elsewhere (reliability rows T-01 to T-17)."""

from __future__ import annotations

import logging

import pytest

from kubedns_py.server.connection import UNREAD_OCTETS, TcpLimits
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.tcp import TcpServer
from tests.helpers.dnsclient import TcpClient, a_query, framed, ident_of
from tests.helpers.held import Elsewhere, Manner
from tests.helpers.loop_clock import LoopClock
from tests.helpers.tcpserver import LARGE_OCTETS, idents, queries, received, serving
from tests.helpers.waiting import until

QUERY = a_query(ident=777)


async def test_a_slow_answer_blocks_none_of_the_others() -> None:
    """T-06: 100 pipelined queries, the first of them slow; out of order, matched by ID."""
    respond = Elsewhere([0])
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries(range(100)))
        fast = await received(client, 99)
        waiting = at.server.waiting
        respond.come([0])
        slow = await received(client, 1)

        assert idents(fast) == list(range(1, 100))
        assert idents(slow) == [0]
        assert (waiting, at.server.waiting) == (1, 0)
        assert respond.held[0].client == "127.0.0.1"


async def test_answers_go_out_as_they_come() -> None:
    """T-06: in whatever order that is, and later queries are answered between them."""
    respond = Elsewhere(range(10))
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries(range(10)))
        await respond.begun(10)
        respond.come([9, 0])
        first = await received(client, 2)
        between = await client.ask(a_query(ident=77))
        respond.come([5, 1, 2, 3, 4, 6, 7, 8])
        rest = await received(client, 8)

    assert idents(first) == [9, 0]
    assert between is not None
    assert ident_of(between) == 77
    assert idents(rest) == [5, 1, 2, 3, 4, 6, 7, 8]


async def test_answers_within_begin_are_written_in_order() -> None:
    """T-06: a Deferred may know the answer at once; two turns' worth of them."""
    async with serving(Elsewhere(manner=Manner.AT_ONCE)) as at, await at.client() as client:
        await client.send(queries(range(100)))
        replies = await received(client, 100)

    assert idents(replies) == list(range(100))


async def test_no_reply_at_all_leaves_the_connection_open() -> None:
    """None is silence; the next query is answered, and then the connection is idle again."""
    respond = Elsewhere([1])
    async with serving(respond, limits=TcpLimits(idle_s=0.2)) as at, await at.client() as client:
        await client.send(queries([1]))
        await respond.begun(1)
        respond.held[1].fail_to_come()
        reply = await client.ask(QUERY)

        assert reply is not None
        assert await client.receive() is None
    assert at.outcomes() == {"idle": 1}


async def test_a_connection_that_waits_is_not_idle() -> None:
    """T-03: the idle time runs from the answer on."""
    clock = LoopClock()
    respond = Elsewhere()
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([1]))
        await respond.begun(1)
        await clock.pass_by(60)
        respond.come([1])

        assert idents(await received(client, 1)) == [1]
        await clock.pass_by(10)
        assert await client.receive() is None
    assert at.outcomes() == {"idle": 1}


async def test_an_old_connection_that_waits_gets_its_answer_before_fin() -> None:
    """T-14: the lifetime ends when nothing is owed."""
    clock = LoopClock()
    respond = Elsewhere()
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([1]))
        await respond.begun(1)
        await clock.pass_by(150)
        respond.come([1])

        assert idents(await client.all_until_fin()) == [1]
    assert at.outcomes() == {"lifetime": 1}


async def test_only_so_many_answers_of_a_connection_are_waited_for() -> None:
    """Reading stops at the bound, and goes on when one has come; other clients are served."""
    respond = Elsewhere(range(10))
    async with (
        serving(respond, limits=TcpLimits(waiting=4)) as at,
        await at.client() as client,
        await at.client() as other,
    ):
        await client.send(queries(range(7)))
        await respond.begun(4)
        await client.send(queries([7, 8, 9, 77]))
        assert await other.ask(QUERY) is not None
        begun = [list(respond.held)]
        for number in (3, 0):
            respond.come([number])
            await respond.begun(len(begun) + 4)
            assert await other.ask(QUERY) is not None
            begun.append(list(respond.held))
        for number in (1, 2, 4, 5, 6, 7, 8, 9):
            await respond.has_begun(number)
            respond.come([number])
        replies = await received(client, 11)

    assert begun == [list(range(4)), list(range(5)), list(range(6))]
    assert sorted(idents(replies)) == [*range(10), 77]


async def test_a_reply_to_a_full_connection_answers_all_that_it_held_up() -> None:
    """Queries behind the bound that need nobody else are answered in one go."""
    respond = Elsewhere(range(2))
    async with serving(respond, limits=TcpLimits(waiting=2)) as at, await at.client() as client:
        await client.send(queries([0, 1, *range(10, 60)]))
        await respond.begun(2)
        respond.come([1])
        replies = await received(client, 51)
        respond.come([0])
        last = await received(client, 1)

    assert idents(replies) == [1, *range(10, 60)]
    assert idents(last) == [0]


async def test_a_half_closed_connection_gets_every_answer_and_then_fin() -> None:
    """T-09: those that are under way when its FIN is read too; nothing stays in CLOSE_WAIT."""
    respond = Elsewhere(range(20))
    limits = TcpLimits(linger_s=60)
    async with serving(respond, limits=limits) as at, await at.client() as client:
        await client.send(queries(range(30)))
        client.half_close()
        fast = await received(client, 10)
        respond.held[3].fail_to_come()
        respond.come(ident for ident in reversed(range(20)) if ident != 3)
        slow = await client.all_until_fin()
        await until(lambda: at.server.connections == 0)

    assert idents(fast) == list(range(20, 30))
    assert idents(slow) == [ident for ident in reversed(range(20)) if ident != 3]
    assert respond.abandoned == []
    assert at.outcomes() == {"peer_closed": 1}


async def test_a_half_closed_connection_beyond_the_bound_gets_every_answer() -> None:
    """T-09: its FIN is read when all that it asked has been begun."""
    respond = Elsewhere()
    async with serving(respond, limits=TcpLimits(waiting=3)) as at, await at.client() as client:
        await client.send(queries(range(10)))
        client.half_close()
        for ident in range(10):
            await respond.has_begun(ident)
            respond.come([ident])

        assert idents(await client.all_until_fin()) == list(range(10))


async def test_a_half_close_within_a_message_does_not_cost_the_answers_before_it() -> None:
    """T-09: the rest of the message will never come, and nobody waits for it."""
    clock = LoopClock()
    respond = Elsewhere()
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([1]) + framed(QUERY)[:20])
        client.half_close()
        await respond.begun(1)
        await clock.pass_by(60)
        respond.come([1])

        assert idents(await client.all_until_fin()) == [1]
    assert at.outcomes() == {"peer_closed": 1}


async def test_a_half_closed_connection_that_reads_late_gets_its_answer() -> None:
    """T-09 with T-08: FIN comes after the last octet."""
    respond = Elsewhere()
    async with (
        serving(respond, send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries([1]))
        client.half_close()
        await respond.begun(1)
        respond.come([1], LARGE_OCTETS)
        replies = await client.all_until_fin()

    assert [len(reply) for reply in replies] == [LARGE_OCTETS]
    assert at.outcomes() == {"peer_closed": 1}


async def test_a_reset_abandons_all_that_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """T-10: nothing is logged, nothing leaks, and what comes all the same is dropped."""
    caplog.set_level(logging.INFO)
    respond = Elsewhere(range(5))
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries(range(10)))
        await received(client, 5)
        respond.come([2])
        await received(client, 1)
        client.reset()
        await until(lambda: at.server.connections == 0)
        waiting = at.server.waiting
        respond.come(range(5))

    assert waiting == 0
    assert respond.abandoned == [0, 1, 3, 4]
    assert at.outcomes() == {"peer_reset": 1}
    assert caplog.records == []


async def test_answers_to_a_client_that_is_gone_are_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """T-10: the first that cannot be written ends it; more come before anybody knows."""
    caplog.set_level(logging.INFO)
    respond = Elsewhere()
    async with serving(respond, limits=TcpLimits(waiting=20)) as at, await at.client() as client:
        await client.send(queries(range(20)))
        await respond.begun(20)
        client.reset()
        respond.come(range(20))
        await until(lambda: at.server.connections == 0)

    assert at.outcomes() == {"peer_reset": 1}
    assert caplog.records == []


async def test_the_last_query_of_a_connection_is_answered_before_fin() -> None:
    """T-07 with T-17: what is sent while we wait is dropped, and no RST destroys the answers."""
    respond = Elsewhere([0, 1])
    async with (
        serving(respond, limits=TcpLimits(queries=3)) as at,
        await at.client() as client,
        await at.client() as other,
    ):
        await client.send(queries(range(50)))
        first = await received(client, 1)
        await client.send(queries(range(100)))
        assert await other.ask(QUERY) is not None
        respond.come([1, 0])
        rest = await client.all_until_fin()
        await client.send(queries(range(100)))
        client.half_close()
        await until(lambda: at.outcomes() == {"queries": 1})

    assert idents(first) == [2]
    assert idents(rest) == [1, 0]


async def test_garbage_does_not_cost_the_answers_before_it() -> None:
    """T-01."""
    respond = Elsewhere()
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([1, 2]) + b"\0\0")
        await respond.begun(2)
        respond.come([2, 1])

        assert idents(await client.all_until_fin()) == [2, 1]
    assert at.outcomes() == {"garbage": 1}


async def test_a_message_that_drips_in_is_cut_off_though_an_answer_is_owed() -> None:
    """T-02: who breaks a deadline loses the connection at once, and what it waited for."""
    respond = Elsewhere()
    async with (
        serving(respond, limits=TcpLimits(message_s=0.2)) as at,
        await at.client() as client,
    ):
        await client.send(queries([1]) + framed(QUERY)[:5])

        assert await client.is_closed_by_server()
        await until(lambda: at.server.connections == 0)
    assert respond.abandoned == [1]
    assert at.outcomes() == {"read_deadline": 1}


async def test_an_answer_within_a_message_does_not_disturb_it() -> None:
    """T-04: the message is completed after that, and answered."""
    respond = Elsewhere([1])
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([1]) + framed(QUERY)[:5])
        await respond.begun(1)
        respond.come([1])
        first = await received(client, 1)
        await client.send(framed(QUERY)[5:])

        assert idents([*first, *await received(client, 1)]) == [1, 777]


async def test_a_client_that_reads_late_gets_what_came_meanwhile() -> None:
    """T-08: up to the bound; then the connection goes on."""
    respond = Elsewhere(range(20))
    async with (
        serving(respond, send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries(range(20)))
        await respond.begun(20)
        respond.come(range(20), UNREAD_OCTETS // 20 - 2)
        replies = await received(client, 20)

        assert idents(replies) == list(range(20))
        assert await client.ask(QUERY) is not None


async def test_answers_that_come_while_a_client_does_not_read_are_bounded() -> None:
    """T-08: 64 KiB are kept; what is more ends the connection, without a loss in between."""
    respond = Elsewhere()
    async with (
        serving(respond, send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries(range(40)))
        await respond.begun(40)
        respond.come(range(30), LARGE_OCTETS // 4)
        waiting = at.server.waiting
        replies = await client.all_until_fin()

    assert waiting == 0
    assert 0 < len(replies) < 20
    assert idents(replies) == list(range(len(replies)))
    assert respond.abandoned == list(range(len(replies) + 1, 40))
    assert at.outcomes() == {"unread": 1}


async def test_unread_answers_are_bounded_before_the_last_fin_too() -> None:
    """T-07 with T-08: the write deadline still applies."""
    respond = Elsewhere()
    async with (
        serving(respond, limits=TcpLimits(queries=40, write_s=0.2), send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries(range(40)))
        await respond.begun(40)
        respond.come(range(30), LARGE_OCTETS // 4)
        waiting = at.server.waiting
        await until(lambda: at.server.connections == 0)

        with pytest.raises(ConnectionResetError):
            await client.all_until_fin()
    assert waiting == 0
    assert at.outcomes() == {"queries": 1}


@pytest.mark.parametrize(
    ("limits", "outcome"),
    [
        (TcpLimits(write_s=0.2), "write_deadline"),
        (TcpLimits(write_s=0.2, queries=3), "queries"),
    ],
    ids=["amid", "before its fin"],
)
async def test_a_client_that_never_reads_an_answer_is_cut_off(
    limits: TcpLimits, outcome: str
) -> None:
    """T-08: at the write deadline, and what else it waits for is abandoned."""
    respond = Elsewhere()
    async with (
        serving(respond, limits=limits, send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries([1, 2, 3]))
        await respond.begun(3)
        respond.come([1], LARGE_OCTETS)
        await until(lambda: at.server.connections == 0)

        with pytest.raises(ConnectionResetError):
            await client.all_until_fin()
    assert respond.abandoned == [2, 3]
    assert at.outcomes() == {outcome: 1}


async def test_the_end_waits_for_answers_after_the_client_has_read() -> None:
    """T-07 with T-08: read late, wait, read again, and only then FIN."""
    clock = LoopClock()
    respond = Elsewhere()
    async with (
        serving(respond, limits=TcpLimits(queries=2, write_s=50), send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries([1, 2]))
        await respond.begun(2)
        respond.come([1], LARGE_OCTETS)
        first = await received(client, 1)
        await clock.pass_by(80)  # no write deadline: all has been read
        respond.come([2], LARGE_OCTETS)

        assert idents([*first, *await client.all_until_fin()]) == [1, 2]
    assert at.outcomes() == {"queries": 1}


async def test_a_failure_to_begin_costs_one_query_and_not_the_connection() -> None:
    """Reliability, 0.5: no network input ends the process."""
    panics: list[Exception] = []
    listeners = open_listeners(("127.0.0.1",), 0)
    respond = Elsewhere([1], Manner.BROKEN)
    server = TcpServer(listeners.tcp, respond, limits=TcpLimits(), on_panic=panics.append)
    server.start()
    async with await TcpClient().connect("127.0.0.1", listeners.port) as client:
        await client.send(queries([1, 7]))
        replies = await received(client, 1)
        waiting = server.waiting
    await server.close()
    listeners.close()

    assert idents(replies) == [7]
    assert waiting == 0
    assert [type(error) for error in panics] == [KeyError]
