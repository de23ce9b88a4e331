"""Opens the sockets that DNS is served on, before anything else in start-up.

Rules of this file:

- It opens and sets options; it reads and answers nothing. What serves may live elsewhere later.
- All or nothing: after a StartError no socket is left open.
- A port that cannot be had is one line that names the address, the error and what to do.
- IPv4 and IPv6 are separate sockets (IPV6_V6ONLY), so that addresses are never mapped.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from kubedns_py.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)

ANY_IPV4 = "0.0.0.0"
ANY_IPV6 = "::"

_RECEIVE_OCTETS = 4 * 1024 * 1024
"""Asked of SO_RCVBUF: a burst is kept for us while a wake-up works (reliability row L-11)."""

_SEND_OCTETS = 64 * 1024
"""SO_SNDBUF of a TCP connection: what the kernel may hold for a client that does not read."""

_BACKLOG = 1024
"""Connections that wait for accept(2); the kernel clamps it to net.core.somaxconn."""

_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
"""Linux, ``<bits/in.h>``; Python names it from 3.14 on."""

_PORT_TRIES = 32
"""With port 0: how often a number that is free for TCP may turn out taken for UDP."""

_NO_IPV6 = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))

_ADVICE = {
    errno.EADDRINUSE: "stop what uses it, or choose another --dns-port or --dns-bind-address",
    errno.EACCES: "add the capability NET_BIND_SERVICE, or choose a --dns-port from 1024 on",
    errno.EPERM: "add the capability NET_BIND_SERVICE, or choose a --dns-port from 1024 on",
    errno.EADDRNOTAVAIL: "this host does not have that address; correct --dns-bind-address",
    errno.EAFNOSUPPORT: "this host does not have IPv6; leave it out of --dns-bind-address",
    errno.EMFILE: "raise the limit of open files (ulimit -n),",
    errno.ENFILE: "this host has too many files open; stop what opens them",
    errno.EINVAL: "a link-local address needs its interface, as in fe80::1%eth0",
}


class Listeners(NamedTuple):
    """Open sockets, non-blocking, UDP bound and TCP listening.

    Attributes:
        port: the number they all share, 1 to 65535.
        udp: one socket per address, in the order given.
        tcp: the same for TCP.
    """

    port: int
    udp: tuple[socket.socket, ...]
    tcp: tuple[socket.socket, ...]

    def __str__(self) -> str:
        """Return the addresses served, for the log: ``0.0.0.0:53, [::]:53``."""
        return ", ".join(_shown(sock.getsockname()) for sock in self.udp)

    def close(self) -> None:
        """Close every socket. Twice is harmless."""
        for sock in (*self.udp, *self.tcp):
            sock.close()


class _Place(NamedTuple):
    """An address to listen on, as getaddrinfo gives it (port 0)."""

    family: socket.AddressFamily
    sockaddr: tuple[Any, ...]

    @property
    def host(self) -> str:
        return str(self.sockaddr[0])

    def at(self, port: int) -> tuple[Any, ...]:
        return (self.sockaddr[0], port, *self.sockaddr[2:])


def open_listeners(addresses: Sequence[str], port: int) -> Listeners:
    """Open a UDP and a TCP socket for each address.

    Args:
        addresses: IP addresses in text, a link-local one with its interface (``fe80::1%eth0``).
            ``::`` beside ``0.0.0.0`` (the default) is served where the host has IPv6; alone, or
            beside others, it must be there.
        port: 0 to 65535. With 0 the system chooses one number for all of them.

    Raises:
        StartError: an address is none, or cannot be listened on.
    """
    places = tuple(dict.fromkeys(_place(address) for address in addresses))
    if not places:
        raise StartError("cannot serve DNS: no address to listen on; give --dns-bind-address")
    listeners = _open_all(places, port) if port else _open_at_a_free_port(places)
    _say_if_clamped(listeners.udp)
    return listeners


def _place(address: str) -> _Place:
    try:
        ipaddress.ip_address(address)
        found = socket.getaddrinfo(address, 0, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)
    except ValueError:
        raise StartError(
            f"cannot listen on {address!r}: it is not an IP address; correct --dns-bind-address"
        ) from None
    except socket.gaierror as error:
        raise StartError(
            f"cannot listen on {address}: {error.strerror}; correct --dns-bind-address"
        ) from error
    family, _, _, _, sockaddr = found[0]
    return _Place(family, sockaddr)


def _open_at_a_free_port(places: Sequence[_Place]) -> Listeners:
    for _ in range(_PORT_TRIES - 1):
        try:
            return _open_all(places, 0)
        except StartError as refusal:
            if _errno(refusal) != errno.EADDRINUSE:
                raise
    return _open_all(places, 0)


def _open_all(places: Sequence[_Place], port: int) -> Listeners:
    """Open all of them at one port; the first TCP socket chooses it when ``port`` is 0."""
    udp: list[socket.socket] = []
    tcp: list[socket.socket] = []
    with contextlib.ExitStack() as undo:
        for place in places:
            try:
                tcp.append(undo.enter_context(_open(place, socket.SOCK_STREAM, port)))
                port = tcp[-1].getsockname()[1]
                udp.append(undo.enter_context(_open(place, socket.SOCK_DGRAM, port)))
            except StartError as refusal:
                if _errno(refusal) not in _NO_IPV6 or not _is_optional(place, places):
                    raise
                _log.info("this host does not have IPv6: serving IPv4 only")
        undo.pop_all()
    return Listeners(port, tuple(udp), tuple(tcp))


def _is_optional(place: _Place, places: Sequence[_Place]) -> bool:
    return place.host == ANY_IPV6 and any(other.host == ANY_IPV4 for other in places)


def _open(place: _Place, kind: socket.SocketKind, port: int) -> socket.socket:
    with contextlib.ExitStack() as undo:
        try:
            sock = undo.enter_context(socket.socket(place.family, kind))
            sock.settimeout(0)
            if place.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            (_bind_tcp if kind == socket.SOCK_STREAM else _bind_udp)(sock, place, port)
        except OSError as error:
            raise _refusal(place, kind, port, error) from error
        undo.pop_all()
    return sock


def _bind_tcp(sock: socket.socket, place: _Place, port: int) -> None:
    # Restarting must not wait for connections of the last process to leave TIME_WAIT.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # accepted connections inherit it
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_OCTETS)
    sock.bind(place.at(port))
    sock.listen(_BACKLOG)


def _bind_udp(sock: socket.socket, place: _Place, port: int) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_OCTETS)
    # On a wildcard socket, each datagram is to say which of our addresses it was sent to.
    if place.host == ANY_IPV4:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    elif place.host == ANY_IPV6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    sock.bind(place.at(port))


def _refusal(place: _Place, kind: socket.SocketKind, port: int, error: OSError) -> StartError:
    protocol = "TCP" if kind == socket.SOCK_STREAM else "UDP"
    number = error.errno or 0
    name = errno.errorcode.get(number, str(number))
    advice = _ADVICE.get(number, "correct --dns-bind-address or --dns-port")
    where = f"{_shown(place.at(port))} ({protocol})"
    return StartError(f"cannot listen on {where}: {error.strerror} ({name}); {advice}")


def _errno(refusal: StartError) -> int | None:
    return refusal.__cause__.errno if isinstance(refusal.__cause__, OSError) else None


def _shown(sockaddr: tuple[Any, ...]) -> str:
    host, number = socket.getnameinfo(sockaddr, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    return f"[{host}]:{number}" if ":" in host else f"{host}:{number}"


def _say_if_clamped(sockets: Sequence[socket.socket]) -> None:
    # Linux keeps, and reports, twice what was granted (socket(7)).
    granted = min(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2 for s in sockets)
    if granted < _RECEIVE_OCTETS:
        _log.info(
            "the UDP receive buffer is %d octets of the %d asked for; "
            "raise net.core.rmem_max on the node if bursts are dropped",
            granted,
            _RECEIVE_OCTETS,
        )
