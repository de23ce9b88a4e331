"""Cuts a TCP stream into DNS messages (RFC 1035, 4.2.2: two octets of length before each).

Rules of this file:

- No I/O: octets in, messages out; "more is needed" is a value.
- What a client can make us keep is one message and what was read with it, never a multiple.
"""

from __future__ import annotations

import struct

_LENGTH = struct.Struct(">H")

HEADER_OCTETS = 12
"""A message is at least its header (RFC 1035, 4.1.1)."""


class Frames:
    """Messages of one connection.

    Attributes:
        broken: a length below 12 was read. The stream has no further message boundaries.
    """

    __slots__ = ("_at", "_buffer", "broken")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self.broken = False

    def feed(self, octets: bytes | memoryview) -> None:
        """Add what was read. ``octets`` is copied."""
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += octets

    def next(self) -> bytes | None:
        """Return the next message, 12 to 65535 octets, without its length.

        None: more octets are needed, or the stream is broken.
        """
        if self.broken or len(self._buffer) - self._at < _LENGTH.size:
            return None
        (size,) = _LENGTH.unpack_from(self._buffer, self._at)
        if size < HEADER_OCTETS:
            self.broken = True
            return None
        start = self._at + _LENGTH.size
        if len(self._buffer) < start + size:
            return None
        self._at = start + size
        return bytes(self._buffer[start : self._at])

    def unfinished(self) -> bool:
        """Whether octets are kept that no call of ``next`` has returned."""
        return len(self._buffer) > self._at

    def clear(self) -> None:
        """Forget what is kept."""
        self._buffer.clear()
        self._at = 0


def framed(message: bytes) -> bytes:
    """Return a message with its length before it, to be written at once (RFC 7766, 8).

    Raises:
        struct.error: it is longer than 65535 octets.
    """
    return _LENGTH.pack(len(message)) + message
