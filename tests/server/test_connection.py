"""One TCP connection: every query answered, and an end that loses nothing (RFC 7766)."""

from __future__ import annotations

import asyncio

import pytest

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, IPV6, Arrival
from kubedns_py.server.connection import TURN, TURN_OCTETS, TcpLimits
from tests.helpers.dnsclient import a_query, framed, ident_of
from tests.helpers.loop_clock import LoopClock
from tests.helpers.tcpserver import (
    LARGE_OCTETS,
    Large,
    idents,
    queries,
    received,
    reply_to,
    serving,
)
from tests.helpers.waiting import until

QUERY = a_query(ident=7)
ARRIVAL = Arrival("tcp", IPV4, Address(b"\x7f\0\0\1"))


@pytest.mark.parametrize(
    ("bind", "to", "arrival"),
    [
        ("127.0.0.1", "127.0.0.1", Arrival("tcp", IPV4, Address(b"\x7f\0\0\1"))),
        ("0.0.0.0", "127.0.0.9", Arrival("tcp", IPV4, Address(b"\x7f\0\0\x09"))),
        ("::", "::1", Arrival("tcp", IPV6, Address(bytes(15) + b"\1"))),
    ],
)
async def test_a_query_comes_with_the_way_it_came(bind: str, to: str, arrival: Arrival) -> None:
    """The answer may depend on the address asked."""
    arrivals = []

    def respond(message: bytes, arrival: Arrival) -> bytes:
        arrivals.append(arrival)
        return reply_to(message, arrival)

    async with serving(respond, bind) as at:
        source = "::1" if ":" in to else None
        async with await at.client(to, source=source) as client:
            reply = await client.ask(QUERY)

    assert reply == reply_to(QUERY, arrival)
    assert arrivals == [arrival]


@pytest.mark.parametrize("size", [0, 1, 11])
async def test_a_length_below_a_header_ends_the_connection(size: int) -> None:
    """T-01; queries before it are answered."""
    async with serving() as at, await at.client() as client:
        await client.send(queries([1, 2]) + size.to_bytes(2) + QUERY)
        replies = await client.all_until_fin()

    assert idents(replies) == [1, 2]
    assert at.outcomes() == {"garbage": 1}


async def test_a_response_ends_the_connection() -> None:
    """T-13: QR=1 is never answered."""
    async with serving() as at, await at.client() as client:
        await client.send(framed(QUERY, reply_to(QUERY, ARRIVAL), QUERY))
        replies = await client.all_until_fin()

    assert idents(replies) == [7]
    assert at.outcomes() == {"garbage": 1}


async def test_a_message_that_drips_in_is_cut_off_at_its_deadline() -> None:
    """T-02: here 300 seconds from the first octet; further octets win no time."""
    clock = LoopClock()
    async with (
        serving(limits=TcpLimits(message_s=300, lifetime_s=900)) as at,
        await at.client() as client,
    ):
        for octet in b"\xff\xff\0\0\0":
            await client.send(bytes((octet,)))
            await clock.pass_by(50)
        before = at.outcomes()
        await clock.pass_by(50)

        assert await client.is_closed_by_server()
    assert before == {}
    assert at.outcomes() == {"read_deadline": 1}


def test_the_deadlines_are_those_of_the_catalogue() -> None:
    """T-02, T-03, T-07, T-08, T-11, T-12, T-14, T-17."""
    assert TcpLimits() == TcpLimits(
        message_s=3,
        idle_s=10,
        write_s=5,
        lifetime_s=120,
        linger_s=1,
        queries=1000,
        waiting=64,
        per_ip=100,
        total=4096,
    )


async def test_a_client_that_sends_nothing_gets_fin() -> None:
    """T-03: after the idle time."""
    async with serving(limits=TcpLimits(idle_s=0.2)) as at, await at.client() as client:
        assert await client.receive() is None

    assert at.outcomes() == {"idle": 1}


async def test_each_query_starts_the_idle_time_anew() -> None:
    """T-03: idle is without a query, not since the first."""
    clock = LoopClock()
    async with (
        serving(limits=TcpLimits(idle_s=100, lifetime_s=900)) as at,
        await at.client() as client,
    ):
        for _ in range(3):
            assert await client.ask(QUERY) is not None
            await clock.pass_by(60)
        assert at.outcomes() == {}
        await clock.pass_by(40)
        assert await client.receive() is None

    assert at.outcomes() == {"idle": 1}


async def test_a_message_in_pieces_is_answered() -> None:
    """T-04: the length in one segment, the message in another; then octet by octet."""
    async with serving() as at, await at.client() as client:
        message = framed(QUERY)
        await client.send(message[:2])
        await client.send(message[2:])
        in_two = await client.receive()
        for octet in message:
            await client.send(bytes((octet,)))
        in_many = await client.receive()

    assert in_two == in_many == reply_to(QUERY, ARRIVAL)


async def test_a_reply_is_one_segment() -> None:
    """T-05: length and message in one write."""
    async with serving() as at, await at.client() as client:
        for _ in range(5):
            await client.ask(QUERY)

        assert client.data_segments_in() == 5


async def test_pipelined_queries_are_all_answered_in_order() -> None:
    """T-06, as far as it holds for answers that need nobody else."""
    async with serving() as at, await at.client() as client:
        await client.send(queries(range(100)))
        replies = await received(client, 100)

    assert idents(replies) == list(range(100))


@pytest.mark.parametrize(("octets", "in_a_turn"), [(0, TURN), (TURN_OCTETS // 4, 4)])
async def test_a_pipelining_client_leaves_every_turn_of_the_loop_to_others_too(
    octets: int, in_a_turn: int
) -> None:
    """Many queries in one go must not hold up UDP; large replies end a turn sooner."""
    loop = asyncio.get_running_loop()
    turn = 0
    answered_in: list[int] = []

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        if len(answered_in) < 300:
            loop.call_soon(next_turn)

    def respond(message: bytes, arrival: Arrival) -> bytes:
        answered_in.append(turn)
        return reply_to(message, arrival) + bytes(octets)

    async with serving(respond) as at, await at.client() as client:
        await client.send(queries(range(300)))
        next_turn()
        replies = await received(client, 300)

    assert idents(replies) == list(range(300))
    assert max(answered_in.count(each) for each in set(answered_in)) == in_a_turn


async def test_a_message_without_a_reply_leaves_the_connection_open() -> None:
    """None is silence; the next query is answered."""

    def respond(message: bytes, arrival: Arrival) -> bytes | None:
        return None if ident_of(message) == 1 else reply_to(message, arrival)

    async with serving(respond) as at, await at.client() as client:
        await client.send(queries([1, 2]))
        replies = await received(client, 1)

    assert idents(replies) == [2]


async def test_a_client_that_does_not_read_is_cut_off_and_costs_little() -> None:
    """T-08: answering stops when the kernel takes no more; the end comes at the write deadline."""
    respond = Large()
    limits = TcpLimits(write_s=0.3)
    async with serving(respond, limits=limits) as at, await at.client(receive=4096) as client:
        await client.send(queries(range(900)))
        await until(lambda: at.server.connections == 0)

    assert at.outcomes() == {"write_deadline": 1}
    assert respond.calls < 20  # what both kernels hold, and one reply in our hands


async def test_a_client_that_reads_late_gets_everything() -> None:
    """T-08: answering goes on where it stopped."""
    respond = Large()
    async with serving(respond) as at, await at.client(receive=4096) as client:
        await client.send(queries(range(100)))
        await until(lambda: respond.calls > 0)
        stopped_at = respond.calls
        replies = await received(client, 100)

    assert stopped_at < 100
    assert idents(replies) == list(range(100))
    assert {len(reply) for reply in replies} == {LARGE_OCTETS}
