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


def keep_on(pid: int, numbers: set[int]) -> None:
    """Let every thread of a process and of its descendants run on these cores alone."""
    for each in tree(pid):
        for task in Path(f"/proc/{each}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that ended meanwhile
                os.sched_setaffinity(int(task.name), numbers)


def tree(pid: int) -> list[int]:
    """Return a process and its descendants that live, the process first; empty if it is gone."""
    children: list[str] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that ended meanwhile
                children += (task / "children").read_text().split()
    except OSError:
        return []
    return [pid, *(found for child in children for found in tree(int(child)))]


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two moments.

    Attributes:
        seconds: between them.
        cpu_s: CPU time of the process with its threads and children.
        foreign: share of its core that went to anybody else, 0 to 1; interrupts count.
        waited_s: time that its threads were ready to run and had no core, all of them together.
        clients: share of the other core that was used, 0 to 1; near 1 the clients are the limit.
    """

    seconds: float
    cpu_s: float
    foreign: float
    waited_s: float
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
        self._waited_s = _waited_seconds(pid)
        self._server_s = _core_busy_seconds(cores.server)
        self._client_s = _core_busy_seconds(cores.client)

    def read(self) -> Usage:
        """Return what was used since."""
        seconds = time.monotonic() - self._started
        cpu_s = _cpu_seconds(self._pid) - self._cpu_s
        server_s = _core_busy_seconds(self._cores.server) - self._server_s
        client_s = _core_busy_seconds(self._cores.client) - self._client_s
        waited_s = _waited_seconds(self._pid) - self._waited_s
        foreign = max(0.0, server_s - cpu_s) / seconds
        return Usage(seconds, cpu_s, foreign, waited_s, client_s / seconds)


def peak_mib(pid: int) -> float:
    """Return the most memory that a process and its descendants have had, in MiB.

    It is what they have now and what each was above that at its own peak, so rather too much.
    """
    fallen = (_status_mib(each, "VmHWM") - _status_mib(each, "VmRSS") for each in tree(pid))
    return pss_mib(pid) + sum(max(0.0, mib) for mib in fallen)


def pss_mib(pid: int) -> float:
    """Return the memory of a process and its descendants, what they share counted once, in MiB."""
    kib = 0
    for each in tree(pid):
        rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
        kib += int(found[1]) if found else 0
    return kib / 1024


class Growth:
    """How far the resident memory of a process tree grows above what it is at the making."""

    def __init__(self, pid: int) -> None:
        self._before_mib = {each: _status_mib(each, "VmRSS") for each in tree(pid)}
        for each in self._before_mib:
            Path(f"/proc/{each}/clear_refs").write_text("5")  # the peak begins anew: proc(5)

    def most_mib(self) -> float:
        """Return the sum of what each process grew by at its own peak."""
        grown = [_status_mib(each, "VmHWM") - mib for each, mib in self._before_mib.items()]
        return sum(max(0.0, mib) for mib in grown)


def _status_mib(pid: int, field: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
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


class Theft:
    """Measures what the host of a virtual machine takes from its cores, from the making on."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._stolen_s = _stolen_seconds()

    def share(self) -> float:
        """Return the share of the cores' time that was theirs to run in, and others had: 0 to 1."""
        seconds = (time.monotonic() - self._started) * (os.cpu_count() or 1)
        return (_stolen_seconds() - self._stolen_s) / seconds if seconds else 0.0


def _stolen_seconds() -> float:
    """Return the stolen time of all cores since the start of the machine: proc_stat(5)."""
    found = re.search(r"^cpu +(.*)$", Path("/proc/stat").read_text(), re.MULTILINE)
    fields = found[1].split() if found else []
    return int(fields[7]) / _TICKS if len(fields) > 7 else 0.0


def _cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and of its descendants that live."""
    ticks = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):  # one that ended meanwhile
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def _waited_seconds(pid: int) -> float:
    """Return how long the threads of a process and its descendants have waited for a core."""
    nanoseconds = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):  # a process that ended meanwhile, or a thread
            for task in Path(f"/proc/{each}/task").iterdir():
                nanoseconds += int((task / "schedstat").read_text().split()[1])
    return nanoseconds / 1e9


def _core_busy_seconds(core: int) -> float:
    """Return how long a core has not been idle since the start of the machine."""
    found = re.search(rf"^cpu{core} (.*)$", Path("/proc/stat").read_text(), re.MULTILINE)
    if found is None:
        return 0.0
    user, nice, system, _idle, _iowait, *rest = map(int, found[1].split())
    return (user + nice + system + sum(rest[:3])) / _TICKS
