"""Sockets for questions over UDP: each question has a port of its own that nobody can guess.

Rules of this file:

- A port is there for one question (RFC 5452, 9.2). The kernel draws it when the socket is
  connected, and has it back when the socket is disconnected, as soon as there is a reply.
- A socket is used again, because to make one, have it watched and close it costs 7 us more than to
  disconnect it; but only if nothing is left in it. No question reads what came for another.
- Whatever ends a question but a reply closes its socket.
- The two calls of the C library are given numbers, a constant and no place to write to.
"""

from __future__ import annotations

import ctypes
import select
import socket
from collections.abc import Callable
from typing import Final

MOST_FREE: Final = 256
"""Sockets kept for later."""

# To look one of these up by name costs as much as a call of the kernel in Python 3.11.
_TYPE = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
_AF_INET, _AF_INET6, _READABLE = socket.AF_INET, socket.AF_INET6, select.EPOLLIN
_DONTWAIT = int(socket.MSG_DONTWAIT)

_NOWHERE: Final = bytes(16)
"""A ``struct sockaddr`` of the family AF_UNSPEC, which dissolves a connection (connect(2))."""

_library = ctypes.PyDLL(None)
_connect: Callable[[int, bytes, int], int] = _library.connect
"""connect(2): Python's own makes no address of that family. It does not block."""
_receive: Callable[[int, None, int, int], int] = _library.recv
"""recv(2): Python's own makes an exception where there is nothing, for 1 us."""


class Sockets:
    """A supply of sockets, all of them watched by one epoll object.

    Args:
        poll: what they are registered with, for reading.
    """

    __slots__ = ("_free", "_poll")

    def __init__(self, poll: select.epoll) -> None:
        self._poll = poll
        # by descriptor; the class in C: the one around it, which makes a file, costs 0.6 us
        self._free: dict[int, dict[int, socket.SocketType]] = {_AF_INET: {}, _AF_INET6: {}}

    def take(self, host: str) -> socket.SocketType:
        """Return a socket without a port, for a server's address as text.

        Raises:
            OSError: the system has none.
        """
        family = _AF_INET6 if ":" in host else _AF_INET
        free = self._free[family]
        if free:
            return free.popitem()[1]
        sock = socket.SocketType(family, _TYPE)
        self._poll.register(sock.fileno(), _READABLE)  # closing the socket undoes it
        return sock

    def give_back(self, sock: socket.SocketType) -> None:
        """Take the port from a socket whose question has its reply, and keep it or close it."""
        free, descriptor = self._free[sock.family], sock.fileno()
        if (
            len(free) < MOST_FREE
            and not _connect(descriptor, _NOWHERE, 16)
            and _receive(descriptor, None, 0, _DONTWAIT) < 0  # nothing, or what ICMP said
        ):
            free[descriptor] = sock
        else:
            sock.close()

    def close_free(self, descriptor: int) -> None:
        """Close a socket that is not in use, if there is such a one: something came to it."""
        for free in self._free.values():
            sock = free.pop(descriptor, None)
            if sock is not None:
                sock.close()

    def close(self) -> None:
        """Close what is kept."""
        for free in self._free.values():
            for sock in free.values():
                sock.close()
            free.clear()
