"""Replies that are waited for: counted while they are, and handed on at most once."""

from __future__ import annotations

import errno
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, Arrival
from kubedns_py.server.waiting import FEW, LATE_S, DatagramReplies, StreamReply, begin
from tests.helpers.dnsclient import a_query, ident_of
from tests.helpers.held import Held, Manner
from tests.helpers.tcpserver import no_panic
from tests.helpers.udpserver import CLIENT, ScriptedSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubedns_py.server.arrival import OnPanic

ARRIVAL = Arrival("udp", IPV4, Address(b"\x0a\0\0\x0a"))
OTHER = ("10.9.9.9", 40000)


class Waiting:
    """DatagramReplies on a scripted socket and a clock that moves when told."""

    def __init__(self, sock: ScriptedSocket, on_panic: OnPanic = no_panic) -> None:
        self.now = 1000.0
        self.counts = {"late": 0, "send_full": 0, "send_error": 0}
        self.sock = sock
        self.replies = DatagramReplies(
            self.counts, clock=lambda: self.now, on_panic=on_panic, soon=lambda call: call()
        )

    def wait(
        self,
        count: int = 1,
        source: Any = CLIENT,
        *,
        first: int = 1,
        manner: Manner = Manner.ON_COMMAND,
    ) -> list[Held]:
        """Begin so many, with IDs from ``first``."""
        all_held = []
        for ident in range(first, first + count):
            held = Held(a_query(ident=ident), ARRIVAL, manner)
            self.replies.begin(held, self.sock, source, [(1, 2, b"from")])
            all_held.append(held)
        return all_held

    @property
    def sent(self) -> list[int]:
        """Return the IDs of what was sent."""
        return [ident_of(reply) for reply, _, _ in self.sock.sent]


@pytest.fixture
def sock() -> Iterator[ScriptedSocket]:
    """Return a socket that keeps what is sent."""
    scripted = ScriptedSocket()
    yield scripted
    scripted.close()


def test_a_datagram_goes_back_the_way_it_was_asked_for(sock: ScriptedSocket) -> None:
    """RFC 2181, 4.1: to the source, with the ancillary data of the query."""
    waiting = Waiting(sock)
    (held,) = waiting.wait(source=("fe80::1%eth0", 4000, 0, 2))
    before = list(sock.sent)
    held.come()

    assert before == []
    assert held.client == "fe80::1%eth0"
    assert [(to, ancillary) for _, to, ancillary in sock.sent] == [
        (("fe80::1%eth0", 4000, 0, 2), [(1, 2, b"from")])
    ]


@pytest.mark.parametrize(
    "end", [Held.come, Held.fail_to_come], ids=["with a reply", "without a reply"]
)
def test_what_is_waited_for_is_counted_until_it_comes(
    sock: ScriptedSocket, end: Callable[[Held], None]
) -> None:
    """Nothing leaks, whatever comes."""
    waiting = Waiting(sock)
    first, second = waiting.wait(2)
    counted = [waiting.replies.waiting]
    for held in (first, second):
        end(held)
        counted.append(waiting.replies.waiting)

    assert counted == [2, 1, 0]


def test_a_datagram_that_comes_twice_is_sent_once(sock: ScriptedSocket) -> None:
    """And it is counted once."""
    waiting = Waiting(sock)
    held, _ = waiting.wait(2)
    held.come()
    held.come()
    held.fail_to_come()

    assert waiting.sent == [1]
    assert waiting.replies.waiting == 1


def test_datagrams_are_sent_together_when_all_is_worked_on(sock: ScriptedSocket) -> None:
    """Bursts: in their order, and also when everything is closed before that."""
    waiting = Waiting(sock)
    turn: list[Callable[[], None]] = []
    waiting.replies = DatagramReplies(
        waiting.counts, clock=lambda: waiting.now, on_panic=no_panic, soon=turn.append
    )
    held = waiting.wait(4)
    for each in (held[1], held[0]):
        each.come()
    before = waiting.sent
    turn.pop()()
    assert (before, waiting.sent, turn) == ([], [2, 1], [])

    for each in held[2:]:
        each.come()
    waiting.replies.close()
    turn.pop()()

    assert (waiting.sent, turn) == ([2, 1, 3, 4], [])


def test_what_is_known_at_once_of_several_is_sent_at_once(sock: ScriptedSocket) -> None:
    """Bursts: refusals in a flood take no turn of their own; what comes later has one again."""
    waiting = Waiting(sock)
    turn: list[Callable[[], None]] = []
    waiting.replies = DatagramReplies(
        waiting.counts, clock=lambda: waiting.now, on_panic=no_panic, soon=turn.append
    )
    manners = [Manner.AT_ONCE, Manner.ON_COMMAND, Manner.AT_ONCE]
    held = [Held(a_query(ident=n), ARRIVAL, manner) for n, manner in enumerate(manners, 1)]
    waiting.replies.begin_all([(each, CLIENT, []) for each in held], sock)
    assert (waiting.sent, turn) == ([1, 3], [])

    held[1].come()
    turn.pop()()

    assert waiting.sent == [1, 3, 2]


def test_a_datagram_that_comes_within_begin_is_sent(sock: ScriptedSocket) -> None:
    """A Deferred may know the answer at once."""
    waiting = Waiting(sock)
    waiting.wait(manner=Manner.AT_ONCE)

    assert waiting.sent == [1]
    assert waiting.replies.waiting == 0


def test_a_datagram_after_the_end_is_dropped_in_silence(sock: ScriptedSocket) -> None:
    """F-43: the socket is closed; nobody counts that."""
    waiting = Waiting(sock)
    (held,) = waiting.wait()
    waiting.replies.close()
    held.come()

    assert waiting.sent == []
    assert waiting.replies.waiting == 0
    assert set(waiting.counts.values()) == {0}


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (BlockingIOError(errno.EAGAIN, "full"), "send_full"),
        (OSError(errno.EPERM, "firewall"), "send_error"),
    ],
    ids=["full", "refused"],
)
def test_a_datagram_that_cannot_be_sent_is_dropped_and_counted(
    sock: ScriptedSocket, error: OSError, word: str
) -> None:
    """As one that nobody waited for: nothing is queued."""
    waiting = Waiting(sock)
    sock.send_errors.append(error)
    for held in waiting.wait(2):
        held.come()

    assert waiting.sent == [2]
    assert {count: number for count, number in waiting.counts.items() if number} == {word: 1}


def test_a_pulse_of_late_replies_is_dropped_but_for_a_few(sock: ScriptedSocket) -> None:
    """C-27: 100 answers that were pent up for two seconds come at once."""
    waiting = Waiting(sock)
    pent_up = waiting.wait(100)
    waiting.now += 2.0
    for held in pent_up:
        held.come()

    assert waiting.sent == list(range(91, 101))
    assert waiting.counts["late"] == 90
    assert waiting.replies.waiting == 0


def test_what_comes_in_time_is_sent_however_much_it_is(sock: ScriptedSocket) -> None:
    """C-27: 1.9 seconds are not late."""
    waiting = Waiting(sock)
    held = waiting.wait(100)
    waiting.now += LATE_S - 0.001
    for each in held:
        each.come()

    assert len(waiting.sent) == 100


def test_a_few_late_replies_are_sent(sock: ScriptedSocket) -> None:
    """C-27: a client that waits for five seconds still wants them."""
    waiting = Waiting(sock)
    slow = waiting.wait(FEW)
    waiting.now += 4.0
    for held in slow:
        held.come()

    assert len(waiting.sent) == FEW
    assert waiting.counts["late"] == 0


def test_the_pulse_of_one_client_costs_no_other_its_reply(sock: ScriptedSocket) -> None:
    """C-27: clients are told apart by address, not by port."""
    waiting = Waiting(sock)
    pulse = [waiting.wait(1, ("10.1.2.3", 1000 + at), first=100 + at)[0] for at in range(20)]
    (patient,) = waiting.wait(1, OTHER, first=7)
    waiting.now += 4.0
    patient.come()
    for held in pulse:
        held.come()

    assert waiting.sent == [7, *range(110, 120)]
    assert waiting.counts["late"] == 10


def test_a_client_is_judged_by_what_it_waits_for_now(sock: ScriptedSocket) -> None:
    """C-27: what has come is forgotten."""
    waiting = Waiting(sock)
    for held in waiting.wait(100):
        held.come()
    (slow,) = waiting.wait(1, first=200)
    waiting.now += 4.0
    slow.come()

    assert waiting.sent[-1] == 200


def test_what_fails_to_begin_is_handed_over_and_waited_for_no_more(sock: ScriptedSocket) -> None:
    """Reliability, 0.5: what escapes costs one reply; should it come all the same, it is late."""
    panics: list[Exception] = []
    waiting = Waiting(sock, panics.append)
    (held,) = waiting.wait(manner=Manner.BROKEN)
    held.come()

    assert [repr(error) for error in panics] == ["KeyError('10.1.2.3')"]
    assert waiting.sent == []
    assert waiting.replies.waiting == 0


def test_a_stream_reply_is_handed_on_once() -> None:
    """And it is waited for until then."""
    came: list[bytes | None] = []
    among: set[StreamReply] = set()
    held = Held(a_query(ident=7), ARRIVAL)
    reply = StreamReply(held, came.append, among)
    begin(held, "10.1.2.3", reply, no_panic)
    waited_for = set(among)
    held.come()
    held.come()

    assert held.client == "10.1.2.3"
    assert waited_for == {reply}
    assert [ident_of(each) for each in came if each] == [7]
    assert among == set()


def test_a_stream_reply_that_was_given_up_is_not_handed_on() -> None:
    """Whoever asks is told, and nothing comes."""
    came: list[bytes | None] = []
    among: set[StreamReply] = set()
    held = Held(a_query(), ARRIVAL)
    reply = StreamReply(held, came.append, among)
    begin(held, "10.1.2.3", reply, no_panic)
    reply.abandon(no_panic)
    held.come()

    assert held.abandoned == 1
    assert (among, came) == (set(), [])


def test_a_stream_reply_that_fails_even_to_be_given_up_is_gone() -> None:
    """Reliability, 0.5: the failure is handed over."""
    panics: list[Exception] = []
    came: list[bytes | None] = []
    among: set[StreamReply] = set()
    reply = StreamReply(Held(a_query(), ARRIVAL, Manner.BROKEN), came.append, among)
    reply.abandon(panics.append)
    reply(b"late")

    assert [type(error) for error in panics] == [KeyError]
    assert (among, came) == (set(), [])


@pytest.mark.parametrize("is_given_up", [False, True], ids=["come", "given up"])
def test_a_stream_reply_leaves_no_cycle_behind(*, is_given_up: bool) -> None:
    """L-12: what asks knows its reply; memory is given back without a collection."""
    held = Held(a_query(), ARRIVAL)
    reply = StreamReply(held, lambda _: None, set())
    begin(held, "10.1.2.3", reply, no_panic)
    if is_given_up:
        reply.abandon(no_panic)
    else:
        held.come()
    kept = weakref.ref(held)
    gc.disable()
    try:
        del held, reply

        assert kept() is None
    finally:
        gc.enable()
