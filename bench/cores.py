"""Which core runs what, and how much of a core a process used (Linux only).

The server that is measured has the first core for itself; clients and upstreams share the second.
A figure says little if somebody else was on the first core meanwhile, so that is measured too.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_QUIET_LOOK_S = 0.5
_QUIET_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Cores:
    """Numbers of two cores; one and the same where the machine has no other."""

    server: int
    client: int

    @property
    def apart(self) -> bool:
        """Whether the server has a core for itself."""
        return self.server != self.client


def two_cores() -> Cores:
    """Return the first two cores that this process may use."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[min(1, len(allowed) - 1)])


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Keep this thread, and the processes that it starts meanwhile, on one core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two moments.

    Attributes:
        seconds: between them.
        cpu_s: CPU time of the process with its threads and children.
        foreign: share of its core that went to anybody else, 0 to 1; interrupts count.
        clients: share of the other core that was used, 0 to 1; near 1 the clients are the limit.
    """

    seconds: float
    cpu_s: float
    foreign: float
    clients: float

    @property
    def busy(self) -> float:
        """Share of a core that the process used."""
        return self.cpu_s / self.seconds if self.seconds else 0.0


class Meter:
    """Measures a process and the cores from its making on."""

    def __init__(self, pid: int, cores: Cores) -> None:
        self._pid = pid
        self._cores = cores
        self._started = time.monotonic()
        self._cpu_s = _cpu_seconds(pid)
        self._server_s = _core_busy_seconds(cores.server)
        self._client_s = _core_busy_seconds(cores.client)

    def read(self) -> Usage:
        """Return what was used since."""
        seconds = time.monotonic() - self._started
        cpu_s = _cpu_seconds(self._pid) - self._cpu_s
        server_s = _core_busy_seconds(self._cores.server) - self._server_s
        client_s = _core_busy_seconds(self._cores.client) - self._client_s
        foreign = max(0.0, server_s - cpu_s) / seconds
        return Usage(seconds, cpu_s, foreign, client_s / seconds)


def peak_mib(pid: int) -> float:
    """Return the most memory that a process has had resident, in MiB."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def wait_quiet(cores: Cores, patience_s: float) -> None:
    """Wait until both cores are nearly idle, but no longer than the patience lasts."""
    numbers = {cores.server, cores.client}
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        before = sum(map(_core_busy_seconds, numbers))
        time.sleep(_QUIET_LOOK_S)
        used_s = sum(map(_core_busy_seconds, numbers)) - before
        if used_s < _QUIET_SHARE * _QUIET_LOOK_S * len(numbers):
            return


def _cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and of its descendants that live."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / _TICKS
    children: list[str] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that ended meanwhile
            children += (task / "children").read_text().split()
    for child in children:
        with contextlib.suppress(OSError):
            own += _cpu_seconds(int(child))
    return own


def _core_busy_seconds(core: int) -> float:
    """Return how long a core has not been idle since the start of the machine."""
    found = re.search(rf"^cpu{core} (.*)$", Path("/proc/stat").read_text(), re.MULTILINE)
    if found is None:
        return 0.0
    user, nice, system, _idle, _iowait, *rest = map(int, found[1].split())
    return (user + nice + system + sum(rest[:3])) / _TICKS
