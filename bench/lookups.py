"""A client that asks name after name and notes how long each answer took.

Rules of this file:

- A question is sent when its time has come, whether or not earlier ones were answered, up to the
  window; so a server that stalls does not hide it by not being asked.
- The end of a lookup is when the kernel got the answer, not when this program was scheduled to
  read it: with the load generator on the same core the difference is larger than the latency.
- Nothing is asked again. One lookup is one datagram each way, or lost.
"""

from __future__ import annotations

import math
import select
import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

_TIMESTAMPNS = 35  # SO_TIMESTAMPNS of Linux, which the socket module does not name
_TIMESPEC = struct.Struct("@ll")
_NOERROR = 0
_READ_MOST = 64


@dataclass(frozen=True, slots=True)
class Pace:
    """How to ask.

    Attributes:
        seconds: how long.
        window: most lookups in flight.
        rate: most per second.
        timeout_s: after this a lookup is lost.
        most: of lookups in all.
    """

    seconds: float
    window: int
    rate: float
    timeout_s: float = 5.0
    most: int = 50_000


@dataclass(slots=True)
class Lookups:
    """What became of them.

    Attributes:
        answered_ms: latency of each lookup that got NOERROR, in the order of the answers.
        refused_ms: latency of each that got another RCODE.
        lost: those without an answer within the time.
    """

    answered_ms: list[float] = field(default_factory=list)
    refused_ms: list[float] = field(default_factory=list)
    lost: int = 0

    @property
    def count(self) -> int:
        """How many there were."""
        return len(self.answered_ms) + len(self.refused_ms) + self.lost

    @property
    def failed(self) -> int:
        """How many did not get what they asked for."""
        return len(self.refused_ms) + self.lost


def look_up(port: int, questions: Iterator[bytes], pace: Pace) -> Lookups:
    """Ask a server of loopback; the IDs of the questions are set here.

    Args:
        port: the server's, over UDP.
        questions: as many as the pace can ask.
        pace: how fast and how long.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        sock.settimeout(0)
        sock.connect(("127.0.0.1", port))
        return _Client(sock, pace).run(questions)


class _Client:
    """One run of lookups over one socket."""

    def __init__(self, sock: socket.socket, pace: Pace) -> None:
        self._sock = sock
        self._pace = pace
        self._sent_ns: OrderedDict[int, int] = OrderedDict()  # by ID, the oldest first
        self._lookups = Lookups()

    def run(self, questions: Iterator[bytes]) -> Lookups:
        started = time.monotonic()
        due, number = started, 0
        while True:
            now = time.monotonic()
            asking = now - started < self._pace.seconds and number < self._pace.most
            self._give_up()
            if not asking and not self._sent_ns:
                return self._lookups
            if not asking or len(self._sent_ns) >= self._pace.window:
                self._read(0.05)
            elif due > now:
                self._read(due - now)
            else:
                self._send(number & 0xFFFF, next(questions))
                number += 1
                due += 1 / self._pace.rate
                self._read(0.0)

    def _send(self, ident: int, message: bytes) -> None:
        self._sent_ns[ident] = time.time_ns()
        try:
            self._sock.send(ident.to_bytes(2, "big") + message[2:])
        except OSError:  # a full buffer or a port that is closed: nobody will answer
            self._sent_ns[ident] = 0

    def _read(self, wait_s: float) -> None:
        if not select.select([self._sock], [], [], wait_s)[0]:
            return
        for _ in range(_READ_MOST):
            try:
                reply, beside, _flags, _source = self._sock.recvmsg(4096, 64)
            except OSError:
                return
            sent_ns = self._sent_ns.pop(int.from_bytes(reply[:2], "big"), None)
            if sent_ns is None or len(reply) < 12:
                continue
            ms = (_arrival_ns(beside) - sent_ns) / 1e6
            good = reply[3] & 0xF == _NOERROR
            (self._lookups.answered_ms if good else self._lookups.refused_ms).append(ms)

    def _give_up(self) -> None:
        """Count the oldest lookups as lost when their time is over."""
        over_ns = time.time_ns() - int(self._pace.timeout_s * 1e9)
        while self._sent_ns:
            ident, sent_ns = next(iter(self._sent_ns.items()))
            if sent_ns > over_ns:
                return
            del self._sent_ns[ident]
            self._lookups.lost += 1


def _arrival_ns(beside: list[tuple[int, int, bytes]]) -> int:
    """Return when the kernel got a datagram, in nanoseconds of the wall clock."""
    for level, kind, data in beside:
        if level == socket.SOL_SOCKET and kind == _TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return time.time_ns()


def percentile(values: list[float], share: float) -> float:
    """Return the value that ``share`` of the values do not exceed; 0 for none (nearest rank)."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(1, math.ceil(share * len(ordered))) - 1]
