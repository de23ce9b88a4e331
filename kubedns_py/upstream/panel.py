"""Which server of a group is asked.

Rules of this file:

- The server that replies soonest is asked; at first, when nothing is known, the first one listed.
- A server that is down or sends our questions back is never asked.
- So that what is known of the others does not grow old, one question in 64 goes to the one that
  was heard least recently, if it is no suspect and nothing else came from it for a second. Such a
  question is repeated to the best server as soon as that one would have replied.
- Pure: ``now`` is monotonic seconds and comes in as an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from kubedns_py.structs import Struct
from kubedns_py.upstream.health import Health

EXPLORE_EVERY: Final = 64
"""Questions of which one goes to another server than the best."""

EXPLORE_AFTER_S: Final = 1.0
"""Time for which what was heard of a server is new enough."""

ALONE_PATIENCE_S: Final = 1.0
"""How long the only usable server is waited for before the question is repeated."""


class Choice(Struct, frozen=True, gc=False):
    """Whom to ask first, and how long to wait before somebody else is asked too, in seconds."""

    health: Health
    patience_s: float


class Panel:
    """The servers of one group, in the order of the configuration.

    Attributes:
        route: the name of the route, for people.
        healths: what is known of each server.
    """

    __slots__ = ("_turn", "healths", "route")

    def __init__(self, route: str, healths: Iterable[Health]) -> None:
        self.route = route
        self.healths = tuple(healths)
        self._turn = 0

    def first(self, now: float) -> Choice | None:
        """Return whom to ask a new question; None if there is nobody."""
        best: Health | None = None
        usable = 0
        for health in self.healths:
            if health.is_up and health.looping_until <= now:
                usable += 1
                if best is None or health.cost_s < best.cost_s:
                    best = health
        if best is None:
            return None
        if usable == 1:
            return Choice(best, ALONE_PATIENCE_S)
        self._turn += 1
        if self._turn >= EXPLORE_EVERY:
            self._turn = 0
            return self._another(best, now)
        return Choice(best, best.patience_s)

    def usable(self, now: float) -> Iterator[Health]:
        """Yield whoever may be asked."""
        return (health for health in self.healths if health.is_usable(now))

    def patience_s(self, health: Health, now: float) -> float:
        """Return how long to wait for a server before somebody else is asked too."""
        others = any(other is not health for other in self.usable(now))
        return health.patience_s if others else ALONE_PATIENCE_S

    def _another(self, best: Health, now: float) -> Choice:
        least = now - EXPLORE_AFTER_S
        others = [
            health
            for health in self.usable(now)
            if health is not best and not health.is_suspect and health.heard_at <= least
        ]
        health = min(others, key=lambda health: health.heard_at, default=best)
        return Choice(health, min(health.patience_s, best.patience_s))
