"""What is still to be sent to a worker: in order, together, and bounded."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

from kubedns_py.server.channel import packets

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from kubedns_py.structs import Raw

MOST_UNSENT: Final = 8 * 2**20
"""Octets that are kept for a worker that takes nothing."""


class Outbox:
    """What is still to be sent to a worker, in order.

    Args:
        sock: the line's end.
        anew: returns everything that a worker has to know, for one that fell behind.

    Attributes:
        is_behind: whether what it is told is dropped until it can be told everything.
    """

    def __init__(self, sock: socket.socket, anew: Callable[[], Sequence[Raw]]) -> None:
        self._sock = sock
        self._anew = anew
        self._unsent: deque[bytes] = deque()
        self._fresh: list[Raw] = []
        self._octets = 0
        self._is_watching = False
        self.is_behind = False

    def tell(self, message: Raw) -> None:
        """Send a message at the end of this turn of the loop, with what else comes up."""
        if self.is_behind:
            return
        self._fresh.append(message)
        if len(self._fresh) == 1:
            asyncio.get_running_loop().call_soon(self._send)

    def close(self) -> None:
        """Send nothing any more."""
        self._watch(wanted=False)
        self._unsent.clear()
        self._fresh.clear()
        self.is_behind = True

    def _send(self) -> None:
        for packet, _ in packets(self._fresh):
            self._unsent.append(packet)
            self._octets += len(packet)
        self._fresh.clear()
        while self._unsent:
            try:
                self._sock.send(self._unsent[0])
            except BlockingIOError:
                break
            except OSError:  # it ended; whoever waits for its end starts it again
                self.close()
                return
            self._octets -= len(self._unsent.popleft())
        if self._octets > MOST_UNSENT:
            self._unsent.clear()
            self._octets = 0
            self.is_behind = True
        self._watch(wanted=bool(self._unsent) or self.is_behind)

    def _writable(self) -> None:
        if self.is_behind:
            self.is_behind = False
            self._fresh[:] = self._anew()
        self._send()

    def _watch(self, *, wanted: bool) -> None:
        if wanted == self._is_watching:
            return
        self._is_watching = wanted
        loop = asyncio.get_running_loop()
        if wanted:
            loop.add_writer(self._sock.fileno(), self._writable)
        else:
            loop.remove_writer(self._sock.fileno())
