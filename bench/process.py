"""A real process on loopback that serves ``examples/``: start, memory, queries per second."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubedns_py.dns.name import from_text, to_wire

EXAMPLES = Path(__file__).parent.parent / "examples"
_NAMES = (
    "web.shop.svc.cluster.local. A",
    "web.shop.svc.cluster.local. AAAA",
    "db.shop.svc.cluster.local. A",
    "_pg._tcp.db.shop.svc.cluster.local. SRV",
    "api.github.com.shop.svc.cluster.local. A",
    "10.0.96.10.in-addr.arpa. PTR",
)
_DEADLINE_S = 30.0
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
        process.terminate()
        process.wait(timeout=10)


def free_port() -> int:
    """Return a UDP port of loopback that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def start_once() -> Start:
    """Start a process and return how long it took to answer."""
    port = free_port()
    started = time.monotonic()
    with serving(port) as process:
        first_s, right_s = wait_until_right(port, started)
        return Start(first_s, right_s, _pss_mib(process.pid))


def wait_until_right(port: int, started: float) -> tuple[float, float]:
    """Ask until the answer is right; return the seconds since ``started`` of first and right.

    Raises:
        TimeoutError: none came.
    """
    question = to_wire(from_text("web.shop.svc.cluster.local")) + b"\0\1\0\1"
    message = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + question
    first_s = 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.01)
        while time.monotonic() - started < _DEADLINE_S:
            with contextlib.suppress(OSError):  # not listening yet
                sock.sendto(message, ("127.0.0.1", port))
                reply = sock.recv(512)
                first_s = first_s or time.monotonic() - started
                if not reply[3] & 0xF:
                    return first_s, time.monotonic() - started
    raise TimeoutError(f"no right answer within {_DEADLINE_S:.0f} s")


def _pss_mib(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def queries_per_second() -> float | None:
    """Return what dnsperf measures over a few seconds, or None without dnsperf."""
    dnsperf = shutil.which("dnsperf")
    if dnsperf is None:
        return None
    port = free_port()
    with serving(port), tempfile.NamedTemporaryFile("w", suffix=".txt") as mix:
        mix.write("".join(f"{line}\n" for line in _NAMES))
        mix.flush()
        wait_until_right(port, time.monotonic())
        command = [dnsperf, "-s", "127.0.0.1", "-p", str(port), "-d", mix.name]
        command += ["-l", str(_DNSPERF_S), "-c", "4"]
        report = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"Queries per second:\s+([\d.]+)", report.stdout)
    return float(found[1]) if found else None
