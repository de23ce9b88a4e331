"""The SRV records of headless services."""

from __future__ import annotations

from itertools import product

import pytest

from kubedns_py.cluster.objects import Subset
from kubedns_py.cluster.parts import parts_of
from kubedns_py.dns.made import Later
from kubedns_py.dns.name import MAX_NAME, Name, from_text, to_wire, wire_length
from kubedns_py.dns.rrset import RRset, srv, to_lines
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.offers import Offers, port_labels
from tests.helpers.objects import a_port, a_subset
from tests.helpers.work import lines_run

NAMING = Naming(from_text("d"), 30)
OWNER = from_text("db.shop.svc.d")
HTTP = (b"_http", b"_tcp")
BELOW = (*HTTP, *OWNER)


def offers(*subsets: Subset, naming: Naming = NAMING, owner: Name = OWNER) -> Offers:
    """Return the records of a service with these endpoints."""
    return Offers(parts_of(subsets, "all"), naming, owner)


def records(rrset: RRset) -> list[str]:
    """Return weight, port and target of each record."""
    return [line.split(" ", 5)[5].removesuffix(".db.shop.svc.d.") for line in to_lines(rrset)]


def test_each_endpoint_is_offered_at_each_of_its_ports() -> None:
    """SRV-9, SRV-12: at the bare name unnamed ports too; those without a number nowhere."""
    found = offers(
        a_subset(["10.1.0.1 hostname=a", "10.1.0.2"], ["http:80/tcp", ":90/tcp", "x:0/tcp"]),
        a_subset(["fd00::1 hostname=a"], ["http:80/tcp"]),
    )

    assert records(found.rrset(OWNER)) == ["25 80 a", "25 90 a", "25 80 10-1-0-2", "25 90 10-1-0-2"]
    assert records(found.rrset(BELOW, HTTP)) == ["50 80 a", "50 80 10-1-0-2"]
    assert [to_lines(each) for each in found.rrset(BELOW, HTTP).beside] == [
        ["a.db.shop.svc.d. 30 IN A 10.1.0.1"],
        ["a.db.shop.svc.d. 30 IN AAAA fd00::1"],
        ["10-1-0-2.db.shop.svc.d. 30 IN A 10.1.0.2"],
    ]
    assert [found.are_any(), found.are_any(HTTP)] == [True, True]
    assert not found.are_any((b"_x", b"_tcp"))
    assert not found.are_any((b"_http", b"_udp"))
    assert not offers(a_subset(["10.1.0.1"])).are_any()


@pytest.mark.parametrize(
    ("naming", "targets"),
    [
        (NAMING, ["50 80 10-0-0-1", "50 80 a"]),
        (Naming(from_text("d"), 30, pod_names=True), ["33 80 10-0-0-1", "33 80 p-1", "33 80 a"]),
        (
            Naming(from_text("d"), 30, endpoint_names="hash"),
            ["33 80 3234633364383235", "33 80 10-0-0-1", "33 80 a"],
        ),
    ],
    ids=["dashed", "pod names", "hash"],
)
def test_two_endpoints_that_are_called_alike_are_one_target(
    naming: Naming, targets: list[str]
) -> None:
    """HDL-8, ENV-11: a hostname may look like the address of another endpoint."""
    endpoints = ["10.0.0.1 pod=p-1", "10.1.0.3 hostname=10-0-0-1", "10.1.0.4 hostname=a"]
    rrset = offers(a_subset(endpoints, ["http:80/tcp"]), naming=naming).rrset(OWNER)

    assert sorted(records(rrset)) == sorted(targets)
    assert [rrset.owner for rrset in rrset.beside] == [
        from_text(f"{each.split()[2]}.db.shop.svc.d") for each in records(rrset)
    ]


def test_endpoints_whose_name_would_be_too_long_are_not_offered() -> None:
    """BAD-2."""
    filler = MAX_NAME - wire_length(OWNER) - len("10-1-0-1")
    owner = (*[b"x" * 62] * (filler // 63), b"x" * (filler % 63 - 1), *OWNER)
    ports = ["http:80/tcp"]

    found = offers(a_subset(["10.1.0.1", "::1"], ports), owner=owner)

    assert list(found.rrset(owner).rdatas) == [srv(100, 80, (b"0--1", *owner))]
    assert not offers(a_subset(["10.1.0.1"], ports), owner=owner).are_any()


def wide(endpoints: int, *, word: str = "") -> list[Subset]:
    """Return slices of a hundred endpoints."""
    hosts = [f"10.2.{number >> 8}.{number & 255}{word}" for number in range(endpoints)]
    if word:
        hosts = [f"{host}{number}" for number, host in enumerate(hosts)]
    ports = ["http:80/tcp", ":90/tcp"]
    return [a_subset(hosts[start : start + 100], ports) for start in range(0, endpoints, 100)]


@pytest.mark.parametrize("word", ["", " hostname=db-"])
def test_many_records_are_what_they_would_be_if_all_were_made_at_once(word: str) -> None:
    """RFC 2782: in the same order, with all addresses beside them."""
    rrset = offers(*wide(300, word=word)).rrset(BELOW)
    labels = (
        [b"db-%d" % number for number in range(300)]
        if word
        else [b"10-2-%d-%d" % (number >> 8, number & 255) for number in range(300)]
    )

    assert rrset.rdatas == tuple(
        srv(1, port, (label, *OWNER)) for label, port in product(labels, (80, 90))
    )
    assert rrset.rdatas[17].endswith(to_wire((labels[8], *OWNER)))
    assert [each.owner[0] for each in rrset.beside] == labels
    assert {len(each.rdatas) for each in rrset.beside} == {1}


def test_thousands_of_records_cost_little_while_nobody_looks_at_them() -> None:
    """Reliability 5.4: a few lines for each endpoint, and none of them makes a name."""
    found = offers(*wide(5_000))

    assert lines_run(lambda: found.rrset(OWNER).rdatas[1_000:1_010]) < 7 * 5_000


@pytest.mark.parametrize("naming", [NAMING, Naming(from_text("d"), 30, "hash")])
def test_the_addresses_of_some_targets_are_those_among_all(naming: Naming) -> None:
    """HDL-14: ``--max-answers`` answers few of thousands, and makes no other's addresses."""
    parts = parts_of(wide(100), "all")
    beside = Offers(parts, naming, OWNER).rrset(OWNER).beside
    assert isinstance(beside, Later)

    names = [each.owner for each in beside]
    assert beside.of(names[70:73]) == beside[70:73]


def test_a_port_is_called_by_its_name_and_protocol() -> None:
    """2.3.2."""
    assert port_labels(a_port("http:80/tcp")) == (b"_http", b"_tcp")
