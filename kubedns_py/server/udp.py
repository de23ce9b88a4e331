"""Serves DNS over UDP: reads datagrams from open sockets, sends each reply from the address asked.

Rules of this file:

- The event loop says that a socket is readable; then up to ``BURST`` datagrams are read, so that
  TCP, watches and timers get their turns under any load.
- Nothing is queued: what cannot be sent now is dropped and counted. The client asks again.
- Nothing that arrives raises out of a reader.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from functools import partial
from typing import TYPE_CHECKING

from kubedns_py.dns.query import ID_OCTETS
from kubedns_py.server.arrival import guarded
from kubedns_py.server.destinations import family_of
from kubedns_py.server.reader import COUNTS, Reader, open_batch
from kubedns_py.server.repeating import SettledSoon
from kubedns_py.server.waiting import DatagramReplies, Waited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubedns_py.server.arrival import OnPanic, Repeats, Respond
    from kubedns_py.server.batch import Batch, DatagramSocket

_SO_MEMINFO = 55
"""Linux, ``<asm-generic/socket.h>``: nine 32-bit numbers, the last one the socket's drops."""
_MEMINFO = struct.Struct("=9I")

_FEW = 8
"""Replies that are made before what came meanwhile is looked at: some 0.1 ms."""
_LOOK_S = 0.05
"""How often a drain looks whether anything came."""


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
            Reader(
                open_batch(sock, self.counts),
                SettledSoon(repeats(family_of(sock))),
                Maker(sock, safe, self._replies),
                self.counts,
                another=partial(open_batch, sock, self.counts),
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
        await drained(self._wakes, lambda: self.waiting, quiet_s=quiet_s, deadline_s=deadline_s)

    def close(self) -> None:
        """Stop answering and close the sockets. Twice is harmless, and so is a reply after it."""
        self._replies.close()
        for sock in self._sockets:
            if sock.fileno() >= 0:
                asyncio.get_running_loop().remove_reader(sock.fileno())
                sock.close()

    def kernel_drops(self) -> int:
        """Return how many datagrams the kernel dropped because a receive buffer was full."""
        return sum(map(drops_of, self._sockets))

    def _wakes(self) -> int:
        return sum(reader.wakes for reader in self._readers)


class Maker:
    """Makes the replies to datagrams that were not answered before.

    Args:
        sock: what late replies are sent on.
        respond: raises nothing.
        replies: waits for late ones.
    """

    __slots__ = ("_replies", "_respond", "_sock")

    def __init__(self, sock: DatagramSocket, respond: Respond, replies: DatagramReplies) -> None:
        self._sock = sock
        self._respond = respond
        self._replies = replies

    def __call__(self, batch: Batch, slots: Sequence[int], look: Callable[[], None]) -> None:
        """Answer some datagrams of a batch; see ``reader.Take``."""
        later: list[Waited] = []
        replies: list[bytes | None] = [None] * (slots[-1] + 1)
        for number, slot in enumerate(slots):
            if number % _FEW == _FEW - 1:
                look()
            destination = batch.destination(slot)
            assert destination.arrival is not None  # noqa: S101 - the contract of Reader
            reply = self._respond(batch.message(slot), destination.arrival)
            if isinstance(reply, bytes):
                replies[slot] = reply[ID_OCTETS:]
            elif reply is not None:
                later.append((reply, batch.source(slot), destination.ancillary))
        batch.send(replies)
        self._replies.begin_all(later, self._sock)


async def drained(
    wakes: Callable[[], int], waiting: Callable[[], int], *, quiet_s: float, deadline_s: float
) -> None:
    """Return when nothing is waited for and nothing came for ``quiet_s``; at the deadline anyway.

    Args:
        wakes: grows with what comes.
        waiting: replies that are waited for.
        quiet_s: at least 0.
        deadline_s: in all.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline_s
    seen, quiet_since = wakes(), loop.time()
    while loop.time() < (end if waiting() else min(end, quiet_since + quiet_s)):
        await asyncio.sleep(_LOOK_S)
        if wakes() != seen:
            seen, quiet_since = wakes(), loop.time()


def drops_of(sock: DatagramSocket) -> int:
    """Return how many datagrams the kernel dropped because the receive buffer was full."""
    if sock.fileno() < 0:
        return 0
    octets = sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
    drops: int = _MEMINFO.unpack(octets)[-1]
    return drops
