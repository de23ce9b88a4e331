"""Whatever is sent: silence, or a DNS message that answers it (ENV-28c, M-46).

Rules of this file:

- dnspython reads every reply. What it cannot read, or what has octets left over, is a failure.
- A reply has the query's ID, echoes its question when it has one, and is within the limit.
"""

import struct

import dns.exception
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, Arrival
from tests.helpers import oracle
from tests.helpers.octets import IN, QR, A, header, name, opt, option, question, record, tsig
from tests.helpers.scenario import SCENARIOS, load

CLUSTER = load(SCENARIOS / "1.0_target_table")
ODD = load(SCENARIOS / "1.14_odd_data")
UDP = Arrival("udp", IPV4, Address(b"\x7f\0\0\1"))
TCP = Arrival("tcp", IPV4, Address(b""))

OWNERS = (
    "cluster.local",
    "web.prod.svc.cluster.local",
    "db.prod.svc.cluster.local",
    "_pg._tcp.db.prod.svc.cluster.local",
    "alias.prod.svc.cluster.local",
    "loopa.prod.svc.cluster.local",
    "10-1-0-1.prod.pod.cluster.local",
    "10.0.96.10.in-addr.arpa",
    "1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa",
    "nope.prod.svc.cluster.local",
    "example.org",
    "",
)
TYPES = (1, 2, 5, 6, 12, 16, 28, 33, 65, 252, 255)

u16 = st.integers(0, 0xFFFF)
labels = st.binary(min_size=1, max_size=63).map(lambda label: bytes([len(label)]) + label)
owners = st.one_of(
    st.sampled_from(OWNERS).map(name),
    st.builds(
        lambda front, tail: b"".join(front) + name(tail),
        st.lists(labels, max_size=4),
        st.sampled_from(OWNERS),
    ),
)
additional = st.sampled_from(
    (b"", opt(), opt(payload=512, flags=0x8000), opt(option(10, bytes(8))), opt(version=1), tsig())
)
queries = st.builds(
    lambda owner, rtype, extra: header(ar=bool(extra)) + question(owner, rtype) + extra,
    owners,
    st.sampled_from(TYPES) | u16,
    additional,
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a query with some octets changed, cut out or put in."""
    message = bytearray(draw(queries))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(message)))
        kind = draw(st.sampled_from(("flip", "insert", "cut", "set")))
        if kind == "insert":
            message[at:at] = draw(st.binary(max_size=8))
        elif kind == "cut":
            del message[at : at + draw(st.integers(0, 8))]
        elif at < len(message):
            message[at] = (
                message[at] ^ 1 << draw(st.integers(0, 7))
                if kind == "flip"
                else draw(st.integers(0, 255))
            )
    return bytes(message)


def limit(message: bytes, arrival: Arrival) -> int:
    """Return the most octets of a reply, by what dnspython reads in the query."""
    if arrival.proto == "tcp":
        return 65535
    try:
        edns = oracle.read(message).edns
    except dns.exception.DNSException:
        return 1232  # we read more than dnspython does: trailing octets, for one
    return 512 if edns is None else min(max(edns.payload, 512), 1232)


def is_answered_soundly(message: bytes, arrival: Arrival) -> None:
    """See that the reply is none or a sound one."""
    panics_before = CLUSTER.core.tally.snapshot().panics
    reply = CLUSTER.reply(message, arrival)
    assert CLUSTER.core.tally.snapshot().panics == panics_before
    if len(message) < 12 or message[2] & QR >> 8:
        assert reply is None
        return
    assert isinstance(reply, bytes)
    reading = oracle.read(reply)
    assert reply[:2] == message[:2]
    assert "QR" in reading.flags
    assert ("RD" in reading.flags) == bool(message[2] & 1)
    assert reply[2] & 0x78 == message[2] & 0x78
    assert len(reply) <= limit(message, arrival)
    if reading.rcode in {"FORMERR", "NOTIMP"}:
        assert len(reply) <= max(len(message), 12)
    if reading.question:
        echoed = oracle.question_octets(reply)
        assert message[12 : 12 + len(echoed)] == echoed
    else:
        assert len(reply) <= 12 + 11


@given(st.binary(max_size=600))
@example(b"")
@example(bytes(12))
@settings(max_examples=200)
def test_any_octets_over_udp(message: bytes) -> None:
    """M-46."""
    is_answered_soundly(message, UDP)


@given(st.binary(min_size=0, max_size=300), st.integers(0, 2), st.integers(0, 2))
@settings(max_examples=200)
def test_any_octets_behind_a_plausible_header(body: bytes, questions: int, extra: int) -> None:
    """M-46."""
    is_answered_soundly(header(qd=questions, ar=extra) + body, TCP)


@given(mutated())
@settings(max_examples=200)
def test_mutated_queries(message: bytes) -> None:
    """M-46: over both transports."""
    is_answered_soundly(message, UDP)
    is_answered_soundly(message, TCP)


@given(queries)
@settings(max_examples=200)
def test_well_formed_queries_get_their_question_back(message: bytes) -> None:
    """Any name and type, with and without EDNS."""
    is_answered_soundly(message, UDP)
    reply = CLUSTER.reply(message, UDP)
    assert isinstance(reply, bytes)
    asked = message[12 : len(message)]
    owner_end = asked.index(b"\0", _name_octets(asked) - 1) + 1
    if owner_end <= 255:
        assert reply[12 : 12 + owner_end + 4] == asked[: owner_end + 4]
    else:
        assert oracle.read(reply).rcode == "FORMERR"


@given(st.lists(labels, max_size=5), st.sampled_from(TYPES))
@settings(max_examples=150)
def test_only_names_that_exist_are_answered(front: list[bytes], rtype: int) -> None:
    """BAD-14: compare as octets. Random labels under a Service do not exist."""
    tail = name("svc.svc.svc.cluster.local")
    message = header() + question(b"".join(front) + tail, rtype)
    if not front or len(b"".join(front) + tail) > 255 or rtype == 252:
        return
    reply = ODD.respond(message, UDP)
    assert isinstance(reply, bytes)
    known = {b"\4_tcp", b"\5_http\4_tcp"}
    if b"".join(front).lower() not in known:
        assert oracle.read(reply).rcode == "NXDOMAIN"


@given(u16, u16, u16, u16, u16)
@settings(max_examples=150)
def test_any_flags_and_counts(flags: int, qd: int, an: int, ns: int, ar: int) -> None:
    """M-03 to M-13 in one law."""
    body = question(name("web.prod.svc.cluster.local"), A, IN)
    extra = record(b"\0", A, IN, bytes(4))
    is_answered_soundly(struct.pack("!6H", 7, flags, qd, an, ns, ar) + body + extra, UDP)


def _name_octets(octets: bytes) -> int:
    at = 0
    while octets[at]:
        at += 1 + octets[at]
    return at + 1
