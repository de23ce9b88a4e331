"""Octets from somebody else's server to a response: bounded, and never an exception.

Rules of this file:

- Nothing received is trusted: every count and length is checked before it is used.
- A response is only one to this very question: ID, QR, opcode, and name, type and class of one
  question (RFC 5452, 9.1). Whatever else arrives is Unusable, and why is a word for a metric.
- What is read is what was said; which records of it answer the question says ``chain.py``.
- Octets behind the last record are passed over: what the counts say is whole without them, and
  servers and middle boxes are known to pad.
"""

from __future__ import annotations

import enum
import struct
from typing import Final

from kubedns_py.dns.ask import Ask, question_end
from kubedns_py.dns.name import Name
from kubedns_py.dns.query import AD, HEADER_OCTETS, OPCODE, QR
from kubedns_py.dns.rcode import FORMERR, NOTIMP
from kubedns_py.dns.rdata import Names, read_rdata
from kubedns_py.dns.render import TC
from kubedns_py.dns.rrset import AAAA, IN, OPT, A, RRset
from kubedns_py.structs import Struct

_Record = tuple[Name, int, int, bytes]
"""Owner, type, TTL, rdata."""

_Address = tuple[bytes, int, bytes, bytes]
"""What it begins with, TTL, size of rdata, rdata."""

_Sections = tuple[tuple[RRset, ...], tuple[RRset, ...], int]

MAX_TTL: Final = 2**31 - 1

_HEADER = struct.Struct("!HHHHHH")
_AT_ROOT = struct.Struct("!3sHIH")
_ROOT_OPT = OPT.to_bytes(3)
_FIXED = struct.Struct("!HHIH")
_FIXED_OCTETS = _FIXED.size
_ID_OCTETS = 2
_KIND_OCTETS = 4  # type and class
_TO_QUESTION = (0xC000 | HEADER_OCTETS).to_bytes(2)
_ADDRESSES = {
    kind: (struct.Struct(f"!6sI2s{octets}s"), _TO_QUESTION + kind, octets.to_bytes(2))
    for kind, octets in (
        (A.to_bytes(2) + IN.to_bytes(2), 4),
        (AAAA.to_bytes(2) + IN.to_bytes(2), 16),
    )
}
"""By type and class: a record at the name in question, what it begins with, the size of rdata."""

_RCODE = 0xF
_NO_OPT = -1
_WITHOUT_EDNS = frozenset({FORMERR, NOTIMP})
_NO_REPLY = QR | OPCODE
_META = frozenset({0, OPT, *range(128, 256)})  # no data (RFC 6895, 3.1)


class Unusable(enum.StrEnum):
    """Why a message is not the reply that is waited for. The words are labels of metrics."""

    SHORT = enum.auto()  # no whole header
    ID = enum.auto()
    NO_RESPONSE = enum.auto()  # QR is 0
    OPCODE = enum.auto()
    QUESTION = enum.auto()  # another one, several, or none
    MALFORMED = enum.auto()
    CASE = enum.auto()  # the question in another case, where it went out in one of its own (C-05)


# in Python 3.11 Unusable.X costs 0.1 us each time
_SHORT, _ID, _NO_RESPONSE, _OPCODE, _WRONG, _MALFORMED, _ = Unusable


class Response(Struct, frozen=True, gc=False):
    """What somebody else's server said to our question.

    Attributes:
        rcode: 0 to 4095; above 15 only with EDNS (RFC 6891, 6.1.3).
        truncated: the TC bit; the sections may then hold anything, or nothing.
        authenticated: the AD bit (RFC 4035, 3.2.3).
        edns: whether there was an OPT record: the server understands EDNS.
        answer: one RRset per owner and type, in the order of their first records, of the class of
            the question. TTLs are the least of their records (RFC 2181, 5.2), at most 2**31 - 1.
            Names in rdata are spelled as sent.
        authority: likewise.
    """

    rcode: int
    truncated: bool
    authenticated: bool
    edns: bool
    answer: tuple[RRset, ...]
    authority: tuple[RRset, ...]


def read_response(message: bytes, query: bytes, ask: Ask) -> Response | Unusable:
    """Return what a received message says to our question, or why it says nothing.

    A message without a question, with our ID and FORMERR or NOTIMP, is what servers send that do
    not know EDNS, so it is a response too, without anything else. It is not dangerous: who can
    guess ID and port could as well forge a whole answer, and all that this one brings about is that
    the same question is asked again without EDNS.

    A truncated message is a response even where it ends within a record (RFC 2181, 9); it then has
    no records.

    Args:
        message: 0 to 65535 octets; untrusted.
        query: what was sent, as ``write_ask`` made it: its ID and its question are compared.
        ask: what was asked.
    """
    # first what most are: addresses of the name in question, and OPT
    at = question_end(query)
    if len(message) <= at or not message.startswith(query[HEADER_OCTETS:at], HEADER_OCTETS):
        return _read_any(message, query, ask)
    ident, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(message)
    is_ours = flags & _NO_REPLY == QR and ident == query[0] << 8 | query[1]
    kind = _ADDRESSES.get(query[at - _KIND_OCTETS : at])
    if not is_ours or questions != 1 or kind is None or authorities or additionals > 1:
        return _read_any(message, query, ask)
    record, lead, size = kind
    end = at + answers * record.size
    if not answers or end + additionals * _AT_ROOT.size > len(message):
        return _read_any(message, query, ask)
    if answers == 1:
        found, ttl, octets, rdata = record.unpack_from(message, at)
        rdatas: tuple[bytes, ...] = (rdata,)
    else:
        found, ttl, octets, rdatas = _together(list(record.iter_unpack(message[at:end])))
    if found != lead or octets != size:
        return _read_any(message, query, ask)
    rcode = flags & _RCODE
    if additionals:
        root, _, opt, behind = _AT_ROOT.unpack_from(message, end)
        if root != _ROOT_OPT or end + _AT_ROOT.size + behind > len(message):
            return _read_any(message, query, ask)
        rcode |= opt >> 20 & 0xFF0
    answer = (RRset(ask.name, ask.qtype, min(ttl, MAX_TTL), rdatas),)
    return Response(rcode, flags & TC != 0, flags & AD != 0, additionals == 1, answer, ())


def _read_any(message: bytes, query: bytes, ask: Ask) -> Response | Unusable:
    """Do what ``read_response`` does, for whatever was received."""
    if len(message) < HEADER_OCTETS:
        return _SHORT
    if message[:_ID_OCTETS] != query[:_ID_OCTETS]:
        return _ID
    _, flags, questions, *counts = _HEADER.unpack_from(message)
    if flags & _NO_REPLY != QR:
        return _OPCODE if flags & QR else _NO_RESPONSE
    if not questions and flags & _RCODE in _WITHOUT_EDNS:
        return _empty(flags, truncated=False)
    start = question_end(query)
    if questions != 1 or not _is_same(message[HEADER_OCTETS:start], query[HEADER_OCTETS:start]):
        return _WRONG
    return _read_records(message, start, ask, flags, counts) or (
        _empty(flags, truncated=True) if flags & TC else _MALFORMED
    )


def _together(records: list[_Address]) -> tuple[bytes, int, bytes, tuple[bytes, ...]]:
    """Return records as one, with each address once; it begins with nothing where they differ."""
    leads, ttls, sizes, rdatas = zip(*records, strict=True)
    is_one = len(set(leads)) == len(set(sizes)) == 1
    return leads[0] if is_one else b"", min(ttls), sizes[0], tuple(dict.fromkeys(rdatas))


def _empty(flags: int, *, truncated: bool) -> Response:
    return Response(flags & _RCODE, truncated, False, False, (), ())  # noqa: FBT003 - a tuple's fields


def _is_same(found: bytes, question: bytes) -> bool:
    """Tell whether a question is the one that was asked.

    The name comes back in any spelling (RFC 4343). Its length octets are no letters.
    """
    if found == question:
        return True
    names = found[:-_KIND_OCTETS].lower(), question[:-_KIND_OCTETS].lower()
    return names[0] == names[1] and found[-_KIND_OCTETS:] == question[-_KIND_OCTETS:]


def _read_records(
    message: bytes, at: int, ask: Ask, flags: int, counts: list[int]
) -> Response | None:
    """Return the whole response, or None when something from an offset on is malformed."""
    try:
        sections = _read_all(message, at, ask, counts)
    except struct.error:  # no room for the fixed part of a record
        return None
    if sections is None:
        return None
    answer, authority, opt = sections
    rcode, edns = flags & _RCODE, opt >= 0
    if edns:
        rcode |= opt >> 20 & 0xFF0
    return Response(rcode, flags & TC != 0, flags & AD != 0, edns, answer, authority)


def _read_all(message: bytes, at: int, ask: Ask, counts: list[int]) -> _Sections | None:
    names = Names(message, ask.name)
    answer = _read_section(names, at, counts[0], ask.qclass)
    if answer is None:
        return None
    authority = _read_section(names, answer[1], counts[1], ask.qclass)
    if authority is None:
        return None
    opt = _read_opt(names, authority[1], counts[2])
    return None if opt is None else (answer[0], authority[0], opt)


def _read_section(
    names: Names, at: int, count: int, qclass: int
) -> tuple[tuple[RRset, ...], int] | None:
    """Return the RRsets of a section and the offset behind it, or None when it is malformed.

    Records of other classes are left out, and what is no data. There is no class 0.
    """
    if not count:
        return (), at
    message = names.message
    records: list[_Record] = []
    for _ in range(count):
        owner, fixed = names.owner(at)
        rtype, rclass, ttl, size = _FIXED.unpack_from(message, fixed)
        start = fixed + _FIXED_OCTETS
        at = start + size
        if owner is None or at > len(message) or not rclass:
            return None  # zeros where a record should be: RFC 6895, 3.2; DVE-2017-0004
        if rclass != qclass or rtype in _META:
            continue
        rdata = read_rdata(names, rtype, start, at)
        if rdata is None:
            return None
        records.append((owner, rtype, ttl, rdata))
    return _sets(records), at


def _sets(records: list[_Record]) -> tuple[RRset, ...]:
    if len(records) == 1:
        owner, rtype, ttl, rdata = records[0]
        return (RRset(owner, rtype, min(ttl, MAX_TTL), (rdata,)),)
    found: dict[tuple[Name, int], tuple[list[int], dict[bytes, None]]] = {}
    for owner, rtype, ttl, rdata in records:
        ttls, rdatas = found.setdefault((owner, rtype), ([], {}))
        ttls.append(ttl)
        rdatas[rdata] = None
    return tuple(
        [
            RRset(owner, rtype, min(*ttls, MAX_TTL), tuple(rdatas))
            for (owner, rtype), (ttls, rdatas) in found.items()
        ]
    )


def _read_opt(names: Names, at: int, count: int) -> int | None:
    """Return the TTL field of the OPT record among the records from an offset on.

    Returns:
        -1 without such a record; None when the section is malformed, has two, or one that is not
        owned by the root (RFC 6891, 6.1.1, 6.1.2).
    """
    message = names.message
    found = _NO_OPT
    for _ in range(count):
        owner, fixed = names.owner(at)
        rtype, _, ttl, size = _FIXED.unpack_from(message, fixed)
        at = fixed + _FIXED_OCTETS + size
        if owner is None or at > len(message):
            return None
        if rtype == OPT:
            if owner or found != _NO_OPT:
                return None
            found = ttl
    return found
