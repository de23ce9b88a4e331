"""Time per message of the handler alone, without sockets."""

from __future__ import annotations

import struct
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
