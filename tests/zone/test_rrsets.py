"""RRsets of addresses and of ports."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.parts import parts_of
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rrset import AAAA, A, RRset, to_lines
from kubedns_py.zone.rrsets import (
    address_rrsets,
    in_order,
    joined_rrsets,
    part_rrsets,
    service_srv,
    srv_weight,
)
from tests.helpers.objects import a_port, a_subset, address

OWNER = from_text("db.shop.svc.d")
V4 = a_subset(["10.1.0.1", "10.1.0.2"])
V6 = a_subset(["fd00::1"])
BOTH = a_subset(["fd00::2", "10.1.0.3"])
AGAIN = a_subset(["10.1.0.2", "10.1.0.4"])


def addresses(rrset: RRset) -> list[str]:
    """Return the addresses in presentation format."""
    return [line.split()[-1] for line in to_lines(rrset)]


def test_each_family_stands_in_the_order_given_without_duplicates() -> None:
    """ENV-11, CIP-5."""
    given = ["10.1.0.2", "fd00::1", "10.1.0.1", "10.1.0.2"]

    rrsets = address_rrsets(OWNER, 30, map(address, given))

    assert {rtype: addresses(each) for rtype, each in rrsets.items()} == {
        A: ["10.1.0.2", "10.1.0.1"],
        AAAA: ["fd00::1"],
    }
    assert [each.rtype for each in in_order(dict(reversed(rrsets.items())))] == [A, AAAA]
    assert address_rrsets(OWNER, 30, ()) == {}


def test_one_part_has_the_rrsets_of_its_addresses() -> None:
    """HDL-5: of one family, or of both."""
    for subset in (V4, V6, BOTH):
        (part,) = parts_of([subset], "ready")

        assert part_rrsets(OWNER, 30, part) == address_rrsets(OWNER, 30, part.addresses)
    assert [addresses(each) for each in part_rrsets(OWNER, 30, part).values()] == [
        ["fd00::2"],
        ["10.1.0.3"],
    ]


@pytest.mark.parametrize("are_distinct", [False, True])
def test_the_parts_of_a_service_are_joined_in_their_order(*, are_distinct: bool) -> None:
    """HDL-5, HDL-14: a slice has one family, a subset of v1 Endpoints perhaps both."""
    parts = parts_of([V4, V6, BOTH], "ready")

    makers = joined_rrsets(OWNER, 30, parts, are_distinct=are_distinct)

    assert {rtype: addresses(make()) for rtype, make in makers.items()} == {
        A: ["10.1.0.1", "10.1.0.2", "10.1.0.3"],
        AAAA: ["fd00::1", "fd00::2"],
    }
    assert makers[A]().owner == OWNER
    assert makers[A]().ttl == 30


def test_an_address_in_two_parts_is_given_once() -> None:
    """ENV-11, HDL-12."""
    makers = joined_rrsets(OWNER, 30, parts_of([V4, AGAIN], "ready"), are_distinct=False)

    assert addresses(makers[A]()) == ["10.1.0.1", "10.1.0.2", "10.1.0.4"]


def test_the_ports_of_a_service_weigh_the_same_and_bring_its_addresses() -> None:
    """SRV-2, SRV-16, RFC 2782: a hundred among them, one at least; no port is given twice."""
    own = address_rrsets(OWNER, 30, map(address, ["fd00::a", "10.3.0.1"]))
    ports = [a_port(each) for each in ("a:80/tcp", "b:81/tcp", "c:0/tcp", "d:80/udp")]
    below = (b"_a", b"_tcp", *OWNER)

    rrset = service_srv(below, ports, OWNER, own)

    assert to_lines(rrset) == [
        "_a._tcp.db.shop.svc.d. 30 IN SRV 0 50 80 db.shop.svc.d.",
        "_a._tcp.db.shop.svc.d. 30 IN SRV 0 50 81 db.shop.svc.d.",
    ]
    assert [each.rtype for each in rrset.beside] == [A, AAAA]
    assert [srv_weight(records) for records in (1, 3, 100, 101, 5_000)] == [100, 33, 1, 1, 1]
