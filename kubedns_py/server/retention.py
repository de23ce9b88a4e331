"""Which entries have to leave when there is no room: first those that nobody used.

Rules of this file:

- What enters is on probation: unless it is used meanwhile, it leaves when its turn comes. What was
  used stays, and gets another turn whenever it was used since the last one. So entries that are
  made and never used push nothing out but each other (the idea is S3-FIFO's, Yang et al., 2023).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kubedns_py.server.entry import Entry

_PROBATION_SHARE: Final = 8
"""An eighth of the room is for new entries when all of it is taken."""
_MOST_TURNS: Final = 256
"""Entries that are given another turn before one has to leave all the same; some 0.1 ms."""


class Retention:
    """Entries with one bound in octets.

    Args:
        octets: of all entries together, by their estimate.
        was_used: tells whether an entry was used since it was last asked.
    """

    def __init__(self, octets: int, was_used: Callable[[Entry], bool]) -> None:
        self._octets = octets
        self._was_used = was_used
        self._taken = 0
        self._on_probation_octets = 0
        self._probation: dict[int, Entry] = {}
        self._staying: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self._probation) + len(self._staying)

    @property
    def octets(self) -> int:
        """What all entries take together, by their estimate."""
        return self._taken

    def get(self, number: int) -> Entry | None:
        """Return an entry that is in, by its number."""
        return self._probation.get(number) or self._staying.get(number)

    def make_room(self, octets: int) -> list[Entry] | None:
        """Return those that left to make room, or None where there is not that much in all."""
        if octets > self._octets:
            return None
        left = []
        while self._taken + octets > self._octets:
            entry = self._next_to_leave()
            self.discard(entry)
            left.append(entry)
        return left

    def add(self, entry: Entry) -> None:
        """Take an entry in, for which there is room."""
        self._probation[entry.number] = entry
        self._on_probation_octets += entry.size_octets
        self._taken += entry.size_octets

    def grow(self, entry: Entry, octets: int) -> None:
        """Learn that an entry that is in takes more."""
        if entry.number in self._probation:
            self._on_probation_octets += octets
        entry.size_octets += octets
        self._taken += octets

    def discard(self, entry: Entry) -> None:
        """Forget an entry that is in."""
        if entry.number in self._probation:
            del self._probation[entry.number]
            self._on_probation_octets -= entry.size_octets
        else:
            del self._staying[entry.number]
        self._taken -= entry.size_octets

    def clear(self) -> None:
        """Forget all entries."""
        self._probation.clear()
        self._staying.clear()
        self._taken = self._on_probation_octets = 0

    def _next_to_leave(self) -> Entry:
        for _ in range(_MOST_TURNS):
            probation = self._probation
            is_new = bool(probation) and (
                not self._staying or self._on_probation_octets * _PROBATION_SHARE > self._octets
            )
            entry = next(iter((probation if is_new else self._staying).values()))
            if not self._was_used(entry):
                return entry
            if is_new:
                del probation[entry.number]
                self._on_probation_octets -= entry.size_octets
            else:
                del self._staying[entry.number]
            self._staying[entry.number] = entry
        return next(iter(self._staying.values()))
