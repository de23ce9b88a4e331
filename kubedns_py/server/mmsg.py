"""Many datagrams in one system call: recvmmsg(2) and sendmmsg(2), which Python's socket lacks.

A call of Python's for each datagram makes an address as text and reads it again, and enters the
kernel twice: 2 to 3 us of the 8 to 9 that a repeated answer cost. Here the addresses stay what the
kernel wrote.

Rules of this file:

- Nothing is allocated once a batch is made but the queries themselves: headers, addresses and
  octets have their places, and a reply is written over its query, behind the ID.
- This is the only file with C structures; their layout is the system's own (``<sys/socket.h>``),
  of glibc as of musl, which pads two fields to the size that they have here.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
from typing import TYPE_CHECKING, Any, Final

from kubedns_py.dns.query import ID_OCTETS
from kubedns_py.server.batch import BURST, MAX_DATAGRAM, Texts, count_unsent
from kubedns_py.server.sockaddr import NAME_OCTETS, NAME_ROOM, read_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubedns_py.server.destinations import Destination, Destinations

    Call = Callable[..., int]


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_octets", ctypes.c_uint),
        ("iovecs", ctypes.c_void_p),
        ("iovec_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_octets", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("header", _Msghdr), ("octets", ctypes.c_uint))


_HEADER_OCTETS: Final = ctypes.sizeof(_Mmsghdr)
_SLOT_OCTETS: Final = MAX_DATAGRAM + 1 + 64
"""64 more, so that not all slots begin in the same line of the processor's cache."""
STARTS: Final = tuple(range(0, BURST * _SLOT_OCTETS, _SLOT_OCTETS))
_TEXTS: Final = tuple(start + ID_OCTETS for start in STARTS)
_PORT_STEP: Final = NAME_ROOM // 2
"""A port is the second pair of octets of an address."""
_CONTROL: Final = struct.Struct("Nii")
"""``struct cmsghdr``: octets with this header, level, type."""
_SIZE_AT: Final = _Mmsghdr.octets.offset // ctypes.sizeof(ctypes.c_uint)
_SIZE_STEP: Final = _HEADER_OCTETS // ctypes.sizeof(ctypes.c_uint)
_IOVEC_STEP: Final = ctypes.sizeof(_Iovec) // ctypes.sizeof(ctypes.c_size_t)


def system_calls() -> tuple[Call, Call] | None:
    """Return recvmmsg and sendmmsg, or None where the C library has none of them.

    Their arguments are not declared, which saves 0.4 us of a call. So pointers have to be
    ``c_void_p``, made once: a bare number would be cut to 32 bits.
    """
    library = ctypes.CDLL(None, use_errno=True)
    try:
        return library.recvmmsg, library.sendmmsg
    except AttributeError:
        return None


class Places:
    """Where datagrams and their replies stand, slot by slot, and the way out for the replies.

    Args:
        sock: to send on.
        info_octets: of what the kernel says of a destination, as in ``Destinations``.
        counts: counts what cannot be sent.
        send: sendmmsg.

    Attributes:
        octets: a datagram in each slot, from ``STARTS`` on. Its first octets are the reply's ID.
        names: where each came from, ``NAME_ROOM`` octets for each.
        control_room: octets for what the kernel says, with its header; 0 where it says nothing.
    """

    def __init__(
        self, sock: socket.socket, info_octets: int, counts: dict[str, int], send: Call
    ) -> None:
        self._socket = sock.fileno()
        self._family = sock.family
        self._counts = counts
        self._send = send
        self.control_room = socket.CMSG_SPACE(info_octets) if info_octets else 0
        # a slice of such memory is octets at once, where one of a bytearray is to be copied first
        self.octets = mmap.mmap(-1, BURST * _SLOT_OCTETS, flags=mmap.MAP_PRIVATE)
        self.names = memoryview(bytearray(BURST * NAME_ROOM))
        self._controls = bytearray(BURST * self.control_room)
        self._headers, self._iovecs = self.headers(self._controls)
        self._at = [ctypes.c_void_p(ctypes.addressof(each)) for each in self._headers]
        self._sizes = memoryview(self._iovecs).cast("B").cast("L")  # size_t

    def headers(self, controls: bytearray) -> tuple[ctypes.Array[_Mmsghdr], ctypes.Array[_Iovec]]:
        """Return a header for each slot, and the iovecs that they point to; sizes are 0."""
        headers, iovecs = (_Mmsghdr * BURST)(), (_Iovec * BURST)()
        octets_at, names_at = _address(self.octets), _address(self.names.obj)
        for slot, message in enumerate(headers):
            iovecs[slot].base = octets_at + STARTS[slot]
            header = message.header
            header.name = names_at + slot * NAME_ROOM
            header.name_octets = NAME_OCTETS[self._family]
            header.iovecs = ctypes.addressof(iovecs[slot])
            header.iovec_count = 1
            if controls:
                header.control = _address(controls) + slot * self.control_room
                header.control_octets = self.control_room
        return headers, iovecs

    def leave_from(self, destination: Destination, slot: int | None = None) -> None:
        """Have the reply in a slot, or all of them, leave from where its query was sent to."""
        if room := self.control_room:
            level, kind, info = destination.ancillary[0]
            octets = _CONTROL.pack(socket.CMSG_LEN(len(info)), level, kind) + info
            octets = octets.ljust(room, b"\0")
            if slot is None:
                self._controls[:] = octets * BURST
            else:
                self._controls[slot * room : (slot + 1) * room] = octets

    def send(self, replies: Sequence[bytes | None]) -> None:
        """Reply; see ``Batch``."""
        octets, sizes = self.octets, self._sizes
        size_at = 1
        for text, reply in zip(_TEXTS, replies, strict=False):
            if reply is not None:
                size = len(reply)
                octets[text : text + size] = reply
                sizes[size_at] = size + ID_OCTETS
            size_at += _IOVEC_STEP
        if all(replies):
            self._send_run(0, len(replies))
            return
        first = 0
        for slot, reply in enumerate([*replies, None]):
            if reply is None:
                if slot > first:
                    self._send_run(first, slot - first)
                first = slot + 1

    def _send_run(self, first: int, count: int) -> None:
        """Send what stands in neighbouring slots."""
        end = first + count
        while first < end:
            sent = self._send(self._socket, self._at[first], end - first, socket.MSG_DONTWAIT)
            if sent <= 0:  # the first of them is the one that failed
                count_unsent(_error(ctypes.get_errno()), self._counts)
                sent = 1
            first += sent


class ManyAtOnce:
    """A ``Batch`` that is read with one system call, and sent with as few as can be.

    Args:
        sock: to read from and to send on.
        destinations: those of the socket.
        barred: source ports that need a look.
        counts: counts what cannot be read or sent.
        calls: recvmmsg and sendmmsg.
    """

    def __init__(
        self,
        sock: socket.socket,
        destinations: Destinations,
        barred: frozenset[int],
        counts: dict[str, int],
        calls: tuple[Call, Call],
    ) -> None:
        self._socket = sock.fileno()
        self._receive, send = calls
        self._destinations = destinations
        self._counts = counts
        self._barred = frozenset(socket.htons(port) for port in barred)
        self._came = 0
        self._sizes: list[int] = []

        self._info_octets = destinations.info_octets
        self._places = places = Places(sock, self._info_octets, counts, send)
        self._control_room = places.control_room
        self._octets, self._names = places.octets, places.names
        self._ports = self._names.cast("H")
        self._controls = bytearray(BURST * self._control_room)
        # the destination that the last batch of one destination had, and what the kernel said of it
        self._usual = destinations.only
        self._usual_controls = b""

        self._headers, self._iovecs = places.headers(self._controls)  # known to each other by
        for iovec in self._iovecs:  # address only, so both are kept
            iovec.size = MAX_DATAGRAM
        self._in_at = ctypes.c_void_p(ctypes.addressof(self._headers))
        self._in_octets = memoryview(self._headers).cast("B")
        self._blank = self._in_octets.tobytes()
        self._in_sizes = self._in_octets.cast("I")

    def receive(self) -> Texts:
        """Read what has come; see ``Batch``."""
        if self._control_room:
            self._in_octets[:] = self._blank  # the kernel wrote lengths over it
        came = self._receive(self._socket, self._in_at, BURST, socket.MSG_DONTWAIT, None)
        if came <= 0:
            self._came = 0
            if came and ctypes.get_errno() not in {errno.EAGAIN, errno.EINTR}:
                self._counts["receive_error"] += 1
            return []
        self._came = came
        sizes = self._sizes = self._in_sizes[_SIZE_AT : came * _SIZE_STEP : _SIZE_STEP].tolist()
        octets = self._octets
        return [
            octets[text : start + size]
            for start, text, size in zip(STARTS, _TEXTS, sizes, strict=False)
        ]

    @property
    def usual(self) -> Destination | None:
        """Where all of it was sent to; see ``Batch``."""
        ports = self._ports[1 : self._came * _PORT_STEP : _PORT_STEP].tolist()
        is_barred = not self._barred.isdisjoint(ports)
        if not self._control_room:
            return None if is_barred else self._usual
        if is_barred:
            self._usual, self._usual_controls = None, b""  # it was that of an earlier batch
            return None
        controls = self._controls[: self._came * self._control_room]
        if not self._usual_controls.startswith(controls):
            self._look_at(controls)
        return self._usual

    def _look_at(self, controls: bytearray) -> None:
        """Find the usual destination anew, and have all replies leave from it."""
        first = bytes(controls[: self._control_room])
        everywhere = first * BURST
        self._usual, self._usual_controls = None, b""
        if everywhere.startswith(controls):
            self._usual, self._usual_controls = self.destination(0), everywhere
            self._places.leave_from(self._usual)

    def is_barred(self, slot: int) -> bool:
        """Whether the source port is barred; see ``Batch``."""
        return self._ports[slot * _PORT_STEP + 1] in self._barred

    def message(self, slot: int) -> bytes:
        """Return a datagram; see ``Batch``."""
        start = STARTS[slot]
        return self._octets[start : start + self._sizes[slot]]

    def source(self, slot: int) -> Any:
        """Return where it came from; see ``Batch``. A link-local host is without its interface."""
        return read_name(self.name(slot))

    def name(self, slot: int) -> bytes:
        """Return the same as octets; see ``Batch``."""
        return self._names[slot * NAME_ROOM : (slot + 1) * NAME_ROOM].tobytes()

    def info(self, slot: int) -> bytes:
        """Return what the kernel says of it; see ``Batch``."""
        at = slot * self._control_room + _CONTROL.size
        return bytes(self._controls[at : at + self._info_octets])

    def destination(self, slot: int) -> Destination:
        """Return where it was sent to; see ``Batch``."""
        return self._usual or self._destinations.of(self.info(slot))

    def send(self, replies: Sequence[bytes | None]) -> None:
        """Reply; see ``Batch``."""
        if self._usual is None:
            for slot, reply in enumerate(replies):
                if reply is not None:
                    self._places.leave_from(self.destination(slot), slot)
        self._places.send(replies)


def _error(number: int) -> OSError:
    """Return the exception of an error number, as Python's own calls raise it."""
    return OSError(number, os.strerror(number))


def _address(octets: Any) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(octets))
