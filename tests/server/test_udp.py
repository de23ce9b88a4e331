"""What comes over UDP is answered from where it was sent to, or dropped and counted."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from kubedns_py.server.arrival import IPV4, IPV6, Arrival
from kubedns_py.server.batch import BURST
from tests.helpers.dnsclient import UdpClient, a_query, ident_of
from tests.helpers.loop_clock import LoopClock
from tests.helpers.udpserver import (
    CLIENT,
    OWN,
    Recorder,
    ScriptedSocket,
    dropped,
    scripted,
    serving,
)
from tests.helpers.waiting import until

QUERY = a_query(ident=7)


@pytest.mark.parametrize(
    ("bind", "to", "arrival"),
    [
        ("127.0.0.1", "127.0.0.1", ("udp", IPV4, "127.0.0.1")),
        ("::1", "::1", ("udp", IPV6, "::1")),
        ("0.0.0.0", "127.0.0.1", ("udp", IPV4, "127.0.0.1")),
        ("0.0.0.0", "127.8.8.8", ("udp", IPV4, "127.8.8.8")),
        ("::", "::1", ("udp", IPV6, "::1")),
    ],
)
async def test_a_reply_leaves_from_the_address_asked(
    bind: str, to: str, arrival: tuple[str, int, str]
) -> None:
    """RFC 2181, 4.1. The client's socket is connected: it hears no other address."""
    recorder = Recorder()
    async with serving(recorder, bind) as (_, port):
        with UdpClient(to, port) as client:
            replies = [await client.ask(a_query(ident=ident)) for ident in (1, 2)]

    assert [ident_of(reply) for reply in replies] == [1, 2]
    proto, family, local = arrival
    packed = socket.inet_pton(socket.AF_INET6 if ":" in local else socket.AF_INET, local)
    assert [(a.proto, a.family, a.local) for a in recorder.arrivals] == [
        (proto, family, packed)
    ] * 2


async def test_every_address_of_a_wildcard_socket_is_told_apart() -> None:
    """The answer may depend on the address asked (hostNetwork, several interfaces)."""
    recorder = Recorder()
    async with serving(recorder, "0.0.0.0") as (_, port):
        for last in (1, 2, 1):
            with UdpClient(f"127.0.0.{last}", port) as client:
                await client.ask(QUERY)

    assert [arrival.local[-1] for arrival in recorder.arrivals] == [1, 2, 1]


async def test_more_destinations_than_are_remembered_are_all_answered() -> None:
    """Memory is bounded however many addresses of ours are asked (all of 127.0.0.0/8 is)."""
    recorder = Recorder()
    sock = ScriptedSocket(("0.0.0.0", 53))
    async with scripted(sock, recorder):
        for number in range(2500):
            address = struct.pack(">I", 0x7F000000 + number)
            sock.deliver(QUERY, CLIENT, struct.pack("=i4s4s", 1, address, address))
        await until(lambda: len(sock.sent) == 2500)

    assert len({arrival.local for arrival in recorder.arrivals}) == 2500


async def test_a_message_that_must_not_be_answered_gets_silence() -> None:
    """M-01, M-02: ``respond`` gives None for them, an empty datagram among them."""
    recorder = Recorder()
    async with serving(recorder) as (server, port):
        with UdpClient("127.0.0.1", port) as client:
            for message in (b"", b"\0", bytes(11)):
                assert await client.hears_nothing_for(message)

    assert [message for message, _ in recorder.asked if len(message) < 12] == [
        b"",
        b"\0",
        bytes(11),
    ]
    assert dropped(server) == {}


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
async def test_the_largest_datagram_is_read_whole(bind: str) -> None:
    """M-44: 65,507 octets are the most that IPv4 carries; nothing is cut before it is judged."""
    recorder = Recorder()
    largest = QUERY + bytes(65507 - len(QUERY))
    async with serving(recorder, bind) as (_, port):
        with UdpClient("127.0.0.1", port) as client:
            reply = await client.ask(largest)

    assert [message for message, _ in recorder.asked] == [largest]
    assert len(reply) == 65507


async def test_another_server_asking_from_port_53_is_answered() -> None:
    """M-48: source port 53 alone is nothing odd; old resolvers ask from it."""
    sock = ScriptedSocket()
    async with scripted(sock) as server:
        sock.deliver(QUERY, ("10.1.2.3", 53))
        await until(lambda: bool(sock.sent))

    assert dropped(server) == {}


@pytest.mark.parametrize(
    ("address", "interface"), [("fe80::a", 2), ("2001:db8::a", 0)], ids=["link-local", "global"]
)
async def test_only_a_link_local_reply_is_tied_to_its_interface(
    address: str, interface: int
) -> None:
    """RFC 4007, 6; the way back of any other address is looked up."""
    packed = socket.inet_pton(socket.AF_INET6, address)
    sock = ScriptedSocket(("::", 53))
    async with scripted(sock):
        sock.deliver(QUERY, CLIENT, struct.pack("=16si", packed, 2))
        await until(lambda: bool(sock.sent))

    _, _, ancillary = sock.sent[0]
    assert ancillary == [
        (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("=16si", packed, interface))
    ]


@pytest.mark.parametrize("own", [OWN, ("0.0.0.0", 53)], ids=["bound", "wildcard"])
async def test_a_flood_leaves_every_turn_of_the_loop_to_others_too(own: tuple[str, int]) -> None:
    """TCP, watches and timers run between bursts."""
    turn = 0
    answered_in: list[int] = []
    loop = asyncio.get_running_loop()

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        if len(answered_in) < 500:
            loop.call_soon(next_turn)

    def respond(_message: bytes, _arrival: Arrival) -> None:
        answered_in.append(turn)

    sock = ScriptedSocket(own)
    for _ in range(500):
        sock.deliver(QUERY, CLIENT, bytes(12))
    async with scripted(sock, respond):
        next_turn()
        await until(lambda: len(answered_in) == 500)

    assert max(answered_in.count(each) for each in set(answered_in)) == BURST


async def test_a_drain_ends_when_nothing_comes_any_more() -> None:
    """Shutdown contract: until one second passed without packets."""
    clock = LoopClock()
    async with serving() as (server, port):
        with UdpClient("127.0.0.1", port) as client:
            drain = asyncio.create_task(server.drain(quiet_s=100, deadline_s=1000))
            for _ in range(4):
                assert ident_of(await client.ask(QUERY)) == 7
                await clock.pass_by(60)
                assert not drain.done()
            await clock.pass_by(30)
            assert not drain.done()
            await clock.pass_by(70)
            assert drain.done()


async def test_a_drain_under_load_answers_until_its_deadline() -> None:
    """Shutdown contract, F-42: at most five seconds."""
    clock = LoopClock()
    async with serving() as (server, port):
        with UdpClient("127.0.0.1", port) as client:
            drain = asyncio.create_task(server.drain(quiet_s=1000, deadline_s=100))
            for _ in range(3):
                assert not drain.done()
                assert ident_of(await client.ask(QUERY)) == 7
                await clock.pass_by(30)
            assert not drain.done()
            await clock.pass_by(10)
            assert drain.done()


async def test_a_closed_server_is_closed_for_good() -> None:
    """F-43: shutdown may come from two sides."""
    async with serving() as (server, port):
        server.close()
        server.close()

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as next_owner:
            next_owner.bind(("127.0.0.1", port))
        assert server.kernel_drops() == 0
