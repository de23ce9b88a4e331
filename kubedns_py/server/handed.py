"""Datagrams that a worker handed over, as a ``Batch``: read by it, answered here.

The reply leaves from the socket that it came to, which both processes have, so a client sees no
difference. Where the system can, what is answered together is sent with one system call, to the
addresses as the kernel wrote them for the worker.
"""

from __future__ import annotations

import socket
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Any

from kubedns_py.dns.query import ID_OCTETS
from kubedns_py.server.batch import BURST, Texts, count_unsent
from kubedns_py.server.mmsg import STARTS, Places, system_calls
from kubedns_py.server.sockaddr import NAME_ROOM, read_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubedns_py.server.channel import HandedOver
    from kubedns_py.server.destinations import Destination, Destinations
    from kubedns_py.server.waiting import DatagramSender


class Handed:
    """What was handed over of one socket.

    Args:
        sock: where they came, to send on.
        destinations: those of the socket.
        counts: counts what cannot be sent.
    """

    def __init__(
        self, sock: DatagramSender, destinations: Destinations, counts: dict[str, int]
    ) -> None:
        self._sock = sock
        self._destinations = destinations
        self._counts = counts
        self._next: deque[HandedOver] = deque()
        self._messages: list[bytes] = []
        self._names = self._infos = b""
        self._usual = destinations.only
        calls = system_calls()
        self._places: Places | None = None
        if calls is not None and isinstance(sock, socket.socket):
            self._places = Places(sock, destinations.info_octets, counts, calls[1])

    def put(self, datagrams: HandedOver) -> None:
        """Have datagrams read next, at most ``BURST``."""
        self._next.append(datagrams)

    @property
    def is_full(self) -> bool:
        """Whether there is something to read."""
        return bool(self._next)

    def receive(self) -> Texts:
        """Read what was put; see ``Batch``."""
        came: list[HandedOver] = []
        room = BURST
        while self._next and len(self._next[0].messages) <= room:
            came.append(self._next.popleft())
            room -= len(came[-1].messages)
        self._messages = list(chain.from_iterable(each.messages for each in came))
        self._names = b"".join(each.names for each in came)
        self._infos = b"".join(each.infos for each in came)
        self._usual = self._destinations.only
        if self._messages and self._infos == self.info(0) * len(self._messages):
            self._usual = self._destinations.of(self.info(0))
        return [each[ID_OCTETS:] for each in self._messages]

    @property
    def usual(self) -> Destination | None:
        """Where all of it was sent to; see ``Batch``. Sources were looked at by the worker."""
        return self._usual

    def is_barred(self, slot: int) -> bool:  # noqa: ARG002 - see above
        """Say no; see ``usual``."""
        return False

    def message(self, slot: int) -> bytes:
        """Return a datagram; see ``Batch``."""
        return self._messages[slot]

    def source(self, slot: int) -> Any:
        """Return where it came from; see ``Batch``."""
        return read_name(self.name(slot))

    def name(self, slot: int) -> bytes:
        """Return the same as octets; see ``Batch``."""
        return self._names[slot * NAME_ROOM : (slot + 1) * NAME_ROOM]

    def info(self, slot: int) -> bytes:
        """Return what the kernel says of it; see ``Batch``."""
        octets = self._destinations.info_octets
        return self._infos[slot * octets : (slot + 1) * octets]

    def destination(self, slot: int) -> Destination:
        """Return where it was sent to; see ``Batch``."""
        return self._usual or self._destinations.of(self.info(slot))

    def send(self, replies: Sequence[bytes | None]) -> None:
        """Reply; see ``Batch``."""
        if self._places is None:
            self._send_one_by_one(replies)
            return
        octets = self._places.octets
        self._places.names[: len(self._names)] = self._names
        for start, message in zip(STARTS, self._messages, strict=False):
            ident = message[:ID_OCTETS]
            octets[start : start + len(ident)] = ident  # not every datagram has one
        if self._usual is not None:
            self._places.leave_from(self._usual)
        else:
            for slot, reply in enumerate(replies):
                if reply is not None:
                    self._places.leave_from(self.destination(slot), slot)
        self._places.send(replies)

    def _send_one_by_one(self, replies: Sequence[bytes | None]) -> None:
        for slot, reply in enumerate(replies):
            if reply is None:
                continue
            octets = [self._messages[slot][:ID_OCTETS], reply]
            ancillary = self.destination(slot).ancillary
            try:
                self._sock.sendmsg(octets, ancillary, 0, self.source(slot))
            except OSError as error:
                count_unsent(error, self._counts)
