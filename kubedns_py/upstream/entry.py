"""One reply in the cache, and what it looks like as time goes by.

Rules of this file:

- ``reply`` is always in the form in which it was handed out last, so a name that is asked for a
  thousand times in a second is counted down once, and memory holds it once.
- Time only moves on: ``now`` is never less than it was before.
"""

from __future__ import annotations

from math import inf
from typing import Final

from kubedns_py.dns.render import Reply
from kubedns_py.upstream.freshness import Kind, Verdict, counted_down, stale
from kubedns_py.upstream.routes import Group

PREFETCH_LIFETIME_S: Final = 10
"""What lives shorter is not fetched ahead; that would be at nearly every question."""

PREFETCH_SHARE: Final = 0.1
"""The last part of a lifetime, in which an entry is fetched ahead."""

PREFETCH_HITS: Final = 2
"""Times that an entry must have been asked for since it was fetched."""

_IS_STALE = -1


class Entry:
    """One reply.

    Attributes:
        kind: what it tells.
        origin: who was asked.
        octets: estimate of what it takes in memory.
        hits: times that it was asked for; counted by whoever holds it.
        failed_until: until when it is no use to fetch it again.
        epoch: the last review that it stood.
    """

    __slots__ = (
        "_due",
        "_lifetime",
        "_shown",
        "_stored",
        "epoch",
        "failed_until",
        "hits",
        "kind",
        "octets",
        "origin",
        "reply",
    )

    def __init__(self, verdict: Verdict, now: float, origin: Group, octets: int) -> None:
        self.kind, self._lifetime, self.reply = verdict
        self.origin = origin
        self.octets = octets
        self.hits = 0
        self.failed_until = -inf
        self.epoch = 0
        self._stored = now
        self._shown = 0  # whole seconds that are off the TTLs of ``reply``
        self._due = inf
        if self.kind is not Kind.FAILURE and self._lifetime >= PREFETCH_LIFETIME_S:
            self._due = now + self._lifetime * (1 - PREFETCH_SHARE)

    def fresh_reply(self, now: float) -> Reply | None:
        """Return the reply with TTLs counted down, or None when it has expired."""
        age = now - self._stored
        if age >= self._lifetime:
            return None
        elapsed = int(age)
        if elapsed != self._shown:
            self.reply = counted_down(self.reply, elapsed - self._shown)
            self._shown = elapsed
        return self.reply

    def stale_reply(self) -> Reply:
        """Return the reply as one that has expired, which it has for good."""
        if self._shown != _IS_STALE:
            self.reply = stale(self.reply)
            self._shown = _IS_STALE
        return self.reply

    def is_due(self, now: float) -> bool:
        """Tell whether it is worth fetching ahead: often asked for, and soon to expire."""
        return now >= self._due and self.hits >= PREFETCH_HITS and now >= self.failed_until

    def has_data(self, now: float, keep_stale_s: float) -> bool:
        """Tell whether it is no failure, and fresh or not too long expired."""
        if self.kind is Kind.FAILURE:
            return False
        return now - self._stored < self._lifetime + keep_stale_s
