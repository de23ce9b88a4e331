"""What the log says about one resource's list and watch.

Rules of this file:

- A trouble is said when it begins, then at a steady pace, and its end is said once (F-01, F-02).
- A status that was never seen before is said at once, such as the 401 after an outage (F-11).
- Foreign texts arrive here cut and escaped; they are only ever arguments of a log line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from kubedns_py.cluster.reflector import RelistReason, ResourceStatus

_LOG = logging.getLogger(__name__)
_UNSYNCED_EVERY_S = 30.0
_AWAY_EVERY_S = 60.0
_PROGRESS_EVERY_S = 10.0
_WORRYING = frozenset({RelistReason.TOO_LARGE, RelistReason.BACKWARDS, RelistReason.UNREADABLE})


class Notices:
    """Says what changed since it last looked. Times are monotonic seconds."""

    def __init__(self, status: ResourceStatus) -> None:
        self._status = status
        self._name = status.resource.value
        self._failures = 0
        self._kinds = 0
        self._relists = sum(status.relists.values())
        self._said_at: float | None = None
        self._said_refusal: str | None = None
        self._refusals = 0

    def after(self, relisting: RelistReason | None, now: float) -> None:
        """Look at the outcome of an action and say what is to be said."""
        relists = sum(self._status.relists.values())
        if relists > self._relists and relisting is not None:
            self._relists = relists
            self._relist(relisting)
        failures = sum(self._status.api_errors.values()) + self._status.decode_errors
        if failures > self._failures:
            self._failures = failures
            self._refusals = self._refusals + 1 if self._status.refused else 0
            kinds, self._kinds = self._kinds, len(self._status.api_errors)
            if relisting is not RelistReason.EXPIRED:
                self._trouble(now, at_once=self._kinds > kinds)

    def well(self, now: float) -> None:
        """Note that the API server answered; say so if it was said to be away."""
        if self._said_at is not None and now > self._said_at:
            _LOG.info("%s: the API server answers again", self._name)
        self._said_at = None
        self._said_refusal = None
        self._refusals = 0

    def synced(self) -> None:
        """Say that the first complete list is there."""
        status = self._status
        _LOG.info(
            "%s: first list complete, %d octets in %.1f s",
            *(self._name, status.list_octets, status.list_seconds),
        )

    def complaints(self, lines: list[str]) -> None:
        """Say what is wrong with objects."""
        for line in lines:
            _LOG.warning("%s", line)

    @contextmanager
    def progress(self) -> Iterator[None]:
        """While inside, say every 10 s how long a list has been taking (row F-05)."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        handle: asyncio.TimerHandle | None = None

        def tick() -> None:
            nonlocal handle
            _LOG.info("%s: still waiting for the list, %.0f s", self._name, loop.time() - started)
            handle = loop.call_later(_PROGRESS_EVERY_S, tick)

        handle = loop.call_later(_PROGRESS_EVERY_S, tick)
        try:
            yield
        finally:
            handle.cancel()

    def _relist(self, reason: RelistReason) -> None:
        level = logging.DEBUG if reason is RelistReason.AUDIT else logging.INFO
        level = logging.WARNING if reason in _WORRYING else level
        _LOG.log(level, "%s: listing again: %s", self._name, reason.value)

    def _trouble(self, now: float, *, at_once: bool) -> None:
        status = self._status
        every = _AWAY_EVERY_S if status.synced else _UNSYNCED_EVERY_S
        due = at_once or self._said_at is None or now - self._said_at >= every
        # an API server that just started refuses until it has read its roles: once is no refusal
        refused = self._refusals > 1 or not status.synced
        if status.refused and refused and (due or status.refused != self._said_refusal):
            self._said_refusal = status.refused
            _LOG.error("%s: %s", self._name, status.refused)
        elif not due:
            return
        elif status.synced and status.last_contact is not None:
            _LOG.warning(
                "%s: no contact with the API server, serving data of %.0f s ago: %s",
                *(self._name, now - status.last_contact, status.last_error),
            )
        else:
            _LOG.warning("%s: not synced, retrying: %s", self._name, status.last_error)
        self._said_at = now
