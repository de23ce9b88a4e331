"""Datagrams that are read together and answered together.

Rules of this file:

- What cannot be sent now is dropped and counted; nothing is kept for later.
- A slot is a datagram's place in the batch that was read last, from 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from kubedns_py.dns.query import ID_OCTETS
from kubedns_py.server.sockaddr import write_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubedns_py.server.destinations import Destination, Destinations

BURST = 64
"""Datagrams in a batch at most."""

MAX_DATAGRAM = 65535
"""Octets read at most: more than any UDP payload, so nothing is ever cut short."""

_ANCILLARY_OCTETS = 64
"""Room for what the kernel says of a destination, with its header."""

Texts = list[bytes]
"""Messages by slot, each without its ID: the octets after the first two."""


class Batch(Protocol):
    """The datagrams that were read last, of one socket."""

    def receive(self) -> Texts:
        """Read what has come, ``BURST`` at most; nothing when nothing has."""

    @property
    def usual(self) -> Destination | None:
        """Where all of it was sent to, if that is one place and no source port is barred.

        To be asked once after each ``receive``, before anything else.
        """

    def is_barred(self, slot: int) -> bool:
        """Whether the source port is one of the barred ones."""

    def message(self, slot: int) -> bytes:
        """Return a datagram that was not replied to yet, whole."""

    def source(self, slot: int) -> Any:
        """Return where a datagram came from, as ``socket`` has it: (host, port, ...)."""

    def name(self, slot: int) -> bytes:
        """Return the same as octets, padded; see ``sockaddr``."""

    def info(self, slot: int) -> bytes:
        """Return what the kernel says of where a datagram was sent to; see ``Destinations``."""

    def destination(self, slot: int) -> Destination:
        """Return where a datagram was sent to."""

    def send(self, replies: Sequence[bytes | None]) -> None:
        """Reply to datagrams by slot, from the first on; None is no reply. All without their ID."""


class DatagramSocket(Protocol):
    """What a server needs of a bound, non-blocking UDP socket; addresses as in ``socket``."""

    def fileno(self) -> int:
        """Return the descriptor that the event loop watches."""

    def getsockname(self) -> Any:
        """Return the address bound to, (host, port, ...)."""

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        """Return the octets of an option."""

    def recvmsg(self, size: int, ancillary: int, /) -> tuple[bytes, list[Any], int, Any]:
        """Return (datagram, ancillary data, flags, source), or raise OSError."""

    def sendto(self, data: bytes, address: Any, /) -> int:
        """Send a datagram, or raise OSError."""

    def sendmsg(self, data: list[bytes], ancillary: list[Any], flags: int, to: Any, /) -> int:
        """Send a datagram with ancillary data, or raise OSError."""

    def close(self) -> None:
        """Close the socket."""


def count_unsent(error: OSError, counts: dict[str, int]) -> None:
    """Count a datagram that the socket had no room for, or that the kernel refused."""
    counts["send_full" if isinstance(error, BlockingIOError) else "send_error"] += 1


class OneByOne:
    """A ``Batch`` that is read and sent with a call for each datagram: what every system has.

    Args:
        sock: to read from and to send on.
        destinations: those of the socket.
        barred: source ports that need a look.
        counts: counts what cannot be read or sent.
    """

    def __init__(
        self,
        sock: DatagramSocket,
        destinations: Destinations,
        barred: frozenset[int],
        counts: dict[str, int],
    ) -> None:
        self._sock = sock
        self._destinations = destinations
        self._barred = barred
        self._counts = counts
        self._came: list[tuple[bytes, list[Any], int, Any]] = []

    def receive(self) -> Texts:
        """Read what has come; see ``Batch``."""
        self._came.clear()
        for _ in range(BURST):
            try:
                self._came.append(self._sock.recvmsg(MAX_DATAGRAM, _ANCILLARY_OCTETS))
            except BlockingIOError:
                break
            except OSError:
                self._counts["receive_error"] += 1
        return [message[ID_OCTETS:] for message, *_ in self._came]

    @property
    def usual(self) -> Destination | None:
        """Always None: here it saves nothing."""
        return None

    def is_barred(self, slot: int) -> bool:
        """Whether the source port is barred; see ``Batch``."""
        return self.source(slot)[1] in self._barred

    def message(self, slot: int) -> bytes:
        """Return a datagram; see ``Batch``."""
        return self._came[slot][0]

    def source(self, slot: int) -> Any:
        """Return where it came from; see ``Batch``."""
        return self._came[slot][3]

    def name(self, slot: int) -> bytes:
        """Return the same as octets; see ``Batch``."""
        return write_name(self.source(slot))

    def info(self, slot: int) -> bytes:
        """Return what the kernel says of it; see ``Batch``."""
        ancillary = self._came[slot][1]
        return bytes(ancillary[0][2]) if ancillary else b""

    def destination(self, slot: int) -> Destination:
        """Return where it was sent to; see ``Batch``."""
        return self._destinations.of(self.info(slot))

    def send(self, replies: Sequence[bytes | None]) -> None:
        """Reply; see ``Batch``."""
        for slot, reply in enumerate(replies):
            if reply is None:
                continue
            message = self.message(slot)[:ID_OCTETS] + reply
            ancillary = self.destination(slot).ancillary
            try:
                self._sock.sendmsg([message], ancillary, 0, self.source(slot))
            except OSError as error:
                count_unsent(error, self._counts)
