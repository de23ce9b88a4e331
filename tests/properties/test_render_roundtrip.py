"""What is rendered is what was said: dnspython reads the very records back, whatever they are.

Laws: nothing is lost or added where it fits; where it does not, whole records stand in their order,
the question and OPT stay, TC is said over UDP and never over TCP, and the limit is kept.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.dns.name import MAX_NAME, Name, to_wire, wire_length
from kubedns_py.dns.query import Edns, Query
from kubedns_py.dns.rcode import ExtendedError
from kubedns_py.dns.render import TCP_LIMIT, Reply, Shape, render, udp_limit
from kubedns_py.dns.rrset import (
    AAAA,
    CNAME,
    HINFO,
    IN,
    NS,
    PTR,
    SOA,
    SRV,
    TXT,
    A,
    RRset,
    soa,
    srv,
    txt,
)

TTLS = st.integers(0, 2**31 - 1)
# Few different labels, so that names share suffixes; any octet but upper case, which is folded.
LABELS = st.one_of(
    st.sampled_from([b"a", b"b", b"web", b"svc", b"cluster", b"local", b"x" * 63]),
    st.binary(min_size=1, max_size=63).map(bytes.lower),
)
NAMES = st.lists(LABELS, max_size=8).map(tuple).filter(lambda name: wire_length(name) <= MAX_NAME)
RDATAS: dict[int, st.SearchStrategy[bytes]] = {
    A: st.binary(min_size=4, max_size=4),
    AAAA: st.binary(min_size=16, max_size=16),
    NS: NAMES.map(to_wire),
    CNAME: NAMES.map(to_wire),
    PTR: NAMES.map(to_wire),
    SOA: st.builds(soa, NAMES, NAMES, st.integers(0, 2**40), st.integers(0, 3600)),
    SRV: st.builds(srv, st.integers(0, 100), st.integers(0, 65535), NAMES),
    TXT: st.binary(max_size=255).map(txt),
    HINFO: st.builds(txt, st.binary(max_size=255), st.binary(max_size=255)),
}
RRSETS = st.sampled_from(sorted(RDATAS)).flatmap(
    lambda rtype: st.builds(
        RRset,
        owner=NAMES,
        rtype=st.just(rtype),
        ttl=TTLS,
        rdatas=st.lists(RDATAS[rtype], min_size=1, max_size=6, unique=True).map(tuple),
        beside=st.just(()),
    )
)
SECTIONS = st.lists(RRSETS, max_size=4).map(tuple)
REPLIES = st.builds(
    Reply,
    rcode=st.integers(0, 15),
    authoritative=st.booleans(),
    answer=SECTIONS,
    authority=SECTIONS,
    additional=SECTIONS,
    ede=st.none() | st.just(ExtendedError(20, "not a name of this cluster")),
)


def rendered(query: Query, reply: Reply, limit: int, *, shape: Shape, turn: int) -> bytes:
    """Return the octets of a reply."""
    return render(query, reply, limit, shape=shape, turn=turn).octets


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Return a query in any spelling, with or without EDNS."""
    name = draw(NAMES)
    wire = to_wire(name)
    spelled = wire.upper() if draw(st.booleans()) else wire
    # a length octet is at most 63, which is no letter
    question = spelled + struct.pack("!HH", A, IN)
    edns = draw(st.none() | st.builds(Edns, st.integers(0, 65535), st.just(0), st.booleans()))
    flags = draw(st.integers(0, 0xFFFF)) & 0x07FF
    return Query(draw(st.integers(0, 65535)), flags, question, name, A, IN, edns)


def sent(rrsets: Sequence[RRset]) -> list[tuple[Name, int, int, bytes]]:
    """Return owner, type, TTL and rdata of each record of a section, in order."""
    return [
        (rrset.owner, rrset.rtype, rrset.ttl, rdata) for rrset in rrsets for rdata in rrset.rdatas
    ]


def read(section: list[dns.rrset.RRset]) -> list[tuple[Name, int, int, bytes]]:
    """Return the same of what dnspython read; owners folded, rdata exactly as spelled."""
    assert all(rrset.rdclass == dns.rdataclass.IN for rrset in section)
    return [
        (folded(rrset.name), int(rrset.rdtype), rrset.ttl, bytes(rdata.to_wire() or b""))
        for rrset in section
        for rdata in rrset
    ]


def folded(name: dns.name.Name) -> Name:
    """Return our form of a name."""
    return tuple(label.lower() for label in name.labels[:-1])


def message_of(octets: bytes) -> dns.message.Message:
    """Decode exactly one message, records in order and one each."""
    return dns.message.from_wire(
        octets, one_rr_per_rrset=True, continue_on_error=False, ignore_trailing=False
    )


def check_frame(octets: bytes, query: Query, reply: Reply) -> dns.message.Message:
    """Check what stands in every reply, truncated or not."""
    message = message_of(octets)
    assert message.id == query.id
    assert octets[12 : 12 + len(query.question)] == query.question
    assert struct.unpack_from("!H", octets, 4) == (1,)
    assert message.rcode() == reply.rcode
    assert bool(message.flags & dns.flags.AA) == reply.authoritative
    assert bool(message.flags & dns.flags.RD) == bool(query.flags & 0x0100)
    assert not message.flags & (dns.flags.AD | dns.flags.CD | 0x40)
    assert (message.edns == 0) == (query.edns is not None)
    if query.edns is not None:
        assert bool(message.ednsflags & dns.flags.DO) == query.edns.do
        codes = [option.otype for option in message.options]
        assert codes == ([dns.edns.OptionType.EDE] if reply.ede else [])
    return message


@settings(max_examples=50)
@given(queries(), REPLIES)
def test_every_record_is_read_back_as_it_was_given(query: Query, reply: Reply) -> None:
    """ENV-8, ENV-12: exactly the RRsets; targets keep their lower case whatever was asked."""
    message = check_frame(rendered(query, reply, TCP_LIMIT, shape=Shape(), turn=0), query, reply)

    assert read(message.answer) == sent(reply.answer)
    assert read(message.authority) == sent(reply.authority)
    assert read(message.additional) == sent(reply.additional)
    assert not message.flags & dns.flags.TC


@settings(max_examples=40)
@given(
    queries(),
    NAMES,
    st.integers(60, 260),
    st.lists(NAMES, min_size=1, max_size=20, unique=True),
)
def test_messages_beyond_the_reach_of_pointers_are_read_back(
    query: Query, owner: Name, count: int, targets: list[Name]
) -> None:
    """RFC 1035, 4.1.4: names first written past offset 16383 are never pointed at."""
    filler = tuple(txt(number.to_bytes(255, "big")) for number in range(count))
    pointers = tuple(map(to_wire, targets))
    reply = Reply(
        0,
        answer=(RRset(owner, TXT, 30, filler),),
        authority=(RRset((b"far", *owner[1:]), NS, 30, pointers),),
        additional=(RRset((b"far", *owner[1:]), A, 30, (b"\1\2\3\4",)),),
    )

    octets = rendered(query, reply, TCP_LIMIT, shape=Shape(), turn=0)
    message = check_frame(octets, query, reply)

    whole = sent(reply.answer) + sent(reply.authority) + sent(reply.additional)
    found = read(message.answer) + read(message.authority) + read(message.additional)
    assert found == whole[: len(found)]
    assert len(octets) <= TCP_LIMIT
    assert found == whole or len(octets) > TCP_LIMIT - 2 * MAX_NAME - 32
    assert not message.flags & dns.flags.TC


@settings(max_examples=50)
@given(queries(), REPLIES, st.integers(512, 4096))
def test_what_does_not_fit_a_datagram_is_cut_at_whole_records(
    query: Query, reply: Reply, ceiling: int
) -> None:
    """ENV-16, M-44, RFC 2181, 9: TC exactly if an answer or authority record is missing."""
    shape = Shape(udp_octets=ceiling)
    limit = udp_limit(query.edns, shape)

    octets = rendered(query, reply, limit, shape=shape, turn=0)
    message = check_frame(octets, query, reply)

    assert len(octets) <= limit
    answer, authority = sent(reply.answer), sent(reply.authority)
    found = read(message.answer), read(message.authority)
    assert found[0] == answer[: len(found[0])]
    assert found[1] == authority[: len(found[1])]
    lost = found != (answer, authority)
    assert bool(message.flags & dns.flags.TC) == lost
    assert not (found[0] != answer and found[1])
    additional = read(message.additional)
    assert not (lost and additional)
    for rrset in reply.additional:  # whole RRsets in their order, or none of one
        records = sent((rrset,))
        if additional[: len(records)] == records:
            additional = additional[len(records) :]
    assert not additional
