"""One reply in the cache, and what it looks like as time goes by.

Rules of this file:

- ``reply`` is always in the form in which it was handed out last, so a name that is asked for a
  thousand times in a second is counted down once, and memory holds it once.
- The garbage collector has nothing to do with entries, however many there are: no cycle can go
  through one, so it need not look at them.
- Time only moves on: ``now`` is never less than it was before.
"""

from __future__ import annotations

from math import inf
from typing import Final

from kubedns_py.dns.render import Reply
from kubedns_py.structs import Struct
from kubedns_py.upstream.freshness import Kind, counted_down, stale
from kubedns_py.upstream.routes import Group

PREFETCH_LIFETIME_S: Final = 10
"""What lives shorter is not fetched ahead; that would be at nearly every question."""

PREFETCH_SHARE: Final = 0.1
"""The last part of a lifetime, in which an entry is fetched ahead."""

PREFETCH_HITS: Final = 2
"""Times that an entry must have been asked for since it was fetched."""

_IS_STALE = -1
_FAILURE = Kind.FAILURE  # in Python 3.11 the long form costs 0.1 us each time


class Entry(Struct, gc=False, eq=False):
    """One reply.

    Attributes:
        kind: what it tells.
        reply: what to say.
        lifetime_s: whole seconds for which it is fresh.
        stored_at: when that began.
        origin: who was asked.
        octets: estimate of what it takes in memory.
        epoch: the last review that it stood.
        hits: times that it was asked for; counted by whoever holds it.
        failed_until: until when it is no use to fetch it again.
        shown_s: whole seconds that are off the TTLs of ``reply``; less than 0 where it is stale.
    """

    kind: Kind
    reply: Reply
    lifetime_s: int
    stored_at: float
    origin: Group
    octets: int
    epoch: int = 0
    hits: int = 0
    failed_until: float = -inf
    shown_s: int = 0

    def fresh_reply(self, now: float) -> Reply | None:
        """Return the reply with TTLs counted down, or None when it has expired."""
        age = now - self.stored_at
        if age >= self.lifetime_s:
            return None
        elapsed = int(age)
        if elapsed != self.shown_s:
            self.reply = counted_down(self.reply, elapsed - self.shown_s)
            self.shown_s = elapsed
        return self.reply

    def stale_reply(self) -> Reply:
        """Return the reply as one that has expired, which it has for good."""
        if self.shown_s != _IS_STALE:
            self.reply = stale(self.reply)
            self.shown_s = _IS_STALE
        return self.reply

    def is_due(self, now: float) -> bool:
        """Tell whether it is worth fetching ahead: often asked for, and soon to expire."""
        if self.hits < PREFETCH_HITS or self.lifetime_s < PREFETCH_LIFETIME_S:
            return False
        due = self.stored_at + self.lifetime_s * (1 - PREFETCH_SHARE)
        return now >= due and now >= self.failed_until and self.kind is not _FAILURE

    def note_failure(self, until: float, now: float) -> None:
        """Remember that fetching it failed; while it is fresh, not for longer than that."""
        ends = self.stored_at + self.lifetime_s
        self.failed_until = min(until, ends) if now < ends else until

    def has_data(self, now: float, keep_stale_s: float) -> bool:
        """Tell whether it is no failure, and fresh or not too long expired."""
        if self.kind is _FAILURE:
            return False
        return now - self.stored_at < self.lifetime_s + keep_stale_s
