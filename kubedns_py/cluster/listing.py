"""A list cut into whole objects while it comes in, so that nobody waits for its end. No I/O.

Rules of this file:

- A cut is a guess from a few octets, which whoever reads the part confirms or takes back: half an
  object is no JSON document. After one wrong guess nothing is cut any more.
- What is left at the end is a whole list again, with everything that was not an object of a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PORTION_OCTETS: Final = 131_072
"""How much is read before others may run: about a millisecond of work (row F-06)."""

_LONGEST_OCTETS: Final = 4 << 20
"""More than an object can have (etcd takes 1.5 MiB): these are not divided as we expect."""

_BEGINNING: Final = b'"items":['
_BETWEEN: Final = b'},{"metadata":{'
"""Between two objects of a list, as the API server writes them."""


class Listing:
    """One answer to a list, as its octets come."""

    def __init__(self) -> None:
        self._head = b""
        self._parts: list[bytes] = []
        self._waiting = 0
        self._wrong_cuts = 0
        self._is_whole = False

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """Take octets; yield each portion that is complete by them, as a JSON array.

        ``take_back`` has to be called before the next one is asked for, or not at all.
        """
        self._parts.append(octets)
        self._waiting += len(octets)
        if self._is_whole or self._waiting < PORTION_OCTETS:
            return
        rest = b"".join(self._parts)
        if not self._head:
            self._head, rest = _beheaded(rest)
        start, view = 0, memoryview(rest)  # sparing a copy or two of everything
        while self._head and (end := _cut(rest, start)):
            yield b"".join((b"[", view[start:end], b"]"))
            if self._wrong_cuts:
                break
            start = end + 1
        self._parts = [rest[start:]]
        self._waiting = len(rest) - start
        self._is_whole = not self._head or self._waiting > _LONGEST_OCTETS or self._wrong_cuts > 0

    def take_back(self) -> None:
        """Take back the newest portion: it is no JSON array."""
        self._wrong_cuts += 1

    def end(self) -> bytes:
        """Return the list with the objects that were in no portion."""
        return b"".join((self._head, *self._parts))


def _beheaded(octets: bytes) -> tuple[bytes, bytes]:
    """Return the list up to its first object, empty if that is not to be found, and the rest."""
    start = octets.find(_BEGINNING)
    if start < 0:
        return b"", octets
    start += len(_BEGINNING)
    return octets[:start], octets[start:]


def _cut(octets: bytes, start: int) -> int:
    """Return where a portion that begins at ``start`` ends, or 0 if its end has not come yet."""
    enough = start + PORTION_OCTETS
    if len(octets) < enough:
        return 0
    found = octets.rfind(_BETWEEN, start, enough)
    if found < 0:
        found = octets.find(_BETWEEN, enough - len(_BETWEEN))
    return found + 1
