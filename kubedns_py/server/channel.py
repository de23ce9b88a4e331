"""What the main process and a worker say to each other, and the line that they have for it.

Rules of this file:

- Messages arrive in order, whole, and unaltered: the line is a local socket that keeps their bounds
  (``SOCK_SEQPACKET``, unix(7)). Both ends are of one program, so nothing else is checked.
- Nobody waits. A worker that cannot hand a datagram over drops it. The main process keeps what a
  worker does not take, up to a bound; beyond it the worker is told everything anew, later.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Final

from kubedns_py.server.entry import Content, Facts
from kubedns_py.structs import Raw, Struct, msgpack

PACKET_OCTETS: Final = 32 * 1024
"""Messages are put together up to this size; a larger one goes alone. The kernel takes 200 KiB."""
BUFFER_OCTETS: Final = 4 * 2**20
"""Asked of the kernel, for each direction of a line."""


class Entered(Struct, frozen=True, array_like=True, tag=1):
    """An entry is found by one more query; see ``keeping.Listener``."""

    number: int
    key: bytes
    content: Content


class Left(Struct, frozen=True, array_like=True, tag=2):
    """Entries are not found any more."""

    numbers: tuple[int, ...]


class Forgot(Struct, frozen=True, array_like=True, tag=3):
    """No entry is."""


class Counted(Struct, frozen=True, array_like=True, tag=4):
    """The zones' serials, by number."""

    serials: tuple[int, ...]


Told = Entered | Left | Forgot | Counted
"""What a worker is told."""


class HandedOver(Struct, frozen=True, array_like=True, tag=1):
    """A datagram that the worker cannot answer.

    Attributes:
        socket: where it came to, by number.
        source: as ``socket`` has it: (host, port, ...).
        info: what the kernel says of its destination.
        message: the datagram.
    """

    socket: int
    source: tuple[str | int, ...]
    info: bytes
    message: bytes


class Used(Struct, frozen=True, array_like=True, tag=2):
    """Uses of an entry, which may be gone: how many, and the seconds that one took."""

    number: int
    facts: Facts
    times: int
    seconds: float


class Alive(Struct, frozen=True, array_like=True, tag=3):
    """Said about once a second: bursts answered and datagrams dropped since the last."""

    bursts: int
    drops: dict[str, int]


Said = HandedOver | Used | Alive
"""What a worker says."""

_ENCODER = msgpack.Encoder()
_TOLD = msgpack.Decoder(list[Told])
_SAID = msgpack.Decoder(list[Said])


def encoded(message: Told | Said) -> Raw:
    """Return a message as octets, for ``packets``."""
    return Raw(_ENCODER.encode(message))


def packets(messages: Iterable[Raw]) -> list[tuple[bytes, int]]:
    """Put messages together; return packets, each with how many are in it."""
    made: list[tuple[bytes, int]] = []
    some: list[Raw] = []
    octets = 0
    for each in messages:
        size = len(memoryview(each))
        if some and octets + size > PACKET_OCTETS:
            made.append((_ENCODER.encode(some), len(some)))
            some, octets = [], 0
        some.append(each)
        octets += size
    if some:
        made.append((_ENCODER.encode(some), len(some)))
    return made


def read_told(packet: bytes) -> list[Told]:
    """Return what a worker was told."""
    return _TOLD.decode(packet)


def read_said(packet: bytes) -> list[Said]:
    """Return what a worker said."""
    return _SAID.decode(packet)


def open_line() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a line: ours, which does not block, and a worker's."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.settimeout(0)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_OCTETS)
    return ours, theirs
