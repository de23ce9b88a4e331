"""EDNS as RFC 8906 asks for it: reliability 2.2, against the apex, through ``respond``.

Rules of this file:

- These are the checks that the "DNS flag day" test servers make of a zone; each is one test.
- What is not implemented is not echoed: no unknown option, flag or version.
"""

import pytest

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, Arrival
from tests.helpers import oracle
from tests.helpers.octets import NOTIMP, SOA, bare, header, name, opt, option, question
from tests.helpers.scenario import SCENARIOS, load, put_together

CLUSTER = load(SCENARIOS / "1.0_target_table")
UDP = Arrival("udp", IPV4, Address(b"\x7f\0\0\1"))
TCP = Arrival("tcp", IPV4, Address(b"\x7f\0\0\1"))
APEX = question(name("cluster.local"), SOA)
SOA_LINE = (
    "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. "
    "SERIAL 7200 1800 86400 5"
)
PLAIN_OPT = oracle.Edns(version=0, payload=1232, flags=0, errors=(), others=())
DO = 0x8000
BOTH = pytest.mark.parametrize("arrival", [UDP, TCP], ids=["udp", "tcp"])


def read(message: bytes, arrival: Arrival = UDP) -> oracle.Reading:
    """Return the reply as dnspython reads it."""
    reply = CLUSTER.respond(message, arrival)
    assert isinstance(reply, bytes)
    return oracle.read(reply)


def with_opt(record: bytes) -> bytes:
    """Return the apex's SOA query with an OPT record."""
    return header(ar=1) + APEX + record


def is_the_soa(reading: oracle.Reading) -> None:
    """See that the reply is the whole answer."""
    assert reading.rcode == "NOERROR"
    assert {"AA"} <= reading.flags
    assert reading.answer == (SOA_LINE,)
    assert reading.authority == reading.additional == ()


# -- without EDNS


@BOTH
def test_plain_soa(arrival: Arrival) -> None:
    """2.2: plain and +tcp. No OPT in the reply (RFC 6891, 7)."""
    reading = read(header() + APEX, arrival)
    is_the_soa(reading)
    assert reading.edns is None


def test_an_unknown_type() -> None:
    """2.2: TYPE1000."""
    reading = read(header() + question(name("cluster.local"), 1000))
    assert (reading.rcode, reading.answer) == ("NOERROR", ())
    assert len(reading.authority) == 1


@pytest.mark.parametrize("bit", [0x0010, 0x0020, 0x0040], ids=["cd", "ad", "z"])
def test_header_flags(bit: int) -> None:
    """2.2: +cd, +ad, +zflag: answered; what must be zero is."""
    message = header(0x0100 | bit) + APEX
    reading = read(message)
    is_the_soa(reading)
    assert "AD" not in reading.flags
    reply = CLUSTER.respond(message, UDP)
    assert isinstance(reply, bytes)
    assert not reply[3] & 0x40


def test_an_unknown_opcode() -> None:
    """2.2: opcode 15, header only: NOTIMP, without AA."""
    assert CLUSTER.respond(header(15 << 11, qd=0), UDP) == bare(NOTIMP, 15 << 11)


# -- with EDNS


@BOTH
def test_edns_0(arrival: Arrival) -> None:
    """2.2: edns=0."""
    reading = read(with_opt(opt()), arrival)
    is_the_soa(reading)
    assert reading.edns == PLAIN_OPT


@BOTH
@pytest.mark.parametrize(
    ("record", "flags"),
    [
        (opt(version=1), 0),
        (opt(version=1, flags=0x0040), 0),
        (opt(option(100, b"x"), version=1), 0),
        (opt(version=1, flags=DO), DO),
        (opt(version=255), 0),
    ],
    ids=["edns=1", "edns=1+flags", "edns=1+opt", "edns=1+dnssec", "edns=255"],
)
def test_an_unknown_version(record: bytes, flags: int, arrival: Arrival) -> None:
    """2.2, T-57: BADVERS with version 0; no SOA, no unknown option or flag; DO copied."""
    reading = read(with_opt(record), arrival)
    assert reading.rcode == "BADVERS"
    assert reading.answer == reading.authority == reading.additional == ()
    assert "AA" not in reading.flags
    assert reading.question == ("cluster.local. IN SOA",)
    assert reading.edns == oracle.Edns(0, 1232, flags, (), ())


def test_an_unknown_option() -> None:
    """2.2: ednsopt=100."""
    reading = read(with_opt(opt(option(100, b"abc"))))
    is_the_soa(reading)
    assert reading.edns == PLAIN_OPT


def test_unknown_flags() -> None:
    """2.2: ednsflags=0x40."""
    reading = read(with_opt(opt(flags=0x0040)))
    is_the_soa(reading)
    assert reading.edns == PLAIN_OPT


def test_all_unknown_flags_together() -> None:
    """2.2: what must be zero is, DO stays."""
    reading = read(with_opt(opt(flags=0xFFFF)))
    is_the_soa(reading)
    assert reading.edns == oracle.Edns(0, 1232, DO, (), ())


@BOTH
def test_dnssec_ok(arrival: Arrival) -> None:
    """2.2: +dnssec: DO is copied (RFC 3225, 3); there are no signatures."""
    reading = read(with_opt(opt(flags=DO)), arrival)
    is_the_soa(reading)
    assert reading.edns == oracle.Edns(0, 1232, DO, (), ())


@pytest.mark.parametrize(
    "options",
    [
        option(3),
        option(9),
        option(10, bytes(8)),
        option(10, bytes(24)),
        option(8, b"\0\1\0\0"),
        option(8, b"\xff"),
        option(12, bytes(100)),
        option(11, b"\0\x64"),
        option(3) + option(9) + option(10, bytes(8)) + option(8, b"\0\1\0\0"),
    ],
    ids=[
        "nsid",
        "expire",
        "cookie",
        "cookie-24",
        "subnet",
        "bad-subnet",
        "padding",
        "keepalive",
        "all",
    ],
)
def test_options_that_are_not_implemented(options: bytes) -> None:
    """2.2: +nsid +expire +cookie +subnet=0/0; M-39, M-41, M-43: ignored and not echoed."""
    reading = read(with_opt(opt(options)))
    is_the_soa(reading)
    assert reading.edns == PLAIN_OPT


@pytest.mark.parametrize("size", [*range(8), *range(9, 16), 41, 100])
def test_cookies_of_wrong_length_are_ignored(size: int) -> None:
    """M-40: cookies are not implemented."""
    is_the_soa(read(with_opt(opt(option(10, bytes(size))))))


def test_two_thousand_options() -> None:
    """M-38: 8 KB over TCP."""
    reading = read(with_opt(opt(option(65001) * 2000)), TCP)
    is_the_soa(reading)
    assert reading.edns == PLAIN_OPT


# -- sizes


BIG = put_together(
    [
        {
            "kind": "Service",
            "metadata": {"name": "big", "namespace": "shop"},
            "spec": {"clusterIP": "None", "clusterIPs": ["None"]},
        },
        {
            "kind": "EndpointSlice",
            "metadata": {
                "name": "big-1",
                "namespace": "shop",
                "labels": {"kubernetes.io/service-name": "big"},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [f"10.2.{n // 250}.{n % 250}"]} for n in range(400)],
            "ports": [],
        },
    ]
)


def size_over_udp(payload: int | None) -> int:
    """Return the size of a truncated reply that would be far larger."""
    query = oracle.query("big.shop.svc.cluster.local.", "A", edns=payload)
    reply = BIG.respond(query, UDP)
    assert isinstance(reply, bytes)
    reading = oracle.read(reply)
    assert "TC" in reading.flags
    assert (reading.edns is None) == (payload is None)
    return reading.size


@pytest.mark.parametrize(
    ("payload", "limit"),
    [
        (None, 512),
        (0, 512),
        (511, 512),
        (512, 512),
        (513, 513),
        (1231, 1231),
        (1232, 1232),
        (1400, 1232),
        (4096, 1232),
        (65535, 1232),
    ],
)
def test_a_reply_is_as_large_as_both_allow(payload: int | None, limit: int) -> None:
    """M-44, ENV-14, ENV-15; with room for not even one more record, it is full."""
    size = size_over_udp(payload)
    assert limit - 16 < size <= limit


def test_a_big_set_is_truncated_and_then_whole_over_tcp() -> None:
    """2.2: bufsize=512, then +tcp."""
    query = oracle.query("big.shop.svc.cluster.local.", "A", edns=512)
    truncated, whole = BIG.respond(query, UDP), BIG.respond(query, TCP)
    assert isinstance(truncated, bytes)
    assert isinstance(whole, bytes)
    assert len(truncated) <= 512
    assert "TC" in oracle.read(truncated).flags
    assert "TC" not in oracle.read(whole).flags
    assert len(oracle.read(whole).answer) == 400


def test_the_size_is_no_limit_over_tcp() -> None:
    """RFC 6891, 6.2.5: it is about UDP."""
    query = oracle.query("big.shop.svc.cluster.local.", "A", edns=512)
    reply = BIG.respond(query, TCP)
    assert isinstance(reply, bytes)
    assert len(reply) > 400 * 16
