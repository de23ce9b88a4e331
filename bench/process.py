"""A real process on loopback that serves ``examples/``: start, memory, queries per second."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import dnsperf
from bench.dnsperf import Load
from bench.running import end, free_port, wait_until_right

EXAMPLES = Path(__file__).parent.parent / "examples"
_NAMES = (
    "web.shop.svc.cluster.local. A",
    "web.shop.svc.cluster.local. AAAA",
    "db.shop.svc.cluster.local. A",
    "_pg._tcp.db.shop.svc.cluster.local. SRV",
    "api.github.com.shop.svc.cluster.local. A",
    "10.0.96.10.in-addr.arpa. PTR",
)
_FIRST = "web.shop.svc.cluster.local."
_DNSPERF_S = 5


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the process, and memory after it.

    Attributes:
        answer_s: until the first datagram came back, SERVFAIL for "not synced" included.
        right_s: until the first right answer.
        pss_mib: proportional set size.
    """

    answer_s: float
    right_s: float
    pss_mib: float


@contextlib.contextmanager
def serving(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the server with the examples on a loopback port, and end it."""
    arguments = ["--manifests", str(EXAMPLES), "--dns-bind-address", "127.0.0.1"]
    arguments += ["--dns-port", str(port), "--healthz-port", "0", "--metrics-port", "0"]
    command = [sys.executable, "-m", "kubedns_py", "serve", *arguments, "--lameduck", "0s"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - our own program
    try:
        yield process
    finally:
        end(process)


def start_once() -> Start:
    """Start a process and return how long it took to answer."""
    port = free_port()
    started = time.monotonic()
    with serving(port) as process:
        first_s, right_s = wait_until_right(port, _FIRST, started)
        return Start(first_s, right_s, _pss_mib(process.pid))


def _pss_mib(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def queries_per_second() -> float | None:
    """Return what dnsperf measures over a few seconds, or None without dnsperf."""
    found = shutil.which("dnsperf")
    if found is None:
        return None
    port = free_port()
    with serving(port), tempfile.TemporaryDirectory() as folder:
        mix = Path(folder, "mix.txt")
        mix.write_text("".join(f"{line}\n" for line in _NAMES))
        wait_until_right(port, _FIRST, time.monotonic())
        answered = dnsperf.run(Path(found), port, Load([mix], seconds=_DNSPERF_S))
    return answered.completed / answered.seconds
