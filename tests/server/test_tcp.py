"""How many TCP connections there are, which ones give way, and how all of them end."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from typing import TYPE_CHECKING, Any

import pytest

from kubedns_py.server.connection import TcpLimits
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.tcp import TcpServer
from kubedns_py.server.udp import UdpServer
from tests.helpers.dnsclient import TcpClient, UdpClient, a_query, framed, ident_of
from tests.helpers.loop_clock import LoopClock
from tests.helpers.tcpserver import Serving, clients, no_panic, reply_to, serving
from tests.helpers.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubedns_py.server.arrival import Arrival

QUERY = a_query(ident=7)


def open_descriptors() -> int:
    """Return how many file descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not used as paths


@contextlib.contextmanager
def descriptors_limited_to(number: int) -> Iterator[None]:
    """Let this process have only so many file descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_one_address_may_have_only_so_many_connections() -> None:
    """T-11: the others are closed at accept, and other clients are served."""
    async with serving(limits=TcpLimits(per_ip=3)) as at, contextlib.AsyncExitStack() as stack:
        held = await clients(at, ["127.0.0.1"] * 3, stack)
        refused = [await stack.enter_async_context(await at.client()) for _ in range(7)]
        closed = [await client.is_closed_by_server() for client in refused]
        (other,) = await clients(at, ["127.0.0.2"], stack)

        assert closed == [True] * 7
        assert [await client.ask(QUERY) is not None for client in (*held, other)] == [True] * 4
        assert at.server.counts["refused_per_ip"] == 7
        assert at.server.connections == 4


async def test_an_address_may_connect_again_after_it_closed() -> None:
    """T-11: what counts is how many there are, not how many there were."""
    async with serving(limits=TcpLimits(per_ip=1)) as at:
        for _ in range(3):
            async with await at.client() as client:
                assert await client.ask(QUERY) is not None
            await until(lambda: at.server.connections == 0)

    assert at.server.counts["refused_per_ip"] == 0


async def test_when_all_are_taken_the_longest_idle_one_gives_way() -> None:
    """T-12: idle since its last query, not since it connected."""
    async with serving(limits=TcpLimits(total=3)) as at, contextlib.AsyncExitStack() as stack:
        first, second, third = await clients(at, ["127.0.0.1"] * 3, stack)
        await first.ask(QUERY)
        (fourth,) = await clients(at, ["127.0.0.2"], stack)

        assert await second.receive() is None
        for alive in (first, third, fourth):
            assert await alive.ask(QUERY) is not None
        assert at.outcomes() == {"evicted": 1}


async def test_when_all_are_busy_a_new_connection_is_refused() -> None:
    """T-12: nobody who waits for an answer gives way."""
    async with serving(limits=TcpLimits(total=2)) as at, contextlib.AsyncExitStack() as stack:
        busy = await clients(at, ["127.0.0.1"] * 2, stack)
        for client in busy:
            await client.send(framed(QUERY)[:5])
        refused = await stack.enter_async_context(await at.client())

        assert await refused.is_closed_by_server()
        assert at.server.counts["refused_total"] == 1
        for client in busy:
            await client.send(framed(QUERY)[5:])
            assert await client.receive() is not None


async def test_one_that_has_had_its_fin_gives_way_before_the_idle() -> None:
    """T-12 with T-17: lingering is a courtesy."""
    limits = TcpLimits(total=2, queries=2, linger_s=5)
    async with serving(limits=limits) as at, contextlib.AsyncExitStack() as stack:
        idle, ending = await clients(at, ["127.0.0.1"] * 2, stack)
        await ending.ask(QUERY)
        assert await ending.receive() is None
        await clients(at, ["127.0.0.2"], stack)

        assert await idle.ask(QUERY) is not None
        await until(lambda: at.outcomes() == {"queries": 1})


async def test_connections_take_at_most_half_of_the_file_descriptors() -> None:
    """T-12: the other half is for the API server, upstreams and files."""
    listeners = open_listeners(("127.0.0.1",), 0)
    with descriptors_limited_to(open_descriptors() + 20):
        half = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        server = TcpServer(listeners.tcp, reply_to, limits=TcpLimits(), on_panic=no_panic)
    server.start()
    async with contextlib.AsyncExitStack() as stack:
        await clients(Serving(server, listeners.port), ["127.0.0.1"] * (half + 2), stack)

        assert server.counts["evicted"] == 2
    await server.close()
    listeners.close()


async def test_a_storm_of_short_connections_leaves_nothing_behind() -> None:
    """T-15, at a size for every run; UDP is answered meanwhile."""
    listeners = open_listeners(("127.0.0.1",), 0)
    server = TcpServer(listeners.tcp, reply_to, limits=TcpLimits(), on_panic=no_panic)
    udp = UdpServer(listeners.udp, reply_to, on_panic=no_panic)
    before = open_descriptors()
    server.start()
    udp.start()
    with UdpClient("127.0.0.1", listeners.port) as asking:
        for number in range(500):
            async with await TcpClient().connect("127.0.0.1", listeners.port) as client:
                if number % 2:
                    client.reset()
            if number % 50 == 0:
                assert ident_of(await asking.ask(QUERY)) == 7
    await until(lambda: sum(server.counts.values()) > 500 and server.connections == 0)

    assert open_descriptors() == before
    await server.close()
    udp.close()
    listeners.close()


async def test_without_file_descriptors_accepting_pauses_and_recovers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F-36, T-16: UDP is answered, nothing spins, one warning; then all is served."""
    clock = LoopClock()
    listeners = open_listeners(("127.0.0.1",), 0)
    server = TcpServer(listeners.tcp, reply_to, limits=TcpLimits(), on_panic=no_panic)
    udp = UdpServer(listeners.udp, reply_to, on_panic=no_panic)
    server.start()
    udp.start()
    with UdpClient("127.0.0.1", listeners.port) as asking:
        async with TcpClient() as client:
            with descriptors_limited_to(client.sock.fileno() + 1):
                await client.connect("127.0.0.1", listeners.port)
                await client.send(framed(QUERY))
                began = clock.time()
                for _ in range(3):
                    assert ident_of(await asking.ask(QUERY)) == 7
                    await clock.pass_by(0.25)
            paused = server.counts["accept_paused"]
            lasted_s = clock.time() - began
            reply = await client.receive()

    assert 4 <= paused <= 2 + lasted_s / 0.25
    assert reply is not None
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            (
                "cannot accept TCP connections: Too many open files; "
                "raise the limit of open files (RLIMIT_NOFILE)"
            ),
        )
    ]
    await server.close()
    udp.close()
    listeners.close()


async def test_out_of_descriptors_an_idle_connection_gives_way() -> None:
    """F-36 with T-12: a new client need not wait for the idle time of others."""
    async with serving() as at, contextlib.AsyncExitStack() as stack:
        (idle,) = await clients(at, ["127.0.0.1"], stack)
        client = await stack.enter_async_context(TcpClient())
        with descriptors_limited_to(client.sock.fileno() + 1):
            await client.connect("127.0.0.1", at.port)
            assert await client.ask(QUERY) is not None

        assert await idle.receive() is None
        assert at.outcomes() == {"evicted": 1}


async def test_closing_while_accepting_pauses_ends_the_pause_too() -> None:
    """F-36 with F-43: nothing tries to accept on a closed socket."""
    clock = LoopClock()
    async with serving() as at, TcpClient() as client:
        with descriptors_limited_to(client.sock.fileno() + 1):
            await client.connect("127.0.0.1", at.port)
            await until(lambda: at.server.counts["accept_paused"] == 1)
            await at.server.close()
        await clock.pass_by(0.3)  # the pause would have ended

    assert at.server.counts["accept_paused"] == 2  # the last look at the queue has failed as well
    assert at.server.counts["accepted"] == 0


@pytest.mark.parametrize(
    ("method", "word"), [("accept", "accept_error"), ("setblocking", "peer_reset")]
)
async def test_a_connection_that_fails_at_accept_harms_no_other(
    monkeypatch: pytest.MonkeyPatch, method: str, word: str
) -> None:
    """accept(2) passes on errors of the new connection; the next one is served."""
    failures = iter([OSError(errno.ECONNABORTED, "gone")])

    class Failing(socket.socket):
        def accept(self) -> tuple[socket.socket, Any]:
            fail("accept")
            return super().accept()

        def setblocking(self, flag: bool, /) -> None:  # noqa: FBT001 - socket's own
            fail("setblocking")
            super().setblocking(flag)

    def fail(where: str) -> None:
        if where == method:
            for error in failures:
                raise error

    listeners = open_listeners(("127.0.0.1",), 0)
    monkeypatch.setattr(socket, "socket", Failing)
    listening = socket.socket(fileno=listeners.tcp[0].detach())
    listening.settimeout(0)
    server = TcpServer([listening], reply_to, limits=TcpLimits(), on_panic=no_panic)
    server.start()
    async with TcpClient() as gone, TcpClient() as client:
        await gone.connect("127.0.0.1", listeners.port)
        await client.connect("127.0.0.1", listeners.port)

        assert await client.ask(QUERY) is not None
        assert server.counts[word] == 1
    await server.close()
    listeners.close()


async def test_an_exception_costs_one_query_and_not_the_connection() -> None:
    """Reliability, 0.5: no network input ends the process."""
    panics: list[Exception] = []

    def fails_on_one(message: bytes, arrival: Arrival) -> bytes:
        if ident_of(message) == 1:
            raise RecursionError
        return reply_to(message, arrival)

    listeners = open_listeners(("127.0.0.1",), 0)
    server = TcpServer(listeners.tcp, fails_on_one, limits=TcpLimits(), on_panic=panics.append)
    server.start()
    async with await TcpClient().connect("127.0.0.1", listeners.port) as client:
        await client.send(framed(a_query(ident=1), QUERY))
        reply = await client.receive()
    await server.close()
    listeners.close()

    assert reply is not None
    assert ident_of(reply) == 7
    assert [type(error) for error in panics] == [RecursionError]
