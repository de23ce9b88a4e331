"""Messages made octet by octet, for those that no library would write.

Rules of this file:

- Each function packs what it is told and checks nothing: lengths and counts may lie.
"""

import struct

from tests.helpers.oracle import ID

RD = 0x0100
QR = 0x8000
IN = 1
A = 1
SOA = 6
OPT = 41
TSIG = 250
ANY_CLASS = 255
FORMERR = 1
NOTIMP = 4
POINTER_TO_QUESTION = b"\xc0\x0c"


def header(flags: int = RD, *, qd: int = 1, an: int = 0, ns: int = 0, ar: int = 0) -> bytes:
    """Return the 12 octets of a header (RFC 1035, 4.1.1)."""
    return struct.pack("!6H", ID, flags, qd, an, ns, ar)


def bare(rcode: int, flags: int = RD) -> bytes:
    """Return the reply that is nothing but a header: opcode and RD are those of ``flags``."""
    return header(QR | flags & 0x7900 | rcode, qd=0)


def name(text: str) -> bytes:
    """Return a name of plain labels in wire form; ``""`` is the root."""
    labels = text.split(".") if text else []
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def question(owner: bytes, rtype: int = A, rclass: int = IN) -> bytes:
    """Return a question (RFC 1035, 4.1.2)."""
    return owner + struct.pack("!HH", rtype, rclass)


def record(
    owner: bytes, rtype: int, rclass: int, rdata: bytes, *, size: int | None = None
) -> bytes:
    """Return a record with a TTL of 0 (RFC 1035, 4.1.3). ``size`` is the length that it claims."""
    claimed = len(rdata) if size is None else size
    return owner + struct.pack("!HHIH", rtype, rclass, 0, claimed) + rdata


def opt(
    options: bytes = b"",
    *,
    payload: int = 1232,
    version: int = 0,
    flags: int = 0,
    owner: bytes = b"\0",
) -> bytes:
    """Return an OPT record (RFC 6891, 6.1.2)."""
    fixed = struct.pack("!HHBBHH", OPT, payload, 0, version, flags, len(options))
    return owner + fixed + options


def option(code: int, data: bytes = b"") -> bytes:
    """Return an EDNS option (RFC 6891, 6.1.2)."""
    return struct.pack("!HH", code, len(data)) + data


def tsig(rclass: int = ANY_CLASS) -> bytes:
    """Return a TSIG record with a key that nobody knows (RFC 8945, 4.2)."""
    rdata = name("hmac-sha256") + struct.pack("!HIHH", 0, 0, 300, 32) + bytes(32)
    rdata += struct.pack("!HHH", ID, 0, 0)
    return record(name("unknown-key"), TSIG, rclass, rdata)
