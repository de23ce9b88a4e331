"""Replies that are waited for: each is begun, counted, and handed on at most once.

Rules of this file:

- What escapes a ``Deferred`` costs one reply, as what escapes ``respond`` does.
- A reply that comes twice, or after its socket or connection has ended, is dropped in silence.
- Datagrams are sent together when all that came in one turn of the event loop was worked on: so the
  kernel's work and ours do not drive each other out of the processor's caches, and a client wakes
  up once. It is a sixth of the cost of a forwarded question.
- How many are waited for is bounded elsewhere: by who is asked, and per TCP connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from kubedns_py.server.batch import count_unsent
from kubedns_py.structs import Struct

if TYPE_CHECKING:
    from kubedns_py.server.arrival import Deferred, Deliver, OnPanic

LATE_S = 1.9
"""A reply that took longer is late (C-27, as Unbound has it): many clients have asked again."""

FEW = 10
"""Replies that a client may wait for and get late: it may be patient, and so few harm nobody."""


def begin(deferred: Deferred, client: str, deliver: Deliver, on_panic: OnPanic) -> None:
    """Ask for a reply.

    Args:
        deferred: what asks.
        client: its address as text, without the port.
        deliver: takes the reply; called again, it does nothing.
        on_panic: takes what escapes; then there is no reply.
    """
    try:
        deferred.begin(client, deliver)
    except Exception as error:  # noqa: BLE001 - counted and said by on_panic
        on_panic(error)
        deliver(None)


Waited = tuple["Deferred", Any, list[Any]]
"""What is waited for, where it came from, and the ancillary data that the reply needs."""


class DatagramSender(Protocol):
    """What is needed of a UDP socket; addresses as in ``socket``."""

    def sendto(self, data: bytes, address: Any, /) -> int:
        """Send a datagram, or raise OSError."""

    def sendmsg(self, data: list[bytes], ancillary: list[Any], flags: int, to: Any, /) -> int:
        """Send a datagram with ancillary data, or raise OSError."""


Soon = Callable[[Callable[[], None]], object]
"""Calls something once what is being done is done."""


def _at_the_end_of_the_turn(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)


class DatagramReplies:
    """The replies over UDP that a server waits for, on all of its sockets.

    Attributes:
        waiting: how many.
    """

    def __init__(
        self,
        counts: dict[str, int],
        *,
        clock: Callable[[], float],
        on_panic: OnPanic,
        soon: Soon = _at_the_end_of_the_turn,
    ) -> None:
        self.waiting = 0
        self._counts = counts
        self._clock = clock
        self._on_panic = on_panic
        self._per_host: dict[str, int] = {}
        self._is_open = True
        self._is_beginning = False
        self._soon = soon
        self._unsent: list[tuple[_DatagramReply, bytes, Any]] = []

    def begin(
        self, deferred: Deferred, sock: DatagramSender, source: Any, ancillary: list[Any]
    ) -> None:
        """Wait for a reply, and send it to ``source`` with ``ancillary`` when it comes."""
        host: str = source[0]
        self.waiting += 1
        self._per_host[host] = self._per_host.get(host, 0) + 1
        reply = _DatagramReply(self, sock, source, ancillary, self._clock())
        try:
            deferred.begin(host, reply.come)
        except Exception as error:  # noqa: BLE001 - as in ``begin``, whose call costs 0.1 us
            self._on_panic(error)
            reply.come(None)

    def begin_all(self, waited: list[Waited], sock: DatagramSender) -> None:
        """Wait for several, as ``begin`` does for one.

        What is known at once, such as refusals, is sent before this returns: in a flood of them a
        turn of the event loop for that would cost as much again as a reply.
        """
        self._is_beginning = True
        try:
            for deferred, source, ancillary in waited:
                self.begin(deferred, sock, source, ancillary)
        finally:
            self._is_beginning = False
            self._send()

    def close(self) -> None:
        """Send what has come, and nothing any more: the sockets are about to be closed."""
        self._send()
        self._is_open = False

    def arrived(self, way: _DatagramReply, reply: bytes | None) -> None:
        """Send a reply, unless nobody wants it.

        Late ones to a client that waits for many are a pulse: pent up at a slow upstream and sent
        at once, to a client that may have been made to ask for them (CVE-2024-33655). Failures are,
        too: smaller, and all at one time.
        """
        source, way.source = way.source, None
        if source is None:
            return
        self.waiting -= 1
        host = source[0]
        waiting = self._per_host[host]  # with this one
        if waiting > 1:
            self._per_host[host] = waiting - 1
        else:
            del self._per_host[host]
        if reply is None or not self._is_open:
            return
        if waiting > FEW and self._clock() - way.since > LATE_S:
            self._counts["late"] += 1
            return
        self._unsent.append((way, reply, source))
        if len(self._unsent) == 1 and not self._is_beginning:
            self._soon(self._send)

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        for way, reply, source in unsent:
            try:
                if way.ancillary:
                    way.sock.sendmsg([reply], way.ancillary, 0, source)
                else:
                    way.sock.sendto(reply, source)
            except OSError as error:
                count_unsent(error, self._counts)


class _DatagramReply(Struct, eq=False):
    """The way of one reply. ``source`` is None after it."""

    among: DatagramReplies
    sock: DatagramSender
    source: Any
    ancillary: list[Any]
    since: float

    def come(self, reply: bytes | None) -> None:
        """Take the reply; see ``Deliver``."""
        self.among.arrived(self, reply)


class StreamReply:
    """A reply that a TCP connection waits for, called with it.

    Args:
        deferred: what asks for it.
        deliver: takes it.
        among: what the connection waits for. This is in it until it comes or is given up.
    """

    __slots__ = ("_among", "_deferred", "_deliver")

    def __init__(self, deferred: Deferred, deliver: Deliver, among: set[StreamReply]) -> None:
        self._deferred = deferred
        self._deliver = deliver
        self._among = among
        among.add(self)

    def __call__(self, reply: bytes | None) -> None:
        """Hand the reply on, the first time and if it has not been given up."""
        if self in self._among:
            self._among.remove(self)
            del self._deferred  # it knows us: so that no cycle is left to be collected
            self._deliver(reply)

    def abandon(self, on_panic: OnPanic) -> None:
        """Give up, and let who asks know; only as long as this is waited for."""
        self._among.discard(self)
        deferred = self._deferred
        del self._deferred
        try:
            deferred.abandon()
        except Exception as error:  # noqa: BLE001 - counted and said by on_panic
            on_panic(error)
