"""The answer table: replies to forwarded questions that are asked again and again, as octets.

Rules of this file:

- It may decline, it may never disagree with ``respond``: a property test compares the two.
- The key is the whole query but its ID, so spelling, flags and payload size need no thought.
- A question enters when its answer is cached already, so names that are asked once push nothing
  out; and what was used stays before what was not. All entries together have a bound in octets.
- An entry ends with a tenth of its lifetime left: the cache may fetch anew in time.
- A use costs one look-up: the time is taken once for a burst of datagrams, and uses are counted by
  ``settle``, with the time that one datagram of a burst took.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final, Protocol

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.lifetime import later, ttls
from kubedns_py.dns.name import Name
from kubedns_py.dns.query import ID_OCTETS, Query
from kubedns_py.structs import Struct

LEAST_TTL: Final = 2
"""Seconds: below, an entry would hardly be used before it ends."""

_USED_SHARE: Final = 0.9
_CHANCES: Final = 8
_ENTRY_OCTETS: Final = 900
"""Memory of an entry beside its octets and records, measured with tracemalloc."""
_RECORD_OCTETS: Final = 150


class Facts(Struct, frozen=True, gc=False):
    """What is counted of a reply."""

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
        texts: the replies as they are now.
        due: when they have to be looked at again, because their TTLs change or they end.
        until: when they end.
        lifetime: seconds that the least of the TTLs had left; 0 without any record.
        size_octets: estimate of its memory, without its key.
        uses: since they were last counted.
        is_used: whether it was used since room was last looked for.
    """

    __slots__ = (
        "_made",
        "_ttls",
        "ask",
        "due",
        "facts",
        "is_used",
        "lifetime",
        "size_octets",
        "texts",
        "until",
        "uses",
    )

    def __init__(self, ask: Ask, facts: Facts, replies: Sequence[bytes], now: float) -> None:
        self.ask = ask
        self.facts = facts
        self.uses = 0
        self.is_used = False
        self.texts = [reply[ID_OCTETS:] for reply in replies]
        # TTLs stand at other places in another order, unless all rdata has one length
        places = [tuple((at - ID_OCTETS, ttl) for at, ttl in ttls(reply)) for reply in replies]
        shared = {each: each for each in places}
        self._ttls = [shared[each] for each in places]
        self.lifetime = min((ttl for _, ttl in self._ttls[0]), default=0)
        self.until = now + self.lifetime * _USED_SHARE
        self.due = min(now + 1, self.until)
        records, octets = sum(map(len, shared)), sum(map(len, self.texts))
        self.size_octets = _ENTRY_OCTETS + octets + _RECORD_OCTETS * records
        self._made = now

    def count_down(self, now: float) -> None:
        """Take the seconds that have passed from the TTLs; not after ``until``."""
        seconds = int(now - self._made)
        self.texts = [
            later(text, fields, seconds)
            for text, fields in zip(self.texts, self._ttls, strict=True)
        ]
        self.due = min(self._made + seconds + 1, self.until)


class Cached(Protocol):
    """Where the answers come from."""

    @property
    def generation(self) -> int:
        """Grows whenever what was answered before may not be answered any more."""

    def credit(self, ask: Ask, hits: int) -> None:
        """Learn that an answer was given that many times more."""


Count = Callable[[Facts, int, int, float, int], None]
"""Counts replies: facts, octets of the query and of the reply, seconds for each, how many."""


class AnswerTable:
    """Entries by their query, of one address family.

    Args:
        cached: where the answers come from.
        clock: monotonic seconds; that of ``Entry``.
        count: what uses are counted by.
        octets: bound of the memory that all entries take together, by estimate.
    """

    def __init__(
        self,
        cached: Cached,
        clock: Callable[[], float],
        count: Count,
        octets: int,
    ) -> None:
        self._cached = cached
        self._clock = clock
        self._count = count
        self._room = octets
        self._generation = cached.generation
        self._entries: dict[bytes, Entry] = {}
        self._used: list[tuple[bytes, Entry]] = []
        self._now = inf
        self._pace_s = 0.0

    def __len__(self) -> int:
        return len(self._entries)

    @staticmethod
    def takes(query: Query) -> bool:
        """Tell whether the same octets may come again.

        Options often hold what is random, and so does a name with capitals (0x20).
        """
        is_plain = query.edns is None or not query.edns.has_options
        return is_plain and query.question[:-4] == query.question[:-4].lower()

    @property
    def is_settled(self) -> bool:
        """Whether every use was counted."""
        return not self._used

    def begin(self) -> None:
        """Take the time for the datagrams that follow."""
        self._now = self._clock()
        if self._generation != self._cached.generation:
            self._forget_all()

    def repeat(self, key: bytes) -> bytes | None:
        """Return the reply to a query that was answered before, or None; both without their IDs.

        Args:
            key: whatever was received, without its first two octets.
        """
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._now >= entry.due:
            if self._now >= entry.until:
                self._end(key, entry)
                return None
            entry.count_down(self._now)
        uses = entry.uses = entry.uses + 1
        if uses == 1:
            entry.is_used = True
            self._used.append((key, entry))
        texts = entry.texts
        return texts[uses % len(texts)]

    def end(self, datagrams: int) -> None:
        """Note how long the datagrams since ``begin`` took, one or more."""
        self._pace_s = (self._clock() - self._now) / datagrams

    def settle(self) -> None:
        """Count the uses since last time."""
        used, self._used = self._used, []
        for key, entry in used:
            self._settle(key, entry)

    def put(self, message: bytes, entry: Entry) -> None:
        """Keep the entry of a query, where its lifetime is worth it."""
        if self._generation != self._cached.generation:
            self._forget_all()
        if entry.lifetime < LEAST_TTL:
            return
        key = message[ID_OCTETS:]
        before = self._entries.get(key)
        if before is not None:
            self._end(key, before)
        size = len(key) + entry.size_octets
        while self._entries and self._room < size:
            self._make_room()
        if self._room >= size:
            self._room -= size
            self._entries[key] = entry

    def _settle(self, key: bytes, entry: Entry) -> None:
        uses, entry.uses = entry.uses, 0
        if uses:
            sizes = len(key) + ID_OCTETS, len(entry.texts[0]) + ID_OCTETS
            self._count(entry.facts, *sizes, self._pace_s, uses)
            self._cached.credit(entry.ask, uses)

    def _forget_all(self) -> None:
        """Forget what others said than those who are asked now."""
        self._generation = self._cached.generation
        for key, entry in list(self._entries.items()):
            self._end(key, entry)

    def _make_room(self) -> None:
        """End the oldest entry that was not used since it was last looked at."""
        for _ in range(min(_CHANCES, len(self._entries))):
            key, entry = next(iter(self._entries.items()))
            if not entry.is_used:
                break
            entry.is_used = False
            self._entries[key] = self._entries.pop(key)
        self._end(*next(iter(self._entries.items())))

    def _end(self, key: bytes, entry: Entry) -> None:
        del self._entries[key]
        self._room += len(key) + entry.size_octets
        self._settle(key, entry)
