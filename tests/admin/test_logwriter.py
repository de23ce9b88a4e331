"""Lines are written soon or never, and the caller does not wait (F-40)."""

import fcntl
import os
import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from kubedns_py.admin.logwriter import MAX_WAITING, LineWriter
from tests.helpers.waiting import until
from tests.helpers.work import lines_run


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe; the test closes the reading end, or leaves that to the fixture."""
    reading, writing = os.pipe()
    yield reading, writing
    try:
        os.close(reading)
    except OSError as error:
        assert error.errno == 9  # noqa: PT017 - EBADF: the test closed it


def test_lines_are_written_in_order_and_before_closing_returns(pipe: tuple[int, int]) -> None:
    """The last words of a process are the interesting ones."""
    reading, writing = pipe
    writer = LineWriter(writing)

    for number in range(100):
        writer.write(b"%d\n" % number)
    writer.close()

    assert os.read(reading, 65536).split() == [b"%d" % number for number in range(100)]
    assert os.read(reading, 1) == b""  # the descriptor is closed, too
    assert writer.dropped == 0


def test_closing_twice_is_harmless(pipe: tuple[int, int]) -> None:
    """Logging closes its handlers once more when the interpreter ends."""
    writer = LineWriter(pipe[1])

    writer.close()
    writer.close()

    assert writer.dropped == 0


async def test_a_pipe_that_nobody_reads_delays_nobody_and_is_counted(
    pipe: tuple[int, int],
) -> None:
    """F-40: stdout pipe blocked."""
    reading, writing = pipe
    writer = LineWriter(writing)
    line = b"x" * 4095 + b"\n"
    with_room = lines_run(lambda: writer.write(line))

    def write() -> None:
        for _ in range(3 * MAX_WAITING):
            writer.write(line)

    caller = threading.Thread(target=write, daemon=True)
    caller.start()
    await until(lambda: not caller.is_alive())

    assert writer.dropped >= MAX_WAITING
    assert lines_run(lambda: writer.write(line)) <= with_room  # nor is a while waited for room
    os.close(reading)  # lets the thread go: its lines fail from now on
    in_the_pipe = 300
    await until(lambda: writer.dropped >= 3 * MAX_WAITING - in_the_pipe)
    writer.close()


async def test_a_closed_pipe_loses_lines_and_nothing_else(pipe: tuple[int, int]) -> None:
    """F-40: stdout pipe closed."""
    reading, writing = pipe
    os.close(reading)
    writer = LineWriter(writing)

    writer.write(b"one\n")
    writer.write(b"two\n")

    await until(lambda: writer.dropped == 2)
    writer.close()


async def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    """F-40: disk full."""
    writer = LineWriter(os.open("/dev/full", os.O_WRONLY))

    writer.write(b"one\n")

    await until(lambda: writer.dropped == 1)
    writer.close()


async def test_with_nothing_to_write_to_every_line_is_dropped() -> None:
    """F-40: descriptor 2 closed at the start."""
    writer = LineWriter(None)

    writer.write(b"one\n")

    await until(lambda: writer.dropped == 1)
    writer.close()


async def test_a_line_after_one_that_broke_off_starts_on_a_line_of_its_own(
    pipe: tuple[int, int],
) -> None:
    """One event is one line: two halves must not read as a third event."""
    reading, writing = pipe
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    writer = LineWriter(writing)
    room = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)

    writer.write(b"a" * (room + 10) + b"\n")
    await until(lambda: writer.dropped == 1)
    assert os.read(reading, room) == b"a" * room
    writer.write(b"whole\n")
    writer.close()

    assert os.read(reading, room) == b"\nwhole\n"


def test_lines_that_have_gathered_are_written_at_a_time() -> None:
    """--log-queries all: a busy event loop lets the thread run only now and then."""
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    interval = sys.getswitchinterval()
    with reading:
        writer = LineWriter(writing.detach())
        sys.setswitchinterval(10.0)  # this thread is the busy one
        try:
            for number in range(100):
                writer.write(b"%d\n" % number)
        finally:
            sys.setswitchinterval(interval)
        writer.close()
        writes = list(iter(lambda: reading.recv(65536), b""))

    assert b"".join(writes).split() == [b"%d" % number for number in range(100)]
    assert len(writes) <= 3
    assert writer.dropped == 0


async def test_of_lines_that_were_written_in_part_the_lost_ones_are_counted(
    pipe: tuple[int, int],
) -> None:
    """F-40: whole lines are no loss, whatever became of those behind them."""
    reading, writing = pipe
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    room = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
    line = b"x" * (room // 8 - 1) + b"\n"
    interval = sys.getswitchinterval()
    writer = LineWriter(writing)

    sys.setswitchinterval(10.0)
    try:
        for _ in range(20):
            writer.write(line)
    finally:
        sys.setswitchinterval(interval)
    await until(lambda: writer.dropped == 12)

    assert os.read(reading, 2 * room).count(b"\n") == 8
    writer.write(b"whole\n")
    writer.close()
    assert os.read(reading, room) == b"whole\n"
    assert writer.dropped == 12
