"""How TCP evicts and goes away while answers from elsewhere are under way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

import pytest

from kubedns_py.server.connection import TcpLimits
from tests.helpers.dnsclient import a_query
from tests.helpers.held import Elsewhere
from tests.helpers.tcpserver import clients, idents, queries, received, serving
from tests.helpers.threads import beside
from tests.helpers.waiting import until

QUERY = a_query(ident=1)
SLOW = range(100, 200)


@pytest.mark.parametrize("garbage", [b"", b"\0\0"], ids=["open", "about to end"])
async def test_who_waits_for_an_answer_is_not_evicted(garbage: bytes) -> None:
    """T-12: a new connection is refused until the answer has come."""
    respond = Elsewhere(SLOW)
    async with (
        serving(respond, limits=TcpLimits(total=1)) as at,
        await at.client(source="127.0.0.1") as waiting,
    ):
        await waiting.send(queries([100]) + garbage)
        await respond.begun(1)
        async with await at.client(source="127.0.0.2") as early:
            assert await early.is_closed_by_server()
        respond.come([100])
        replies = await received(waiting, 1)
        async with await at.client(source="127.0.0.2") as late:
            assert await late.ask(QUERY) is not None

    assert idents(replies) == [100]
    assert at.server.counts["refused_total"] == 1


async def test_a_drain_waits_for_answers_and_then_sends_fin() -> None:
    """Shutdown contract, F-42: FIN to idle TCP after pending replies; 0 lost."""
    respond = Elsewhere(SLOW)
    async with serving(respond) as at, contextlib.AsyncExitStack() as stack:
        (client, idle) = await clients(at, ["127.0.0.1"] * 2, stack)
        await client.send(queries([100, 101, 1]))
        first = await received(client, 1)
        drain = asyncio.create_task(at.server.drain(deadline_s=5))

        assert await idle.receive() is None
        assert at.server.waiting == 2
        respond.come([101, 100])
        assert idents([*first, *await client.all_until_fin()]) == [1, 101, 100]
        for each in (client, idle):
            each.half_close()
        await drain

    assert respond.abandoned == []
    assert at.outcomes() == {"lameduck": 2}


async def test_a_drain_goes_on_answering_where_an_answer_is_waited_for() -> None:
    """F-42: its client cannot know yet that the connection will end."""
    respond = Elsewhere(SLOW)
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([100]))
        await respond.begun(1)
        drain = asyncio.create_task(at.server.drain(deadline_s=5))
        await until(lambda: at.server.leaving)
        between = await client.ask(QUERY)
        respond.come([100])

        assert between is not None
        assert idents(await client.all_until_fin()) == [100]
        client.half_close()
        await drain

    assert at.outcomes() == {"lameduck": 1}


async def test_a_drain_answers_what_stands_behind_the_bound_too() -> None:
    """Shutdown contract: a query that was read is answered, though others are waited for first."""
    respond = Elsewhere(SLOW)
    async with (
        serving(respond, limits=TcpLimits(waiting=1)) as at,
        await at.client() as client,
    ):
        await client.send(queries([100, 101, 1]))
        await respond.begun(1)
        drain = asyncio.create_task(at.server.drain(deadline_s=5))
        await until(lambda: at.server.leaving)
        respond.come([100])
        await respond.begun(2)
        respond.come([101])

        assert idents(await client.all_until_fin()) == [100, 101, 1]
        client.half_close()
        await drain

    assert at.outcomes() == {"lameduck": 1}


async def test_who_asks_during_a_drain_gets_an_answer_from_elsewhere_and_then_fin() -> None:
    """F-42: 0 lost, on a connection that was opened a moment ago too."""
    respond = Elsewhere(SLOW)
    async with serving(respond) as at, await at.client() as client:
        await until(lambda: at.server.connections == 1)
        drain = asyncio.create_task(at.server.drain(deadline_s=5))
        await until(lambda: at.server.leaving)
        await client.send(queries([100]))
        await respond.begun(1)
        respond.come([100])

        assert idents(await client.all_until_fin()) == [100]
        client.half_close()
        await drain

    assert at.outcomes() == {"lameduck": 1}


async def test_closing_abandons_what_no_drain_waits_for_any_more() -> None:
    """Shutdown contract, F-43: an answer that never comes does not hold the process."""
    respond = Elsewhere(SLOW)
    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([100, 101]))
        await respond.begun(2)
        await at.server.drain(deadline_s=0.1)
        waiting = at.server.waiting
        await at.server.close()
        respond.come([100, 101])

        assert await client.is_closed_by_server()

    assert waiting == 2
    assert respond.abandoned == [100, 101]
    assert at.outcomes() == {"lameduck": 1}


async def test_what_is_waited_for_can_be_counted_in_another_thread() -> None:
    """Reliability 4.2: a scrape counts while connections come and go."""
    loop = asyncio.get_running_loop()
    async with serving() as at, contextlib.AsyncExitStack() as stack:
        await clients(at, ["127.0.0.1"] * 20, stack)

        async def come_and_go() -> None:
            async with await at.client() as client:
                await client.ask(QUERY)

        def change() -> Iterator[None]:
            for _ in range(100):
                asyncio.run_coroutine_threadsafe(come_and_go(), loop).result(10)
                yield

        assert await asyncio.to_thread(beside, lambda: at.server.waiting, change()) == []
