"""A question to somebody else's server, and its octets.

Rules of this file:

- The message is made anew from the question alone: nothing of a client's packet but the name, type
  and the two bits that change the answer goes out, above all no EDNS option (CVE-2026-42004).
"""

from __future__ import annotations

import struct
from typing import Final

from kubedns_py.dns.name import Name, to_wire
from kubedns_py.dns.query import AD, CD, RD
from kubedns_py.dns.rrset import OPT
from kubedns_py.structs import Struct

PAYLOAD_OCTETS: Final = 1232
"""What we take over UDP: never fragmented (RFC 9715, 3.2)."""

_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_DO = 0x8000
_OPT_OCTETS = 11
_ADDITIONAL_COUNT = 11  # offset of the octet that says 0 or 1
_OPTS = [struct.pack("!BHHIH", 0, OPT, PAYLOAD_OCTETS, flags, 0) for flags in (0, _DO)]


class Ask(Struct, frozen=True, gc=False):
    """Everything of a question that may change its answer; so it is the key of every cache.

    Attributes:
        name: folded.
        qtype: 0 to 65535.
        qclass: 0 to 65535; only IN is ever asked.
        do: whether DNSSEC records are wanted (RFC 3225).
        cd: whether the upstream shall not check signatures (RFC 4035, 3.2.2).
    """

    name: Name
    qtype: int
    qclass: int
    do: bool = False
    cd: bool = False


def question_end(query: bytes) -> int:
    """Return the offset behind the question of what ``write_ask`` made."""
    return len(query) - _OPT_OCTETS if query[_ADDITIONAL_COUNT] else len(query)


def write_ask(ask: Ask, ident: int, *, edns: bool = True) -> bytes:
    """Return the query for a recursive server, 17 to 282 octets.

    RD is set, and AD, so that the reply tells whether it was validated (RFC 6840, 5.7).

    Args:
        ask: what to ask.
        ident: 0 to 65535, unguessable (RFC 5452, 9.2).
        edns: whether to have an OPT record; some servers refuse it. Without it DO cannot be said.
    """
    header = _HEADER.pack(ident, RD | AD | CD if ask.cd else RD | AD, 1, 0, 0, edns)
    query = header + to_wire(ask.name) + _TYPE_CLASS.pack(ask.qtype, ask.qclass)
    return query + _OPTS[ask.do] if edns else query
