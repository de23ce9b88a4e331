"""A reply to octets: header, echo of the question, compression, truncation, OPT with EDE.

Rules of this file:

- Only whole records are sent, and a reply that lost one of its answer or authority section says
  so with TC over UDP (RFC 2181, 9); additional records are dropped in silence.
- The question and OPT stay in every reply (RFC 6891, 7), so a truncated one is still complete.
- The question's octets are echoed as received. Compression points at them for a record's owner,
  and for other names only when the question was spelled in lower case, so that targets stay
  canonical.
- No name is remembered past offset 16383, the last one that a pointer reaches (RFC 1035, 4.1.4);
  dnslib wraps there and makes messages that nobody can read.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from kubedns_py.dns.name import Name, from_wire, to_wire, wire_length
from kubedns_py.dns.query import AD, CD, HEADER_OCTETS, OPCODE, QR, RD, Edns, Query, Reject
from kubedns_py.dns.rcode import EDE_NETWORK_ERROR, SERVFAIL, ExtendedError
from kubedns_py.dns.rrset import AAAA, CNAME, NS, OPT, PTR, SOA, SRV, A, RRset, srv_target

AA: Final = 0x0400
TC: Final = 0x0200
RA: Final = 0x0080

TCP_LIMIT: Final = 65535
PLAIN_UDP_LIMIT: Final = 512

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHI")
_OPT = struct.Struct("!BHHIH")
_OPTION = struct.Struct("!HHH")
_EDE = 15
_LAST_POINTER = 0x3FFF
_POINTER = _SIZE = struct.Struct("!H")
_QUESTION = _POINTER.pack(0xC000 | HEADER_OCTETS)
_COMPRESSED = frozenset({NS, CNAME, PTR, SOA})
_ROTATED = frozenset({A, AAAA, SRV})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply says, without octets.

    Attributes:
        rcode: 0 to 4095; above 15 the query must have had an OPT record.
        authoritative: the AA bit.
        ede: sent only to a query with an OPT record.
        authenticated: the AD bit: somebody we trust validated the data (RFC 4035, 3.2.3). Sent
            only to a query that shows by AD or DO that it understands it (RFC 6840, 5.8).
        truncated: it was not to be had whole (row C-12): over UDP with TC whatever its size, so
            that the client may try TCP; over TCP, where nothing is left to try, SERVFAIL.
    """

    rcode: int
    authoritative: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    ede: ExtendedError | None = None
    authenticated: bool = False
    truncated: bool = False


_NOT_WHOLE: Final = Reply(
    SERVFAIL, ede=ExtendedError(EDE_NETWORK_ERROR, "the upstream's reply was not to be had whole")
)


@dataclass(frozen=True, slots=True)
class Shape:
    """How replies of this server look.

    Attributes:
        udp_octets: ceiling of a UDP reply and the size that OPT advertises, 512 to 4096.
        recursion_available: the RA bit: whether a forward path exists.
        max_answers: most records of one RRset in an answer, 0 for all.
    """

    udp_octets: int = 1232
    recursion_available: bool = False
    max_answers: int = 0


class Rendered(NamedTuple):
    """A reply's octets, and whether it lost records of its answer or authority section."""

    octets: bytes
    is_cut: bool


def render_reject(reject: Reject, shape: Shape) -> bytes:
    """Return the error reply to a message that has no answer: 12 octets and what is echoed."""
    opt = _opt(reject.edns, reject.rcode, None, shape)
    flags = QR | reject.flags & (OPCODE | RD) | reject.rcode
    counts = (bool(reject.question), 0, 0, bool(opt))
    return _HEADER.pack(reject.id, flags, *counts) + reject.question + opt


def udp_limit(edns: Edns | None, shape: Shape) -> int:
    """Return the most octets that a UDP reply may have (RFC 6891, 6.2.3 to 6.2.5)."""
    if edns is None:
        return PLAIN_UDP_LIMIT
    return min(max(edns.payload_octets, PLAIN_UDP_LIMIT), shape.udp_octets)


def render(query: Query, reply: Reply, limit: int, *, shape: Shape, turn: int) -> Rendered:
    """Return the reply as octets.

    Args:
        query: what is answered.
        reply: what to say.
        limit: most octets, 512 to 65535; ``TCP_LIMIT`` means that there is no second try, so a set
            that does not fit is cut without TC.
        shape: how this server's replies look.
        turn: 0 or more; where the rotation of several addresses begins.
    """
    if reply.truncated and limit == TCP_LIMIT:
        reply = _NOT_WHOLE
    opt = _opt(query.edns, reply.rcode, reply.ede, shape)
    writer = _Writer(query, limit - len(opt))
    answer = tuple(_turned(rrset, turn, shape.max_answers) for rrset in reply.answer)
    whole = all(map(writer.put, answer))
    counts = [writer.take_count()]
    whole = whole and all(map(writer.put, reply.authority))
    counts.append(writer.take_count())
    if whole:
        for rrset in _additional(reply, answer):
            writer.put_whole(rrset)
    counts.append(writer.take_count() + bool(opt))
    flags = QR | query.flags & RD | reply.rcode & 0xF
    flags |= AA * reply.authoritative | RA * shape.recursion_available
    if shape.recursion_available and not reply.authoritative:  # RFC 4035, 3.2.2; RFC 6840, 5.8
        flags |= query.flags & CD
        if reply.authenticated and (query.flags & AD or (query.edns and query.edns.do)):
            flags |= AD
    flags |= TC * (limit < TCP_LIMIT and (reply.truncated or not whole))
    header = _HEADER.pack(query.id, flags, 1, *counts)
    return Rendered(header + writer.octets() + opt, not whole)


def _turned(rrset: RRset, turn: int, most: int) -> RRset:
    count = len(rrset.rdatas)
    if count == 1 or rrset.rtype not in _ROTATED:
        return rrset
    start = turn % count
    rdatas = rrset.rdatas[start:] + rrset.rdatas[:start]
    return rrset._replace(rdatas=rdatas[:most] if most else rdatas)


def _additional(reply: Reply, answer: tuple[RRset, ...]) -> Iterable[RRset]:
    """Return the additional records, without those of targets that ``max_answers`` left out."""
    if [len(rrset.rdatas) for rrset in answer] == [len(rrset.rdatas) for rrset in reply.answer]:
        return reply.additional
    srvs = (rrset for rrset in answer if rrset.rtype == SRV)
    targets = {srv_target(rdata) for rrset in srvs for rdata in rrset.rdatas}
    return (rrset for rrset in reply.additional if rrset.owner in targets)


def _opt(edns: Edns | None, rcode: int, ede: ExtendedError | None, shape: Shape) -> bytes:
    """Return our OPT record (RFC 6891, 6.1.3; EDE: RFC 8914, 2), or nothing without one to answer.

    DO is copied (RFC 3225, 3); other flags and options of the query are not.
    """
    if edns is None:
        return b""
    option = b""
    if ede is not None:
        text = ede.text.encode()
        option = _OPTION.pack(_EDE, 2 + len(text), ede.code) + text
    ttl = rcode >> 4 << 24 | edns.do << 15
    return _OPT.pack(0, OPT, shape.udp_octets, ttl, len(option)) + option


class _Writer:
    """Appends records behind the question while they fit."""

    def __init__(self, query: Query, limit: int) -> None:
        self._body = bytearray(query.question)
        self._room = limit - HEADER_OCTETS
        self._count = 0
        self._asked = query.name
        self._qclass = query.qclass  # IN but for CHAOS, where the answer is CHAOS too
        self._names: dict[Name, int] = {}
        wire = to_wire(query.name)
        if query.question[: len(wire)] == wire:  # spelled in lower case
            at = HEADER_OCTETS
            for index, label in enumerate(query.name):
                self._names[query.name[index:]] = at
                at += 1 + len(label)

    def octets(self) -> bytes:
        return bytes(self._body)

    def take_count(self) -> int:
        count, self._count = self._count, 0
        return count

    def put(self, rrset: RRset) -> bool:
        """Append records until one does not fit; return whether all did."""
        body, compressed = self._body, rrset.rtype in _COMPRESSED
        fixed = _FIXED.pack(rrset.rtype, self._qclass, rrset.ttl)
        pointer = b""
        for rdata in rrset.rdatas:
            start = len(body)
            if pointer:
                body += pointer
            else:
                self._owner(rrset.owner)
                pointer = self._pointer(rrset.owner)
            body += fixed
            if compressed:
                self._compressed(rrset.rtype, rdata)
            else:
                body += _SIZE.pack(len(rdata)) + rdata
            if len(body) > self._room:
                self._forget(start)
                return False
            self._count += 1
        return True

    def put_whole(self, rrset: RRset) -> None:
        """Append all records of the set, or none."""
        start, count = len(self._body), self._count
        if not self.put(rrset):
            self._forget(start)
            self._count = count

    def _forget(self, start: int) -> None:
        del self._body[start:]
        while self._names and next(reversed(self._names.values())) >= start + HEADER_OCTETS:
            self._names.popitem()  # they stand in the order of their offsets

    def _compressed(self, rtype: int, rdata: bytes) -> None:
        """Append rdata of a type of RFC 1035 with its size; others stay as they are (RFC 3597)."""
        start = len(self._body) + _SIZE.size
        self._body += bytes(_SIZE.size)
        name = from_wire(rdata)
        self._name(name)
        if rtype == SOA:
            rest = rdata[wire_length(name) :]
            rname = from_wire(rest)
            self._name(rname)
            self._body += rest[wire_length(rname) :]
        self._body[start - _SIZE.size : start] = _SIZE.pack(len(self._body) - start)

    def _owner(self, name: Name) -> None:
        if name == self._asked and name:
            self._body += _QUESTION  # in the client's spelling, whatever it is (ENV-8)
        else:
            self._name(name)

    def _pointer(self, name: Name) -> bytes:
        """Return the octets that stand for an owner which was written; empty beyond their reach."""
        if name == self._asked and name:
            return _QUESTION
        known = self._names.get(name)
        return b"" if known is None else _POINTER.pack(0xC000 | known)

    def _name(self, name: Name) -> None:
        while name:
            known = self._names.get(name)
            if known is not None:
                self._body += _POINTER.pack(0xC000 | known)
                return
            at = HEADER_OCTETS + len(self._body)
            if at <= _LAST_POINTER:
                self._names[name] = at
            self._body.append(len(name[0]))
            self._body += name[0]
            name = name[1:]
        self._body.append(0)
