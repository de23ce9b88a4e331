"""What the main process and a worker say to each other, and the line that they have for it.

Rules of this file:

- Messages arrive in order, whole, and unaltered: the line is a local socket that keeps their bounds
  (``SOCK_SEQPACKET``, unix(7)). Both ends are of one program, so nothing else is checked.
- Nobody waits. A worker that cannot hand a datagram over drops it. The main process keeps what a
  worker does not take, up to a bound; beyond it the worker is told everything anew, later.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
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
    """Datagrams of one batch that the worker cannot answer, one or more.

    Attributes:
        socket: where they came to, by number.
        names: where each came from, one after the other; see ``sockaddr``.
        infos: what the kernel says of each one's destination, likewise.
        messages: the datagrams.
    """

    socket: int
    names: bytes
    infos: bytes
    messages: list[bytes]


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
    every = list(messages)
    runs = _runs([len(memoryview(each)) for each in every])
    return [(_ENCODER.encode(every[run]), run.stop - run.start) for run in runs]


def handed_over(
    number: int, names: Sequence[bytes], infos: Sequence[bytes], messages: Sequence[bytes]
) -> list[tuple[bytes, int]]:
    """Put datagrams together as ``HandedOver``; return packets, each with how many are in it."""
    made = []
    for run in _runs(list(map(len, messages))):
        names_, infos_ = b"".join(names[run]), b"".join(infos[run])
        said = HandedOver(number, names_, infos_, list(messages[run]))
        made.append((_ENCODER.encode((said,)), run.stop - run.start))
    return made


def _runs(sizes: Sequence[int]) -> list[slice]:
    """Return which neighbours go together; one that is larger than a packet goes alone."""
    runs: list[slice] = []
    start = octets = 0
    for at, size in enumerate(sizes):
        if at > start and octets + size > PACKET_OCTETS:
            runs.append(slice(start, at))
            start, octets = at, 0
        octets += size
    if sizes:
        runs.append(slice(start, len(sizes)))
    return runs


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
