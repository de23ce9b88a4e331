"""What changes in a message of ours while it is kept: where it stands, and the same message later.

Rules of this file:

- Messages come from ``render.py``: they are whole and sound, and nothing is checked here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from kubedns_py.dns.query import HEADER_OCTETS
from kubedns_py.dns.rrset import OPT, SOA

_COUNTS = struct.Struct("!HHH")
_COUNTS_AT: Final = 6
_FIXED = struct.Struct("!HHIH")
_TTL = struct.Struct("!I")
_TTL_AT: Final = 4
_POINTER: Final = 0xC0
_SERIAL_AND_TIMERS_OCTETS: Final = 20


def ttls(message: bytes) -> tuple[tuple[int, int], ...]:
    """Return (offset, seconds) of each record's TTL field; OPT has none (RFC 6891, 6.1.3)."""
    return tuple((at + _TTL_AT, ttl) for at, rtype, ttl, _ in _records(message) if rtype != OPT)


def serials(message: bytes) -> tuple[int, ...]:
    """Return the offsets of the serials of SOA records (RFC 1035, 3.3.13)."""
    return tuple(
        at + _FIXED.size + size - _SERIAL_AND_TIMERS_OCTETS
        for at, rtype, _, size in _records(message)
        if rtype == SOA
    )


def later(message: bytes, fields: Iterable[tuple[int, int]], seconds: int) -> bytes:
    """Return a message with its TTLs counted down.

    Args:
        message: as it was made, or counted down before.
        fields: its ``ttls`` as it was made.
        seconds: since it was made, not more than the least of them.
    """
    octets = bytearray(message)
    for at, ttl in fields:
        _TTL.pack_into(octets, at, ttl - seconds)
    return bytes(octets)


def _records(message: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Yield (offset behind the owner, type, TTL, octets of rdata) of each record."""
    at = _behind_name(message, HEADER_OCTETS) + 4
    for _ in range(sum(_COUNTS.unpack_from(message, _COUNTS_AT))):
        at = _behind_name(message, at)
        rtype, _, ttl, size = _FIXED.unpack_from(message, at)
        yield at, rtype, ttl, size
        at += _FIXED.size + size


def _behind_name(message: bytes, at: int) -> int:
    while length := message[at]:
        if length >= _POINTER:
            return at + 2
        at += 1 + length
    return at + 1
