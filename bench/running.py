"""Processes on loopback: started on a core, ended by their own id, waited for by asking them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from bench.cores import pinned
from kubedns_py.dns.name import from_text, to_wire

_DEADLINE_S = 30.0
_END_S = 10.0
_UNCOMPILED = "PYTHONDONTWRITEBYTECODE"
"""With it a program of Python's is compiled anew at each start, which no installed one is."""


def end_on_signal() -> None:
    """Let SIGTERM unwind this process like Ctrl-C, so that what it started ends with it."""

    def leave(number: int, _frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)


@contextlib.contextmanager
def running(command: Sequence[str], core: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on one core with its words in a file, and end it."""
    environment = {name: text for name, text in os.environ.items() if name != _UNCOMPILED}
    with log.open("wb") as words, pinned(core):
        process = subprocess.Popen(  # noqa: S603 - our own words
            command, stdout=words, stderr=words, env=environment
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it does not go by itself."""
    process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_END_S)


def free_port() -> int:
    """Return a port of loopback that nobody has now, for UDP and TCP."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            udp.bind(("127.0.0.1", 0))
            with contextlib.suppress(OSError):
                tcp.bind(udp.getsockname())
                return int(udp.getsockname()[1])


def question(name: str, qtype: int = 1, ident: int = 0) -> bytes:
    """Return a query with RD and without EDNS, as a C library sends one (RFC 1035, 4.1)."""
    header = struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0)
    return header + to_wire(from_text(name)) + struct.pack("!HH", qtype, 1)


def wait_until_right(port: int, name: str, started: float) -> tuple[float, float]:
    """Ask for an A record until the answer is right.

    Returns:
        The seconds since ``started`` of the first datagram and of the first NOERROR.

    Raises:
        TimeoutError: none came.
    """
    message = question(name)
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
                time.sleep(0.001)
    raise TimeoutError(f"no right answer for {name} within {_DEADLINE_S:.0f} s")
