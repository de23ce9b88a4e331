"""Datagrams that a worker handed over, as a ``Batch``: read by it, answered here.

The reply leaves from the worker's own socket, which both processes have, so a client sees no
difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubedns_py.dns.query import ID_OCTETS
from kubedns_py.server.batch import Texts, count_unsent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubedns_py.server.channel import HandedOver
    from kubedns_py.server.destinations import Destination, Destinations
    from kubedns_py.server.waiting import DatagramSender


class Handed:
    """What was handed over of one socket.

    Args:
        sock: the worker's, to send on.
        destinations: those of the socket.
        counts: counts what cannot be sent.
    """

    def __init__(
        self, sock: DatagramSender, destinations: Destinations, counts: dict[str, int]
    ) -> None:
        self._sock = sock
        self._destinations = destinations
        self._counts = counts
        self._next: list[HandedOver] = []
        self._came: list[HandedOver] = []

    def put(self, datagram: HandedOver) -> None:
        """Have a datagram read next."""
        self._next.append(datagram)

    @property
    def is_full(self) -> bool:
        """Whether there is something to read."""
        return bool(self._next)

    def receive(self) -> Texts:
        """Read what was put; see ``Batch``."""
        self._came, self._next = self._next, []
        return [each.message[ID_OCTETS:] for each in self._came]

    @property
    def usual(self) -> Destination | None:
        """None, unless the socket has only one: sources were looked at by the worker."""
        return self._destinations.only

    def is_barred(self, slot: int) -> bool:  # noqa: ARG002 - see above
        """Say no; see ``usual``."""
        return False

    def message(self, slot: int) -> bytes:
        """Return a datagram; see ``Batch``."""
        return self._came[slot].message

    def source(self, slot: int) -> Any:
        """Return where it came from; see ``Batch``."""
        return self._came[slot].source

    def info(self, slot: int) -> bytes:
        """Return what the kernel says of it; see ``Batch``."""
        return self._came[slot].info

    def destination(self, slot: int) -> Destination:
        """Return where it was sent to; see ``Batch``."""
        return self._destinations.of(self._came[slot].info)

    def send(self, replies: Sequence[bytes | None]) -> None:
        """Reply; see ``Batch``."""
        for came, reply in zip(self._came, replies, strict=False):
            if reply is None:
                continue
            octets = [came.message[:ID_OCTETS], reply]
            ancillary = self._destinations.of(came.info).ancillary
            try:
                self._sock.sendmsg(octets, ancillary, 0, came.source)
            except OSError as error:
                count_unsent(error, self._counts)
