"""RRsets and their rdata, in wire form and for people (RFC 1035, 2782, 3596)."""

import pytest

from kubedns_py.dns.made import Made
from kubedns_py.dns.name import from_text, to_wire
from kubedns_py.dns.rrset import (
    AAAA,
    CNAME,
    HINFO,
    SOA,
    SRV,
    TXT,
    A,
    RRset,
    address_type,
    soa,
    srv,
    srv_target,
    to_lines,
    turned,
    txt,
    type_text,
)
from tests.helpers.objects import address

WEB = from_text("web.shop.svc.cluster.local")


def test_srv_rdata_has_priority_weight_port_and_the_whole_target() -> None:
    """RFC 2782: the target is not compressed."""
    rdata = srv(50, 5432, from_text("db-0.db"))

    assert rdata == b"\0\0\0\x32\x15\x38\4db-0\2db\0"
    assert srv_target(rdata) == (b"db-0", b"db")


def test_soa_rdata_has_names_serial_timers_and_the_negative_ttl() -> None:
    """ENV-6, RFC 1035, 3.3.13."""
    rdata = soa(from_text("ns.dns.d"), from_text("hostmaster.d"), 7, 5)

    assert rdata == (
        b"\2ns\3dns\1d\0\x0ahostmaster\1d\0"
        + bytes.fromhex("00000007 00001c20 00000708 00015180 00000005")
    )


def test_a_serial_beyond_32_bits_begins_anew() -> None:
    """RFC 1982, 3: serials are counted in 32 bits, and Unix time leaves them in 2106."""
    assert soa((), (), 2**32 + 3, 0)[2:6] == b"\0\0\0\3"


def test_text_rdata_is_character_strings() -> None:
    """RFC 1035, 3.3.14."""
    assert txt(b"RFC8482", b"") == b"\7RFC8482\0"


def test_four_octets_are_an_a_record_and_sixteen_an_aaaa_record() -> None:
    """RFC 3596, 2.1."""
    assert address_type(address("10.0.0.1")) == A
    assert address_type(address("fd00::1")) == AAAA


@pytest.mark.parametrize(
    ("rtype", "text"), [(1, "A"), (28, "AAAA"), (65, "HTTPS"), (65280, "TYPE65280"), (0, "TYPE0")]
)
def test_a_type_is_spelled_by_its_mnemonic_or_its_number(rtype: int, text: str) -> None:
    """RFC 3597, 5; M-27."""
    assert type_text(rtype) == text


@pytest.mark.parametrize(
    ("rtype", "rdatas", "lines"),
    [
        (
            A,
            (address("10.0.0.1"), address("10.0.0.2")),
            [
                "web.shop.svc.cluster.local. 30 IN A 10.0.0.1",
                "web.shop.svc.cluster.local. 30 IN A 10.0.0.2",
            ],
        ),
        (
            AAAA,
            (address("fd00:0:0:1::5"),),
            ["web.shop.svc.cluster.local. 30 IN AAAA fd00:0:0:1::5"],
        ),
        (CNAME, (to_wire(from_text("a.b")),), ["web.shop.svc.cluster.local. 30 IN CNAME a.b."]),
        (
            SRV,
            (srv(100, 80, WEB),),
            [f"{'web.shop.svc.cluster.local.'} 30 IN SRV 0 100 80 web.shop.svc.cluster.local."],
        ),
        (TXT, (txt(b"1.1.0"),), ['web.shop.svc.cluster.local. 30 IN TXT "1.1.0"']),
        (
            HINFO,
            (txt(b"RFC8482", b""),),
            [r"web.shop.svc.cluster.local. 30 IN HINFO \# 9 075246433834383200"],
        ),
        (
            SOA,
            (soa(from_text("ns.d"), from_text("h.d"), 9, 5),),
            ["web.shop.svc.cluster.local. 30 IN SOA ns.d. h.d. 9 7200 1800 86400 5"],
        ),
    ],
    ids=["A", "AAAA", "CNAME", "SRV", "TXT", "HINFO", "SOA"],
)
def test_records_are_shown_in_presentation_format(
    rtype: int, rdatas: tuple[bytes, ...], lines: list[str]
) -> None:
    """RFC 1035, 5.1; RFC 5952; RFC 3597, 5 for what dnslib has no words for."""
    assert to_lines(RRset(WEB, rtype, 30, rdatas)) == lines


@pytest.mark.parametrize(
    ("turn", "most", "expected"),
    [(0, 3, b"abc"), (1, 3, b"bca"), (5, 3, b"cab"), (2, 2, b"ca"), (1, 1, b"b"), (4, 99, b"bca")],
)
def test_records_are_taken_from_a_circle(turn: int, most: int, expected: bytes) -> None:
    """ENV-10: each comes first in turn, those that are left out too."""
    values = (b"a", b"b", b"c")

    for rdatas in (values, Made(values, bytes)):
        assert b"".join(turned(rdatas, turn, most)) == expected
