"""Every TCP connection comes to an end that loses nothing (reliability rows T-07 to T-17)."""

from __future__ import annotations

import logging

import pytest

from kubedns_py.server.arrival import Arrival
from kubedns_py.server.connection import TURN, TcpLimits
from tests.helpers.dnsclient import TcpClient, a_query, framed
from tests.helpers.tcpserver import Large, idents, queries, reply_to, serving
from tests.helpers.waiting import until

QUERY = a_query(ident=7)


async def test_after_its_last_query_a_connection_gets_the_reply_and_then_fin() -> None:
    """T-07: no more than so many queries per connection."""
    async with serving(limits=TcpLimits(queries=50)) as at, await at.client() as client:
        await client.send(queries(range(80)))
        replies = await client.all_until_fin()

    assert idents(replies) == list(range(50))
    assert at.outcomes() == {"queries": 1}


async def test_ten_thousand_queries_pass_over_connections_of_a_thousand() -> None:
    """T-07, with the cap as shipped."""
    answered = 0
    async with serving() as at:
        while answered < 10000:
            async with await at.client() as client:
                await client.send(queries(range(1000)))
                answered += len(await client.all_until_fin())

    assert answered == 10000
    assert at.outcomes() == {"queries": 10}


async def test_the_last_reply_reaches_a_client_that_reads_late() -> None:
    """T-07 with T-08: FIN waits for what is owed."""
    respond = Large()
    limits = TcpLimits(queries=1)
    async with (
        serving(respond, limits=limits, send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries([1, 2]))
        await until(lambda: respond.calls > 0)
        replies = await client.all_until_fin()

    assert idents(replies) == [1]
    assert at.outcomes() == {"queries": 1}


async def test_a_client_that_never_reads_its_last_reply_is_cut_off_too() -> None:
    """T-08: also when FIN would be next."""
    respond = Large()
    limits = TcpLimits(queries=1, write_s=0.3)
    async with (
        serving(respond, limits=limits, send_octets=0) as at,
        await at.client(receive=4096) as client,
    ):
        await client.send(queries([1]))
        await until(lambda: at.server.connections == 0)

        with pytest.raises(ConnectionResetError):
            await client.all_until_fin()


@pytest.mark.parametrize("count", [1, 200])
async def test_a_half_closed_connection_gets_every_reply_and_then_fin(count: int) -> None:
    """T-09: nothing stays in CLOSE_WAIT."""
    async with serving() as at, await at.client() as client:
        await client.send(queries(range(count)))
        client.half_close()
        replies = await client.all_until_fin()
        await until(lambda: at.server.connections == 0)

    assert idents(replies) == list(range(count))
    assert at.outcomes() == {"peer_closed": 1}


async def test_a_half_closed_connection_that_reads_late_gets_every_reply() -> None:
    """T-09 with T-08."""
    respond = Large()
    async with serving(respond) as at, await at.client(receive=4096) as client:
        await client.send(queries(range(40)))
        client.half_close()
        await until(lambda: respond.calls > 0)
        replies = await client.all_until_fin()

    assert idents(replies) == list(range(40))


async def test_a_half_close_within_a_message_ends_the_connection() -> None:
    """T-09: the rest will never come."""
    async with serving() as at, await at.client() as client:
        await client.send(framed(QUERY)[:20])
        client.half_close()

        assert await client.receive() is None
        await until(lambda: at.outcomes() == {"peer_closed": 1})


async def test_a_reset_amid_answers_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    """T-10: nothing is logged, nothing leaks, and answering stops."""
    caplog.set_level(logging.INFO)
    answered = 0
    clients: list[TcpClient] = []

    def respond(message: bytes, arrival: Arrival) -> bytes:
        nonlocal answered
        answered += 1
        if answered == 5:
            clients[0].reset()
        return reply_to(message, arrival)

    async with serving(respond) as at:
        clients.append(await at.client())
        await clients[0].send(queries(range(900)))
        await until(lambda: at.server.connections == 0 and answered > 0)

    assert answered < 5 + TURN
    assert at.outcomes() == {"peer_reset": 1}
    assert caplog.records == []


async def test_a_reset_before_our_fin_is_no_news_either(caplog: pytest.LogCaptureFixture) -> None:
    """T-10 with T-17: there is nobody left to send FIN to."""
    clients: list[TcpClient] = []

    def respond(_message: bytes, _arrival: Arrival) -> None:
        clients[0].reset()

    async with serving(respond, limits=TcpLimits(queries=1)) as at:
        clients.append(await at.client())
        await clients[0].send(queries([1]))
        await until(lambda: at.outcomes() == {"queries": 1})

    assert caplog.records == []


async def test_an_old_connection_gets_fin_when_it_is_idle() -> None:
    """T-14: so that clients spread over replicas."""
    limits = TcpLimits(lifetime_s=0.3, queries=1000000)
    async with serving(limits=limits) as at, await at.client() as client:
        while await client.ask(QUERY) is not None:
            pass  # it never stops asking

    assert at.outcomes() == {"lifetime": 1}


async def test_an_old_connection_that_says_nothing_gets_fin_at_the_same_age() -> None:
    """T-14: the lifetime is shorter than the idle time here."""
    limits = TcpLimits(lifetime_s=0.2, idle_s=5)
    async with serving(limits=limits) as at, await at.client() as client:
        assert await client.receive() is None

    assert at.outcomes() == {"lifetime": 1}


async def test_a_client_that_still_sends_while_we_end_is_not_reset() -> None:
    """T-17: what comes after our FIN is read and dropped, so the reply is not destroyed."""
    async with serving(limits=TcpLimits(queries=1)) as at, await at.client() as client:
        await client.send(queries(range(900)))
        await until(lambda: at.server.counts["accepted"] == 1)
        for _ in range(5):
            await client.send(queries(range(100)))
        replies = await client.all_until_fin()
        await client.send(queries(range(100)))
        client.half_close()
        await until(lambda: at.server.connections == 0)

    assert idents(replies) == [0]
    assert at.outcomes() == {"queries": 1}


async def test_a_client_that_never_closes_is_closed_a_moment_after_our_fin() -> None:
    """T-17: at most one second of lingering."""
    limits = TcpLimits(queries=1, linger_s=0.2)
    async with serving(limits=limits) as at, await at.client() as client:
        assert await client.ask(QUERY) is not None
        assert await client.receive() is None
        await until(lambda: at.server.connections == 0)

    assert at.outcomes() == {"queries": 1}
