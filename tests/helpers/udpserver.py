"""UDP servers on loopback or on sockets whose datagrams the test writes."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from typing import TYPE_CHECKING, Any

from kubedns_py.server.listen import open_listeners
from kubedns_py.server.udp import UdpServer
from tests.helpers.tcpserver import no_panic, reply_to

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from kubedns_py.server.arrival import Arrival, Respond

CLIENT = ("10.1.2.3", 40000)
OWN = ("10.0.0.10", 53)


class Recorder:
    """Answers with ``reply_to`` and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, Arrival]] = []

    def __call__(self, message: bytes, arrival: Arrival) -> bytes | None:
        """Keep the message; answer it if it has a header."""
        self.asked.append((message, arrival))
        return reply_to(message, arrival) if len(message) >= 12 else None

    @property
    def arrivals(self) -> list[Arrival]:
        """Return how each message came."""
        return [arrival for _, arrival in self.asked]


class ScriptedSocket:
    """A DatagramSocket whose datagrams, sources and errors the test writes."""

    def __init__(self, own: tuple[str, int] = OWN) -> None:
        self.sent: list[tuple[bytes, Any, list[Any]]] = []
        self.send_errors: deque[OSError] = deque()
        self._own = own
        self._inbox: deque[OSError | tuple[bytes, list[Any], int, Any]] = deque()
        self._fd = os.eventfd(0, os.EFD_NONBLOCK)

    def deliver(
        self, message: bytes, source: tuple[Any, ...] = CLIENT, ancillary: bytes = b""
    ) -> None:
        """Let a datagram arrive."""
        self._inbox.append((message, [(0, 8, ancillary)], 0, source))
        os.eventfd_write(self._fd, 1)

    def fail(self, number: int) -> None:
        """Let the next read fail."""
        self._inbox.append(OSError(number, os.strerror(number)))
        os.eventfd_write(self._fd, 1)

    def fileno(self) -> int:
        """Return a descriptor that is readable while datagrams wait."""
        return self._fd

    def getsockname(self) -> Any:
        """Return what the test chose."""
        return self._own

    def getsockopt(self, _level: int, _option: int, size: int, /) -> bytes:
        """Return zeros."""
        return bytes(size)

    def recvmsg(self, _size: int, _ancillary: int, /) -> tuple[bytes, list[Any], int, Any]:
        """Return or raise what the test wrote next."""
        if not self._inbox:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._fd)
            raise BlockingIOError
        item = self._inbox.popleft()
        if isinstance(item, OSError):
            raise item
        return item

    def sendto(self, data: bytes, address: Any, /) -> int:
        """Keep the datagram, or fail once as the test wrote."""
        return self.sendmsg([data], [], 0, address)

    def sendmsg(self, data: list[bytes], ancillary: list[Any], _flags: int, to: Any, /) -> int:
        """Keep the datagram, or fail once as the test wrote."""
        if self.send_errors:
            raise self.send_errors.popleft()
        self.sent.append((b"".join(data), to, ancillary))
        return len(data)

    def close(self) -> None:
        """Close the descriptor."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


@contextlib.asynccontextmanager
async def serving(
    respond: Respond = reply_to, *addresses: str
) -> AsyncIterator[tuple[UdpServer, int]]:
    """Serve on real sockets; yield the server and its port."""
    listeners = open_listeners(addresses or ("127.0.0.1",), 0)
    server = UdpServer(listeners.udp, respond, on_panic=no_panic)
    server.start()
    try:
        yield server, listeners.port
    finally:
        server.close()
        listeners.close()


@contextlib.asynccontextmanager
async def scripted(sock: ScriptedSocket, respond: Respond = reply_to) -> AsyncIterator[UdpServer]:
    """Serve on a scripted socket."""
    server = UdpServer([sock], respond, on_panic=no_panic)
    server.start()
    try:
        yield server
    finally:
        server.close()


def dropped(server: UdpServer) -> dict[str, int]:
    """Return the counts that are not zero."""
    return {word: count for word, count in server.counts.items() if count}
