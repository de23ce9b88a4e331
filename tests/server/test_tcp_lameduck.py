"""How TCP goes away: every reply that is owed, then FIN; and no client can hold the process."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import pytest

from kubedns_py.server.connection import TcpLimits
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.tcp import TcpServer
from tests.helpers.dnsclient import TcpClient, a_query, framed, ident_of
from tests.helpers.loop_clock import LoopClock
from tests.helpers.tcpserver import clients, no_panic, reply_to, serving
from tests.helpers.waiting import until

QUERY = a_query(ident=7)


async def test_who_has_connected_before_accepting_stops_is_served() -> None:
    """Shutdown contract, F-42: what waits in the kernel is not reset."""
    async with serving() as at, contextlib.AsyncExitStack() as stack:
        waiting = []
        for _ in range(50):  # blocking: the event loop has no chance to accept
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", at.port)))
            sock.sendall(framed(QUERY))
            sock.settimeout(0)
            waiting.append(sock)
        at.server.stop_accepting()
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(9):
            replies = [await loop.sock_recv(sock, 512) for sock in waiting]

        assert {ident_of(reply[2:]) for reply in replies} == {7}
        async with TcpClient() as late:
            with pytest.raises(ConnectionRefusedError):
                await late.connect("127.0.0.1", at.port)


async def test_a_drain_ends_idle_connections_with_fin() -> None:
    """Shutdown contract: FIN to idle TCP."""
    async with serving() as at, contextlib.AsyncExitStack() as stack:
        idle = await clients(at, ["127.0.0.1"] * 3, stack)
        at.server.stop_accepting()
        drain = asyncio.create_task(at.server.drain(deadline_s=5))

        assert [await client.receive() for client in idle] == [None] * 3
        for client in idle:
            client.half_close()
        await drain

    assert at.outcomes() == {"lameduck": 3}


async def test_a_drain_answers_what_has_been_asked_before_it_ends_the_connection() -> None:
    """Shutdown contract: FIN after pending replies, those to pipelined queries too."""
    async with serving() as at, contextlib.AsyncExitStack() as stack:
        (client,) = await clients(at, ["127.0.0.1"], stack)
        client.sock.send(framed(*(a_query(ident=ident) for ident in range(200))))
        at.server.stop_accepting()
        drain = asyncio.create_task(at.server.drain(deadline_s=5))
        replies = await client.all_until_fin()
        client.half_close()
        await drain

    assert [ident_of(reply) for reply in replies] == list(range(200))


async def test_a_drain_lets_a_begun_message_be_finished() -> None:
    """Shutdown contract: it is answered, then FIN."""
    async with serving() as at, contextlib.AsyncExitStack() as stack:
        (client,) = await clients(at, ["127.0.0.1"], stack)
        await client.send(framed(QUERY)[:9])
        drain = asyncio.create_task(at.server.drain(deadline_s=5))
        (other,) = await clients(at, ["127.0.0.1"], stack)
        await client.send(framed(QUERY)[9:])
        replies = await client.all_until_fin()

        assert [ident_of(reply) for reply in replies] == [7]
        assert await other.receive() is None
        client.half_close()
        other.half_close()
        await drain


async def test_a_drain_gives_a_new_connection_a_moment_to_ask() -> None:
    """F-42: 0 lost; its query may be under way. One that never asks gets FIN all the same."""
    clock = LoopClock()
    async with (
        serving(limits=TcpLimits(linger_s=100, idle_s=600)) as at,
        await at.client() as asking,
        await at.client() as silent,
    ):
        await until(lambda: at.server.connections == 2)
        drain = asyncio.create_task(at.server.drain(deadline_s=600))
        await clock.pass_by(60)
        reply = await asking.ask(QUERY)

        assert reply is not None
        assert await asking.receive() is None
        await clock.pass_by(40)
        assert await silent.receive() is None
        await clock.pass_by(100)  # neither client closes
        await until(drain.done)

    assert at.outcomes() == {"lameduck": 2}


async def test_a_drain_ends_at_its_deadline_and_close_ends_the_rest() -> None:
    """Shutdown contract, F-43: no client can hold the process."""
    clock = LoopClock()
    async with serving(limits=TcpLimits(linger_s=600)) as at, contextlib.AsyncExitStack() as stack:
        (client,) = await clients(at, ["127.0.0.1"], stack)
        drain = asyncio.create_task(at.server.drain(deadline_s=100))
        await clock.pass_by(70)
        still_draining = not drain.done()
        await clock.pass_by(30)
        has_ended = drain.done()
        left = at.server.connections
        await at.server.close()

        assert await client.receive() is None

    assert still_draining
    assert has_ended
    assert left == 1


async def test_closing_before_anything_was_accepted_or_twice_is_harmless() -> None:
    """F-43: shutdown may come at any time and from two sides."""
    listeners = open_listeners(("127.0.0.1",), 0)
    server = TcpServer(listeners.tcp, reply_to, limits=TcpLimits(), on_panic=no_panic)

    await server.close()
    await server.close()

    assert listeners.tcp[0].fileno() == -1
    listeners.close()


async def test_closing_ends_a_connection_that_was_accepted_a_moment_ago() -> None:
    """F-43: nothing is left between accept and the event loop."""
    async with serving() as at:
        with socket.create_connection(("127.0.0.1", at.port)) as sock:
            await at.server.close()
            sock.settimeout(9)

            assert sock.recv(1) == b""

    assert at.outcomes() == {"lameduck": 1}
