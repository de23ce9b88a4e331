"""Addresses and their reverse names (RFC 1035, 3.5; RFC 3596, 2.5)."""

import ipaddress

import pytest

from kubedns_py.dns.name import from_text, to_text
from kubedns_py.dns.reverse import (
    IN_ADDR_ARPA,
    IP6_ARPA,
    NotAnAddress,
    read_reverse,
    read_reverse_prefix,
    reverse_apex,
    reverse_name,
    reverse_zones,
)
from tests.helpers.objects import address

FD00_5 = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa."
V6_NIBBLES = ".".join("0" * 31)


@pytest.mark.parametrize(
    ("text", "name"),
    [("10.96.0.1", "1.0.96.10.in-addr.arpa."), ("fd00::5", FD00_5)],
)
def test_an_address_and_its_reverse_name_turn_into_each_other(text: str, name: str) -> None:
    """PTR-1, PTR-2."""
    assert to_text(reverse_name(address(text))) == name
    assert read_reverse(from_text(name)) == address(text)


@pytest.mark.parametrize(
    ("name", "apex"),
    [
        ("in-addr.arpa", IN_ADDR_ARPA),
        ("1.0.96.10.in-addr.arpa", IN_ADDR_ARPA),
        ("ip6.arpa", IP6_ARPA),
        ("x.ip6.arpa", IP6_ARPA),
        ("arpa", None),
        ("e164.arpa", None),
        ("xin-addr.arpa", None),
        ("in-addr.arpa.cluster.local", None),
        (".", None),
    ],
)
def test_the_apex_of_a_reverse_name_goes_by_labels(
    name: str, apex: tuple[bytes, ...] | None
) -> None:
    """ENV-7."""
    assert reverse_apex(from_text(name)) == apex


@pytest.mark.parametrize(
    "name",
    ["in-addr.arpa", "10.in-addr.arpa", "0.96.10.in-addr.arpa", "ip6.arpa", "d.f.ip6.arpa"],
)
def test_too_few_labels_are_part_of_an_address(name: str) -> None:
    """APX-14, PTR-12."""
    assert read_reverse(from_text(name)) is NotAnAddress.PARTIAL


@pytest.mark.parametrize(
    "name",
    [
        "256.0.96.10.in-addr.arpa",
        "01.0.96.10.in-addr.arpa",
        "1.1.0.96.10.in-addr.arpa",
        "x.in-addr.arpa",
        "0/25.0.96.10.in-addr.arpa",
        "lb._dns-sd._udp.0.96.10.in-addr.arpa",
    ],
)
def test_other_names_under_in_addr_arpa_are_somebody_elses(name: str) -> None:
    """PTR-15: classless delegations (RFC 2317), service discovery (RFC 6763)."""
    assert read_reverse(from_text(name)) is NotAnAddress.FOREIGN


def test_service_discovery_under_ip6_arpa_is_somebody_elses() -> None:
    """RFC 6763, 11."""
    assert read_reverse(from_text("lb._dns-sd._udp.d.f.ip6.arpa")) is NotAnAddress.FOREIGN


@pytest.mark.parametrize(
    "name",
    ["x.ip6.arpa", "10.d.f.ip6.arpa", f"0.0.{V6_NIBBLES}.ip6.arpa", f"g.{V6_NIBBLES}.ip6.arpa"],
    ids=["no nibble", "two digits", "33 nibbles", "no nibble at the end"],
)
def test_nothing_else_can_exist_under_ip6_arpa(name: str) -> None:
    """A-10."""
    assert read_reverse(from_text(name)) is NotAnAddress.MALFORMED


def test_nibbles_are_read_in_either_case() -> None:
    """ENV-9: names are folded before."""
    assert read_reverse(from_text(FD00_5.upper())) == address("fd00::5")


def test_a_prefix_is_given_most_significant_part_first() -> None:
    """RFC 1035, 3.5."""
    assert read_reverse_prefix(from_text("96.10.in-addr.arpa")) == [10, 96]
    assert read_reverse_prefix(from_text("0.d.f.ip6.arpa")) == [15, 13, 0]
    assert read_reverse_prefix(from_text("in-addr.arpa")) == []
    assert read_reverse_prefix(from_text("x.in-addr.arpa")) is NotAnAddress.FOREIGN


@pytest.mark.parametrize(
    ("network", "zones"),
    [
        ("10.0.0.0/8", ["10.in-addr.arpa."]),
        ("10.96.0.0/14", [f"{n}.10.in-addr.arpa." for n in (96, 97, 98, 99)]),
        ("192.0.2.7/32", ["7.2.0.192.in-addr.arpa."]),
        ("0.0.0.0/0", ["in-addr.arpa."]),
        ("fe80::/10", [f"{nibble}.e.f.ip6.arpa." for nibble in "89ab"]),
        ("::/0", ["ip6.arpa."]),
    ],
)
def test_a_network_is_cut_where_a_reverse_zone_can_begin(network: str, zones: list[str]) -> None:
    """ENV-7: at the next octet or nibble below its prefix."""
    assert list(map(to_text, reverse_zones(ipaddress.ip_network(network)))) == zones
