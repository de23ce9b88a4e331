"""What upstreams said, for as long as it may be kept: the only memory of names that are not ours.

Rules of this file:

- The key is the whole question; a dictionary compares it, so no two questions ever share an entry
  (TOB-CDNS-8). One question has one entry: what is known now.
- The bound is in octets. Data that exist have three quarters of it, denials and failures the rest,
  so random names that do not exist never push out one that does (L-03).
- Expired data stay for when no upstream answers (RFC 8767); a failure never takes their place.
- Pure: ``now`` is monotonic seconds and comes in as an argument; a step of the wall clock is not
  noticed (C-21). Only what ``put`` is given is stored.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, NamedTuple

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.render import Reply
from kubedns_py.structs import Struct
from kubedns_py.upstream.entry import Entry
from kubedns_py.upstream.footprint import octets_of
from kubedns_py.upstream.freshness import (
    DEFAULT_LIMITS,
    Kind,
    Limits,
    Verdict,
    judge,
)
from kubedns_py.upstream.routes import Group
from kubedns_py.upstream.share import Share

_SUCCESS, _, _FAILURE, _ = Kind

RECHECK_S: Final = 30
"""Seconds between two tries to refresh what failed to be refreshed (RFC 8767, 5)."""

LARGEST: Final = 16
"""No entry takes more than this part of its share, so no few of them can fill it."""

IsRight = Callable[[Ask, Reply, Group], bool]
"""Takes a question, its reply in any form, and who was asked: whether that may still be used."""


class Age(enum.Enum):
    """How old what was found is."""

    FRESH = enum.auto()
    DUE = enum.auto()  # fresh, but soon to expire and asked for often: worth fetching ahead
    STALE = enum.auto()  # expired, and fetching it failed a moment ago


_FRESH, _DUE, _STALE = Age  # in Python 3.11 Age.X costs 0.1 us each time


class Found(NamedTuple):
    """What may be handed out at once, its TTLs counted down."""

    reply: Reply
    age: Age


class CacheCounts(Struct, frozen=True):
    """What the cache holds and did. Types are ``success`` and ``denial``; failures are denials.

    Attributes:
        entries: by type.
        octets: estimate of the memory that they take, by type.
        hits: questions that were answered at once, by type; with those that somebody reported who
            answered from a copy.
        misses: questions that were not.
        evictions: entries that had to go for others, by type.
        served_stale: times that expired data were handed out.
    """

    entries: dict[str, int]
    octets: dict[str, int]
    hits: dict[str, int]
    misses: int
    evictions: dict[str, int]
    served_stale: int


class Cache:
    """Replies by question.

    Args:
        octets: most memory that all entries take together, by estimate (``footprint.py``).
        limits: how long replies are kept.
    """

    def __init__(self, octets: int, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._data = Share(octets - octets // 4)
        self._denials = Share(octets // 4)
        self._misses = 0
        self._served_stale = 0
        self._epoch = 0
        self._is_right: IsRight = lambda *_: True

    def get(self, ask: Ask, now: float) -> Found | None:
        """Return what may be handed out at once, or None when an upstream has to be asked."""
        entry = self._entry(ask) if self.holds(ask) else None
        if entry is not None:
            fresh = entry.fresh_reply(now)
            if fresh is not None:
                entry.hits += 1
                self._share(entry).hits += 1
                return Found(fresh, _DUE if entry.is_due(now) else _FRESH)
            if now < entry.failed_until and self._has_data(entry, now):
                self._share(entry).hits += 1
                self._served_stale += 1
                return Found(entry.stale_reply(), _STALE)
        self._misses += 1
        return None

    def counted(self, ask: Ask) -> tuple[float, int]:
        """Return since when the TTLs of what ``get`` returned count down, and by how much.

        Returns:
            Monotonic seconds, and the whole seconds that are off. Zeros where nothing is known.
        """
        entry = self._entry(ask)
        return (entry.stored_at, entry.shown_s) if entry is not None else (0.0, 0)

    def last_resort(self, ask: Ask, now: float) -> Reply | None:
        """Return the data that are known, expired or not, for when no upstream has any.

        Failures are no data. Neither a hit nor a miss is counted.
        """
        entry = self._entry(ask)
        if entry is None or not self._has_data(entry, now):
            return None
        fresh = entry.fresh_reply(now)
        if fresh is not None:
            return fresh
        self._served_stale += 1
        return entry.stale_reply()

    def judge(self, ask: Ask, reply: Reply, *, is_cut: bool = False) -> Verdict:
        """Say what a reply tells, and give it the form to hand out, without keeping it."""
        return judge(ask, reply, self._limits, is_cut=is_cut)

    def put(
        self, ask: Ask, reply: Reply, now: float, *, origin: Group, is_cut: bool = False
    ) -> Verdict:
        """Keep a reply if it may be kept, and return the verdict with the reply to hand out.

        Data take the place of whatever was known, and so does a reply that may not be kept: what it
        contradicts is outdated. A truncated one says nothing and changes nothing. A failure is kept
        only where nothing is known; otherwise it is remembered for ``RECHECK_S`` that it is no use
        to ask.

        Args:
            ask: what was asked.
            reply: what came of it; one object may be given for many questions.
            now: monotonic seconds, never less than in an earlier call.
            origin: who was asked, for ``review``.
            is_cut: see ``freshness.judge``.
        """
        verdict = judge(ask, reply, self._limits, is_cut=is_cut)
        if verdict.kind is _FAILURE:
            if not self.note_failure(ask, now):
                self._keep(ask, verdict, now, origin)
        elif not reply.truncated:
            self._keep(ask, verdict, now, origin)
        return verdict

    def holds(self, ask: Ask) -> bool:
        """Tell whether ``last_resort`` may have something, without looking at it."""
        return ask in self._data.entries or ask in self._denials.entries

    def note_failure(self, ask: Ask, now: float) -> bool:
        """Remember for ``RECHECK_S`` that no upstream answers; return whether data are known."""
        entry = self._entry(ask)
        if entry is None or not self._has_data(entry, now):
            return False
        entry.note_failure(now + RECHECK_S, now)
        return True

    def credit(self, ask: Ask, hits: int) -> None:
        """Count questions that somebody answered from a copy of what ``get`` returned."""
        entry = self._entry(ask)
        if entry is not None:
            entry.hits += hits
            self._share(entry).hits += hits

    def review(self, is_right: IsRight) -> None:
        """Have each entry judged once more before it is used again, and dropped if it is wrong.

        This takes no time now, whatever the number of entries.
        """
        self._is_right = is_right
        self._epoch += 1

    def counts(self) -> CacheCounts:
        """Return what is held and was done until now."""
        shares = {Kind.SUCCESS: self._data, Kind.DENIAL: self._denials}
        return CacheCounts(
            entries={kind: len(share) for kind, share in shares.items()},
            octets={kind: share.octets for kind, share in shares.items()},
            hits={kind: share.hits for kind, share in shares.items()},
            misses=self._misses,
            evictions={kind: share.evictions for kind, share in shares.items()},
            served_stale=self._served_stale,
        )

    def clear(self) -> None:
        """Forget everything but the counts."""
        self._data.clear()
        self._denials.clear()

    def _keep(self, ask: Ask, verdict: Verdict, now: float, origin: Group) -> None:
        data, denials = self._data, self._denials
        if ask in data.entries or ask in denials.entries:
            self._remove(ask)
        kind, reply, lifetime_s = verdict.kind, verdict.reply, verdict.lifetime_s
        octets = octets_of(ask, reply)
        share = data if kind is _SUCCESS else denials
        if lifetime_s and octets * LARGEST <= share.limit:
            share.put(ask, Entry(kind, reply, lifetime_s, now, origin, octets, self._epoch))

    def _remove(self, ask: Ask) -> None:
        self._data.drop(ask)
        self._denials.drop(ask)

    def _share(self, entry: Entry) -> Share:
        return self._data if entry.kind is _SUCCESS else self._denials

    def _has_data(self, entry: Entry, now: float) -> bool:
        return entry.has_data(now, self._limits.keep_stale_s)

    def _entry(self, ask: Ask) -> Entry | None:
        """Return the entry of a question, whatever its age, and count it as used."""
        entry = self._data.use(ask) or self._denials.use(ask)
        if entry is not None and entry.epoch != self._epoch:
            if not self._is_right(ask, entry.reply, entry.origin):
                self._remove(ask)
                return None
            entry.epoch = self._epoch
        return entry
