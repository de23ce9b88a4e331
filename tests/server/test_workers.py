"""Workers as processes, and the main process that keeps them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kubedns_py.server.arrival import IPV4
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.workers import WorkerServer
from tests.helpers.dnsclient import UdpClient, a_query, ident_of
from tests.helpers.entries import content, facts
from tests.helpers.held import Elsewhere
from tests.helpers.loop_clock import LoopClock
from tests.helpers.tcpserver import no_panic
from tests.helpers.udpserver import Recorder
from tests.helpers.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from kubedns_py.server.arrival import Respond
    from kubedns_py.server.entry import Content, Facts

KEY = a_query()[2:]
CLIENTS = 16


class Kept:
    """What workers are told when they start, and what they say was used."""

    def __init__(self) -> None:
        self.texts = [b"kept"]
        self.used: Counter[int] = Counter()
        self.serials = [1]
        self.faults: list[Exception] = []
        self.on_look: Callable[[], None] = lambda: None

    def look(self) -> None:
        """Do what the test wants."""
        self.on_look()

    def credit(self, number: int, counted: Facts, times: int, seconds: float) -> None:
        """Note it."""
        assert counted == facts()
        assert seconds >= 0
        self.used[number] += times

    def replay(self) -> Iterator[tuple[int, bytes, Content]]:
        """Yield what there is."""
        if self.faults:
            raise self.faults.pop()
        for number, text in enumerate(self.texts, 1):
            yield number, KEY, content(text)


class House:
    """A server with workers, and clients of it."""

    def __init__(self, respond: Respond, count: int, *binds: str) -> None:
        self.kept = Kept()
        self.listeners = open_listeners(binds or ("127.0.0.1",), 0)
        self.count = count
        self.server = WorkerServer(
            self.listeners.udp,
            count,
            respond,
            self.kept,
            on_panic=no_panic,
            repeats=lambda _: None,
        )
        self.clients: list[UdpClient] = []

    async def open(self) -> None:
        """Start the workers."""
        self.server.start()
        assert len(self.server.missing) == self.count
        await until(lambda: not self.server.missing)

    def hire(self, host: str = "127.0.0.1", count: int = CLIENTS) -> list[UdpClient]:
        """Return more clients."""
        some = [UdpClient(host, self.listeners.port) for _ in range(count)]
        self.clients += some
        return some

    async def close(self) -> None:
        """End everything; no worker is left."""
        pids = self.server.pids
        self.server.close()
        await asyncio.wait_for(self.server.wait_closed(), 15)
        self.listeners.close()
        for client in self.clients:
            client.__exit__(None, None, None)
        assert not any(map(is_there, pids))


def is_there(pid: int) -> bool:
    """Tell whether a process runs."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@contextlib.asynccontextmanager
async def house(respond: Respond, count: int, *binds: str) -> AsyncIterator[House]:
    """Serve with workers."""
    made = House(respond, count, *binds)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


async def ask_all(clients: list[UdpClient], query: bytes) -> list[bytes]:
    """Return what follows the ID in the reply to each client."""
    for ident, client in enumerate(clients):
        client.send(ident.to_bytes(2, "big") + query[2:])
    replies = [await client.receive() for client in clients]
    assert list(map(ident_of, replies)) == list(range(len(clients)))
    return [reply[2:] for reply in replies]


@contextlib.asynccontextmanager
async def all_but(made: House, pid: int) -> AsyncIterator[None]:
    """Have one worker answer alone."""
    others = [each for each in made.server.pids if each != pid]
    for other in others:
        os.kill(other, signal.SIGSTOP)
    try:
        await until(lambda: all(is_stopped(other) for other in others))
        yield
    finally:
        for other in others:
            os.kill(other, signal.SIGCONT)


def is_stopped(pid: int) -> bool:
    """Tell whether a process does nothing."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def ask_each(made: House, clients: list[UdpClient], query: bytes) -> list[bytes]:
    """Return what follows the ID in the replies of each worker to each client."""
    replies: list[bytes] = []
    for pid in made.server.pids:
        async with all_but(made, pid):
            replies += await ask_all(clients, query)
    return replies


async def test_what_is_known_is_answered_by_workers_and_the_rest_by_the_main_process() -> None:
    """And each client hears the address that it asked."""
    recorder = Recorder()
    async with house(recorder, 2, "0.0.0.0", "::1") as made:
        for host in ("127.0.0.1", "127.0.0.2", "::1"):
            clients = made.hire(host)
            if host != "::1":
                assert await ask_all(clients, a_query()) == [b"kept"] * CLIENTS
            recorder.asked.clear()
            other = a_query("other.test.")
            assert len(await ask_all(clients, other)) == CLIENTS
            assert len(recorder.asked) == CLIENTS
            assert {arrival.family for arrival in recorder.arrivals} == {IPV4 + (host == "::1")}
            assert len({arrival.local for arrival in recorder.arrivals}) == 1
        await until(lambda: made.kept.used[1] == 2 * CLIENTS)
        assert made.server.restarts == 0


async def test_all_workers_are_told_of_a_change() -> None:
    """What is told before a query is sent is in force for it."""
    async with house(Recorder(), 2) as made:
        clients = made.hire()
        assert await ask_each(made, clients, a_query()) == [b"kept"] * 2 * CLIENTS

        made.server.left([1])
        made.server.entered(2, KEY, content(b"new"))
        made.server.counted([2])
        await asyncio.sleep(0)  # it is sent at the end of the turn
        assert await ask_all(clients, a_query()) == [b"new"] * CLIENTS
        assert await ask_each(made, clients, a_query()) == [b"new"] * 2 * CLIENTS

        made.server.forgot()  # is sent at once
        assert b"new" not in await ask_all(clients, a_query())
        assert b"new" not in await ask_each(made, clients, a_query())


async def test_any_number_of_entries_may_leave_at_once() -> None:
    """A change of one Service ends all denials below it, as many as fit into the answer table."""
    async with house(Recorder(), 1) as made:
        clients = made.hire()
        made.server.left(range(2**31, 2**31 + 300_000))
        made.server.left([1])
        made.server.entered(2, KEY, content(b"new"))

        heard = []
        async with asyncio.timeout(9):
            while b"new" not in heard:  # it is told as much at once as it takes
                heard = await ask_all(clients, a_query())
        assert made.server.restarts == 0


async def test_what_one_worker_does_not_take_another_one_does() -> None:
    """One that hangs, or waits for a core, holds nobody up; neither does one that was killed."""
    async with house(Recorder(), 2) as made:
        first, second = made.server.pids
        clients = made.hire()
        for pid in (first, second):
            async with all_but(made, pid):
                assert await ask_all(clients, a_query()) == [b"kept"] * CLIENTS

        os.kill(first, signal.SIGKILL)
        assert await ask_all(clients, a_query()) == [b"kept"] * CLIENTS
        await until(lambda: made.server.restarts == 1 and not made.server.missing)
        assert second in made.server.pids
        assert first not in made.server.pids


async def test_a_killed_worker_is_back_soon_and_what_waited_is_answered() -> None:
    """Where there is no other one."""
    async with house(Recorder(), 1) as made:
        (pid,) = made.server.pids
        clients = made.hire()
        await ask_all(clients, a_query())
        made.kept.texts = [b"told anew"]
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: is_stopped(pid))
        for client in clients:
            client.send(a_query())

        os.kill(pid, signal.SIGKILL)
        assert {(await client.receive())[2:] for client in clients} == {b"told anew"}
        assert made.server.restarts == 1


async def test_a_fault_of_ours_leaves_no_socket_without_a_worker() -> None:
    """Datagrams that nobody reads would wait for ever."""
    async with house(Recorder(), 1) as made:
        (pid,) = made.server.pids
        made.kept.faults = [RuntimeError("cannot start a thread")]
        os.kill(pid, signal.SIGKILL)
        await until(lambda: made.server.restarts == 2)

        (client,) = made.hire(count=1)
        assert (await client.ask(a_query()))[2:] == b"kept"


async def test_a_worker_that_cannot_be_started_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pod whose datagrams nobody reads must not be ready."""
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    made = House(Recorder(), 1)
    made.server.start()
    await until(lambda: made.server.restarts > 1)

    assert made.server.missing == ["worker 1 does not run"]
    monkeypatch.undo()
    await until(lambda: made.server.missing == [])
    (pid,) = made.server.pids
    os.kill(pid, signal.SIGKILL)
    await until(lambda: made.server.missing == ["worker 1 does not run"])
    await until(lambda: made.server.missing == [])
    await made.close()


async def test_what_is_not_so_any_more_ends_though_workers_know_all_that_is_asked() -> None:
    """Another configuration, data that is old: nobody asks the main process, and it looks."""
    async with house(Recorder(), 1) as made:
        (client,) = made.hire(count=1)
        assert (await client.ask(a_query()))[2:] == b"kept"
        made.kept.on_look = made.server.forgot

        while (await client.ask(a_query()))[2:] == b"kept":  # noqa: ASYNC110 - each is a step
            await asyncio.sleep(0.01)


async def test_a_late_reply_leaves_from_the_workers_socket() -> None:
    """Somebody else was asked."""
    respond = Elsewhere([1])
    async with house(respond, 2, "0.0.0.0") as made:
        (client,) = made.hire("127.8.8.8", 1)
        client.send(a_query("slow.test.", ident=1))
        await until(lambda: made.server.waiting == 1)
        respond.come([1])

        assert ident_of(await client.receive()) == 1
        assert respond.held[1].client == "127.0.0.1"
    assert made.server.waiting == 0


async def test_a_drain_ends_when_nothing_comes_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shutdown contract, as with one process; what workers say of it comes late, here by 60 s."""
    monkeypatch.setattr("kubedns_py.server.workers._REPORT_S", 60.0)
    clock = LoopClock()
    async with house(Recorder(), 1) as made:
        (client,) = made.hire(count=1)
        drain = asyncio.create_task(made.server.drain(quiet_s=0.0, deadline_s=600))
        for _ in range(2):
            made.kept.used.clear()
            await client.ask(a_query())
            await until(lambda: bool(made.kept.used))
            await clock.pass_by(1)  # so the drain sees it
            await clock.pass_by(40)
            assert not drain.done()
        await clock.pass_by(40)
        await until(drain.done)
        await drain

    assert sum(made.server.counts.values()) == 0
    assert made.server.kernel_drops() == 0
