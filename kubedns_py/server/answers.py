"""The answer table: replies to queries that were answered before, by the query's octets.

Rules of this file:

- It may decline, it may never disagree with ``respond``: a property test compares the two.
- The key is the whole query but its ID, so spelling, flags and payload size need no thought here.
  What enters and what leaves is decided elsewhere (``keeping.py``), perhaps in another process.
- A use costs one look-up: the time is taken once for a burst of datagrams, and uses are counted by
  ``settle``, with the time that one datagram of a burst took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final, Protocol
from zlib import crc32

from kubedns_py.server.entry import Entry

MOST_KEYS: Final = 4
"""Queries that one entry is found by; nobody sends more variants but on purpose. Then one of them
leaves for each that comes: so whoever sends odd ones early keeps no plain one out."""


class Owner(Protocol):
    """Whoever decides what is in a table."""

    def look(self) -> None:
        """Take out what is not true any more, at the beginning of a burst."""

    def ended(self, entry: Entry) -> None:
        """Take out an entry whose time is over."""

    def count(self, entry: Entry, times: int, seconds: float) -> None:
        """Count uses of an entry: how many, and how long one took."""


class AnswerTable:
    """Entries by their query, of one address family.

    Args:
        owner: who decides what is in it.
        clock: monotonic seconds; that of ``Content``.
        serials: of the zones, by number.
    """

    def __init__(
        self, owner: Owner, clock: Callable[[], float], serials: Sequence[int] = ()
    ) -> None:
        self._owner = owner
        self._clock = clock
        self._serials = serials
        self._entries: dict[bytes, Entry] = {}
        self._used: list[Entry] = []
        self._renewed: set[Entry] = set()
        self._now = inf
        self._pace_s = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def is_settled(self) -> bool:
        """Whether every use was counted."""
        return not self._used

    # -- using

    def begin(self) -> None:
        """Take the time for the datagrams that follow."""
        self._now = self._clock()
        self._owner.look()

    def repeat(self, key: bytes) -> bytes | None:
        """Return the reply to a query that was answered before, or None; both without their IDs.

        Args:
            key: whatever was received, without its first two octets.
        """
        entry = self._entries.get(key)
        if entry is None or (self._now >= entry.due and not self.renew(entry, self._now)):
            return None
        uses = entry.uses
        entry.uses = uses + 1
        if not uses:
            self._used.append(entry)
        return entry.only or entry.texts[(entry.turn + uses) % len(entry.texts)]

    def end(self, datagrams: int) -> None:
        """Note how long the datagrams since ``begin`` took, one or more."""
        self._pace_s = (self._clock() - self._now) / datagrams

    def settle(self) -> None:
        """Count the uses since last time."""
        used, self._used = self._used, []
        for entry in used:
            self.settle_one(entry)

    def settle_one(self, entry: Entry) -> None:
        """Count an entry's uses since last time."""
        times = entry.uses
        if times:
            entry.uses = 0
            entry.turn = (entry.turn + times) % len(entry.texts)
            entry.is_used = True
            self._owner.count(entry, times, self._pace_s)

    def renew(self, entry: Entry, now: float) -> bool:
        """Make an entry's replies those of now; return False if it ended."""
        if now >= entry.content.until:
            self._owner.ended(entry)
            return False
        if now >= entry.due:
            entry.renew(now, self._serials)
            if entry.content.serials:
                self._renewed.add(entry)
        return True

    # -- changing

    def put(self, entry: Entry, key: bytes | None = None) -> None:
        """Keep an entry of this table.

        Args:
            entry: new, or kept already.
            key: one more query that it is found by, without its ID.
        """
        if entry.content.serials:
            entry.due = -inf  # whoever made it may have done so long ago
        if key is not None and key not in entry.keys:
            if len(entry.keys) < MOST_KEYS:
                entry.keys += (key,)
            else:
                at = crc32(key) % MOST_KEYS  # not in turn: of five that take turns none would stay
                del self._entries[entry.keys[at]]
                entry.keys = (*entry.keys[:at], key, *entry.keys[at + 1 :])
            self._entries[key] = entry

    def discard(self, entry: Entry) -> None:
        """Forget an entry. Its uses are counted."""
        for key in entry.keys:
            del self._entries[key]
        entry.keys = ()
        self._renewed.discard(entry)
        self.settle_one(entry)

    def clear(self) -> None:
        """Forget everything. All uses are counted."""
        self._entries.clear()
        self._renewed.clear()
        self.settle()

    def take_serials(self, serials: Sequence[int]) -> None:
        """Learn the zones' serials: replies that have one are made anew when they are next used."""
        self._serials = serials
        for entry in self._renewed:
            entry.due = -inf
        self._renewed.clear()
