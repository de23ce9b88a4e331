"""A scenario behind real UDP and TCP sockets on loopback, and a client for each.

Rules of this file:

- Every wait has a deadline; there is no other waiting.
- The servers are the program's own; an exception that escapes ``respond`` fails the test.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kubedns_py.server.arrival import Respond
from kubedns_py.server.connection import TcpLimits
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.tcp import TcpServer
from kubedns_py.server.udp import UdpServer
from tests.helpers.waiting import DEADLINE_S

HOST = "127.0.0.1"
PREFIX_OCTETS = 2

Ask = Callable[[bytes], Awaitable[bytes]]


@dataclass(frozen=True)
class Served:
    """Servers that run, and their port."""

    port: int
    udp: UdpServer
    tcp: TcpServer


@asynccontextmanager
async def serving(respond: Respond) -> AsyncIterator[int]:
    """Serve on a free port of loopback, the same one for UDP and TCP; yield its number."""
    async with opened(respond) as served:
        yield served.port


@asynccontextmanager
async def opened(respond: Respond) -> AsyncIterator[Served]:
    """Serve as ``serving`` does, and yield the servers, for their counters."""
    panics: list[Exception] = []
    listeners = open_listeners([HOST], 0)
    udp = UdpServer(listeners.udp, respond, on_panic=panics.append)
    tcp = TcpServer(listeners.tcp, respond, limits=TcpLimits(), on_panic=panics.append)
    udp.start()
    tcp.start()
    try:
        yield Served(listeners.port, udp, tcp)
    finally:
        udp.close()
        await tcp.close()
    assert not panics


@asynccontextmanager
async def over_udp(port: int) -> AsyncIterator[Ask]:
    """Yield what sends one datagram and returns the one that comes back."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003 - the socket's own signature
        sock.connect((HOST, port))

        async def ask(query: bytes) -> bytes:
            async with asyncio.timeout(DEADLINE_S):
                await loop.sock_sendall(sock, query)
                return await loop.sock_recv(sock, 65535)

        yield ask


@asynccontextmanager
async def over_tcp(port: int) -> AsyncIterator[Ask]:
    """Yield what sends one message on a connection and returns the one that comes back."""
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(HOST, port)

    async def ask(query: bytes) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            writer.write(len(query).to_bytes(PREFIX_OCTETS) + query)
            await writer.drain()
            size = int.from_bytes(await reader.readexactly(PREFIX_OCTETS))
            return await reader.readexactly(size)

    try:
        yield ask
    finally:
        writer.close()
        async with asyncio.timeout(DEADLINE_S):
            await writer.wait_closed()
