"""Answers what has arrived on one socket: what is known at once, then the rest.

Rules of this file:

- In a burst what we know is answered first; only then is anything made, or anybody asked, which
  takes longer, so that names of the outside are not in the way of the cluster's. While it is made
  what comes is looked at now and then: what we know of it does not wait for the rest either.
- The path of one known datagram makes no object but its octets, and logs nothing.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from kubedns_py.server.batch import BURST, OneByOne
from kubedns_py.server.destinations import Destinations, bare
from kubedns_py.server.mmsg import ManyAtOnce, system_calls

if TYPE_CHECKING:
    from kubedns_py.server.batch import Batch, DatagramSocket, Texts

COUNTS = (
    *("odd_port", "own_source", "not_unicast", "receive_error"),
    *("send_full", "send_error", "late", "not_handed_over"),
)
"""What is counted, each a datagram that was dropped:

``odd_port`` source port 0 or that of a service that answers anything (M-47); ``own_source`` source
is the very socket it came to (M-48); ``not_unicast`` sent to a broadcast or multicast address
(M-49); ``receive_error`` an ICMP error that the kernel passed on; ``send_full`` the socket had no
room for the reply; ``send_error`` the kernel refused the reply; ``late`` a reply that took too long
for a client that waits for many (C-27); ``not_handed_over`` a worker could not answer it, and its
line to the main process had no room.
"""

ODD_PORTS = frozenset((0, 7, 13, 17, 19, 37))
"""No source, and echo, daytime, quote of the day, character generator, time (IANA registry)."""

_MOST_WAITING: Final = 3
"""Batches with something to make that may wait for an earlier one. Each has 0.3 MiB of memory, and
4 MiB where somebody sends the longest datagrams."""


class Known(Protocol):
    """Replies to what was asked before; see ``Repeats``."""

    def begin(self) -> None:
        """Begin a burst: its first datagrams have been received."""

    def repeat(self, text: bytes, /) -> bytes | None:
        """Return the reply to a query, both without their ID, or None."""

    def end(self, datagrams: int) -> None:
        """End a burst of that many datagrams."""


Take = Callable[["Batch", Sequence[int], Callable[[], None]], None]
"""Takes what is not known: a batch, and its slots that have no reply yet, ascending, one or more,
each with an ``arrival``. They hold until it returns. The third is to be called now and then if it
takes long."""


class Reader:
    """Answers on one socket.

    Args:
        batch: what is read, and replied to.
        known: what was answered before.
        take: takes the rest.
        counts: counts what is refused.
        another: returns one more batch of the same socket; None where only one can be read.

    Attributes:
        wakes: how often there was something to answer.
    """

    def __init__(
        self,
        batch: Batch,
        known: Known,
        take: Take,
        counts: dict[str, int],
        another: Callable[[], Batch] | None = None,
    ) -> None:
        self.wakes = 0
        self._free = [batch]
        self._rest: deque[tuple[Batch, list[int]]] = deque()
        self._came = 0
        self._known = known
        self._take = take
        self._counts = counts
        self._another = another

    def wake(self) -> None:
        """Answer what has arrived: a batch, and what comes while it is worked on."""
        self._came = 0
        self._read()
        while self._rest:
            batch, unknown = self._rest.popleft()
            try:
                self._take(batch, unknown, self._look)
            finally:
                self._free.append(batch)
        if self._came:
            self.wakes += 1
            self._known.end(self._came)

    def _look(self) -> None:
        """Read what has come meanwhile, unless there is too much of it: then it is work that waits.

        Together with the first one it is less than two batches: others want their turn.
        """
        if self._came < BURST and self._another is not None and len(self._rest) < _MOST_WAITING:
            if not self._free:
                self._free.append(self._another())
            self._read()

    def _read(self) -> None:
        """Read a batch and answer what is known of it."""
        batch = self._free[-1]  # stays there if anything is raised
        texts = batch.receive()
        if texts and not self._came:
            self._known.begin()  # not before: the time, and what is known, are to be those of now
        self._came += len(texts)
        unknown = self._answer(batch, texts) if texts else None
        if unknown:
            self._rest.append((self._free.pop(), unknown))

    def _answer(self, batch: Batch, texts: Texts) -> list[int] | None:
        """Answer what is known; return the slots of what is not, if there is any."""
        repeat = self._known.repeat
        usual = batch.usual
        replies: list[bytes | None]
        if usual is not None and usual.arrival is not None:
            refused = None
            replies = list(map(repeat, texts))
        else:
            refused = {slot for slot in range(len(texts)) if self._is_refused(batch, slot)}
            replies = [None if at in refused else repeat(text) for at, text in enumerate(texts)]
        if any(replies):
            batch.send(replies)
        if all(replies):
            return None
        unknown = [slot for slot, reply in enumerate(replies) if reply is None]
        if refused:
            unknown = [slot for slot in unknown if slot not in refused]
        return unknown

    def _is_refused(self, batch: Batch, slot: int) -> bool:
        """Whether a datagram is dropped for where it comes from or goes to (M-47, M-48, M-49).

        An answer to such a source would start a conversation of two programs, or of one with
        itself.
        """
        destination = batch.destination(slot)
        if batch.is_barred(slot):
            host, port = batch.source(slot)[:2]
            if port in ODD_PORTS:
                self._counts["odd_port"] += 1
                return True
            if (bare(host), port) == destination.own:
                self._counts["own_source"] += 1
                return True
        if destination.arrival is None:
            self._counts["not_unicast"] += 1
            return True
        return False


def open_batch(sock: DatagramSocket, counts: dict[str, int]) -> Batch:
    """Return how datagrams are best read from a socket and sent on it."""
    host, port = sock.getsockname()[:2]
    destinations, barred = Destinations(host, port), ODD_PORTS | {port}
    calls = system_calls()
    if calls is None or not isinstance(sock, socket.socket):
        return OneByOne(sock, destinations, barred, counts)
    return ManyAtOnce(sock, destinations, barred, counts, calls)
