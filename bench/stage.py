"""The stage of a scenario: upstreams and one server in front of them, each on its core.

Everything is started anew for each measurement, so that no round inherits a cache, a connection or
an opinion about an upstream from the one before, and ends with it.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.build import Programs
from bench.cores import Cores
from bench.running import free_port, running, wait_until_right
from bench.servers import Job, Server

FIRST_NAME = "first.example.com."
"""A name outside, which every upstream that speaks knows."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What every scenario needs.

    Attributes:
        programs: dnsperf and the upstream.
        cores: where things run.
        seconds: length of a load.
    """

    programs: Programs
    cores: Cores
    seconds: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A server, with a folder for questions.

    Attributes:
        port: where it answers.
        pid: of its process.
        folder: of its own.
        started_s: monotonic time just before its start.
    """

    port: int
    pid: int
    folder: Path
    started_s: float


@contextlib.contextmanager
def started(
    bench: Bench,
    server: Server,
    upstreams: Sequence[Sequence[str]],
    *,
    name: str | None = FIRST_NAME,
    most_waiting: int | None = None,
) -> Iterator[Stage]:
    """Start an upstream per list of words and the server in front; wait until it knows a name.

    Without a name nobody is waited for.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubedns-bench-")))
        ports = []
        for number, words in enumerate(upstreams):
            ports.append(free_port())
            command = [str(bench.programs.upstream), "--listen", f"127.0.0.1:{ports[-1]}", *words]
            log = folder / f"upstream-{number}.log"
            stack.enter_context(running(command, bench.cores.client, log))
        job = Job(free_port(), ports, folder, most_waiting)
        log = folder / "server.log"
        command = server.prepare(job)
        started_s = time.monotonic()
        process = stack.enter_context(running(command, bench.cores.server, log))
        if name is not None:
            _wait(process, job.port, name, log)
        yield Stage(job.port, process.pid, folder, started_s)


def _wait(process: subprocess.Popen[bytes], port: int, name: str, log: Path) -> None:
    try:
        wait_until_right(port, name, time.monotonic())
    except TimeoutError as error:
        error.add_note(f"exit status {process.poll()}; its last words: {log.read_text()[-2000:]}")
        raise
