"""What is sent to a worker that takes it at once, later, or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from kubedns_py.server import outbox as outbox_module
from kubedns_py.server.channel import (
    Counted,
    Entered,
    Forgot,
    Left,
    Told,
    encoded,
    open_line,
    read_told,
)
from kubedns_py.server.outbox import Outbox
from kubedns_py.structs import Raw
from tests.helpers.entries import content
from tests.helpers.waiting import until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return both ends of a line."""
    ours, theirs = open_line()
    with ours, theirs:
        yield ours, theirs


def told_by(end: socket.socket) -> list[Told]:
    """Return what has arrived."""
    found: list[Told] = []
    while True:
        try:
            found += read_told(end.recv(2**20))
        except BlockingIOError:
            return found


async def test_what_comes_up_in_one_turn_goes_in_one_packet(
    line: tuple[socket.socket, socket.socket],
) -> None:
    """A change that drops a hundred entries costs one system call."""
    ours, theirs = line
    outbox = Outbox(ours, list)
    for number in range(3):
        outbox.tell(encoded(Left((number,))))
    with pytest.raises(BlockingIOError):
        theirs.recv(1000)

    await asyncio.sleep(0)

    assert read_told(theirs.recv(1000)) == [Left((number,)) for number in range(3)]


async def test_what_cannot_wait_is_sent_at_once_and_in_order(
    line: tuple[socket.socket, socket.socket],
) -> None:
    """T-60: readiness may be said in the same turn."""
    ours, theirs = line
    outbox = Outbox(ours, list)
    outbox.tell(encoded(Left((1,))))
    outbox.tell(encoded(Forgot()), at_once=True)
    assert told_by(theirs) == [Left((1,)), Forgot()]

    await asyncio.sleep(0)
    assert told_by(theirs) == []


async def test_a_worker_that_takes_nothing_for_a_while_gets_everything_in_order(
    line: tuple[socket.socket, socket.socket],
) -> None:
    """The kernel's buffer is full, ours is not."""
    ours, theirs = line
    outbox = Outbox(ours, list)
    told = [Entered(number, bytes(10_000), content(b"x")) for number in range(500)]
    for each in told:
        outbox.tell(encoded(each))
        await asyncio.sleep(0)

    found: list[Told] = []

    def is_all_there() -> bool:
        found.extend(told_by(theirs))
        return len(found) >= len(told)

    await until(is_all_there)

    assert found == told
    outbox.close()


async def test_a_worker_that_fell_behind_is_told_everything_anew(
    line: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded; what it was not told cannot be in force where it is not."""
    monkeypatch.setattr(outbox_module, "MOST_UNSENT", 200_000)
    ours, theirs = line
    asked = 0

    def anew() -> list[Raw]:
        nonlocal asked
        asked += 1
        return [encoded(Forgot()), encoded(Counted((77,)))]

    outbox = Outbox(ours, anew)
    number = 0
    while not outbox.is_behind:
        number += 1
        assert number < 5000
        outbox.tell(encoded(Entered(number, bytes(10_000), content(b"x"))))
        await asyncio.sleep(0)
    outbox.tell(encoded(Left((number,))))
    assert asked == 0

    found: list[Told] = []

    def is_told_anew() -> bool:
        found.extend(told_by(theirs))
        return Counted((77,)) in found

    await until(is_told_anew)

    assert asked == 1
    assert found[-2:] == [Forgot(), Counted((77,))]
    before = found[:-2]
    assert before == [Entered(n, bytes(10_000), content(b"x")) for n in range(1, len(before) + 1)]
    assert len(before) < number

    outbox.tell(encoded(Left((1,))))
    await until(lambda: told_by(theirs) == [Left((1,))])
    outbox.close()


async def test_everything_may_be_more_than_is_kept_for_a_worker(
    line: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full tables are larger than the bound, and still it is told all of it, once."""
    monkeypatch.setattr(outbox_module, "MOST_UNSENT", 50_000)
    ours, theirs = line
    told: list[Told] = [Forgot(), *(Entered(n, bytes(10_000), content(b"x")) for n in range(2000))]
    made: list[int] = []

    def everything() -> Iterator[Raw]:
        for number, each in enumerate(told):
            made.append(number)
            yield encoded(each)

    outbox = Outbox(ours, everything)
    outbox.tell_everything()
    await asyncio.sleep(0)
    assert len(made) < len(told) / 2
    outbox.tell(encoded(Left((7,))))

    found: list[Told] = []

    def is_all_there() -> bool:
        found.extend(told_by(theirs))
        return len(found) > len(told)

    await until(is_all_there)

    found.remove(Left((7,)))
    assert found == told
    assert made == list(range(len(told)))
    assert not outbox.is_behind
    outbox.close()


async def test_one_that_was_closed_before_the_end_of_the_turn_sends_nothing(
    line: tuple[socket.socket, socket.socket],
) -> None:
    """Its worker ended in the turn in which something changed."""
    ours, _ = line
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    outbox = Outbox(ours, list)
    outbox.tell(encoded(Forgot()))
    outbox.close()
    ours.close()
    await asyncio.sleep(0)
    outbox.tell_everything()

    assert faults == []


async def test_a_worker_that_cannot_be_told_is_ended(
    line: tuple[socket.socket, socket.socket],
) -> None:
    """More than the kernel takes: it would repeat for ever what is not so any more."""
    ours, theirs = line
    outbox = Outbox(ours, list)
    outbox.tell(encoded(Left(tuple(range(2**32, 2**32 + 2_000_000)))))
    await asyncio.sleep(0)

    assert theirs.recv(1000) == b""


async def test_a_worker_that_is_gone_is_no_error(
    line: tuple[socket.socket, socket.socket],
) -> None:
    """Whoever waits for its end starts it again; the loop has nothing to complain of."""
    ours, theirs = line
    theirs.close()
    outbox = Outbox(ours, list)
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))

    for _ in range(3):
        outbox.tell(encoded(Forgot()))
        await asyncio.sleep(0)
    outbox.close()

    assert faults == []
