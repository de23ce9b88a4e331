"""What comes over UDP and is answered later, from elsewhere."""

from __future__ import annotations

import asyncio
import struct

import pytest

from kubedns_py.server.listen import open_listeners
from kubedns_py.server.udp import UdpServer
from tests.helpers.dnsclient import UdpClient, a_query, ident_of
from tests.helpers.held import Elsewhere, Manner
from tests.helpers.loop_clock import LoopClock
from tests.helpers.tcpserver import no_panic
from tests.helpers.udpserver import CLIENT, OWN, ScriptedSocket, dropped, scripted, serving
from tests.helpers.waiting import until

SLOW, FAST = a_query(ident=1), a_query(ident=2)


@pytest.mark.parametrize(
    ("bind", "to"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("0.0.0.0", "127.8.8.8"),
        ("::", "::1"),
    ],
)
async def test_a_reply_that_was_waited_for_leaves_from_the_address_asked(
    bind: str, to: str
) -> None:
    """RFC 2181, 4.1; the client's socket is connected. Fast replies are not held up by it."""
    respond = Elsewhere([1])
    async with serving(respond, bind) as (server, port):
        with UdpClient(to, port) as client:
            client.send(SLOW)
            first = await client.ask(FAST)
            waiting = server.waiting
            respond.come([1])
            second = await client.receive()

    assert [ident_of(first), ident_of(second)] == [2, 1]
    assert waiting == 1
    assert server.waiting == 0
    assert respond.held[1].client == to.replace("127.8.8.8", "127.0.0.1")
    assert dropped(server) == {}


@pytest.mark.parametrize("own", [OWN, ("0.0.0.0", 53)], ids=["bound", "wildcard"])
async def test_a_reply_within_begin_is_sent(own: tuple[str, int]) -> None:
    """A Deferred may know the answer at once."""
    sock = ScriptedSocket(own)
    async with scripted(sock, Elsewhere(manner=Manner.AT_ONCE)) as server:
        sock.deliver(SLOW, CLIENT, bytes(12))
        await until(lambda: bool(sock.sent))

    assert [(ident_of(reply), to) for reply, to, _ in sock.sent] == [(1, CLIENT)]
    assert server.waiting == 0


@pytest.mark.parametrize("own", [OWN, ("0.0.0.0", 53)], ids=["bound", "wildcard"])
async def test_what_is_known_is_answered_before_anybody_is_asked(own: tuple[str, int]) -> None:
    """L-03, L-04: names of the outside are not in the way of the cluster's."""
    sock = ScriptedSocket(own)
    async with scripted(sock, Elsewhere([1], manner=Manner.AT_ONCE)):
        sock.deliver(SLOW, CLIENT, bytes(12))
        sock.deliver(FAST, CLIENT, bytes(12))
        await until(lambda: len(sock.sent) == 2)

    assert [ident_of(reply) for reply, _, _ in sock.sent] == [2, 1]


async def test_a_reply_goes_the_way_of_its_own_query() -> None:
    """Two addresses of ours, two clients, replies in the other order."""
    respond = Elsewhere()
    sock = ScriptedSocket(("0.0.0.0", 53))
    ways = {1: (CLIENT, b"\x0a\0\0\x0a"), 2: (("10.9.9.9", 5000), b"\x0a\0\0\x0b")}
    async with scripted(sock, respond):
        for ident, (client, local) in ways.items():
            sock.deliver(a_query(ident=ident), client, struct.pack("=i4s4s", 1, local, local))
        await respond.begun(2)
        respond.come([2, 1])

    assert [(ident_of(reply), to, data[0][2][4:8]) for reply, to, data in sock.sent] == [
        (2, *ways[2]),
        (1, *ways[1]),
    ]


async def test_no_reply_at_all_is_silence() -> None:
    """None: nothing is sent, nothing is waited for."""
    respond = Elsewhere([1])
    async with serving(respond) as (server, port):
        with UdpClient("127.0.0.1", port) as client:
            client.send(SLOW)
            await respond.begun(1)
            respond.held[1].fail_to_come()

            assert ident_of(await client.ask(FAST)) == 2
    assert server.waiting == 0
    assert dropped(server) == {}


async def test_a_reply_after_the_server_was_closed_is_harmless() -> None:
    """F-43: it is dropped in silence; the socket is closed."""
    respond = Elsewhere()
    async with serving(respond) as (server, port):
        with UdpClient("127.0.0.1", port) as client:
            client.send(SLOW)
            await respond.begun(1)
            server.close()
            respond.come([1])

    assert server.waiting == 0
    assert dropped(server) == {}


async def test_a_pulse_of_late_replies_to_one_client_is_dropped_and_counted() -> None:
    """C-27: what a dead upstream held up for two seconds; ten may still be of use."""
    now = 0.0
    respond = Elsewhere()
    sock = ScriptedSocket()
    server = UdpServer([sock], respond, on_panic=no_panic, clock=lambda: now)
    server.start()
    for ident in range(200):
        sock.deliver(a_query(ident=ident), CLIENT)
    sock.deliver(a_query(ident=999), ("10.9.9.9", 5000))
    await respond.begun(201)
    now = 2.0
    respond.come(range(200))
    respond.come([999])
    server.close()

    assert [ident_of(reply) for reply, _, _ in sock.sent] == [*range(190, 200), 999]
    assert dropped(server) == {"late": 190}


async def test_a_failure_to_begin_costs_one_query_and_not_the_reader() -> None:
    """Reliability, 0.5: no network input ends the process."""
    panics: list[Exception] = []
    listeners = open_listeners(("127.0.0.1",), 0)
    respond = Elsewhere([1], manner=Manner.BROKEN)
    server = UdpServer(listeners.udp, respond, on_panic=panics.append)
    server.start()
    with UdpClient("127.0.0.1", listeners.port) as client:
        client.send(SLOW)
        reply = await client.ask(FAST)
    server.close()
    listeners.close()

    assert ident_of(reply) == 2
    assert [type(error) for error in panics] == [KeyError]
    assert server.waiting == 0


async def test_a_drain_waits_for_replies_that_are_under_way() -> None:
    """Shutdown contract, F-42: 0 lost; it ends as soon as they have been sent."""
    clock = LoopClock()
    respond = Elsewhere()
    async with serving(respond) as (server, port):
        with UdpClient("127.0.0.1", port) as client:
            client.send(SLOW)
            await respond.begun(1)
            drain = asyncio.create_task(server.drain(quiet_s=1, deadline_s=1000))
            await clock.pass_by(900)
            still_draining = not drain.done()
            respond.come([1])
            reply = await client.receive()
            await clock.pass_by(1)
            has_ended = drain.done()

    assert still_draining
    assert ident_of(reply) == 1
    assert has_ended


async def test_a_drain_waits_for_no_reply_beyond_its_deadline() -> None:
    """Shutdown contract: at most five seconds."""
    clock = LoopClock()
    respond = Elsewhere()
    async with serving(respond) as (server, port):
        with UdpClient("127.0.0.1", port) as client:
            client.send(SLOW)
            await respond.begun(1)
            drain = asyncio.create_task(server.drain(quiet_s=1, deadline_s=1000))
            await clock.pass_by(900)
            still_draining = not drain.done()
            await clock.pass_by(100)
            has_ended = drain.done()

    assert still_draining
    assert has_ended


@pytest.mark.parametrize("own", [OWN, ("0.0.0.0", 53)], ids=["bound", "wildcard"])
async def test_who_gets_no_reply_waits_for_none(own: tuple[str, int]) -> None:
    """M-47: a source that is refused is never asked for elsewhere."""
    respond = Elsewhere()
    sock = ScriptedSocket(own)
    async with scripted(sock, respond) as server:
        sock.deliver(SLOW, ("10.1.2.3", 7), bytes(12))
        await until(lambda: bool(dropped(server)))

    assert respond.held == {}
