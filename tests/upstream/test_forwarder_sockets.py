"""The forwarder over real sockets, against upstreams on loopback that do what a script says."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Sequence

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import NOERROR, SERVFAIL
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import IN, TXT, A, to_lines
from kubedns_py.upstream.attempt import Attempt
from kubedns_py.upstream.counts import Retry
from kubedns_py.upstream.datagrams import Datagrams
from kubedns_py.upstream.forwarder import Forwarder
from kubedns_py.upstream.lookup import Lookup
from kubedns_py.upstream.panel import ALONE_PATIENCE_S
from kubedns_py.upstream.routes import Group, Routes
from kubedns_py.upstream.streams import Streams
from tests.helpers.fake_upstream import Asked, Behaviour, FakeUpstream, Turn, fake_upstream, nobody
from tests.helpers.loop_clock import LoopClock
from tests.helpers.upstream_script import (
    FORGED,
    answer,
    by_transport,
    closing,
    forged,
    in_turn,
    silent,
    slow,
    without_edns,
)
from tests.helpers.waiting import until

GOOD = answer("@ 60 IN A 192.0.2.1")
PROBES = {"NS", "HINFO"}
ANSWER = ["www.example.org. 60 IN A 192.0.2.1"]

pytestmark = pytest.mark.usefixtures("patient")


class Stage:
    """A forwarder on the running event loop."""

    def __init__(self, servers: Sequence[Nameserver]) -> None:
        self.udp = Datagrams()
        self.streams = Streams()
        self.loop = asyncio.get_running_loop()
        self.forwarder = Forwarder(
            self.udp, self.streams, clock=self.loop, is_elsewhere=lambda *_: False
        )
        self.group = Group(".", tuple(servers))
        self.replies: list[Reply] = []

    def ask(self, name: str = "www.example.org.", qtype: int = A) -> Reply | None:
        """Ask as a client does."""
        question = Ask(from_text(name), qtype, IN)
        return self.forwarder.ask(question, self.group, "10.244.0.7", self.replies.append)

    async def answered(self, name: str = "www.example.org.", qtype: int = A) -> Reply:
        """Ask, and wait for the reply."""
        count = len(self.replies)
        at_once = self.ask(name, qtype)
        if at_once is not None:
            return at_once
        await until(lambda: len(self.replies) > count)
        return self.replies[-1]


@contextlib.asynccontextmanager
async def forwarding(
    *servers: Nameserver | FakeUpstream, settled: bool = True
) -> AsyncIterator[Stage]:
    """Yield a stage, by default when every server has answered or failed its first probes."""
    nameservers = [each.nameserver if isinstance(each, FakeUpstream) else each for each in servers]
    stage = Stage(nameservers)
    stage.forwarder.replace_routes(Routes(stage.group, {}))
    try:
        if settled:
            healths = stage.forwarder.servers
            await until(lambda: all(health.rtt_s or not health.is_up for health in healths))
        yield stage
    finally:
        stage.forwarder.close()
        stage.udp.close()
        await stage.streams.aclose()


def but_for_probes(then: Behaviour) -> Behaviour:
    """Answer probes, and do to clients' questions what ``then`` does."""

    async def behave(turn: Turn) -> None:
        await (GOOD if turn.asked.rtype in PROBES else then)(turn)

    return behave


def questions(up: FakeUpstream) -> list[Asked]:
    """Return what was asked for clients."""
    return [asked for asked in up.asked if asked.rtype not in PROBES]


def transports(up: FakeUpstream) -> list[str]:
    """Return the ways that clients' questions went."""
    return [asked.transport for asked in questions(up)]


def lines(reply: Reply) -> list[str]:
    """Return the answer section."""
    assert reply.rcode == NOERROR
    return [line for rrset in reply.answer for line in to_lines(rrset)]


async def test_a_truncated_reply_comes_whole_over_tcp() -> None:
    """C-12."""
    records = [f'@ 60 IN TXT "{n:0200}"' for n in range(20)]
    script = by_transport(udp=answer(flags="TC"), stream=answer(*records))
    async with fake_upstream(but_for_probes(script)) as up, forwarding(up) as stage:
        reply = await stage.answered(qtype=TXT)

    assert len(lines(reply)) == 20
    assert not reply.truncated
    assert transports(up) == ["udp", "tcp"]


@pytest.mark.parametrize("tcp", [True, False], ids=["that breaks off", "that is refused"])
async def test_a_truncated_reply_is_handed_on_where_tcp_brings_nothing(*, tcp: bool) -> None:
    """C-12: with TC, for the client to try."""
    script = by_transport(udp=answer("@ 60 IN A 192.0.2.1", flags="TC"), stream=closing())
    async with fake_upstream(but_for_probes(script), tcp=tcp) as up, forwarding(up) as stage:
        reply = await stage.answered()

    assert reply.truncated
    assert lines(reply) == ANSWER


@pytest.mark.parametrize("refusal", ["FORMERR", "NOTIMP", "BADVERS"])
async def test_a_server_from_before_edns_is_asked_without_it(refusal: str) -> None:
    """C-13: once, and then from the first."""
    script = but_for_probes(without_edns(GOOD, refusal=refusal))
    async with fake_upstream(script) as up, forwarding(up) as stage:
        assert lines(await stage.answered()) == ANSWER
        await stage.answered("mail.example.org.")

    assert [asked.message.edns for asked in questions(up)] == [0, -1, -1]


async def test_forgeries_are_passed_over_and_the_good_answer_is_delivered() -> None:
    """C-01: the good answer 100 ms later."""
    everything = [forged(how) for how in ("id", "name", "type", "garbage", "short")]
    script = but_for_probes(in_turn(*everything, slow(0.1, GOOD)))
    async with fake_upstream(script) as up, forwarding(up) as stage:
        assert lines(await stage.answered()) == ANSWER

    assert sum(stage.udp.mismatches.values()) == 5
    assert transports(up) == ["udp"]


async def test_ten_forgeries_move_the_question_to_tcp() -> None:
    """C-03."""
    script = by_transport(udp=in_turn(*[forged("id")] * 12), stream=GOOD)
    async with fake_upstream(but_for_probes(script)) as up, forwarding(up) as stage:
        assert lines(await stage.answered()) == ANSWER

    assert transports(up) == ["udp", "tcp"]
    assert FORGED not in str(stage.replies)


async def test_what_nobody_can_read_moves_the_question_to_tcp_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C-02: after the first wait, TCP once."""
    monkeypatch.undo()  # here time tells
    clock = LoopClock()
    script = by_transport(udp=forged("cut record"), stream=GOOD)
    async with fake_upstream(but_for_probes(script)) as up, forwarding(up) as stage:
        assert stage.ask() is None
        await until(lambda: any(stage.udp.mismatches.values()))
        await clock.pass_by(ALONE_PATIENCE_S)
        await until(lambda: bool(stage.replies))

    assert lines(stage.replies[0]) == ANSWER
    assert transports(up) == ["udp", "tcp"]
    assert stage.forwarder.counts.retries[Retry.SUSPICIOUS] == 1


async def test_a_slow_upstream_is_overtaken_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """C-15: slow by more than anybody waits, here 9 s; the one that is asked first is."""
    patience_s = 9.0
    monkeypatch.setattr("kubedns_py.upstream.health.MIN_PATIENCE_S", patience_s)
    clock = LoopClock()
    waiting: list[FakeUpstream] = []

    def slow_if_first(up: FakeUpstream) -> Behaviour:
        async def behave(turn: Turn) -> None:
            if waiting and waiting[0] is not up:
                await clock.pass_by(0.5)  # so it does not look better to who forgets the other
                await GOOD(turn)
            else:
                waiting.append(up)

        return but_for_probes(behave)

    async def answered(stage: Stage, count: int) -> None:
        kept = len(waiting)
        assert stage.ask(f"r{count}.example.org.") is None
        await until(lambda: len(waiting) > kept or len(stage.replies) > count)
        if len(stage.replies) == count:
            await clock.pass_by(patience_s)
        await until(lambda: len(stage.replies) > count)

    async with fake_upstream() as one, fake_upstream() as other:
        one.script, other.script = slow_if_first(one), slow_if_first(other)
        async with forwarding(one, other) as stage:
            for n in range(10):
                await answered(stage, n)

    assert {reply.rcode for reply in stage.replies} == {NOERROR}
    assert len(waiting) <= 3


async def test_a_single_slow_upstream_is_waited_for() -> None:
    """C-15: what takes less than the 5 s of a stub resolver is not given up."""
    async with fake_upstream(but_for_probes(slow(1.5, GOOD))) as up, forwarding(up) as stage:
        assert lines(await stage.answered()) == ANSWER


async def test_the_only_upstream_is_dead_and_the_client_hears_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """C-15, FWD-5: before the longest time for a question, here an hour, is over; then at once."""
    monkeypatch.undo()  # here time tells
    monkeypatch.setattr("kubedns_py.upstream.lookup.TOTAL_S", 3600)
    async with fake_upstream(silent()) as up, forwarding(up, settled=False) as stage:
        first = await stage.answered()
        then = stage.ask()

    assert (first.rcode, first.ede and first.ede.code) == (SERVFAIL, 23)
    assert then is not None
    assert then.ede is not None
    assert then.ede.text == "all upstreams of . are down"


async def test_a_flapping_upstream_is_asked_again_when_it_is_back() -> None:
    """C-15: probes each half second."""
    async with fake_upstream(silent()) as up, forwarding(up, settled=False) as stage:
        (health,) = stage.forwarder.servers
        await until(lambda: not health.is_up)
        up.script = GOOD
        await until(lambda: health.is_up)

        assert lines(await stage.answered()) == ANSWER


async def test_nobody_listens_and_the_next_upstream_answers_at_once() -> None:
    """C-15: ICMP."""
    with nobody() as dead:
        async with fake_upstream(GOOD) as up, forwarding(dead, up, settled=False) as stage:
            assert lines(await stage.answered()) == ANSWER
            await until(lambda: not stage.forwarder.servers[0].is_up)


async def test_a_thousand_equal_questions_are_one_over_the_wire() -> None:
    """C-17: and one answer for all."""
    async with fake_upstream(but_for_probes(slow(0.1, GOOD))) as up, forwarding(up) as stage:
        for _ in range(1000):
            assert stage.ask() is None
        await until(lambda: len(stage.replies) == 1000)

    assert len(questions(up)) == 1
    assert stage.forwarder.counts.coalesced == 999


def in_memory() -> int:
    """Return how many look-ups and attempts there are."""
    return sum(isinstance(each, Lookup | Attempt) for each in gc.get_objects())


async def test_nothing_is_left_for_the_collector_of_cycles() -> None:
    """L-10: what is answered is gone, without a pause for it."""
    async with fake_upstream(GOOD) as up, forwarding(up) as stage:
        gc.collect()
        gc.disable()
        try:
            before = in_memory()
            for n in range(10):
                await stage.answered(f"r{n}.example.org.")
            after = in_memory()
        finally:
            gc.enable()

    assert after == before


async def test_an_upstream_with_tcp_alone_works() -> None:
    """C-25: the client's transport does not matter."""
    async with fake_upstream(GOOD, udp=False) as up, forwarding(up) as stage:
        assert lines(await stage.answered()) == ANSWER
        assert lines(await stage.answered("mail.example.org."))[0].endswith("192.0.2.1")

    assert set(transports(up)) == {"tcp"}


async def test_an_upstream_with_udp_alone_works() -> None:
    """C-25: the reverse."""
    async with fake_upstream(GOOD, tcp=False) as up, forwarding(up) as stage:
        assert lines(await stage.answered()) == ANSWER

    assert transports(up) == ["udp"]


async def test_a_dead_upstream_among_three_costs_one_retry_and_then_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Issue 3: what 300 clients wait for when the best upstream falls silent."""
    monkeypatch.undo()  # here time tells
    async with (
        fake_upstream(GOOD) as one,
        fake_upstream(GOOD) as two,
        fake_upstream(GOOD) as three,
        forwarding(one, two, three) as stage,
    ):
        for n in range(20):
            await stage.answered(f"warm{n}.example.org.")
        best = min(stage.forwarder.servers, key=lambda health: health.cost_s)
        dead = next(up for up in (one, two, three) if up.nameserver == best.server)
        dead.script = silent()
        replies = [await stage.answered(f"r{n}.example.org.") for n in range(300)]

    assert {reply.rcode for reply in replies} == {NOERROR}
    in_vain = [asked for asked in questions(dead) if not asked.name.startswith("warm")]
    assert len(in_vain) <= 2  # one, unless the machine stands still meanwhile
    assert stage.forwarder.counts.retries[Retry.LATE] >= 1
