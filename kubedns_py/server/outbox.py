"""What is still to be sent to a worker: in order, together, and bounded.

Rules of this file:

- Changes are kept up to a bound. Whoever falls behind it is told everything.
- Everything is made a packet at a time, when there is room for it: it may be larger than the bound,
  and nobody waits until all of it is sent. Changes go in between; see ``Kept.replay``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import TYPE_CHECKING, Final

from kubedns_py.server.channel import PACKET_OCTETS, packets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kubedns_py.structs import Raw

MOST_UNSENT: Final = 8 * 2**20
"""Octets of changes that are kept for a worker that takes nothing."""


class Outbox:
    """What is still to be sent to a worker, in order.

    Args:
        sock: the line's end.
        everything: returns all that a worker has to know. It is gone through bit by bit, and says
            nothing that is not so at that moment.

    Attributes:
        is_behind: whether what it is told is dropped until it can be told everything.
    """

    def __init__(self, sock: socket.socket, everything: Callable[[], Iterable[Raw]]) -> None:
        self._sock = sock
        self._everything = everything
        self._rest: Iterator[Raw] | None = None
        self._unsent: deque[bytes] = deque()
        self._fresh: list[Raw] = []
        self._octets = 0
        self._is_watching = False
        self._is_closed = False
        self.is_behind = False

    def tell(self, message: Raw, *, at_once: bool = False) -> None:
        """Send a message: at the end of this turn of the loop, with what else comes up, or now."""
        if self.is_behind:
            return
        self._fresh.append(message)
        if at_once:
            self._send()
        elif len(self._fresh) == 1:
            asyncio.get_running_loop().call_soon(self._send)

    def tell_everything(self) -> None:
        """Begin to send all that is to be known, instead of what is not sent yet."""
        if self._is_closed:
            return
        self._drop_unsent()
        self._rest = iter(self._everything())
        self.is_behind = False
        self._send()

    def close(self) -> None:
        """Send nothing any more."""
        self._watch(wanted=False)
        self._drop_unsent()
        self._is_closed = self.is_behind = True

    def _drop_unsent(self) -> None:
        self._unsent.clear()
        self._fresh.clear()
        self._octets = 0
        self._rest = None

    def _send(self) -> None:
        if self._is_closed:  # since this was called for
            return
        self._add(self._fresh)
        self._fresh.clear()
        if not self._unsent:
            self._add(self._part())
        try:
            while self._unsent:
                self._sock.send(self._unsent[0])
                self._octets -= len(self._unsent.popleft())
        except BlockingIOError:
            pass  # the rest goes when there is room
        except OSError:
            self._give_up()
            return
        if self._octets > MOST_UNSENT:
            self._drop_unsent()
            self.is_behind = True
        self._watch(wanted=bool(self._unsent) or self._rest is not None or self.is_behind)

    def _give_up(self) -> None:
        """End a worker that cannot be told: it would go on saying what is not so any more.

        It is started again by whoever waits for its end, for which there is no other reason mostly.
        """
        self.close()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _add(self, messages: Iterable[Raw]) -> None:
        for packet, _ in packets(messages):
            self._unsent.append(packet)
            self._octets += len(packet)

    def _part(self) -> list[Raw]:
        """Return what is next of everything, about as much as a packet holds."""
        part: list[Raw] = []
        octets = 0
        while self._rest is not None and octets < PACKET_OCTETS:
            message = next(self._rest, None)
            if message is None:
                self._rest = None
            else:
                part.append(message)
                octets += len(memoryview(message))
        return part

    def _writable(self) -> None:
        if self.is_behind:
            self.tell_everything()
        else:
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
