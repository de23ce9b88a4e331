"""``python -m bench.handler``: time per message of the handler alone, without sockets."""

from __future__ import annotations

import platform
import struct
import sys
import time
from statistics import median

from fuzz.handler import UDP, a_core
from kubedns_py.dns.name import from_text, to_wire

_KINDS = (
    ("ClusterIP A", "web.prod.svc.cluster.local.", 1),
    ("ClusterIP AAAA, NODATA", "web.prod.svc.cluster.local.", 28),
    ("headless SRV", "db.prod.svc.cluster.local.", 33),
    ("search leftover, NXDOMAIN", "api.github.com.prod.svc.cluster.local.", 1),
    ("PTR", "10.0.96.10.in-addr.arpa.", 12),
    ("5,000 endpoints, truncated", "many.prod.svc.cluster.local.", 1),
    ("outside, REFUSED", "api.github.com.", 1),
)
_OPT = bytes.fromhex("00002904d0000000000000")
_ROUNDS = 5
_TIMES = 2000


def microseconds_by_kind() -> list[tuple[str, float]]:
    """Return the median over rounds of the mean time of one message, in microseconds."""
    core = a_core()
    core.responder.keeper = None  # as if each was asked for the first time
    rows = []
    for kind, name, qtype in _KINDS:
        header = struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 1)
        message = header + to_wire(from_text(name)) + struct.pack("!HH", qtype, 1) + _OPT
        rounds = []
        for _ in range(_ROUNDS):
            started = time.perf_counter()
            for _ in range(_TIMES):
                core.responder.respond(message, UDP)
            rounds.append((time.perf_counter() - started) / _TIMES * 1e6)
        rows.append((kind, median(rounds)))
    return rows


def main() -> int:
    """Measure and print; return the exit code."""
    sys.stdout.write(f"Python {platform.python_version()}, {platform.machine()}\n\n")
    sys.stdout.write("| message | handler alone, µs |\n|---|---|\n")
    for kind, microseconds in microseconds_by_kind():
        sys.stdout.write(f"| {kind} | {microseconds:.1f} |\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
