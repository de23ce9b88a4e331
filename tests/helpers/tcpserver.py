"""A TCP server on loopback with a stub that answers, for tests of the connection alone."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from kubedns_py.server.connection import TcpLimits
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.phases import Outcome
from kubedns_py.server.tcp import TcpServer
from tests.helpers.dnsclient import TcpClient, a_query, framed, ident_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from kubedns_py.server.arrival import Arrival, Respond

LARGE_OCTETS = 60000


def reply_to(message: bytes, _arrival: Arrival) -> bytes:
    """Return the query as a response: QR set."""
    return message[:2] + bytes((message[2] | 0x80,)) + message[3:]


def no_panic(error: Exception) -> None:
    """Fail the test: nothing here may raise."""
    raise AssertionError from error


class Serving:
    """A running server and how to reach it."""

    def __init__(self, server: TcpServer, port: int) -> None:
        self.server = server
        self.port = port

    async def client(
        self, host: str = "127.0.0.1", *, source: str | None = None, receive: int | None = None
    ) -> TcpClient:
        """Return a connected client; use it as a context manager."""
        return await TcpClient(source=source, receive_octets=receive).connect(host, self.port)

    def outcomes(self) -> dict[str, int]:
        """Return how connections ended, without the zeros."""
        return {str(end): self.server.counts[end] for end in Outcome if self.server.counts[end]}


@contextlib.asynccontextmanager
async def serving(
    respond: Respond = reply_to,
    *addresses: str,
    limits: TcpLimits | None = None,
    send_octets: int | None = None,
) -> AsyncIterator[Serving]:
    """Serve until the block ends; then no connection is left, and each was counted once.

    No reply is waited for any more.

    ``send_octets`` makes the kernel take less of a reply than it would (SO_SNDBUF).
    """
    listeners = open_listeners(addresses or ("127.0.0.1",), 0)
    for listener in listeners.tcp:
        if send_octets is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_octets)
    server = TcpServer(listeners.tcp, respond, limits=limits or TcpLimits(), on_panic=no_panic)
    server.start()
    try:
        yield Serving(server, listeners.port)
    finally:
        await server.close()
        listeners.close()
    assert server.connections == 0
    assert server.waiting == 0
    assert server.counts["accepted"] == sum(server.counts[end] for end in Outcome)


class Large:
    """Answers with 60,000 octets and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, message: bytes, arrival: Arrival) -> bytes:
        """Return a response, filled up with zeros."""
        self.calls += 1
        return reply_to(message, arrival).ljust(LARGE_OCTETS, b"\0")


def queries(idents: Iterable[int]) -> bytes:
    """Return queries with these IDs, pipelined."""
    return framed(*(a_query(ident=ident) for ident in idents))


def idents(replies: Iterable[bytes]) -> list[int]:
    """Return the IDs of replies."""
    return [ident_of(reply) for reply in replies]


async def received(client: TcpClient, count: int) -> list[bytes]:
    """Return the next ``count`` messages."""
    replies = [await client.receive() for _ in range(count)]
    return [reply for reply in replies if reply is not None]


async def clients(
    at: Serving, sources: list[str], stack: contextlib.AsyncExitStack
) -> list[TcpClient]:
    """Connect one after the other, each accepted before the next; each has asked once."""
    made = []
    for source in sources:
        client = await stack.enter_async_context(await at.client(source=source))
        await client.ask(a_query())
        made.append(client)
    return made
