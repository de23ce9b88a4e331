"""The answer table: replies to forwarded questions that are asked again and again, as octets.

Rules of this file:

- It may decline, it may never disagree: what it says is what ``respond`` would have said at that
  time, TTLs included. ``tests/properties/test_answers_table.py`` compares the two.
- The key is the whole query but its ID, so spelling, flags and payload size need no thought.
- A question enters when it is asked a second time while its answer is cached, so names that are
  asked once, however many, push nothing out; and an entry that was used stays before one that was
  not.
- An entry ends with the first tenth of a lifetime left: then the cache is asked, which may fetch
  anew in time. What it was used for until then is credited there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.lifetime import later, ttls
from kubedns_py.dns.name import Name
from kubedns_py.dns.query import Query

MOST_ENTRIES: Final = 16384
LEAST_TTL: Final = 2
"""Seconds: below, an entry would hardly be used before it ends."""

_USED_SHARE: Final = 0.9
_CHANCES: Final = 8


class Facts(NamedTuple):
    """What is counted of every reply of an entry."""

    zone: str
    name: Name
    qtype: int
    do: bool
    rcode: int
    rule: str


class Entry:
    """One question's replies, without their IDs.

    Args:
        ask: the key of the cache that the answer came from.
        facts: what is counted.
        replies: whole messages, alike but for the order of their addresses.
        now: monotonic seconds.

    Attributes:
        lifetime: seconds that the least of its TTLs had left; 0 without any record.
        until: when it ends, on the same clock.
        hits: how often it was used.
    """

    __slots__ = (
        "_made",
        "_originals",
        "_texts",
        "_tick",
        "ask",
        "facts",
        "hits",
        "lifetime",
        "until",
    )

    def __init__(self, ask: Ask, facts: Facts, replies: Sequence[bytes], now: float) -> None:
        self.ask = ask
        self.facts = facts
        self.hits = 0
        self._made = now
        self.lifetime = min((ttl for _, ttl in ttls(replies[0])), default=0)
        self._originals = tuple(replies)
        self._texts = tuple(reply[2:] for reply in replies)
        self._tick = now + 1
        self.until = now + self.lifetime * _USED_SHARE

    def octets(self, now: float) -> bytes:
        """Return a reply without its ID.

        Args:
            now: before ``until``.
        """
        if now >= self._tick:
            self._count_down(int(now - self._made))
        self.hits += 1
        texts = self._texts
        return texts[self.hits % len(texts)]

    def _count_down(self, seconds: int) -> None:
        # TTLs stand at other places in another order, unless all rdata has one length
        self._texts = tuple(later(each, ttls(each), seconds)[2:] for each in self._originals)
        self._tick = self._made + seconds + 1


class Cached(Protocol):
    """Where the answers come from."""

    @property
    def generation(self) -> int:
        """Grows whenever what was answered before may not be answered any more."""

    def credit(self, ask: Ask, hits: int) -> None:
        """Learn that an answer was given that many times more."""


class AnswerTable:
    """Entries by their query.

    Args:
        cached: where the answers come from.
        most: entries at one time.
    """

    def __init__(self, cached: Cached, most: int = MOST_ENTRIES) -> None:
        self._cached = cached
        self._generation = cached.generation
        self._most = most
        self._entries: dict[bytes, Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    @staticmethod
    def takes(query: Query) -> bool:
        """Tell whether the same octets may come again: options often hold what is random."""
        return query.edns is None or not query.edns.has_options

    def get(self, message: bytes, now: float) -> Entry | None:
        """Return the entry of a query, unless it has ended.

        Args:
            message: whatever was received.
            now: monotonic seconds.
        """
        entry = self._entries.get(message[2:])
        if entry is None:
            return None
        if now < entry.until and self._cached.generation == self._generation:
            return entry
        self._end(message[2:], entry)
        return None

    def put(self, message: bytes, entry: Entry) -> None:
        """Keep the entry of a query, where its lifetime is worth it."""
        if self._generation != self._cached.generation:
            self._entries.clear()
            self._generation = self._cached.generation
        if entry.lifetime < LEAST_TTL:
            return
        while len(self._entries) >= self._most:
            self._make_room()
        self._entries[message[2:]] = entry

    def _make_room(self) -> None:
        """End the oldest entry that was not used since it was last looked at."""
        for _ in range(_CHANCES):
            query, entry = next(iter(self._entries.items()))
            if not entry.hits:
                break
            self._cached.credit(entry.ask, entry.hits)
            entry.hits = 0
            self._entries[query] = self._entries.pop(query)
        self._end(*next(iter(self._entries.items())))

    def _end(self, query: bytes, entry: Entry) -> None:
        del self._entries[query]
        if entry.hits:
            self._cached.credit(entry.ask, entry.hits)
