"""Socket addresses as the kernel has them."""

from __future__ import annotations

import socket

import pytest

from kubedns_py.server.sockaddr import NAME_OCTETS, NAME_ROOM, read_name, write_name


@pytest.mark.parametrize(
    "address",
    [
        ("10.1.2.3", 53),
        ("255.255.255.255", 65535),
        ("::1", 40000, 0, 0),
        ("2001:db8::7", 1, 0xFFFFF, 0),
        ("fe80::1", 65535, 0, 3),
    ],
)
def test_an_address_is_what_it_was(address: tuple[str, int]) -> None:
    """Both families, flows and interfaces."""
    octets = write_name(address)

    assert len(octets) == NAME_ROOM
    assert read_name(octets) == address


def test_the_name_of_an_interface_is_left_out() -> None:
    """Its number says the same (RFC 4007, 11)."""
    assert read_name(write_name(("fe80::1%lo", 53, 0, 1))) == ("fe80::1", 53, 0, 1)


def test_the_octets_are_those_of_the_system() -> None:
    """Family in the byte order of the machine, port and address in that of the network."""
    ipv4, ipv6 = write_name(("10.1.2.3", 0x1234)), write_name(("::2", 0x1234, 0x0ABCDE, 7))

    assert ipv4[2:8] == b"\x12\x34\x0a\1\2\3"
    assert ipv6[2:24] == b"\x12\x34\0\x0a\xbc\xde" + bytes(15) + b"\2"
    assert NAME_OCTETS == {socket.AF_INET: 16, socket.AF_INET6: 28}
    assert max(NAME_OCTETS.values()) == NAME_ROOM
    for octets, family in ((ipv4, socket.AF_INET), (ipv6, socket.AF_INET6)):
        assert memoryview(octets[:2]).cast("H")[0] == family
