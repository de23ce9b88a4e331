"""The TCP connections to the API server: how the kernel watches them, and how much they hold.

Rules of this file:

- A connection is watched from its first packet on: a peer that took the request and vanished is
  noticed like one that vanishes in the middle of an answer (row F-04).
- A body is taken in small portions; whoever reads slowly slows the sender down (row F-06).
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import AddrInfoType, ClientSession

SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 20),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 2),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),
)
"""Seconds, but the last one: milliseconds. A dead peer is noticed within 30 s, idle or not."""

_BUFFER_OCTETS = 65_536
"""Of a body; twice that may wait to be read. kubernetes_asyncio's 2 MiB are for reading whole lines
by aiohttp, which we do not, and cost 10 MiB while a large state is streamed."""


async def watched(made: ClientSession) -> ClientSession:
    """Return a session whose connections are as the rules of this file say.

    Args:
        made: kubernetes_asyncio's, which has no way to be given sockets: new, without a connection.
            What it made of certificates is taken over, and it is closed.
    """
    from aiohttp import ClientSession, TCPConnector  # noqa: PLC0415 - not offline

    unwatched = made.connector
    assert isinstance(unwatched, TCPConnector)  # noqa: S101 - that is what it makes
    connector = TCPConnector(
        limit=unwatched.limit,
        ssl=unwatched._ssl,  # noqa: SLF001 - nothing else tells it
        socket_factory=open_socket,
    )
    await made.close()
    return ClientSession(connector=connector, trust_env=True, read_bufsize=_BUFFER_OCTETS)


def open_socket(address: AddrInfoType) -> socket.socket:
    """Return a socket for an address, as ``getaddrinfo`` gives it, with our options.

    Raises:
        OSError: the system has none to give.
    """
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    for level, name, value in SOCKET_OPTIONS:
        option = getattr(socket, name, None)  # the last ones are Linux's
        if option is not None:
            opened.setsockopt(level, option, value)
    return opened
