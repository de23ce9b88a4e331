"""Where fuzzing starts from: well-formed queries of every kind, as octets."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from kubedns_py.dns.name import from_text, to_wire

_NAMES = (
    "cluster.local.",
    "web.prod.svc.cluster.local.",
    "_http._tcp.web.prod.svc.cluster.local.",
    "db.prod.svc.cluster.local.",
    "db-0.db.prod.svc.cluster.local.",
    "many.prod.svc.cluster.local.",
    "loopa.prod.svc.cluster.local.",
    "ext.prod.svc.cluster.local.",
    "10-1-0-1.prod.pod.cluster.local.",
    "ns.dns.cluster.local.",
    "10.0.96.10.in-addr.arpa.",
    "1.0.0.0.ip6.arpa.",
    "example.org.",
    ".",
)
_TYPES = (1, 28, 33, 12, 5, 16, 6, 2, 255, 252, 41, 250, 65, 65280)
_OPT = bytes.fromhex("0000291000000080000000")
_OPT_WITH_OPTIONS = bytes.fromhex("00002904d0000000000010000a00080102030405060708000300")
_TSIG = bytes.fromhex("00 00fa 00ff 00000000 0000")


def queries() -> Iterator[bytes]:
    """Yield queries: each name with each type, plain, with OPT, with options, with TSIG."""
    for name in _NAMES:
        for qtype in _TYPES:
            question = to_wire(from_text(name)) + struct.pack("!HH", qtype, 1)
            for extra, count in ((b"", 0), (_OPT, 1), (_OPT_WITH_OPTIONS, 1), (_OPT + _TSIG, 2)):
                header = struct.pack("!HHHHHH", qtype, 0x0100, 1, 0, 0, count)
                yield header + question + extra
