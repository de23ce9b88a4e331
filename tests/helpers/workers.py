"""The workers of a real server, and which of them answers."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.helpers.process import ServerProcess, wait_until


def workers_of(server: ServerProcess) -> list[int]:
    """Return the process numbers of a server's children."""
    pid = server.process.pid
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


@contextlib.contextmanager
def stopped(pids: Sequence[int]) -> Iterator[None]:
    """Have some processes do nothing."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        states = [Path(f"/proc/{pid}/stat") for pid in pids]
        wait_until(lambda: all(") T " in each.read_text() for each in states))
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def each_worker(server: ServerProcess) -> Iterator[int]:
    """Yield each worker's process number, and have it answer alone meanwhile.

    They share their sockets: a client cannot choose which one it asks. To be used when all of them
    are ready: the main process waits for one that is stopped before it has begun.
    """
    pids = workers_of(server)
    for pid in pids:
        with stopped([each for each in pids if each != pid]):
            yield pid
