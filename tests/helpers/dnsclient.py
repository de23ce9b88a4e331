"""A small DNS client on bare sockets: it can do what a resolver library would never do.

Every wait has a deadline; running into it is a failed test.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Self

from tests.helpers.waiting import DEADLINE_S

if TYPE_CHECKING:
    from types import TracebackType

_TCPI_DATA_SEGS_IN = 152
"""Offset in ``struct tcp_info`` (Linux, ``<linux/tcp.h>``)."""


def a_query(name: str = "web.shop.svc.cluster.local.", *, ident: int = 1, qtype: int = 1) -> bytes:
    """Return a query with RD for ``name`` (absolute, plain letters) in class IN."""
    header = struct.pack(">6H", ident, 0x0100, 1, 0, 0, 0)
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    question = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    return header + question + struct.pack(">2H", qtype, 1)


def ident_of(message: bytes) -> int:
    """Return the ID of a message."""
    return int.from_bytes(message[:2])


def framed(*messages: bytes) -> bytes:
    """Return messages as they go over TCP (RFC 1035, 4.2.2)."""
    return b"".join(struct.pack(">H", len(message)) + message for message in messages)


class UdpClient:
    """One UDP socket that only hears the server it is connected to."""

    def __init__(self, host: str, port: int, *, source: str | None = None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._sock = socket.socket(family, socket.SOCK_DGRAM)
        self._sock.settimeout(0)
        if source is not None:
            self._sock.bind((source, 0))
        self._sock.connect((host, port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sock.close()

    def send(self, message: bytes) -> None:
        """Send one datagram."""
        self._sock.send(message)

    async def receive(self) -> bytes:
        """Return the next datagram."""
        async with asyncio.timeout(DEADLINE_S):
            return await asyncio.get_running_loop().sock_recv(self._sock, 65535)

    def heard(self) -> list[bytes]:
        """Return the datagrams that have come."""
        found: list[bytes] = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self._sock.recv(65535))
        return found

    async def ask(self, message: bytes) -> bytes:
        """Send one datagram and return the next that comes."""
        self.send(message)
        return await self.receive()

    async def hears_nothing_for(self, message: bytes) -> bool:
        """Whether ``message`` gets no reply, while a query after it does."""
        self.send(message)
        return ident_of(await self.ask(a_query("after.test.", ident=0x7E57))) == 0x7E57


class TcpClient:
    """One TCP connection, driven octet by octet."""

    def __init__(self, *, source: str | None = None, receive_octets: int | None = None) -> None:
        self.sock = socket.socket(socket.AF_INET6 if source and ":" in source else socket.AF_INET)
        self.sock.settimeout(0)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_octets is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_octets)
        if source is not None:
            self.sock.bind((source, 0))
        self._buffer = b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sock.close()

    async def connect(self, host: str, port: int) -> Self:
        """Connect; the kernel does it, so the server may still refuse."""
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.get_running_loop().sock_connect(self.sock, (host, port))
        return self

    async def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.get_running_loop().sock_sendall(self.sock, octets)

    async def receive(self) -> bytes | None:
        """Return the next message, or None after FIN.

        Raises:
            ConnectionResetError: the server sent RST.
        """
        while len(self._buffer) < 2 or len(self._buffer) < 2 + self._expected():
            async with asyncio.timeout(DEADLINE_S):
                octets = await asyncio.get_running_loop().sock_recv(self.sock, 1 << 18)
            if not octets:
                assert self._buffer == b"", "the stream ended within a message"
                return None
            self._buffer += octets
        end = 2 + self._expected()
        message, self._buffer = self._buffer[2:end], self._buffer[end:]
        return message

    async def ask(self, message: bytes) -> bytes | None:
        """Send one message and return the next that comes."""
        await self.send(framed(message))
        return await self.receive()

    async def all_until_fin(self) -> list[bytes]:
        """Return every message that comes until FIN."""
        messages = []
        while (message := await self.receive()) is not None:
            messages.append(message)
        return messages

    async def is_closed_by_server(self) -> bool:
        """Whether the server ends the connection, with FIN or RST, and sends nothing before."""
        with contextlib.suppress(ConnectionResetError):
            return await self.receive() is None
        return True

    def half_close(self) -> None:
        """Send FIN and go on reading."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Send RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
        self.sock.close()

    def data_segments_in(self) -> int:
        """Return how many segments with data the kernel has received on this connection."""
        info = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return int(struct.unpack_from("=I", info, _TCPI_DATA_SEGS_IN)[0])

    def _expected(self) -> int:
        return int.from_bytes(self._buffer[:2])
