"""What the reflector asks its driver to do. Values only, without msgspec (``structs.py``)."""

from __future__ import annotations

from typing import NamedTuple

from kubedns_py.cluster.resources import Resource


class ListRequest(NamedTuple):
    """Ask for a list, or a page of it.

    Attributes:
        resource: what to list.
        limit: how many objects a page may have; 0 asks for all of them at once.
        continue_token: what the page before said; empty for the first page.

    It is of this moment: a consistent read, without a resource version.
    """

    resource: Resource
    limit: int
    continue_token: str


class WatchRequest(NamedTuple):
    """Open a watch, with bookmarks.

    Attributes:
        resource: what to watch.
        resource_version: after which change to begin.
        timeout_s: after how many seconds the server shall end it.
    """

    resource: Resource
    resource_version: str
    timeout_s: int


class Wait(NamedTuple):
    """Do nothing for a number of seconds."""

    seconds: float


class Pause(NamedTuple):
    """What a wait is made of; chance decides how long it is in the end.

    Attributes:
        backoff_s: of which half to all is waited.
        at_least_s: what the server asked for; up to a fifth is added.
        spread_s: of which nothing to all is waited, so that many replicas do not act together.
    """

    backoff_s: float = 0.0
    at_least_s: float = 0.0
    spread_s: float = 0.0

    def seconds(self, chance: float) -> float:
        """Return how long to wait; ``chance`` is from 0 to 1."""
        backoff = self.backoff_s * (1 + chance) / 2
        return max(backoff, self.at_least_s * (1 + chance / 5), self.spread_s * chance)
