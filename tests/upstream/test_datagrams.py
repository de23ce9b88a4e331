"""A question over UDP ends with the reply to it, and with nothing that somebody else sends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.response import Response, Unusable
from kubedns_py.dns.rrset import AAAA
from kubedns_py.upstream.datagrams import BURST, MAX_MISMATCHES, MAX_OCTETS, Datagrams
from kubedns_py.upstream.exchange import Exchange, Failure
from tests.helpers.exchanges import (
    ADDRESS,
    GOOD,
    WWW,
    Asking,
    an_ask,
    descriptors,
    no_descriptor_left,
    nothing_raised,
)
from tests.helpers.fake_upstream import Asked, Turn, fake_upstream, nobody
from tests.helpers.upstream_script import (
    FORGERIES,
    answer,
    by_name,
    elsewhere,
    forged,
    in_turn,
    late,
    octets,
    reply,
    silent,
)
from tests.helpers.waiting import until

REASONS = {
    "id": Unusable.ID,
    "qr": Unusable.NO_RESPONSE,
    "opcode": Unusable.OPCODE,
    "name": Unusable.QUESTION,
    "type": Unusable.QUESTION,
    "class": Unusable.QUESTION,
    "no question": Unusable.QUESTION,
    "two questions": Unusable.QUESTION,
    "empty": Unusable.SHORT,
    "short": Unusable.SHORT,
    "cut question": Unusable.QUESTION,
    "cut record": Unusable.MALFORMED,
    "bad pointer": Unusable.MALFORMED,
    "bad length": Unusable.MALFORMED,
    "garbage": Unusable.OPCODE,
}
"""The word that each forgery is counted by."""


@contextlib.asynccontextmanager
async def datagrams() -> AsyncIterator[Datagrams]:
    """Yield the exchanges; no descriptor is left of them."""
    before = descriptors()
    made = Datagrams()
    with nothing_raised():
        try:
            yield made
        finally:
            made.close()
    assert descriptors() <= before


def counted(exchanges: Datagrams) -> dict[str, int]:
    """Return the counts that are not zero."""
    return {reason: count for reason, count in exchanges.mismatches.items() if count}


def of_octets(size: int, asked: Asked) -> bytes:
    """Return a good reply with zeros behind it up to a size."""
    return reply(asked, GOOD).to_wire().ljust(size, b"\0")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_question_ends_with_its_reply(host: str) -> None:
    """Issue 3: over IPv4 and IPv6."""
    async with fake_upstream(answer(GOOD), host=host) as up, datagrams() as exchanges:
        asking = Asking(exchanges, up.nameserver)

        assert await asking.addresses() == [ADDRESS]

    assert counted(exchanges) == {}
    assert asking.exchange.mismatches == 0


def test_every_forgery_has_a_word() -> None:
    """C-01, C-02: one counter per reason."""
    assert REASONS.keys() == FORGERIES.keys()
    assert set(REASONS.values()) == set(Unusable) - {Unusable.CASE}


@pytest.mark.parametrize("how", FORGERIES)
async def test_a_forged_reply_is_counted_and_the_wait_goes_on(how: str) -> None:
    """C-01, C-02: the good answer comes later and is taken (RFC 5452, 9.1; CVE-2023-28452)."""
    go = asyncio.Event()
    script = in_turn(forged(how), late(go, answer(GOOD)))
    async with fake_upstream(script) as up, datagrams() as exchanges:
        asking = Asking(exchanges, up.nameserver)
        await until(lambda: counted(exchanges) == {REASONS[how]: 1})
        assert not asking.has_ended
        go.set()

        assert await asking.addresses() == [ADDRESS]

    assert asking.exchange.mismatches == 1


@pytest.mark.parametrize("how", ["port", "address"])
async def test_a_reply_from_elsewhere_never_gets_here(how: str) -> None:
    """C-01: the socket is connected, so the kernel keeps it back; there is nothing to count."""
    async with (
        fake_upstream(in_turn(elsewhere(how), answer(GOOD))) as up,
        datagrams() as exchanges,
    ):
        asking = Asking(exchanges, up.nameserver)

        assert await asking.addresses() == [ADDRESS]

    assert counted(exchanges) == {}


async def test_a_reply_to_another_socket_of_ours_is_not_taken() -> None:
    """C-01; CVE-2020-25684: dnsmasq took a reply on whichever socket it came."""

    async def to_the_first(turn: Turn) -> None:
        turn.send(reply(turn.asked, GOOD).to_wire(), to=turn.up.asked[0].source)

    async with fake_upstream([silent(), to_the_first]) as up, datagrams() as exchanges:
        first = Asking(exchanges, up.nameserver, an_ask("first.test."))
        await up.has_been_asked(1)
        second = Asking(exchanges, up.nameserver, an_ask("second.test."))
        await until(lambda: first.exchange.mismatches == 1)

        assert not first.has_ended
        assert not second.has_ended


async def test_ten_forged_replies_end_the_use_of_udp() -> None:
    """C-03."""
    script = in_turn(*[forged("id")] * MAX_MISMATCHES, answer(GOOD))
    async with fake_upstream(script) as up, datagrams() as exchanges:
        outcome = await Asking(exchanges, up.nameserver).outcome()

    assert outcome is Failure.SUSPICIOUS
    assert counted(exchanges) == {"id": 10}


async def test_nine_forged_replies_do_not() -> None:
    """C-03."""
    script = in_turn(*[forged("id")] * (MAX_MISMATCHES - 1), answer(GOOD))
    async with fake_upstream(script) as up, datagrams() as exchanges:
        assert await Asking(exchanges, up.nameserver).addresses() == [ADDRESS]


async def test_forged_replies_to_one_question_do_not_count_against_another() -> None:
    """C-03: an attacker who hits one question must not push all others to TCP."""
    script = [
        in_turn(*[forged("id")] * (MAX_MISMATCHES - 1)),
        in_turn(*[forged("id")] * (MAX_MISMATCHES - 1), answer(GOOD)),
    ]
    async with fake_upstream(script) as up, datagrams() as exchanges:
        first = Asking(exchanges, up.nameserver)
        await up.has_been_asked(1)
        second = Asking(exchanges, up.nameserver)

        assert await second.addresses() == [ADDRESS]
        assert not first.has_ended


async def test_an_upstream_without_udp_is_unreachable() -> None:
    """C-25: the host answers with ICMP, which a connected socket hears (udp(7))."""
    async with fake_upstream(udp=False) as up, datagrams() as exchanges:
        assert await Asking(exchanges, up.nameserver).outcome() is Failure.UNREACHABLE


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_without_a_server_is_unreachable(host: str) -> None:
    """C-15: a dead server is known at once where its host lives."""
    with nobody(host) as nameserver:
        async with datagrams() as exchanges:
            assert await Asking(exchanges, nameserver).outcome() is Failure.UNREACHABLE


async def test_an_address_that_the_kernel_refuses_is_unreachable_but_not_at_once() -> None:
    """Exchanges: ``done`` is never called before ``begin`` has returned."""
    async with datagrams() as exchanges:
        asking = Asking(exchanges, Nameserver("255.255.255.255"))

        assert await asking.outcome() is Failure.UNREACHABLE


async def test_without_a_descriptor_the_exchange_fails_and_the_next_works() -> None:
    """B-rows: running out of descriptors is a failure of one question."""
    async with fake_upstream(answer(GOOD)) as up, datagrams() as exchanges:
        with no_descriptor_left():
            asking = Asking(exchanges, up.nameserver)
            assert await asking.outcome() is Failure.NO_SOCKET

        assert await Asking(exchanges, up.nameserver).addresses() == [ADDRESS]


async def test_a_failure_at_once_can_be_cancelled_too() -> None:
    """Exchange: ``done`` is never called after ``cancel``."""
    async with datagrams() as exchanges:
        asking = Asking(exchanges, Nameserver("255.255.255.255"))
        asking.exchange.cancel()
        other = Asking(exchanges, Nameserver("255.255.255.255"))
        await other.outcome()

        assert not asking.has_ended


async def test_what_comes_after_a_reply_is_heard_by_no_other_question() -> None:
    """C-01: neither what was left in a socket when it was given back, nor what comes later."""
    async with fake_upstream(in_turn(*[answer(GOOD)] * 3)) as up, datagrams() as exchanges:
        for n in range(20):
            asking = Asking(exchanges, up.nameserver, an_ask(f"n{n}.test."))
            assert await asking.addresses() == [ADDRESS]

    assert counted(exchanges) == {}


async def test_questions_that_have_their_replies_leave_sockets_to_the_next() -> None:
    """Cost: a socket is made where none is free. Each question has its own port all the same."""
    async with fake_upstream(answer(GOOD)) as up, datagrams() as exchanges:
        await Asking(exchanges, up.nameserver).outcome()
        before = descriptors()
        for _ in range(20):
            await Asking(exchanges, up.nameserver).outcome()
        assert descriptors() == before

    assert len({asked.source[1] for asked in up.asked}) > 15


async def test_a_cancelled_exchange_hears_no_more_and_keeps_no_socket() -> None:
    """Exchange: after its end, or twice, harmless."""
    go = asyncio.Event()
    script = [late(go, answer(GOOD)), answer(GOOD)]
    async with fake_upstream(script) as up, datagrams() as exchanges:
        before = descriptors()
        asking = Asking(exchanges, up.nameserver)
        await up.has_been_asked(1)
        asking.exchange.cancel()
        asking.exchange.cancel()
        assert descriptors() <= before
        go.set()
        other = Asking(exchanges, up.nameserver)
        await other.outcome()
        other.exchange.cancel()

        assert not asking.has_ended


@pytest.mark.parametrize(("size", "taken"), [(MAX_OCTETS, True), (MAX_OCTETS + 1, False)])
async def test_4096_octets_are_taken_and_no_more(size: int, taken: bool) -> None:  # noqa: FBT001 - a table
    """C-14."""
    go = asyncio.Event()
    script = in_turn(octets(lambda asked: of_octets(size, asked)), late(go, answer(GOOD)))
    async with fake_upstream(script) as up, datagrams() as exchanges:
        asking = Asking(exchanges, up.nameserver)
        await until(lambda: asking.has_ended or bool(asking.exchange.mismatches))
        assert asking.has_ended is taken
        go.set()

        assert await asking.addresses() == [ADDRESS]

    assert counted(exchanges) == ({} if taken else {"malformed": 1})


async def test_a_truncated_reply_is_a_reply() -> None:
    """C-12: what to do about it is the forwarder's decision."""
    async with fake_upstream(answer(flags="TC")) as up, datagrams() as exchanges:
        outcome = await Asking(exchanges, up.nameserver).outcome()

    assert isinstance(outcome, Response)
    assert outcome.truncated


async def test_nothing_goes_out_but_what_was_asked() -> None:
    """C-24: a fresh OPT record of ours, without options; CVE-2026-42004."""
    ask = an_ask("www.example.test.", AAAA, do=True, cd=True)
    async with fake_upstream(answer()) as up, datagrams() as exchanges:
        await Asking(exchanges, up.nameserver, ask).outcome()
        await Asking(exchanges, up.nameserver, WWW).outcome()
        await Asking(exchanges, up.nameserver, WWW, edns=False).outcome()

    first, second, third = (asked.message for asked in up.asked)
    assert [line.to_text() for line in first.question] == ["www.example.test. IN AAAA"]
    assert first.flags == 0x0130  # RD AD CD
    assert (first.edns, first.payload, first.ednsflags, first.options) == (0, 1232, 0x8000, ())
    assert second.flags == 0x0120  # RD AD
    assert (second.edns, second.payload, second.ednsflags, second.options) == (0, 1232, 0, ())
    assert third.edns == -1
    assert all(not m.answer and not m.authority and not m.additional for m in (first, second))


async def test_each_question_has_a_port_and_an_id_that_nobody_knows() -> None:
    """C-04; CVE-2025-40780. Of 200 draws out of 28,232 ports, 0.7 are expected to occur again."""
    async with fake_upstream(answer(GOOD)) as up, datagrams() as exchanges:
        for _ in range(200):
            await Asking(exchanges, up.nameserver).outcome()

    ports = [asked.source[1] for asked in up.asked]
    idents = [asked.message.id for asked in up.asked]
    for drawn in (ports, idents):
        assert len(set(drawn)) > 180
        assert len({after - before for before, after in pairwise(drawn)}) > 180
    assert max(ports) - min(ports) > 10_000


async def test_a_slow_reply_holds_up_no_other() -> None:
    """C-28: AAAA slow, A fast."""
    go = asyncio.Event()
    script = by_name(
        {"AAAA www.example.test.": late(go, answer()), "www.example.test.": answer(GOOD)}
    )
    async with fake_upstream(script) as up, datagrams() as exchanges:
        slow = Asking(exchanges, up.nameserver, an_ask(qtype=AAAA))
        assert await Asking(exchanges, up.nameserver).addresses() == [ADDRESS]
        assert not slow.has_ended
        go.set()

        assert await slow.addresses() == []


async def test_more_replies_than_one_turn_takes_all_arrive() -> None:
    """BURST: the rest of them comes in the next turns."""
    go = asyncio.Event()
    async with fake_upstream(late(go, answer(GOOD))) as up, datagrams() as exchanges:
        askings = [Asking(exchanges, up.nameserver) for _ in range(BURST * 3)]
        await up.has_been_asked(len(askings))
        go.set()
        await until(lambda: all(asking.has_ended for asking in askings))

        assert [await asking.addresses() for asking in askings] == [[ADDRESS]] * len(askings)


async def test_an_end_may_cancel_others_and_begin_new_ones() -> None:
    """Exchanges: ``done`` may call whatever it likes, within one turn of the event loop."""
    go = asyncio.Event()
    async with fake_upstream(late(go, answer(GOOD))) as up, datagrams() as exchanges:
        begun: list[Asking] = []
        first: list[Exchange] = []

        def done(_: Response | Failure) -> None:
            for each in first:
                each.cancel()
            begun.append(Asking(exchanges, up.nameserver))

        first += [exchanges.begin(up.nameserver, WWW, done, edns=True) for _ in range(4)]
        await up.has_been_asked(4)
        go.set()
        await until(lambda: bool(begun))

        assert await begun[0].addresses() == [ADDRESS]
        assert len(begun) == 1


async def test_closing_ends_every_exchange_without_a_word() -> None:
    """Start and stop: twice is harmless."""
    async with fake_upstream() as up, datagrams() as exchanges:
        askings = [Asking(exchanges, up.nameserver) for _ in range(3)]
        await up.has_been_asked(3)
        exchanges.close()
        exchanges.close()

        assert not any(asking.has_ended for asking in askings)


async def test_what_one_turn_begins_is_sent_at_its_end() -> None:
    """Bursts: what is cancelled before that is never sent, and takes no socket."""
    async with fake_upstream(answer(GOOD)) as up, datagrams() as exchanges:
        before = descriptors()
        first, second, third = (
            Asking(exchanges, up.nameserver, an_ask(f"{n}.test.")) for n in "abc"
        )
        second.exchange.cancel()
        assert descriptors() == before

        assert await first.addresses() == [ADDRESS]
        assert await third.addresses() == [ADDRESS]

    assert [str(asked.message.question[0].name) for asked in up.asked] == ["a.test.", "c.test."]
    assert not second.has_ended


async def test_what_was_begun_when_all_is_closed_is_never_sent() -> None:
    """Start and stop: the turn that closes sends nothing any more."""
    async with fake_upstream(answer(GOOD)) as up, datagrams() as exchanges:
        asking = Asking(exchanges, up.nameserver)
        exchanges.close()
        async with datagrams() as others:
            await Asking(others, up.nameserver).outcome()

    assert len(up.asked) == 1
    assert not asking.has_ended


@pytest.mark.parametrize("is_sent", [True, False], ids=["replies", "failures to send"])
async def test_an_end_that_raises_costs_no_other_its_own(*, is_sent: bool) -> None:
    """Reliability, 0.5: what came, or was begun, in the same turn is not lost with it."""
    raised: list[object] = []
    ends: list[Response | Failure] = []

    def done(outcome: Response | Failure) -> None:
        ends.append(outcome)
        raise ValueError

    go = asyncio.Event()
    async with fake_upstream(late(go, answer(GOOD))) as up:
        exchanges = Datagrams()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
        server = up.nameserver if is_sent else Nameserver("255.255.255.255")
        for _ in range(5):
            exchanges.begin(server, WWW, done, edns=True)
        if is_sent:
            await up.has_been_asked(5)
        go.set()
        await until(lambda: len(ends) == 5)
        loop.set_exception_handler(None)
        exchanges.close()

    assert [type(each) for each in raised] == [ValueError] * 5
