"""Whatever an upstream sends: a response, or why it is none; never an exception, never for long.

Laws: what dnspython writes is read back to the very RRsets; whatever comes of any octets has the
form that everybody relies on, and is kept, rendered and read again by dnspython.
"""

import itertools
import struct
from collections.abc import Iterable, Iterator
from functools import partial

import dns.flags
import dns.message
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.chain import MOST_LINKS, clean
from kubedns_py.dns.name import MAX_NAME, from_wire, is_below, to_wire, wire_length
from kubedns_py.dns.query import Edns, Query
from kubedns_py.dns.render import TCP_LIMIT, Reply, Shape, render
from kubedns_py.dns.response import MAX_TTL, Response, Unusable, read_response
from kubedns_py.dns.rrset import (
    AAAA,
    ANY,
    CNAME,
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
from tests.helpers import oracle
from tests.helpers.replies import name_of
from tests.helpers.work import lines_run

ID = oracle.ID
QR = 0x8000
OURS = (b"cluster", b"local")
MX, RP, NAPTR, DNAME, RRSIG, UNKNOWN = 15, 17, 35, 39, 46, 65280

# Few different labels, so that names are aliases of each other and share suffixes.
LABELS = st.one_of(
    st.sampled_from([b"a", b"b", b"www", b"example", b"local", b"cluster", b"x" * 63]),
    st.binary(min_size=1, max_size=63).map(bytes.lower),
)
FEW = st.sampled_from([(b"a",), (b"b",), (b"a", b"b"), (b"web", *OURS), ()])
NAMES = st.one_of(
    FEW,
    FEW,
    st.lists(LABELS, max_size=8).map(tuple).filter(lambda name: wire_length(name) <= MAX_NAME),
)
WIRES = NAMES.map(to_wire)
U16 = st.integers(0, 65535)
TTLS = st.integers(0, MAX_TTL)
RCODES = st.sampled_from([0, 0, 0, 3]) | st.sampled_from([0, 3]) | st.integers(0, 4095)
RDATAS: dict[int, st.SearchStrategy[bytes]] = {
    A: st.binary(min_size=4, max_size=4),
    AAAA: st.binary(min_size=16, max_size=16),
    NS: WIRES,
    CNAME: WIRES,
    PTR: WIRES,
    DNAME: WIRES,
    SOA: st.builds(soa, NAMES, NAMES, st.integers(0, 2**32 - 1), st.integers(0, 3600)),
    MX: st.builds(lambda number, name: struct.pack("!H", number) + name, U16, WIRES),
    RP: st.builds(lambda mailbox, text: mailbox + text, WIRES, WIRES),
    SRV: st.builds(srv, U16, U16, NAMES),
    NAPTR: st.builds(
        lambda flags, services, name: b"\0\1\0\2" + txt(flags, services, b"") + name,
        st.binary(max_size=9),
        st.binary(max_size=20),
        WIRES,
    ),
    TXT: st.binary(max_size=255).map(txt),
    UNKNOWN: st.binary(max_size=40),
}
READ = RDATAS.keys() - {TXT, UNKNOWN}
"""Types whose rdata is looked at; that of others is handed on as it is, even if it is no such
thing, and then dnspython refuses the record."""
TYPES = st.sampled_from([A, CNAME]) | st.sampled_from(sorted(RDATAS))
RRSETS = TYPES.flatmap(
    lambda rtype: st.builds(
        RRset,
        owner=NAMES,
        rtype=st.just(rtype),
        ttl=TTLS,
        rdatas=st.lists(RDATAS[rtype], min_size=1, max_size=4, unique=True).map(tuple),
        beside=st.just(()),
    )
)
SECTIONS = st.lists(RRSETS, max_size=5, unique_by=lambda rrset: (rrset.owner, rrset.rtype))
ASKS = st.builds(
    Ask,
    name=FEW,
    qtype=st.sampled_from([A, ANY, CNAME, RRSIG]) | TYPES,
    qclass=st.just(IN),
    do=st.booleans(),
)


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[Ask, list[RRset], list[RRset]]:
    """Return a question with an answer and an authority section, which mostly belong to it."""
    ask, answer, authority = draw(ASKS), draw(SECTIONS), draw(SECTIONS)
    if draw(st.integers(0, 3)):
        first = replace(draw(RRSETS), owner=ask.name)
        if draw(st.booleans()):
            ask = replace(ask, qtype=first.rtype)
        key = first.owner, first.rtype
        others = [rrset for rrset in answer if (rrset.owner, rrset.rtype) != key]
        answer = [*others[:1], first, *others[1:]]
    return ask, answer, authority


def written(
    ask: Ask, answer: Iterable[RRset], authority: Iterable[RRset], *, rcode: int, flags: int
) -> bytes:
    """Return the reply as dnspython writes it: compressed, with glue and an OPT record."""
    message = dns.message.QueryMessage(ID)
    message.use_edns(0)
    message.flags = dns.flags.Flag(QR | flags)
    message.set_rcode(dns.rcode.Rcode.make(rcode))
    rtype = dns.rdatatype.RdataType.make(ask.qtype)
    message.question = [dns.rrset.RRset(name_of(ask.name), dns.rdataclass.IN, rtype)]
    message.answer = list(_records(answer))
    message.authority = list(_records(authority))
    message.additional = list(_records([RRset(ask.name, A, 5, (b"\xc0\0\2\x42",))]))
    return message.to_wire(max_size=65535)


def _records(rrsets: Iterable[RRset]) -> Iterator[dns.rrset.RRset]:
    """Yield each record by itself: dnspython has no two aliases of one name, and no order."""
    for rrset in rrsets:
        rtype = dns.rdatatype.RdataType.make(rrset.rtype)
        for rdata in rrset.rdatas:
            theirs = dns.rdata.from_wire(dns.rdataclass.IN, rtype, rdata, 0, len(rdata))
            yield dns.rrset.from_rdata(name_of(rrset.owner), rrset.ttl, theirs)


@given(exchanges(), RCODES, st.sampled_from([0, 0x200, 0x20, 0x5B0]))
@settings(max_examples=60)
def test_what_dnspython_writes_is_read_back(
    exchange: tuple[Ask, list[RRset], list[RRset]], rcode: int, flags: int
) -> None:
    """RFC 1035, 4.1; RFC 3597, 4: the very RRsets, whatever is compressed."""
    ask, answer, authority = exchange
    octets = written(ask, answer, authority, rcode=rcode, flags=flags)

    found = read_response(octets, write_ask(ask, ID), ask)

    assert isinstance(found, Response)
    assert astuple(found)[:4] == (rcode, bool(flags & 0x200), bool(flags & 0x20), True)
    assert found.answer == tuple(answer)
    assert found.authority == tuple(authority)
    is_sound(octets, ask)


def is_sound(octets: bytes, ask: Ask) -> None:
    """See that octets are read, kept and rendered, and that dnspython reads the rest."""
    found = read_response(octets, write_ask(ask, ID), ask)
    if isinstance(found, Unusable):
        return
    assert 0 <= found.rcode <= 4095
    for section in (found.answer, found.authority):
        assert len({(rrset.owner, rrset.rtype) for rrset in section}) == len(section)
        for rrset in section:
            _is_sound_rrset(rrset)
    reply = clean(found, ask, is_elsewhere=lambda name, _: is_below(name, OURS))
    if reply is not None:
        _is_kept_of(reply, found, ask)
        _is_read_again(reply, ask)


def _is_sound_rrset(rrset: RRset) -> None:
    assert wire_length(rrset.owner) <= MAX_NAME
    assert all(label and label == label.lower() for label in rrset.owner)
    assert 1 <= rrset.rtype <= 65535
    assert 0 <= rrset.ttl <= MAX_TTL
    assert len(set(rrset.rdatas)) == len(rrset.rdatas) >= 1
    assert all(len(rdata) <= 65535 for rdata in rrset.rdatas)
    assert rrset.beside == ()
    if rrset.rtype in {NS, CNAME, PTR, DNAME}:
        assert all(to_wire(from_wire(rdata)) == rdata for rdata in rrset.rdatas)


def _is_kept_of(reply: Reply, found: Response, ask: Ask) -> None:
    """C-06, C-07: a chain from the question's name, one record each; nothing that was not sent."""
    assert reply.rcode in {found.rcode, 0}
    sent = {(rrset.owner, rrset.rtype, rdata) for rrset in found.answer for rdata in rrset.rdatas}
    kept = {(rrset.owner, rrset.rtype, rdata) for rrset in reply.answer for rdata in rrset.rdatas}
    assert kept <= sent
    assert len(kept) == sum(len(rrset.rdatas) for rrset in reply.answer)
    name, links = ask.name, 0
    for rrset in reply.answer:
        if rrset.rtype == CNAME and ask.qtype not in {CNAME, ANY}:
            assert rrset.owner == name
            name, links = from_wire(rrset.rdatas[0].lower()), links + 1
        elif rrset.rtype in {DNAME, RRSIG} and ask.do:
            continue
        else:
            assert rrset.owner == name
            assert ask.qtype in {rrset.rtype, ANY}
            assert name == ask.name or not is_below(name, OURS)
    assert links <= MOST_LINKS
    for rrset in reply.authority:
        assert ask.do or (rrset.rtype == SOA and is_below(name, rrset.owner))


def _is_read_again(reply: Reply, ask: Ask) -> None:
    question = to_wire(ask.name) + struct.pack("!HH", ask.qtype, ask.qclass)
    query = Query(ID, 0x0100, question, ask.name, ask.qtype, IN, Edns(1232, 0, ask.do))
    rendered = render(query, reply, TCP_LIMIT, shape=Shape(recursion_available=True), turn=0)
    message = dns.message.from_wire(rendered.octets, one_rr_per_rrset=True, continue_on_error=True)
    kept = reply.answer + reply.authority
    opaque = sum(len(rrset.rdatas) for rrset in kept if rrset.rtype not in READ)
    assert len(message.errors) <= opaque
    if not rendered.is_cut:
        found = len(message.answer) + len(message.authority) + len(message.errors)
        assert found == sum(len(rrset.rdatas) for rrset in kept)


WWW = Ask((b"www", b"example"), A, IN, do=True)
QUESTION = to_wire(WWW.name) + struct.pack("!HH", A, IN)


@given(st.binary(max_size=600), U16)
@example(b"", 0)
@example(bytes(12), 0)
@settings(max_examples=200)
def test_any_octets(octets: bytes, ident: int) -> None:
    """C-01, C-02."""
    assert isinstance(read_response(octets, write_ask(WWW, ident), WWW), Response | Unusable)
    is_sound(octets, WWW)


COUNTS = st.integers(0, 4) | U16


@given(U16, COUNTS, COUNTS, COUNTS, st.binary(max_size=300))
@settings(max_examples=200)
def test_any_octets_behind_our_question(
    flags: int, an: int, ns: int, ar: int, octets: bytes
) -> None:
    """C-02: ID and question are right, all else is chance."""
    header = struct.pack("!6H", ID, QR | flags & 0x07FF, 1, an, ns, ar)

    is_sound(header + QUESTION + octets, WWW)


POINTERS = st.one_of(
    st.just(b"\xc0\x0c"), st.integers(0, 200).map(lambda at: struct.pack("!H", 0xC000 | at))
)
ODD_NAMES = st.one_of(
    POINTERS,
    st.just(b"\0"),
    st.builds(lambda label, rest: bytes((len(label),)) + label + rest, LABELS, POINTERS),
    st.binary(max_size=4),
)
RECORDS = st.builds(
    lambda owner, fixed, rdata, error: (
        owner + struct.pack("!HHIH", *fixed, max(0, len(rdata) + error)) + rdata
    ),
    ODD_NAMES,
    st.tuples(TYPES | st.sampled_from([41, 24, 30]), st.sampled_from([IN, IN, 3]), TTLS),
    st.lists(ODD_NAMES | st.binary(max_size=20), max_size=3).map(b"".join),
    st.sampled_from([0, 0, 0, 0, 1, -1]),
)


@given(
    ASKS,
    st.lists(RECORDS, max_size=6),
    st.lists(RECORDS, max_size=3),
    st.sampled_from([0, 0x0200]),
)
@settings(max_examples=250)
def test_records_with_any_pointers(
    ask: Ask, answer: list[bytes], authority: list[bytes], truncated: int
) -> None:
    """C-02: pointers to anywhere, lengths that are a little wrong."""
    question = to_wire(ask.name) + struct.pack("!HH", ask.qtype, ask.qclass)
    header = struct.pack("!6H", ID, QR | truncated, 1, len(answer), len(authority), 0)

    is_sound(header + question + b"".join(answer + authority), ask)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("flip", "set", "insert", "cut")),
        st.integers(0, 1000),
        st.integers(0, 7),
        st.sampled_from([0, 1, 12, 0x3F, 0x40, 0xC0, 0xFF]),
    ),
    min_size=1,
    max_size=4,
)


def changed(octets: bytes, changes: list[tuple[str, int, int, int]]) -> bytes:
    """Return octets with some of them changed, put in or cut out."""
    message = bytearray(octets)
    for kind, where, size, octet in changes:
        at = len(message) - where % (len(message) + 1)
        if kind == "insert":
            message[at:at] = bytes((octet,)) * size
        elif kind == "cut":
            del message[at : at + size]
        elif at < len(message):
            message[at] = octet if kind == "set" else message[at] ^ 1 << size
    return bytes(message)


@given(exchanges(), st.sampled_from([0, 0, 0, 3]), st.tuples(CHANGES, CHANGES, CHANGES))
@settings(max_examples=50)
def test_replies_that_were_changed_a_little(
    exchange: tuple[Ask, list[RRset], list[RRset]],
    rcode: int,
    ways: tuple[list[tuple[str, int, int, int]], ...],
) -> None:
    """C-02: what was good before, behind the header; each thrice, as a good reply is dear."""
    octets = written(*exchange, rcode=rcode, flags=0)

    for changes in ways:
        is_sound(octets[:12] + changed(octets[12:], changes), exchange[0])


@given(st.integers(0, 11), st.integers(0, 14), st.sampled_from([0, 3]))
@settings(max_examples=100)
def test_chains_and_loops_of_any_length(links: int, back: int, rcode: int) -> None:
    """C-07: an end or none, in bounded time."""
    names = [WWW.name, *((b"n%d" % number,) for number in range(1, 14))]
    chain = [
        RRset(owner, CNAME, 5, (to_wire(target),))
        for owner, target in itertools.pairwise(names[: links + 1])
    ]
    if back <= links:
        chain.append(RRset(names[links], CNAME, 5, (to_wire(names[back]),)))
    octets = written(WWW, chain, [], rcode=rcode, flags=0)
    found = read_response(octets, write_ask(WWW, ID), WWW)

    assert isinstance(found, Response)
    reply = clean(found, WWW, is_elsewhere=lambda *_: False)
    assert (reply is None) == (back <= links)


def _worst() -> Iterable[bytes]:
    """Yield messages of almost 64 KiB whose every record is as dear as can be."""
    names = b"".join((b"\1" + bytes((number,))) * 126 + b"\0" for number in range(60))
    shared = b"\xc0\x0c" + struct.pack("!HHIH", TXT, IN, 0, len(names)) + names
    start = 12 + len(QUESTION) + 12
    targets = [start + 253 * number + 2 * at for at in range(126) for number in range(60)]
    for rtype, count in ((UNKNOWN, 0), (14, 2)):
        size = 12 + 2 * count
        room = (65535 - 12 - len(QUESTION) - len(shared)) // size
        chosen = (targets[index * 7 % len(targets)] for index in range(room + 2))
        pointers = [struct.pack("!H", 0xC000 | target) for target in chosen]
        records = [
            pointers[index]
            + struct.pack("!HHIH", rtype, IN, 0, 2 * count)
            + b"".join(pointers[index : index + count])
            for index in range(room)
        ]
        header = struct.pack("!6H", ID, QR, 1, 1 + len(records), 0, 0)
        yield header + QUESTION + shared + b"".join(records)


def test_no_message_is_dear() -> None:
    """M-45, CVE-2026-52682: 17 lines of Python for an octet; a bound against worse by far."""
    for message in _worst():
        assert 65000 < len(message) <= 65535
        assert lines_run(partial(is_sound, message, WWW)) < 30 * len(message)
