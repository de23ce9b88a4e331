"""Addresses of the inside in answers from the outside (C-08)."""

from __future__ import annotations

import ipaddress

import pytest

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.upstream.filters import Authority
from kubedns_py.upstream.rebinding import RebindingFilter
from tests.helpers.fake_forwarder import a_reply, no_such_name
from tests.helpers.replies import asking, lines_of, signature

NAMES = (from_text("ns.dns.cluster.local"), from_text("hostmaster.cluster.local"))
SOA = ". 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5"
FILTERED = ExtendedError(
    17, "all its addresses are private ones, which names outside may not have here"
)
WWW = asking("www.example.")
V6 = asking("www.example.", "AAAA")
OUTSIDE = "www.example. 300 IN A 192.0.2.80"


def a_filter(*networks: str) -> RebindingFilter:
    """Return a filter with further networks of the inside."""
    return RebindingFilter(map(ipaddress.ip_network, networks), Authority(*NAMES, 5))


def left(*records: str, ask: Ask = WWW) -> tuple[str, ...]:
    """Return the records that are left of an answer."""
    return lines_of(a_filter().outside_of(ask, a_reply(*records)).answer)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254"),
        *("0.0.0.0", "0.255.255.255"),
    ],
)
def test_ipv4_addresses_of_the_inside_are_taken_out(address: str) -> None:
    """C-08; RFC 1918, RFC 6598, RFC 1122, RFC 3927."""
    assert left(f"www.example. 300 IN A {address}") == ()


@pytest.mark.parametrize(
    "address",
    [
        *("9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255"),
        *("100.63.255.255", "100.128.0.0", "128.0.0.0", "169.253.255.255", "1.0.0.0"),
        "192.0.2.1",
    ],
)
def test_ipv4_addresses_beside_them_stay(address: str) -> None:
    """C-08: the borders."""
    record = f"www.example. 300 IN A {address}"

    assert left(record) == (record,)


@pytest.mark.parametrize(
    "address",
    [
        *("::", "::1", "fc00::", "fdff:ffff::1", "fe80::1", "febf::1"),
        *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "::10.0.0.1", "64:ff9b::192.168.0.1"),
    ],
)
def test_ipv6_addresses_of_the_inside_are_taken_out(address: str) -> None:
    """C-08; RFC 4193, RFC 4291; those that hold an IPv4 address of the inside too."""
    assert left(f"www.example. 300 IN AAAA {address}", ask=V6) == ()


@pytest.mark.parametrize(
    "address",
    ["fbff::1", "fe00::1", "fec0::1", "2001:db8::1", "::ffff:192.0.2.1", "64:ff9b::192.0.2.1"],
)
def test_ipv6_addresses_beside_them_stay(address: str) -> None:
    """C-08: the borders."""
    assert len(left(f"www.example. 300 IN AAAA {address}", ask=V6)) == 1


def test_the_clusters_own_networks_are_inside() -> None:
    """C-08: --local-cidrs, of both families."""
    cluster = a_filter("198.51.100.0/24", "2001:db8:1::/64")

    for ask, record in (
        (WWW, "www.example. 300 IN A 198.51.100.7"),
        (V6, "www.example. 300 IN AAAA 2001:db8:1::7"),
    ):
        assert cluster.outside_of(ask, a_reply(record)).answer == ()
    assert cluster.changed == 2


def test_where_no_address_is_left_there_are_no_data_and_the_reply_says_why() -> None:
    """C-08; RFC 2308, 2.2: NODATA with a SOA; RFC 8914, 4.18: EDE 17; not authenticated."""
    reply = a_filter().outside_of(
        WWW, a_reply("www.example. 300 IN A 10.0.0.1", authenticated=True)
    )

    assert (reply.rcode, reply.answer, reply.authoritative) == (0, (), False)
    assert lines_of(reply.authority) == (SOA,)
    assert reply.ede == FILTERED
    assert not reply.authenticated


def test_the_aliases_before_it_stay() -> None:
    """C-08: the denial is of the last name."""
    alias = "www.example. 60 IN CNAME lb.example."
    reply = a_filter().outside_of(WWW, a_reply(alias, "lb.example. 300 IN A 10.0.0.1"))

    assert lines_of(reply.answer + reply.authority) == (alias, SOA)


def test_an_address_of_the_outside_beside_it_stays() -> None:
    """C-08: as Unbound does; the answer is one, but not what was signed."""
    reply = a_filter().outside_of(
        WWW, a_reply("www.example. 300 IN A 10.0.0.1", OUTSIDE, authenticated=True)
    )

    assert lines_of(reply.answer) == (OUTSIDE,)
    assert (reply.authority, reply.ede, reply.authenticated) == ((), None, False)


def test_signatures_of_what_was_changed_go_and_others_stay() -> None:
    """C-08; RFC 4035, 5.3: they would not fit any more."""
    alias = ("www.example. 60 IN CNAME lb.example.", signature("www.example.", "CNAME", 60))
    changed = ("lb.example. 300 IN A 10.0.0.1", signature("lb.example.", "A"))
    of_both = signature("lb.example.", "NSEC")
    ask = asking("www.example.", do=True)
    reply = a_filter().outside_of(ask, a_reply(*alias, *changed, of_both))

    assert [line.split()[:5] for line in lines_of(reply.answer)] == [
        line.split()[:5] for line in (*alias, of_both)
    ]


def test_any_loses_its_addresses_alone() -> None:
    """C-08: what was asked does not matter."""
    text = 'www.example. 300 IN TXT "a"'
    ask = asking("www.example.", "ANY")

    assert left(text, "www.example. 300 IN A 10.0.0.1", ask=ask) == (text,)
    nothing = a_filter().outside_of(ask, a_reply("www.example. 300 IN A 10.0.0.1"))
    assert (nothing.answer, nothing.ede) == ((), FILTERED)


@pytest.mark.parametrize(
    "reply",
    [
        a_reply(OUTSIDE, authenticated=True),
        a_reply("www.example. 300 IN CNAME lb.example."),
        a_reply(),
        no_such_name(),
        Reply(2),
    ],
)
def test_what_has_none_is_the_same_object_and_not_counted(reply: Reply) -> None:
    """C-08: nothing is made anew for it."""
    whole = a_filter()

    assert whole.outside_of(WWW, reply) is reply
    assert whole.changed == 0


def test_each_reply_is_counted_once() -> None:
    """C-08: kubedns_forward_rebinding_total."""
    counting = a_filter()
    for last in range(3):
        records = (f"www.example. 300 IN A 10.0.0.{n}" for n in range(last + 1))
        counting.outside_of(WWW, a_reply(*records))

    assert counting.changed == 3
