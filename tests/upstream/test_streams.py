"""Questions over TCP: connections are shared, kept and bounded."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import AAAA, TXT
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
    no_descriptor_left,
    streams,
)
from tests.helpers.fake_upstream import fake_upstream, nobody
from tests.helpers.upstream_script import (
    answer,
    by_name,
    forged,
    in_pieces,
    in_turn,
    late,
    reply,
)
from tests.helpers.waiting import until


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_question_ends_with_its_reply(host: str) -> None:
    """Issue 3: over IPv4 and IPv6."""
    async with fake_upstream(answer(GOOD), host=host) as up, streams() as exchanges:
        assert await ask(exchanges, up) == [ADDRESS]

    assert [asked.transport for asked in up.asked] == ["tcp"]


async def test_what_is_too_large_for_a_datagram_comes_whole() -> None:
    """C-12: this is what TCP is asked for; here in pieces of 1000 octets."""
    texts = [f'@ 60 IN TXT "{number:0200}"' for number in range(250)]
    script = in_pieces(1000, lambda asked: reply(asked, *texts).to_wire(max_size=65535))
    async with fake_upstream(script) as up, streams() as exchanges:
        outcome = await Asking(exchanges, up.nameserver, an_ask(qtype=TXT)).outcome()

    assert isinstance(outcome, Response)
    assert sum(len(rdata) for rrset in outcome.answer for rdata in rrset.rdatas) == 250 * 201


async def test_a_reply_that_is_truncated_even_here_is_a_reply() -> None:
    """C-12: the client is told TC=1; that is the forwarder's decision."""
    async with fake_upstream(answer(flags="TC")) as up, streams() as exchanges:
        outcome = await Asking(exchanges, up.nameserver).outcome()

    assert isinstance(outcome, Response)
    assert outcome.truncated


async def test_the_other_transport_works_where_one_does_not() -> None:
    """C-25: an upstream with UDP alone refuses connections; one with TCP alone is asked by it."""
    async with fake_upstream(answer(GOOD), tcp=False) as up, streams() as exchanges:
        assert await Asking(exchanges, up.nameserver).outcome() is Failure.UNREACHABLE

    async with fake_upstream(answer(GOOD), udp=False) as up, streams() as exchanges:
        assert await ask(exchanges, up) == [ADDRESS]


async def test_a_connection_is_kept_for_the_next_question() -> None:
    """RFC 7766, 6.2.1."""
    async with fake_upstream(answer(GOOD)) as up, streams() as exchanges:
        for _ in range(3):
            assert await ask(exchanges, up) == [ADDRESS]

    assert [asked.connection for asked in up.asked] == [1, 1, 1]
    assert counted(exchanges) == {"opened": 1, "reused": 2}


async def test_a_slow_reply_holds_up_no_other_on_the_same_connection() -> None:
    """C-28: AAAA slow, A fast."""
    go = asyncio.Event()
    script = by_name(
        {"AAAA www.example.test.": late(go, answer()), "www.example.test.": answer(GOOD)}
    )
    async with fake_upstream(script) as up, streams() as exchanges:
        slow = Asking(exchanges, up.nameserver, an_ask(qtype=AAAA))
        assert await ask(exchanges, up) == [ADDRESS]
        assert not slow.has_ended
        go.set()
        assert await slow.addresses() == []

    assert [asked.connection for asked in up.asked] == [1, 1]


@pytest.mark.parametrize("how", ["id", "qr", "opcode", "name", "type", "class", "no question"])
async def test_a_reply_to_something_else_is_counted_and_the_wait_goes_on(how: str) -> None:
    """C-01."""
    go = asyncio.Event()
    script = in_turn(forged(how), late(go, answer(GOOD)))
    async with fake_upstream(script) as up, streams() as exchanges:
        asking = Asking(exchanges, up.nameserver)
        await until(lambda: sum(exchanges.mismatches.values()) == 1)
        assert not asking.has_ended
        go.set()

        assert await asking.addresses() == [ADDRESS]


async def test_nothing_goes_out_but_what_was_asked() -> None:
    """C-24: a fresh OPT record of ours, without options; CVE-2026-42004."""
    async with fake_upstream(answer()) as up, streams() as exchanges:
        await Asking(exchanges, up.nameserver, an_ask(do=True)).outcome()
        await Asking(exchanges, up.nameserver, WWW, edns=False).outcome()

    first, second = (asked.message for asked in up.asked)
    assert first.flags == 0x0120  # RD AD
    assert (first.edns, first.payload, first.ednsflags, first.options) == (0, 1232, 0x8000, ())
    assert second.edns == -1


async def test_each_question_has_an_id_that_nobody_knows() -> None:
    """C-04: on a kept connection the port says nothing new, and the ID is drawn all the same."""
    async with fake_upstream(answer(GOOD)) as up, streams() as exchanges:
        for _ in range(50):
            await ask(exchanges, up)

    idents = [asked.message.id for asked in up.asked]
    assert len(set(idents)) > 45
    assert len({after - before for before, after in pairwise(idents)}) > 45


async def test_connections_and_waiting_questions_are_bounded() -> None:
    """Every queue is bounded: what finds no place is refused, and not at once."""
    limits = StreamLimits(outstanding=2, connections=2, waiting=1)
    async with fake_upstream() as up, streams(limits=limits) as exchanges:
        placed = [Asking(exchanges, up.nameserver) for _ in range(4)]
        waits = Asking(exchanges, up.nameserver)
        refused = Asking(exchanges, up.nameserver)

        assert await refused.outcome() is Failure.NO_SOCKET
        await up.has_been_asked(4)
        assert up.connections == 2
        up.script = answer(GOOD)
        placed[0].exchange.cancel()
        assert await waits.addresses() == [ADDRESS]
        assert not any(asking.has_ended for asking in placed)


async def test_a_reply_makes_place_for_a_question_that_waits() -> None:
    """The first that came is the first that goes."""
    limits = StreamLimits(outstanding=1, connections=1, waiting=2)
    async with fake_upstream(answer(GOOD)) as up, streams(limits=limits) as exchanges:
        names = ["first.test.", "second.test.", "third.test."]
        askings = [Asking(exchanges, up.nameserver, an_ask(name)) for name in names]

        assert [await asking.addresses() for asking in askings] == [[ADDRESS]] * 3

    assert [asked.name for asked in up.asked] == names
    assert up.connections == 1


async def test_a_question_that_waits_can_be_cancelled() -> None:
    """Exchange: never sent, never heard of."""
    limits = StreamLimits(outstanding=1, connections=1)
    go = asyncio.Event()
    async with fake_upstream(late(go, answer(GOOD))) as up, streams(limits=limits) as exchanges:
        first = Asking(exchanges, up.nameserver, an_ask("first.test."))
        second = Asking(exchanges, up.nameserver, an_ask("second.test."))
        third = Asking(exchanges, up.nameserver, an_ask("third.test."))
        second.exchange.cancel()
        second.exchange.cancel()
        go.set()
        assert await first.addresses() == [ADDRESS]
        assert await third.addresses() == [ADDRESS]

    assert [asked.name for asked in up.asked] == ["first.test.", "third.test."]
    assert not second.has_ended


async def test_what_waits_is_told_when_nobody_can_be_reached() -> None:
    """Nothing is left in a queue."""
    limits = StreamLimits(outstanding=1, connections=1)
    with nobody() as nameserver:
        async with streams(limits=limits) as exchanges:
            askings = [Asking(exchanges, nameserver) for _ in range(3)]

            assert [await asking.outcome() for asking in askings] == [Failure.UNREACHABLE] * 3


async def test_a_failure_at_once_can_be_cancelled_too() -> None:
    """Exchange: ``done`` is never called after ``cancel``."""
    limits = StreamLimits(outstanding=1, connections=1, waiting=0)
    async with fake_upstream() as up, streams(limits=limits) as exchanges:
        Asking(exchanges, up.nameserver)
        asking = Asking(exchanges, up.nameserver)
        asking.exchange.cancel()
        assert await Asking(exchanges, up.nameserver).outcome() is Failure.NO_SOCKET

        assert not asking.has_ended


async def test_without_a_descriptor_the_exchange_fails_and_the_next_works() -> None:
    """Running out of descriptors is a failure of one question."""
    async with fake_upstream(answer(GOOD)) as up, streams() as exchanges:
        with no_descriptor_left():
            asking = Asking(exchanges, up.nameserver)
            assert await asking.outcome() is Failure.NO_SOCKET

        assert await ask(exchanges, up) == [ADDRESS]
