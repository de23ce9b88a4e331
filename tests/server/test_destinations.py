"""Where datagrams were sent to, from what the kernel says of them."""

from __future__ import annotations

import socket
import struct

import pytest

from kubedns_py.server.arrival import IPV4, IPV6
from kubedns_py.server.destinations import Destinations, bare

LOCAL = bytes((10, 0, 0, 10))


def test_a_bound_socket_has_one_destination_and_needs_no_word_of_the_kernel() -> None:
    """Nothing is asked for, and nothing given back."""
    destinations = Destinations("10.0.0.10", 53)

    assert destinations.info_octets == 0
    found = destinations.only
    assert found is not None
    assert found is destinations.of(b"")
    assert found.own == ("10.0.0.10", 53)
    assert found.ancillary == []
    assert found.arrival is not None
    assert (found.arrival.family, found.arrival.local) == (IPV4, LOCAL)


def test_a_link_local_address_is_ours_without_its_interface() -> None:
    """RFC 4007, 11: what stands behind the percent sign is local to the host."""
    found = Destinations("fe80::1%lo", 53).only

    assert found is not None
    assert found.own == ("fe80::1", 53)
    assert bare("fe80::1%lo") == "fe80::1"


def test_the_way_back_has_our_address_and_no_interface() -> None:
    """ip(7): the interface is where it came in; the way back is looked up."""
    destinations = Destinations("0.0.0.0", 53)
    found = destinations.of(struct.pack("=i4s4s", 3, LOCAL, LOCAL))

    assert (destinations.only, destinations.info_octets) == (None, 12)
    assert found.own == ("10.0.0.10", 53)
    assert found.arrival is not None
    assert (found.arrival.family, found.arrival.local) == (IPV4, LOCAL)
    assert found.ancillary == [(socket.IPPROTO_IP, 8, struct.pack("=i4s4s", 0, LOCAL, bytes(4)))]


@pytest.mark.parametrize(
    ("host", "info"),
    [
        ("0.0.0.0", struct.pack("=i4s4s", 3, LOCAL, bytes((10, 0, 0, 255)))),
        ("::", struct.pack("=16si", socket.inet_pton(socket.AF_INET6, "ff02::fb"), 3)),
    ],
    ids=["broadcast", "multicast"],
)
def test_what_was_sent_to_many_is_nobodys_to_answer(host: str, info: bytes) -> None:
    """M-49."""
    destinations = Destinations(host, 53)

    assert destinations.info_octets == len(info)
    assert destinations.of(info).arrival is None


def test_an_address_of_the_other_family() -> None:
    """Twenty octets instead of twelve."""
    local = socket.inet_pton(socket.AF_INET6, "2001:db8::53")
    found = Destinations("::", 53).of(struct.pack("=16si", local, 3))

    assert found.arrival is not None
    assert (found.arrival.family, found.arrival.local) == (IPV6, local)


def test_a_destination_is_made_once() -> None:
    """It is looked up for every datagram."""
    destinations = Destinations("0.0.0.0", 53)
    info = struct.pack("=i4s4s", 3, LOCAL, LOCAL)

    assert destinations.of(info) is destinations.of(bytes(info))
