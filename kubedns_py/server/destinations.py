"""The addresses that datagrams are sent to: what an answer may depend on, and where it leaves from.

A reply must leave from the address that was asked, or the client does not take it; with more than
one address the routing table alone would choose another (RFC 2181, 4.1).
"""

from __future__ import annotations

import ipaddress
import socket
import struct
from typing import Any, Protocol

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, IPV6, Arrival
from kubedns_py.structs import Struct

_MOST = 1024
"""Destinations remembered per wildcard socket; a host rarely has more than ten addresses."""

_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
_PKTINFO4 = struct.Struct("=i4s4s")
"""``struct in_pktinfo``: interface, our address, the header's destination (ip(7))."""
_PKTINFO6 = struct.Struct("=16si")
"""``struct in6_pktinfo``: the header's destination, interface (RFC 3542, 6.1)."""
_IPV4_OCTETS = 4

Ancillary = list[tuple[int, int, bytes]]
"""As ``socket.sendmsg`` takes it: level, type, data."""


class Destination(Struct, frozen=True):
    """A destination that queries come to.

    Attributes:
        own: (host, port) as it would look as a source.
        arrival: None where nothing is to be answered.
        ancillary: makes the kernel send from that address; empty where the socket is bound to it.
    """

    own: tuple[str, int]
    arrival: Arrival | None
    ancillary: Ancillary


class Bound(Protocol):
    """A socket that is bound to an address."""

    def getsockname(self) -> Any:
        """Return the address: (host, port, ...)."""


class Destinations:
    """The destinations of one UDP socket.

    Args:
        host: what the socket is bound to, as text.
        port: 1 to 65535.

    Attributes:
        only: the one that there is, or None for a socket that is bound to every address.
        info_octets: length of what the kernel says of a datagram's destination; 0 where it says
            nothing.
    """

    def __init__(self, host: str, port: int) -> None:
        address = ipaddress.ip_address(bare(host))
        self.only: Destination | None = None
        self.info_octets = 0
        self._port = port
        self._known: dict[bytes, Destination] = {}
        if address.is_unspecified:
            self.info_octets = (_PKTINFO4 if address.version == 4 else _PKTINFO6).size
        else:
            self.only = Destination((bare(host), port), _arrival(address.packed), [])

    def of(self, info: bytes) -> Destination:
        """Return where a datagram was sent to, by what the kernel says of it (``IP_PKTINFO``)."""
        if self.only is not None:
            return self.only
        return self._known.get(info) or self._learn(info)

    def _learn(self, info: bytes) -> Destination:
        if len(self._known) >= _MOST:
            self._known.clear()
        read = _read_pktinfo4 if len(info) == _PKTINFO4.size else _read_pktinfo6
        found = self._known[info] = read(info, self._port)
        return found


def _read_pktinfo4(info: bytes, port: int) -> Destination:
    """Read an ``in_pktinfo``.

    The kernel gives the header's destination and the address of ours that it stands for. They
    differ for broadcast and multicast only.
    """
    _, local, destination = _PKTINFO4.unpack(info)
    # Interface 0: the way back is looked up, it need not be the way it came.
    answer_from = _PKTINFO4.pack(0, local, bytes(4))
    return Destination(
        own=(socket.inet_ntop(socket.AF_INET, local), port),
        arrival=_arrival(local) if local == destination else None,
        ancillary=[(socket.IPPROTO_IP, _IP_PKTINFO, answer_from)],
    )


def _read_pktinfo6(info: bytes, port: int) -> Destination:
    """Read an ``in6_pktinfo``."""
    local, interface = _PKTINFO6.unpack(info)
    address = ipaddress.IPv6Address(local)
    # A link-local address exists once per interface (RFC 4007, 6): there it must be named.
    answer_from = _PKTINFO6.pack(local, interface if address.is_link_local else 0)
    return Destination(
        own=(str(address), port),
        arrival=None if address.is_multicast else _arrival(local),
        ancillary=[(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, answer_from)],
    )


def bare(host: str) -> str:
    """Return an address without its interface (RFC 4007, 11)."""
    return host.partition("%")[0]


def _arrival(local: bytes) -> Arrival:
    return Arrival("udp", IPV4 if len(local) == _IPV4_OCTETS else IPV6, Address(local))


def family_of(sock: Bound) -> int:
    """Return the family of a socket's address: ``IPV4`` or ``IPV6``."""
    return IPV6 if ":" in sock.getsockname()[0] else IPV4
