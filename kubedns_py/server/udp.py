"""Serves DNS over UDP: reads datagrams from open sockets, sends each reply from the address asked.

Rules of this file:

- The event loop says that a socket is readable; then up to ``BURST`` datagrams are read, so that
  TCP, watches and timers get their turns under any load.
- Nothing is queued: what cannot be sent now is dropped and counted. The client asks again.
- In a burst what we know is answered first; only then is anybody asked for what we do not, which
  takes longer, so that names of the outside are not in the way of the cluster's.
- The path of one datagram makes no objects but the two messages, and logs nothing; one object more
  for a reply that is waited for.
- Nothing that arrives raises out of a reader.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.query import ID_OCTETS
from kubedns_py.server.arrival import IPV4, IPV6, Arrival, guarded
from kubedns_py.server.repeating import SettledSoon
from kubedns_py.server.waiting import DatagramReplies, Waited, count_unsent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubedns_py.server.arrival import OnPanic, Repeats, Respond

BURST = 64
"""Datagrams read per wake-up and socket."""

MAX_DATAGRAM = 65535
"""Octets read at most: more than any UDP payload, so nothing is ever cut short."""

COUNTS = (
    *("odd_port", "own_source", "not_unicast", "receive_error"),
    *("send_full", "send_error", "late"),
)
"""What is counted, each a datagram that was dropped:

``odd_port`` source port 0 or that of a service that answers anything (M-47); ``own_source`` source
is the very socket it came to (M-48); ``not_unicast`` sent to a broadcast or multicast address
(M-49); ``receive_error`` an ICMP error that the kernel passed on; ``send_full`` the socket had no
room for the reply; ``send_error`` the kernel refused the reply; ``late`` a reply that took too long
for a client that waits for many (C-27).
"""

_ODD_PORTS = frozenset((0, 7, 13, 17, 19, 37))
"""No source, and echo, daytime, quote of the day, character generator, time (IANA registry)."""

_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
_PKTINFO4 = struct.Struct("=i4s4s")
"""``struct in_pktinfo``: interface, our address, the header's destination (ip(7))."""
_PKTINFO6 = struct.Struct("=16si")
"""``struct in6_pktinfo``: the header's destination, interface (RFC 3542, 6.1)."""
_ANCILLARY_OCTETS = 64
"""Room for either of them with its header."""

_MAX_ROUTES = 1024
"""Destinations remembered per wildcard socket; a host rarely has more than ten addresses."""

_SO_MEMINFO = 55
"""Linux, ``<asm-generic/socket.h>``: nine 32-bit numbers, the last one the socket's drops."""
_MEMINFO = struct.Struct("=9I")

_IPV4_OCTETS = 4

_LOOK_S = 0.05
"""How often a drain looks whether anything came."""


class DatagramSocket(Protocol):
    """What a server needs of a bound, non-blocking UDP socket; addresses as in ``socket``."""

    def fileno(self) -> int:
        """Return the descriptor that the event loop watches."""

    def getsockname(self) -> Any:
        """Return the address bound to, (host, port, ...)."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return the octets of an option."""

    def recvfrom(self, size: int, /) -> tuple[bytes, Any]:
        """Return (datagram, source), or raise OSError."""

    def recvmsg(self, size: int, ancillary: int, /) -> tuple[bytes, list[Any], int, Any]:
        """Return (datagram, ancillary data, flags, source), or raise OSError."""

    def sendto(self, data: bytes, address: Any, /) -> int:
        """Send a datagram, or raise OSError."""

    def sendmsg(self, data: list[bytes], ancillary: list[Any], flags: int, to: Any, /) -> int:
        """Send a datagram with ancillary data, or raise OSError."""

    def close(self) -> None:
        """Close the socket."""


class UdpServer:
    """Answers what arrives on a set of UDP sockets. It owns them from now on.

    Attributes:
        counts: datagrams dropped since the start, by the words of ``COUNTS``.
    """

    def __init__(
        self,
        sockets: Sequence[DatagramSocket],
        respond: Respond,
        *,
        on_panic: OnPanic,
        repeats: Callable[[int], Repeats | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = dict.fromkeys(COUNTS, 0)
        self._sockets = tuple(sockets)
        self._replies = DatagramReplies(self.counts, clock=clock, on_panic=on_panic)
        safe = guarded(respond, on_panic)
        self._readers = [
            (_WildcardReader if _is_wildcard(sock) else _BoundReader)(
                sock, safe, self.counts, self._replies, _settled_soon(repeats, sock)
            )
            for sock in self._sockets
        ]

    @property
    def waiting(self) -> int:
        """Replies that are waited for now."""
        return self._replies.waiting

    def start(self) -> None:
        """Begin to answer, on the running event loop."""
        loop = asyncio.get_running_loop()
        for sock, reader in zip(self._sockets, self._readers, strict=True):
            loop.add_reader(sock.fileno(), reader.wake)

    async def drain(self, *, quiet_s: float = 1.0, deadline_s: float = 5.0) -> None:
        """Go on answering until all is answered and nothing came for ``quiet_s``.

        At most ``deadline_s`` in all, whatever is waited for then.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        seen, quiet_since = self._wakes(), loop.time()
        while loop.time() < (end if self.waiting else min(end, quiet_since + quiet_s)):
            await asyncio.sleep(_LOOK_S)
            if self._wakes() != seen:
                seen, quiet_since = self._wakes(), loop.time()

    def close(self) -> None:
        """Stop answering and close the sockets. Twice is harmless, and so is a reply after it."""
        self._replies.close()
        for sock in self._sockets:
            if sock.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(sock.fileno())
                sock.close()

    def kernel_drops(self) -> int:
        """Return how many datagrams the kernel dropped because a receive buffer was full."""
        return sum(
            _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[-1]
            for sock in self._sockets
            if sock.fileno() >= 0
        )

    def _wakes(self) -> int:
        return sum(reader.wakes for reader in self._readers)


class _BoundReader:
    """Answers on a socket that is bound to one address."""

    def __init__(
        self,
        sock: DatagramSocket,
        respond: Respond,
        counts: dict[str, int],
        replies: DatagramReplies,
        repeats: SettledSoon,
    ) -> None:
        self.wakes = 0
        self._sock = sock
        self._respond = respond
        self._counts = counts
        self._replies = replies
        self._repeats = repeats
        host, port = sock.getsockname()[:2]
        self._own = (_bare(host), port)
        self._arrival = _arrival(ipaddress.ip_address(_bare(host)).packed)
        self._looked_at = _ODD_PORTS | {port}

    def wake(self) -> None:
        """Answer what has arrived, up to ``BURST`` datagrams."""
        self.wakes += 1
        self._repeats.begin()
        self._repeats.end(self._answer_burst())

    def _answer_burst(self) -> int:
        """Return how many datagrams there were."""
        receive, send, respond = self._sock.recvfrom, self._sock.sendto, self._respond
        arrival, looked_at, repeat = self._arrival, self._looked_at, self._repeats.repeat
        later: list[Waited] = []
        datagrams = BURST
        for number in range(BURST):
            try:
                message, source = receive(MAX_DATAGRAM)
            except BlockingIOError:
                datagrams = number
                break
            except OSError:
                self._counts["receive_error"] += 1
                continue
            if source[1] in looked_at and _is_refused(source, self._own, self._counts):
                continue
            known = repeat(message[ID_OCTETS:])
            reply = respond(message, arrival) if known is None else message[:ID_OCTETS] + known
            if isinstance(reply, bytes):
                try:
                    send(reply, source)
                except OSError as error:
                    count_unsent(error, self._counts)
            elif reply is not None:
                later.append((reply, source, []))
        self._replies.begin_all(later, self._sock)
        return datagrams


@dataclass(frozen=True, slots=True)
class _Route:
    """A destination that queries come to.

    Attributes:
        own: (host, port) as it would look as a source.
        arrival: None where nothing is to be answered.
        ancillary: makes the kernel send from that address.
    """

    own: tuple[str, int]
    arrival: Arrival | None
    ancillary: list[tuple[int, int, bytes]]


class _WildcardReader:
    """Answers on a socket that is bound to every address of a family.

    A reply must leave from the address that was asked, or the client does not take it; with more
    than one address the routing table alone would choose another (RFC 2181, 4.1).
    """

    def __init__(
        self,
        sock: DatagramSocket,
        respond: Respond,
        counts: dict[str, int],
        replies: DatagramReplies,
        repeats: SettledSoon,
    ) -> None:
        self.wakes = 0
        self._sock = sock
        self._respond = respond
        self._counts = counts
        self._replies = replies
        self._repeats = repeats
        self._port: int = sock.getsockname()[1]
        self._looked_at = _ODD_PORTS | {self._port}
        self._routes: dict[bytes, _Route] = {}

    def wake(self) -> None:
        """Answer what has arrived, up to ``BURST`` datagrams."""
        self.wakes += 1
        self._repeats.begin()
        self._repeats.end(self._answer_burst())

    def _answer_burst(self) -> int:
        """Return how many datagrams there were."""
        receive, routes, looked_at = self._sock.recvmsg, self._routes, self._looked_at
        later: list[Waited] = []
        datagrams = BURST
        for number in range(BURST):
            try:
                message, ancillary, _, source = receive(MAX_DATAGRAM, _ANCILLARY_OCTETS)
            except BlockingIOError:
                datagrams = number
                break
            except OSError:
                self._counts["receive_error"] += 1
                continue
            destination = ancillary[0][2]
            route = routes.get(destination) or self._learn(destination)
            if source[1] in looked_at and _is_refused(source, route.own, self._counts):
                continue
            self._answer(message, source, route, later)
        self._replies.begin_all(later, self._sock)
        return datagrams

    def _answer(self, message: bytes, source: Any, route: _Route, later: list[Waited]) -> None:
        if route.arrival is None:
            self._counts["not_unicast"] += 1
            return
        known = self._repeats.repeat(message[ID_OCTETS:])
        if known is None:
            reply = self._respond(message, route.arrival)
        else:
            reply = message[:ID_OCTETS] + known
        if isinstance(reply, bytes):
            try:
                self._sock.sendmsg([reply], route.ancillary, 0, source)
            except OSError as error:
                count_unsent(error, self._counts)
        elif reply is not None:
            later.append((reply, source, route.ancillary))

    def _learn(self, destination: bytes) -> _Route:
        if len(self._routes) >= _MAX_ROUTES:
            self._routes.clear()
        read = _read_pktinfo4 if len(destination) == _PKTINFO4.size else _read_pktinfo6
        route = self._routes[destination] = read(destination, self._port)
        return route


def _read_pktinfo4(pktinfo: bytes, port: int) -> _Route:
    """Return the way back for a datagram with this ``in_pktinfo``.

    The kernel gives the header's destination and the address of ours that it stands for. They
    differ for broadcast and multicast only.
    """
    _, local, destination = _PKTINFO4.unpack(pktinfo)
    # Interface 0: the way back is looked up, it need not be the way it came.
    answer_from = _PKTINFO4.pack(0, local, bytes(4))
    return _Route(
        own=(socket.inet_ntop(socket.AF_INET, local), port),
        arrival=_arrival(local) if local == destination else None,
        ancillary=[(socket.IPPROTO_IP, _IP_PKTINFO, answer_from)],
    )


def _read_pktinfo6(pktinfo: bytes, port: int) -> _Route:
    """Return the way back for a datagram with this ``in6_pktinfo``."""
    local, interface = _PKTINFO6.unpack(pktinfo)
    address = ipaddress.IPv6Address(local)
    # A link-local address exists once per interface (RFC 4007, 6): there it must be named.
    answer_from = _PKTINFO6.pack(local, interface if address.is_link_local else 0)
    return _Route(
        own=(str(address), port),
        arrival=None if address.is_multicast else _arrival(local),
        ancillary=[(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, answer_from)],
    )


def _is_refused(source: Any, own: tuple[str, int], counts: dict[str, int]) -> bool:
    """Whether a datagram is dropped for where it says that it comes from (M-47, M-48).

    An answer to such a source would start a conversation of two programs, or of one with itself.
    """
    if source[1] in _ODD_PORTS:
        counts["odd_port"] += 1
        return True
    if (_bare(source[0]), source[1]) == own:
        counts["own_source"] += 1
        return True
    return False


def _settled_soon(of_family: Callable[[int], Repeats | None], sock: DatagramSocket) -> SettledSoon:
    address = ipaddress.ip_address(_bare(sock.getsockname()[0]))
    return SettledSoon(of_family(IPV4 if address.version == 4 else IPV6))


def _is_wildcard(sock: DatagramSocket) -> bool:
    return ipaddress.ip_address(_bare(sock.getsockname()[0])).is_unspecified


def _arrival(local: bytes) -> Arrival:
    return Arrival("udp", IPV4 if len(local) == _IPV4_OCTETS else IPV6, Address(local))


def _bare(host: str) -> str:
    """Return the address without its interface (RFC 4007, 11)."""
    return host.partition("%")[0]
