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
from collections.abc import Iterable, Sequence
from typing import Final

from kubedns_py.dns.made import Later
from kubedns_py.dns.name import Name, from_wire, wire_length
from kubedns_py.dns.query import AD, CD, HEADER_OCTETS, OPCODE, QR, RD, Edns, Query, Reject
from kubedns_py.dns.rcode import EDE_NETWORK_ERROR, SERVFAIL, ExtendedError
from kubedns_py.dns.rrset import AAAA, CNAME, NS, OPT, PTR, SOA, SRV, A, RRset, srv_target, turned
from kubedns_py.structs import Struct, replace

AA: Final = 0x0400
TC: Final = 0x0200
RA: Final = 0x0080

TCP_LIMIT: Final = 65535
PLAIN_UDP_LIMIT: Final = 512

_HEADER = struct.Struct("!HHHHHH")
_FIXED = struct.Struct("!HHI")
_AT_QUESTION = struct.Struct("!HHHIH")
_OPT = struct.Struct("!BHHIH")
_OPTION = struct.Struct("!HHH")
_EDE = 15
_LAST_POINTER = 0x3FFF
_TYPE_CLASS_OCTETS = 4
_POINTER = _SIZE = struct.Struct("!H")
_TO_QUESTION = 0xC000 | HEADER_OCTETS
_QUESTION = _POINTER.pack(_TO_QUESTION)
_LEAST_RECORD_OCTETS: Final = 16  # an address with a pointer to its owner
_FEW = 64  # records that are worth to be made before it is known whether there is room
_COMPRESSED = frozenset({NS, CNAME, PTR, SOA})
_ADDRESSES = frozenset({A, AAAA})
_ROTATED = frozenset({A, AAAA, SRV})


class Reply(Struct, frozen=True, gc=False):
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
    additional: Sequence[RRset] = ()
    ede: ExtendedError | None = None
    authenticated: bool = False
    truncated: bool = False


_NOT_WHOLE: Final = Reply(
    SERVFAIL, ede=ExtendedError(EDE_NETWORK_ERROR, "the upstream's reply was not to be had whole")
)


class Shape(Struct, frozen=True):
    """How replies of this server look.

    Attributes:
        udp_octets: ceiling of a UDP reply and the size that OPT advertises, 512 to 4096.
        recursion_available: the RA bit: whether a forward path exists.
        max_answers: most records of one RRset in an answer, 0 for all.
    """

    udp_octets: int = 1232
    recursion_available: bool = False
    max_answers: int = 0


class Rendered(Struct, frozen=True, gc=False):
    """A reply's octets, and whether it lost records of its answer or authority section."""

    octets: bytes
    is_cut: bool


def render_reject(reject: Reject, shape: Shape) -> bytes:
    """Return the error reply to a message that has no answer: 12 octets and what is echoed."""
    opt = b"" if reject.edns is None else _opt(reject.edns, reject.rcode, None, shape)
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
    opt = b"" if query.edns is None else _opt(query.edns, reply.rcode, reply.ede, shape)
    answer = reply.answer
    if answer and (len(answer) > 1 or len(answer[0].rdatas) > 1):
        # one more than there is room for, so that it is seen that records are left out
        most = limit // _LEAST_RECORD_OCTETS + 1
        answer = _turned(answer, turn, min(most, shape.max_answers or most))
    if len(answer) <= 1 and not (reply.authority or reply.additional or reply.truncated):
        room = limit - HEADER_OCTETS - len(query.question) - len(opt)
        records, count = _records_at_question(answer[0], query, room) if answer else (b"", 0)
        if (records or not answer) and room >= 0:
            is_cut = bool(answer) and count < len(answer[0].rdatas)
            flags = _flags(query, reply, shape) | TC * (is_cut and limit < TCP_LIMIT)
            header = _HEADER.pack(query.id, flags, 1, count, 0, bool(opt))
            return Rendered(header + query.question + records + opt, is_cut)
    writer = _Writer(query, limit - len(opt))
    whole = writer.put(answer)
    answers = writer.count
    whole = whole and writer.put(reply.authority)
    others = writer.count
    if whole and reply.additional:
        for rrset in _additional(reply, answer):
            writer.put_whole(rrset)
    flags = _flags(query, reply, shape) | TC * (limit < TCP_LIMIT and not whole)
    if reply.truncated:
        flags |= TC
    counts = 1, answers, others - answers, writer.count - others + bool(opt)
    return Rendered(_HEADER.pack(query.id, flags, *counts) + writer.body + opt, not whole)


def _records_at_question(rrset: RRset, query: Query, room: int) -> tuple[bytes, int]:
    """Return the records of most answers, and how many they are, in at most ``room`` octets.

    Returns:
        As many addresses as there is room for, else all records; no octets where those do not fit,
        or where a name in them might be compressed.
    """
    rtype, rdatas = rrset.rtype, rrset.rdatas
    if rrset.owner != query.name or not query.name:
        return b"", 0
    pack, at = _AT_QUESTION.pack, (_TO_QUESTION, rtype, query.qclass, rrset.ttl)
    if rtype in _ADDRESSES and len(rdatas) > 1:
        fixed = pack(*at, len(rdatas[0]))
        count = min(len(rdatas), max(0, room) // (len(fixed) + len(rdatas[0])))
        return (fixed + fixed.join(rdatas[:count]), count) if count else (b"", 0)
    if len(rdatas) > _FEW:
        return b"", 0
    if rtype in _COMPRESSED and (rtype == SOA or len(rdatas) > 1 or _may_share(rdatas[0], query)):
        return b"", 0
    if len(rdatas) == 1:
        records = pack(*at, len(rdatas[0])) + rdatas[0]
    else:
        records = b"".join([pack(*at, len(each)) + each for each in rdatas])
    return (records, len(rdatas)) if len(records) <= room else (b"", 0)


def _may_share(target: bytes, query: Query) -> bool:
    """Tell whether a name may end as the one in question does: a pointer's hardly ever does."""
    return target.endswith(query.name[-1], 0, -1)


def _flags(query: Query, reply: Reply, shape: Shape) -> int:
    """Return the second header word without TC (RFC 1035, 4.1.1)."""
    flags = QR | query.flags & RD | reply.rcode & 0xF
    if reply.authoritative:
        flags |= AA
    if shape.recursion_available:
        flags |= RA
        if not reply.authoritative:  # RFC 4035, 3.2.2; RFC 6840, 5.8
            flags |= query.flags & CD
            if reply.authenticated and (query.flags & AD or (query.edns and query.edns.do)):
                flags |= AD
    return flags


def _turned(answer: tuple[RRset, ...], turn: int, most: int) -> tuple[RRset, ...]:
    """Return the sets of several addresses in another order, and not more than ``most`` of each."""
    for rrset in answer:
        if len(rrset.rdatas) > 1 and rrset.rtype in _ROTATED:
            return tuple([_turned_set(each, turn, most) for each in answer])
    return answer


def _turned_set(rrset: RRset, turn: int, most: int) -> RRset:
    if len(rrset.rdatas) == 1 or rrset.rtype not in _ROTATED:
        return rrset
    return replace(rrset, rdatas=turned(rrset.rdatas, turn, most))


def _additional(reply: Reply, answer: tuple[RRset, ...]) -> Iterable[RRset]:
    """Return the additional records, without those of targets that ``max_answers`` left out."""
    if [len(rrset.rdatas) for rrset in answer] == [len(rrset.rdatas) for rrset in reply.answer]:
        return reply.additional
    srvs = (rrset for rrset in answer if rrset.rtype == SRV)
    targets = dict.fromkeys([srv_target(rdata) for rrset in srvs for rdata in rrset.rdatas])
    if isinstance(reply.additional, Later):
        return reply.additional.of(targets)
    return (rrset for rrset in reply.additional if rrset.owner in targets)


def _opt(edns: Edns, rcode: int, ede: ExtendedError | None, shape: Shape) -> bytes:
    """Return our OPT record (RFC 6891, 6.1.3; EDE: RFC 8914, 2).

    DO is copied (RFC 3225, 3); other flags and options of the query are not.
    """
    option = b""
    if ede is not None:
        text = ede.text.encode()
        option = _OPTION.pack(_EDE, 2 + len(text), ede.code) + text
    ttl = rcode >> 4 << 24 | edns.do << 15
    return _OPT.pack(0, OPT, shape.udp_octets, ttl, len(option)) + option


class _Writer:
    """Appends records behind the question while they fit.

    Attributes:
        body: the question and what was appended: the message from its thirteenth octet on.
        count: records that were appended.
    """

    __slots__ = ("_asked", "_known", "_qclass", "_question", "_room", "body", "count")

    def __init__(self, query: Query, limit: int) -> None:
        self.body = bytearray(query.question)
        self.count = 0
        self._room = limit - HEADER_OCTETS
        self._question = query.question
        self._asked = query.name
        self._qclass = query.qclass  # IN but for CHAOS, where the answer is CHAOS too
        self._known: dict[Name, int] | None = None

    def put(self, rrsets: tuple[RRset, ...]) -> bool:
        """Append records until one does not fit; return whether all did."""
        return all(map(self._put, rrsets))

    def put_whole(self, rrset: RRset) -> None:
        """Append all records of the set, or none."""
        start, count = len(self.body), self.count
        if not self._put(rrset):
            self._forget(start)
            self.count = count

    def _put(self, rrset: RRset) -> bool:
        owner, rtype, body = rrset.owner, rrset.rtype, self.body
        compressed = rtype in _COMPRESSED
        fixed = _FIXED.pack(rtype, self._qclass, rrset.ttl)
        # in the client's spelling, whatever it is (ENV-8)
        pointer = _QUESTION if owner == self._asked and owner else b""
        for rdata in rrset.rdatas:
            start = len(body)
            if pointer:
                body += pointer
            else:
                self._name(owner)
                pointer = self._pointer(owner)
            body += fixed
            if compressed:
                self._compressed(rtype, rdata)
            else:
                body += _SIZE.pack(len(rdata))
                body += rdata
            if len(body) > self._room:
                self._forget(start)
                return False
            self.count += 1
        return True

    def _forget(self, start: int) -> None:
        del self.body[start:]
        names = self._names()
        while names and next(reversed(names.values())) >= start + HEADER_OCTETS:
            names.popitem()  # they stand in the order of their offsets

    def _compressed(self, rtype: int, rdata: bytes) -> None:
        """Append rdata of a type of RFC 1035 with its size; others stay as they are (RFC 3597)."""
        body = self.body
        start = len(body) + _SIZE.size
        body += bytes(_SIZE.size)
        name = from_wire(rdata)
        self._name(name)
        if rtype == SOA:
            rest = rdata[wire_length(name) :]
            rname = from_wire(rest)
            self._name(rname)
            body += rest[wire_length(rname) :]
        _SIZE.pack_into(body, start - _SIZE.size, len(body) - start)

    def _pointer(self, name: Name) -> bytes:
        """Return the octets that stand for an owner which was written; empty beyond their reach."""
        known = self._names().get(name)
        return b"" if known is None else _POINTER.pack(0xC000 | known)

    def _name(self, name: Name) -> None:
        body, names = self.body, self._names()
        while name:
            known = names.get(name)
            if known is not None:
                body += _POINTER.pack(0xC000 | known)
                return
            at = HEADER_OCTETS + len(body)
            if at <= _LAST_POINTER:
                names[name] = at
            label = name[0]
            body.append(len(label))
            body += label
            name = name[1:]
        body.append(0)

    def _names(self) -> dict[Name, int]:
        """Return where names stand that others may point at; most replies need none."""
        if self._known is None:
            self._known = {}
            wire = self._question[:-_TYPE_CLASS_OCTETS]
            if wire == wire.lower():  # length octets are no letters
                at = HEADER_OCTETS
                for index, label in enumerate(self._asked):
                    self._known[self._asked[index:]] = at
                    at += 1 + len(label)
        return self._known
