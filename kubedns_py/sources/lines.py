"""Octets of a watch to whole lines. No I/O."""

from __future__ import annotations

MAX_LINE_OCTETS = 10_000_000
_SHOWN = 200


class Lines:
    """Cuts a stream behind lines; they stay together as they came, for one call to take them all.

    A line over ``MAX_LINE_OCTETS`` comes out as its first octets only, which is no JSON document,
    and ends the stream: whoever reads lines has to treat it like any unreadable one (row F-16).
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._octets = 0
        self.overflowed = False

    def feed(self, chunk: bytes) -> bytes:
        """Take octets as they came; return the lines that they complete, without the last break."""
        end = chunk.rfind(b"\n")
        if end < 0:
            self._parts.append(chunk)
            self._octets += len(chunk)
            return self._overflow() if self._octets > MAX_LINE_OCTETS else b""
        whole = b"".join((*self._parts, chunk[:end]))
        self._parts = [chunk[end + 1 :]]
        self._octets = len(chunk) - end - 1
        if len(whole) > MAX_LINE_OCTETS:
            return self._checked(whole.split(b"\n"))
        return whole

    def end(self) -> bytes:
        """Return what stood after the last line break."""
        return b"".join(self._parts)

    def _overflow(self) -> bytes:
        self.overflowed = True
        return b"".join(self._parts)[:_SHOWN]

    def _checked(self, lines: list[bytes]) -> bytes:
        """Return lines up to the first one that is too long, of which only the beginning."""
        for number, line in enumerate(lines):
            if len(line) > MAX_LINE_OCTETS:
                self.overflowed = True
                return b"\n".join((*lines[:number], line[:_SHOWN]))
        return b"\n".join(lines)
