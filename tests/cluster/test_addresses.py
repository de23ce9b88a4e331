"""Addresses and labels as texts, and what they become."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.cluster.addresses import (
    BadAddress,
    are_labels,
    endpoint_address,
    ipv4_addresses,
    is_target,
    label,
    packed,
    port_name,
)
from tests.helpers.objects import address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.1.0.1", "0a010001"),
        ("255.255.255.255", "ffffffff"),
        ("fd00::1", "fd000000000000000000000000000001"),
        ("FD00:0:0:0::0001", "fd000000000000000000000000000001"),
        ("::ffff:10.1.0.1", "00000000000000000000ffff0a010001"),
        ("::", "00000000000000000000000000000000"),
    ],
)
def test_an_address_becomes_octets(text: str, expected: str) -> None:
    """HDL-26: two spellings give one value."""
    assert packed(text) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.1.0",
        "10.1.0.1.2",
        "10.1.0.256",
        "010.1.0.1",
        "10.1.0.-1",
        " 10.1.0.1",
        "10.1.0.1/8",
        "fe80::1%eth0",
        "1::2::3",
        "web",
        "\u0661.1.1.1",
        "10.1.0.\u0661",
        "None",
        None,
        167837697,
    ],
)
def test_what_is_no_address_is_none(text: object) -> None:
    """CIP-12: leading zeros and zones are refused, as in Kubernetes."""
    assert packed(text) is None


@given(st.ip_addresses())
def test_every_address_is_packed_as_the_library_does(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    """The shortcut for IPv4 never disagrees."""
    assert packed(str(ip)) == ip.packed


@given(st.from_regex(r"[0-9.:]{1,20}", fullmatch=True))
def test_the_shortcut_never_takes_more_than_the_library(text: str) -> None:
    """What ipaddress refuses is refused."""
    try:
        expected: bytes | None = ipaddress.ip_address(text).packed
    except ValueError:
        expected = None

    assert packed(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nonsense", BadAddress.INVALID),
        ("169.254.0.1", BadAddress.LINK_LOCAL),
        ("fe80::1", BadAddress.LINK_LOCAL),
        ("febf::1", BadAddress.LINK_LOCAL),
        ("::ffff:10.1.0.1", BadAddress.IPV4_MAPPED),
        ("fec0::1", bytes.fromhex("fec00000000000000000000000000001")),
        ("169.253.0.1", bytes.fromhex("a9fd0001")),
    ],
)
def test_endpoints_have_no_local_addresses(text: str, expected: BadAddress | bytes) -> None:
    """HDL-27: dropped, with a word for a metric."""
    assert endpoint_address(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web", "web"),
        ("Web-0", "web-0"),
        ("0web", "0web"),
        ("a" * 63, "a" * 63),
        ("a" * 64, None),
        ("", None),
        ("-a", None),
        ("a-", None),
        ("a_b", None),
        ("a.b", None),
        ("a\n", None),
        ("\u212a", None),
    ],
)
def test_a_label_is_one_of_rfc_1123(text: str, expected: str | None) -> None:
    """BAD-1, BAD-3: lower case, a digit may come first; the Kelvin sign is no k."""
    assert label(text) == expected
    assert are_labels(["web", text]) == (text == expected)
    assert are_labels(["web", text, "db"]) == (text == expected)


@given(
    st.lists(
        st.text("aZ0-._\n\u212a", max_size=4) | st.sampled_from(["a" * 63, "a" * 64, "a-b", "a.b"])
    )
)
def test_labels_looked_at_together_are_those_looked_at_alone(texts: list[str]) -> None:
    """They are joined by dots, which stand in none of them."""
    assert are_labels(texts) == all(label(text) == text for text in texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.org", True),
        ("Example.ORG.", True),
        ("_a-b._tcp.c d", True),
        ("org", True),
        (f"{'a' * 63}.org", True),
        (".".join(["a" * 63] * 3 + ["a" * 61]), True),
        (".".join(["a" * 63] * 3 + ["a" * 61]) + ".", True),
        (".".join(["a" * 63] * 3 + ["a" * 62]), False),
        (f"{'a' * 64}.org", False),
        ("a..b", False),
        (".a", False),
        ("a..", False),
        (".", False),
        ("", False),
        ("b\u00fccher.example", False),
    ],
)
def test_the_target_of_an_alias_has_the_form_of_a_name(text: str, *, expected: bool) -> None:
    """EXT-15, BAD-2: no empty label, 63 octets in one and 253 in all; not the root (RFC 1035)."""
    assert is_target(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP", "http"),
        ("my_port", "my_port"),
        ("x" * 62, "x" * 62),
        ("x" * 63, None),
        ("", None),
        ("a.b", None),
        ("a b", None),
        ("\u212a", None),
    ],
)
def test_a_port_name_fits_into_a_label_with_its_underscore(text: str, expected: str | None) -> None:
    """BAD-4: underscores are literal; 63 octets are all that a label has (RFC 1035, 2.3.4)."""
    assert port_name(text) == expected


_TEXTS = st.lists(
    st.one_of(
        st.ip_addresses(v=4).map(str),
        st.sampled_from(
            ["10.1.0.1", "169.254.1.1", "10.169.254.1", "fd00::1", "1.2", "1.2.3.4.5.6", "01.2.3.4"]
        ),
        st.sampled_from(["", ".", "...", "1.2.3.x", "::ffff:1.2.3.4", None, 7, "\ud800"]),
        st.sampled_from(["1.2.3.256", "1.2.3.-0", "1.2.3.1e1", " 1.2.3.4", f"1.2.3.{9**40}"]),
        st.text("01.,", min_size=5, max_size=9),
    ),
    max_size=6,
)


@given(_TEXTS)
def test_addresses_read_together_are_those_read_one_by_one(texts: list[object]) -> None:
    """HDL-27: a fast way may decline, and never disagree."""
    one_by_one = [endpoint_address(text) for text in texts]
    plain = tuple(each for each in one_by_one if isinstance(each, bytes) and len(each) == 4)

    found = ipv4_addresses(texts)

    assert found == (plain if len(plain) == len(texts) else None)


def test_plain_addresses_are_read_together() -> None:
    """The test before this one would pass if all were declined."""
    both = address("10.1.0.1"), address("10.1.0.2")
    assert ipv4_addresses(["10.1.0.1", "10.1.0.2"]) == both
    assert ipv4_addresses(["10.169.254.1"]) == (address("10.169.254.1"),)
    assert ipv4_addresses(["10.169.254.1", "169.254.1.1"]) is None
