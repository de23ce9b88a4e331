"""Questions over UDP with a spelling of their own (C-05)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from kubedns_py.dns.name import to_wire
from kubedns_py.dns.response import Response, Unusable
from kubedns_py.upstream.datagrams import MAX_MISMATCHES, Datagrams
from kubedns_py.upstream.exchange import Failure
from kubedns_py.upstream.spelling import Spelling
from tests.helpers.exchanges import GOOD, WWW
from tests.helpers.fake_upstream import FakeUpstream, fake_upstream
from tests.helpers.octets import FORMERR, QR, header
from tests.helpers.upstream_script import answer, in_case, in_turn, late, octets
from tests.helpers.waiting import until

SPELLED = Spelling(to_wire((b"wWw", b"eXample", b"tesT")), lambda: None)


class Asking:
    """One question in a spelling of its own.

    Attributes:
        ends: what was heard of it.
        others: replies in another spelling.
    """

    def __init__(self, exchanges: Datagrams, up: FakeUpstream) -> None:
        self.ends: list[Response | Failure] = []
        self.others = 0
        spelling = Spelling(SPELLED.octets, self._count)
        self.exchange = exchanges.begin(
            up.nameserver, WWW, self.ends.append, edns=True, spelling=spelling
        )

    def _count(self) -> None:
        self.others += 1


async def test_a_question_goes_out_as_it_is_spelled_and_its_reply_is_taken() -> None:
    """C-05: the answer is the same as to any other spelling."""
    exchanges = Datagrams()
    async with fake_upstream(answer(GOOD)) as up:
        asking = Asking(exchanges, up)
        await until(lambda: bool(asking.ends))
    exchanges.close()

    (end,) = asking.ends
    assert isinstance(end, Response)
    assert end.answer[0].owner == WWW.name
    assert up.asked[0].name == "wWw.eXample.tesT."
    assert sum(exchanges.mismatches.values()) == asking.others == 0


async def test_its_letters_do_not_come_back_in_the_records() -> None:
    """C-05: servers write names as pointers at the question (RFC 1035, 4.1.4)."""
    exchanges = Datagrams()
    async with fake_upstream(answer("@ 60 IN CNAME cdn.www.example.test.")) as up:
        asking = Asking(exchanges, up)
        await until(lambda: bool(asking.ends))
    exchanges.close()

    (end,) = asking.ends
    assert isinstance(end, Response)
    assert end.answer[0].rdatas == (to_wire((b"cdn", b"www", b"example", b"test")),)


@pytest.mark.parametrize("change", [bytes.lower, bytes.upper, bytes.swapcase])
async def test_a_reply_in_another_case_is_counted_and_the_wait_goes_on(
    change: Callable[[bytes], bytes],
) -> None:
    """C-05, C-01: by a word of its own; the good answer comes later and is taken."""
    go = asyncio.Event()
    script = in_turn(in_case(change, "@ 60 IN A 192.0.2.66"), late(go, answer(GOOD)))
    exchanges = Datagrams()
    async with fake_upstream(script) as up:
        asking = Asking(exchanges, up)
        await until(lambda: exchanges.mismatches[Unusable.CASE] == 1)
        assert (asking.ends, asking.others, asking.exchange.mismatches) == ([], 1, 1)
        go.set()
        await until(lambda: bool(asking.ends))
    exchanges.close()

    (end,) = asking.ends
    assert isinstance(end, Response)
    assert end.answer[0].rdatas == (bytes((192, 0, 2, 1)),)
    assert sum(exchanges.mismatches.values()) == 1


async def test_ten_of_them_are_somebodys_guesses() -> None:
    """C-03, C-05."""
    script = in_turn(*[in_case(bytes.upper, GOOD)] * MAX_MISMATCHES)
    exchanges = Datagrams()
    async with fake_upstream(script) as up:
        asking = Asking(exchanges, up)
        await until(lambda: bool(asking.ends))
    exchanges.close()

    assert asking.ends == [Failure.SUSPICIOUS]


async def test_a_refusal_of_edns_has_no_case() -> None:
    """C-13, C-05: a header alone."""
    script = octets(lambda asked: asked.octets[:2] + header(QR | FORMERR, qd=0)[2:])
    exchanges = Datagrams()
    async with fake_upstream(script) as up:
        asking = Asking(exchanges, up)
        await until(lambda: bool(asking.ends))
    exchanges.close()

    (end,) = asking.ends
    assert isinstance(end, Response)
    assert end.rcode == FORMERR


async def test_without_a_spelling_any_case_will_do() -> None:
    """C-05: off by default; RFC 4343, 4.1."""
    ends: list[Response | Failure] = []
    exchanges = Datagrams()
    async with fake_upstream(in_case(bytes.upper, GOOD)) as up:
        exchanges.begin(up.nameserver, WWW, ends.append, edns=True)
        await until(lambda: bool(ends))
        assert up.asked[0].name == "www.example.test."
    exchanges.close()

    assert isinstance(ends[0], Response)
    assert exchanges.mismatches[Unusable.CASE] == 0
