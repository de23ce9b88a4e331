"""Octets of a watch to lines. No I/O."""

from __future__ import annotations

from collections.abc import Iterator

MAX_LINE_OCTETS = 10_000_000
_SHOWN = 200


class Lines:
    """Cuts a stream into lines without their line break; empty ones are left out.

    A line over ``MAX_LINE_OCTETS`` comes out as its first octets only, which is no JSON document,
    and ends the stream: whoever reads lines has to treat it like any unreadable one (row F-16).
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._octets = 0
        self.overflowed = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take octets as they came and yield the lines that they complete."""
        *complete, rest = chunk.split(b"\n")
        for end in complete:
            line = b"".join((*self._parts, end))
            self._keep(b"")
            if len(line) > MAX_LINE_OCTETS:
                self.overflowed = True
                yield line[:_SHOWN]
                return
            if line:
                yield line
        self._parts.append(rest)
        self._octets += len(rest)
        if self._octets > MAX_LINE_OCTETS:
            self.overflowed = True
            yield b"".join(self._parts)[:_SHOWN]

    def end(self) -> bytes:
        """Return what stood after the last line break."""
        return b"".join(self._parts)

    def _keep(self, rest: bytes) -> None:
        self._parts = [rest] if rest else []
        self._octets = len(rest)
