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
from typing import Final, NamedTuple

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import ROOT, Name, from_wire, to_wire
from kubedns_py.dns.query import AD, HEADER_OCTETS, OPCODE, QR
from kubedns_py.dns.rcode import FORMERR, NOTIMP
from kubedns_py.dns.rdata import Names, read_rdata
from kubedns_py.dns.render import TC
from kubedns_py.dns.rrset import OPT, RRset

MAX_TTL: Final = 2**31 - 1

_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_FIXED = struct.Struct("!HHIH")
_POINTER_OCTETS = 2
_RCODE = 0xF
_NO_OPT = -1
_QUESTION = (0xC000 | HEADER_OCTETS).to_bytes(_POINTER_OCTETS, "big")
_WITHOUT_EDNS = frozenset({FORMERR, NOTIMP})
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


class Response(NamedTuple):
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


def read_response(message: bytes, ident: int, ask: Ask) -> Response | Unusable:
    """Return what a received message says to our question, or why it says nothing.

    A message without a question, with our ID and FORMERR or NOTIMP, is what servers send that do
    not know EDNS, so it is a response too, without anything else. It is not dangerous: who can
    guess ID and port could as well forge a whole answer, and all that this one brings about is that
    the same question is asked again without EDNS.

    A truncated message is a response even where it ends within a record (RFC 2181, 9); it then has
    no records.

    Args:
        message: 0 to 65535 octets; untrusted.
        ident: the ID that the query had.
        ask: what was asked.
    """
    if len(message) < HEADER_OCTETS:
        return Unusable.SHORT
    found, flags, questions, *counts = _HEADER.unpack_from(message)
    if found != ident:
        return Unusable.ID
    if not flags & QR:
        return Unusable.NO_RESPONSE
    if flags & OPCODE:
        return Unusable.OPCODE
    if not questions and flags & _RCODE in _WITHOUT_EDNS:
        return _empty(flags, truncated=False)
    start = _behind_question(message, ask) if questions == 1 else None
    if start is None:
        return Unusable.QUESTION
    return _read_records(_Records(message, start, ask), flags, counts) or (
        _empty(flags, truncated=True) if flags & TC else Unusable.MALFORMED
    )


def _empty(flags: int, *, truncated: bool) -> Response:
    return Response(flags & _RCODE, truncated, False, False, (), ())  # noqa: FBT003 - a tuple's fields


def _behind_question(message: bytes, ask: Ask) -> int | None:
    """Return the offset behind the question; None when it is not the one that was asked.

    The name comes back in any spelling (RFC 4343). Its length octets are no letters.
    """
    name = to_wire(ask.name)
    end = HEADER_OCTETS + len(name)
    if message[HEADER_OCTETS:end].lower() != name:
        return None
    behind = end + _TYPE_CLASS.size
    same = message[end:behind] == _TYPE_CLASS.pack(ask.qtype, ask.qclass)
    return behind if same else None


def _read_records(records: _Records, flags: int, counts: list[int]) -> Response | None:
    """Return the whole response, or None when something in it is malformed."""
    answer = records.section(counts[0])
    authority = None if answer is None else records.section(counts[1])
    if answer is None or authority is None:
        return None
    opt = records.opt(counts[2])
    if opt is None:
        return None
    rcode = flags & _RCODE
    edns = opt >= 0
    if edns:
        rcode |= opt >> 20 & 0xFF0
    return Response(rcode, bool(flags & TC), bool(flags & AD), edns, answer, authority)


class _Records:
    """Reads the records of one message in their order."""

    __slots__ = ("_at", "_message", "_names", "_owners", "_qclass")

    def __init__(self, message: bytes, at: int, ask: Ask) -> None:
        self._message = message
        self._at = at
        self._names = Names(message)
        self._qclass = ask.qclass
        self._owners = {_QUESTION: ask.name}  # by the pointers that stand for them

    def section(self, count: int) -> tuple[RRset, ...] | None:
        """Return the RRsets of the next section, or None when it is malformed.

        Records of other classes are left out, and what is no data. There is no class 0.
        """
        found: dict[tuple[Name, int], tuple[list[int], dict[bytes, None]]] = {}
        for _ in range(count):
            head = self._head()
            if head is None:
                return None
            owner, rtype, rclass, ttl, start = head
            if rclass != self._qclass or rtype in _META:
                if not rclass:
                    return None  # zeros where a record should be (RFC 6895, 3.2; DVE-2017-0004)
                continue
            rdata = read_rdata(self._names, rtype, start, self._at)
            if rdata is None:
                return None
            ttls, rdatas = found.setdefault((owner, rtype), ([], {}))
            ttls.append(ttl)
            rdatas[rdata] = None
        return tuple(
            [
                RRset(owner, rtype, min(*ttls, MAX_TTL), tuple(rdatas))
                for (owner, rtype), (ttls, rdatas) in found.items()
            ]
        )

    def opt(self, count: int) -> int | None:
        """Return the TTL field of the OPT record among the last section's records.

        Returns:
            -1 without such a record; None when the section is malformed, has two, or one that is
            not owned by the root (RFC 6891, 6.1.1, 6.1.2).
        """
        found = _NO_OPT
        for _ in range(count):
            head = self._head()
            if head is None:
                return None
            owner, rtype, _, ttl, _ = head
            if rtype == OPT:
                if owner or found != _NO_OPT:
                    return None
                found = ttl
        return found

    def _head(self) -> tuple[Name, int, int, int, int] | None:
        """Step over the next record; return owner, type, class, TTL and the offset of its rdata."""
        message, at = self._message, self._at
        lead = message[at : at + _POINTER_OCTETS]
        owner = self._owners.get(lead)
        if owner is not None:
            fixed = at + _POINTER_OCTETS
        elif lead[:1] == b"\0":
            owner, fixed = ROOT, at + 1
        else:
            found = self._names.read(at, len(message))
            if found is None:
                return None
            owner, fixed = from_wire(found[0].lower()), found[1]
            if fixed == at + _POINTER_OCTETS:  # a pointer, as the shortest label has three with 0
                self._owners[lead] = owner
        start = fixed + _FIXED.size
        if start > len(message):
            return None
        rtype, rclass, ttl, size = _FIXED.unpack_from(message, fixed)
        self._at = start + size
        return (owner, rtype, rclass, ttl, start) if self._at <= len(message) else None
