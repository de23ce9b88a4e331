"""Octets to a query, by hand: bounded, linear, and never an exception past a verdict.

Rules of this file:

- Nothing received is trusted: every count and length is checked before it is used, no pointer is
  followed in a question, and nothing is allocated by a count (RFC 9267).
- The outcome is one of three values: a Query, a Reject (an error reply that needs no answer data)
  or a Drop (silence). The row ids are those of tests/server/test_respond_messages.py.
- Written by hand because dnslib takes 13 microseconds, raises what it should not, and accepts
  names that do not exist; see docs/architecture.md.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from kubedns_py.dns.name import MAX_LABEL, MAX_NAME, Name
from kubedns_py.dns.rcode import FORMERR, NOTIMP
from kubedns_py.dns.rrset import IXFR, MAILA, MAILB, OPT, TKEY, TSIG
from kubedns_py.structs import Struct

HEADER_OCTETS: Final = 12
ID_OCTETS: Final = 2
QR: Final = 0x8000
OPCODE: Final = 0x7800
RD: Final = 0x0100
AD: Final = 0x0020
CD: Final = 0x0010
DO: Final = 0x8000

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHIH")
_TYPE_CLASS = struct.Struct("!HH")
_OPT = struct.Struct("!BHHIH")
_CLASS_ANY = 255
_MOST_ADDITIONAL = 2  # OPT and TSIG
_NOT_ASKED = frozenset({OPT, TSIG, TKEY, MAILA, MAILB})
_NOTHING = (None,)


class Edns(Struct, frozen=True, gc=False):
    """The OPT record of a query (RFC 6891, 6.1).

    Attributes:
        payload_octets: the sender's UDP payload size as sent, 0 to 65535.
        version: 0 to 255; only 0 is served.
        do: whether DNSSEC data is asked for (RFC 3225).
        has_options: whether there are any; they often hold what no other query has.
    """

    payload_octets: int
    version: int
    do: bool
    has_options: bool = False


class Query(Struct, frozen=True, gc=False):
    """A well-formed question.

    Attributes:
        id: 0 to 65535.
        flags: the second header word as received.
        question: QNAME, QTYPE and QCLASS as received, 5 to 259 octets: what is echoed.
        name: QNAME folded.
        edns: None when the query has no OPT record.
    """

    id: int
    flags: int
    question: bytes
    name: Name
    qtype: int
    qclass: int
    edns: Edns | None


class Reject(Struct, frozen=True, gc=False):
    """A message that gets an error without any look at the zone.

    Attributes:
        question: echoed after the header; empty where it could not be read.
        edns: set when the reply must carry an OPT record.
    """

    rcode: int
    id: int
    flags: int
    question: bytes = b""
    edns: Edns | None = None


class Drop(Struct, frozen=True, gc=False):
    """A message that gets no reply. ``reason`` is a word from a closed set, for a metric."""

    reason: str


class _Record(NamedTuple):
    """A record without its owner; ``start`` and ``end`` are the offsets of its rdata."""

    rtype: int
    rclass: int
    ttl: int
    start: int
    end: int


def read_query(message: bytes) -> Query | Reject | Drop:
    """Return what a received message is.

    Args:
        message: 0 to 65535 octets; untrusted.
    """
    if len(message) < HEADER_OCTETS:
        return Drop("short")
    ident, flags, questions, *others = _HEADER.unpack_from(message)
    if flags & QR:
        return Drop("response")  # answering one would let two servers talk for ever
    if flags & OPCODE:
        return Reject(NOTIMP, ident, flags)
    if questions != 1:
        return _without_question(message, ident, flags, questions or others[0] or others[1])
    name, end = _read_name(message)
    if name is None or end + _TYPE_CLASS.size > len(message):
        return Reject(FORMERR, ident, flags)
    qtype, qclass = _TYPE_CLASS.unpack_from(message, end)
    end += _TYPE_CLASS.size
    question = message[HEADER_OCTETS:end]
    found = _read_others(message, end, others, qtype)
    if found is None:
        return Reject(FORMERR, ident, flags, question)
    if qtype in _NOT_ASKED:
        return Reject(NOTIMP, ident, flags, question, found[0])
    return Query(ident, flags, question, name, qtype, qclass, found[0])


def _without_question(message: bytes, ident: int, flags: int, other_counts: int) -> Reject:
    """RFC 9619: opcode 0 has one question. A lone OPT still gets an OPT back (RFC 6891, 7)."""
    edns = None
    if not other_counts and message[10:12] == b"\0\1":
        found = _read_additional(message, HEADER_OCTETS, 1)
        edns = found[0] if isinstance(found, tuple) else None
    return Reject(FORMERR, ident, flags, edns=edns)


def _read_name(message: bytes) -> tuple[Name | None, int]:
    """Return QNAME folded and the offset behind it; None when it is no plain name.

    A compression pointer cannot stand in the first name of a message, and 01 and 10 are reserved
    label types, so any length octet above 63 is an error (RFC 1035, 4.1.4; RFC 6891, 5).
    """
    octets = message[: HEADER_OCTETS + MAX_NAME].lower()  # no length up to 63 is a letter
    at = HEADER_OCTETS
    labels: list[bytes] = []
    try:
        while length := octets[at]:
            if length > MAX_LABEL:
                return None, at
            start = at + 1
            at = start + length
            labels.append(octets[start:at])
    except IndexError:
        return None, at
    return tuple(labels), at + 1


def _read_others(
    message: bytes, at: int, counts: list[int], qtype: int
) -> tuple[Edns | None] | None:
    """Return the OPT record's content in a tuple of one, or None for FORMERR.

    A query has no answers, and an authority record, whatever it holds, only in IXFR (RFC 1995, 3).
    """
    answers, authorities, additionals = counts
    if not (answers or authorities or additionals):
        return _NOTHING
    if answers or authorities > (qtype == IXFR) or additionals > _MOST_ADDITIONAL:
        return None
    if authorities:
        record = _read_record(message, at)
        if record is None:
            return None
        at = record.end
    return _read_additional(message, at, additionals)


def _read_additional(message: bytes, at: int, count: int) -> tuple[Edns | None] | None:
    """Return the OPT record's content in a tuple of one, or None for FORMERR.

    Only OPT and, last, TSIG may stand there (RFC 6891, 6.1.1; RFC 8945, 5.1). The TSIG is not
    verified: the answer is the one that anybody gets.
    """
    if count == 1 and len(message) == at + _OPT.size:  # what nearly everybody sends
        owner, rtype, payload_octets, ttl, size = _OPT.unpack_from(message, at)
        if not owner and rtype == OPT and not size:
            return (Edns(payload_octets, ttl >> 16 & 0xFF, bool(ttl & DO)),)
    edns: Edns | None = None
    for index in range(count):
        record = _read_record(message, at)
        if record is None:
            return None
        if record.rtype == OPT:
            whole = record.start == at + 1 + _FIXED.size and _options_fit(message, record)
            if edns is not None or not whole:
                return None
            version, has_options = record.ttl >> 16 & 0xFF, record.end > record.start
            edns = Edns(record.rclass, version, bool(record.ttl & DO), has_options)
        elif record.rtype != TSIG or record.rclass != _CLASS_ANY or index + 1 != count:
            return None
        at = record.end
    return (edns,)


def _read_record(message: bytes, at: int) -> _Record | None:
    owner_end = at + 1 if message[at : at + 1] == b"\0" else _skip_name(message, at)
    if owner_end is None or owner_end + _FIXED.size > len(message):
        return None
    rtype, rclass, ttl, size = _FIXED.unpack_from(message, owner_end)
    start = owner_end + _FIXED.size
    end = start + size
    return _Record(rtype, rclass, ttl, start, end) if end <= len(message) else None


def _skip_name(message: bytes, at: int) -> int | None:
    """Return the offset behind a name, without following its pointer."""
    end = at + MAX_NAME
    while at < len(message) and at < end:
        length = message[at]
        if not length:
            return at + 1
        if length >= 0xC0:
            return at + 2
        if length > MAX_LABEL:
            return None
        at += 1 + length
    return None


def _options_fit(message: bytes, record: _Record) -> bool:
    """Tell whether the options fill the rdata exactly (RFC 6891, 6.1.2). None is acted upon."""
    at, end = record.start, record.end
    while at + 4 <= end:
        at += 4 + (message[at + 2] << 8 | message[at + 3])
    return at == end
