"""RRsets and the rdata that a cluster needs (RFC 1035, 2782, 3596).

Rules of this file:

- Rdata is kept as uncompressed wire octets: one value to compare, one to send. Octets are made
  here, by hand, because a large service makes thousands of them; types and presentation come from
  dnslib, which is imported by what shows them: no answer needs it, and every start would wait.
- Names in rdata are lower case.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

from kubedns_py.dns.made import Made
from kubedns_py.dns.name import Name, from_wire, to_text, to_wire
from kubedns_py.structs import Struct

A = 1
NS = 2
CNAME = 5
SOA = 6
PTR = 12
HINFO = 13
TXT = 16
AAAA = 28
SRV = 33
OPT = 41
RRSIG = 46
TKEY = 249
TSIG = 250
IXFR = 251
AXFR = 252
MAILB = 253
MAILA = 254
ANY = 255

IN = 1
CH = 3

_SRV_FIXED = struct.Struct("!HHH")
_SOA_FIXED = struct.Struct("!IIIII")
_SOA_TIMERS = (7200, 1800, 86400)


class RRset(Struct, frozen=True, gc=False):
    """Records of one owner and type, in the class of the question (RFC 9499, section 5).

    Attributes:
        owner: folded, absolute.
        rtype: 1 to 65535.
        ttl: seconds, 0 to 2**31 - 1 (RFC 2181, 8).
        rdatas: uncompressed wire octets, without duplicates, at least one; a tuple, or equal to it.
        beside: the addresses of its targets, for the additional section (RFC 2782).
    """

    owner: Name
    rtype: int
    ttl: int
    rdatas: Sequence[bytes]
    beside: Sequence[RRset] = ()


def turned(rdatas: Sequence[bytes], turn: int, most: int) -> Sequence[bytes]:
    """Return rdata from that one on, as if they stood in a circle, and not more than ``most``.

    Args:
        rdatas: at least one; those that are left out are not looked at.
        turn: 0 or more.
        most: 1 or more.
    """
    start = turn % len(rdatas)
    most = min(most, len(rdatas))
    if isinstance(rdatas, Made):
        return rdatas.turned(start, most)
    found = rdatas[start : start + most]
    return found if len(found) == most else (*found, *rdatas[: most - len(found)])


def srv(weight: int, port: int, target: Name) -> bytes:
    """Return SRV rdata with priority 0 (RFC 2782)."""
    return _SRV_FIXED.pack(0, weight, port) + to_wire(target)


def srv_target(rdata: bytes) -> Name:
    """Return the target of SRV rdata that ``srv`` made."""
    return from_wire(rdata, _SRV_FIXED.size)


def soa(mname: Name, rname: Name, serial: int, negative_ttl: int) -> bytes:
    """Return SOA rdata (RFC 1035, 3.3.13); the minimum is the negative TTL (RFC 2308, 4)."""
    fixed = _SOA_FIXED.pack(serial & 0xFFFFFFFF, *_SOA_TIMERS, negative_ttl)
    return to_wire(mname) + to_wire(rname) + fixed


def txt(*texts: bytes) -> bytes:
    """Return character-strings, each 0 to 255 octets, as TXT and HINFO carry them."""
    return b"".join(bytes((len(text),)) + text for text in texts)


def address_type(address: bytes) -> int:
    """Return A for 4 octets and AAAA for 16."""
    return A if len(address) == 4 else AAAA


def type_text(rtype: int) -> str:
    """Return the mnemonic of a type, or TYPE and its number (RFC 3597)."""
    from dnslib import QTYPE  # noqa: PLC0415 - see the top of this file

    return str(QTYPE.forward.get(rtype, f"TYPE{rtype}"))


def to_lines(rrset: RRset) -> list[str]:
    """Return the records in presentation format, one line each, with single spaces."""
    start = f"{to_text(rrset.owner)} {rrset.ttl} IN {type_text(rrset.rtype)}"
    return [f"{start} {_rdata_text(rrset.rtype, rdata)}" for rdata in rrset.rdatas]


def _rdata_text(rtype: int, rdata: bytes) -> str:
    if rtype == AAAA:
        return str(ipaddress.IPv6Address(rdata))  # RFC 5952; dnslib shortens the first zeros
    from dnslib import RR  # noqa: PLC0415 - see the top of this file
    from dnslib.label import DNSBuffer  # noqa: PLC0415 - same

    fixed = struct.pack("!BHHIH", 0, rtype, IN, 0, len(rdata))
    return str(RR.parse(DNSBuffer(fixed + rdata)).rdata.toZone())
