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
import socket
import struct
import time
from typing import TYPE_CHECKING

from kubedns_py.dns.query import ID_OCTETS
from kubedns_py.server.arrival import IPV4, IPV6, guarded
from kubedns_py.server.batch import OneByOne
from kubedns_py.server.destinations import Destinations, bare
from kubedns_py.server.mmsg import ManyAtOnce, system_calls
from kubedns_py.server.repeating import SettledSoon
from kubedns_py.server.waiting import DatagramReplies, Waited

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubedns_py.server.arrival import OnPanic, Repeats, Respond
    from kubedns_py.server.batch import Batch, DatagramSocket

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

_SO_MEMINFO = 55
"""Linux, ``<asm-generic/socket.h>``: nine 32-bit numbers, the last one the socket's drops."""
_MEMINFO = struct.Struct("=9I")

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
            _Reader(sock, safe, self.counts, self._replies, repeats) for sock in self._sockets
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


class _Reader:
    """Answers on one socket."""

    def __init__(
        self,
        sock: DatagramSocket,
        respond: Respond,
        counts: dict[str, int],
        replies: DatagramReplies,
        repeats: Callable[[int], Repeats | None],
    ) -> None:
        self.wakes = 0
        self._sock = sock
        self._respond = respond
        self._counts = counts
        self._replies = replies
        host, port = sock.getsockname()[:2]
        destinations = Destinations(host, port)
        self._batch = _batch(sock, destinations, _ODD_PORTS | {port}, counts)
        self._repeats = SettledSoon(repeats(IPV6 if ":" in host else IPV4))

    def wake(self) -> None:
        """Answer what has arrived, up to ``BURST`` datagrams."""
        self.wakes += 1
        self._repeats.begin()
        self._repeats.end(self._answer_burst())

    def _answer_burst(self) -> int:
        """Return how many datagrams there were."""
        batch, repeat = self._batch, self._repeats.repeat
        texts = batch.receive()
        if not texts:
            return 0
        usual = batch.usual
        replies: list[bytes | None]
        if usual is not None and usual.arrival is not None:
            refused = None
            replies = list(map(repeat, texts))
        else:
            refused = {slot for slot in range(len(texts)) if self._is_refused(slot)}
            replies = [None if at in refused else repeat(text) for at, text in enumerate(texts)]
        batch.send(replies)
        if not all(replies):
            unknown = [slot for slot, reply in enumerate(replies) if reply is None]
            self._make([slot for slot in unknown if slot not in refused] if refused else unknown)
        return len(texts)

    def _make(self, slots: Sequence[int]) -> None:
        """Answer what was not answered before."""
        batch = self._batch
        later: list[Waited] = []
        replies: list[bytes | None] = [None] * (slots[-1] + 1) if slots else []
        for slot in slots:
            destination = batch.destination(slot)
            assert destination.arrival is not None  # noqa: S101 - others were refused
            reply = self._respond(batch.message(slot), destination.arrival)
            if isinstance(reply, bytes):
                replies[slot] = reply[ID_OCTETS:]
            elif reply is not None:
                later.append((reply, batch.source(slot), destination.ancillary))
        batch.send(replies)
        self._replies.begin_all(later, self._sock)

    def _is_refused(self, slot: int) -> bool:
        """Whether a datagram is dropped for where it comes from or goes to (M-47, M-48, M-49).

        An answer to such a source would start a conversation of two programs, or of one with
        itself.
        """
        destination = self._batch.destination(slot)
        if self._batch.is_barred(slot):
            host, port = self._batch.source(slot)[:2]
            if port in _ODD_PORTS:
                self._counts["odd_port"] += 1
                return True
            if (bare(host), port) == destination.own:
                self._counts["own_source"] += 1
                return True
        if destination.arrival is None:
            self._counts["not_unicast"] += 1
            return True
        return False


def _batch(
    sock: DatagramSocket,
    destinations: Destinations,
    barred: frozenset[int],
    counts: dict[str, int],
) -> Batch:
    calls = system_calls()
    if calls is None or not isinstance(sock, socket.socket):
        return OneByOne(sock, destinations, barred, counts)
    return ManyAtOnce(sock, destinations, barred, counts, calls)
