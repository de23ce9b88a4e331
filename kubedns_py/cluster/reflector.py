"""One resource's list and watch as a state machine without I/O.

The driver asks ``next`` what to do, does it, and tells what came of it. Rules of this file:

- Nothing ends the loop, and nothing but a complete state removes what was known (F-02, F-25).
- A state is gathered whole, then enters the store by difference, in portions; events follow it.
  The first one enters as it comes, as long as nobody answers from the store (``snapshot.py``).
- It is listed by one request, which the API server compresses; by pages where that fails.
- A normal end of a watch costs nothing; every failure waits longer than the one before.
- Time is an argument in monotonic seconds, chance a number from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kubedns_py.cluster.backoff import Backoff
from kubedns_py.cluster.decode import Decoded
from kubedns_py.cluster.envelope import Event, read_bookmark, read_event, read_page, read_status
from kubedns_py.cluster.failure import Failure, classify, remedy
from kubedns_py.cluster.intake import Complaints, Intake, key_of
from kubedns_py.cluster.listing import Listing
from kubedns_py.cluster.packed import Packed
from kubedns_py.cluster.reading import USUAL, Wanted
from kubedns_py.cluster.replacement import apply, differences
from kubedns_py.cluster.requests import ListRequest, Pause, Wait, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.snapshot import MANY, Snapshot
from kubedns_py.cluster.status import RelistReason, ResourceStatus
from kubedns_py.cluster.store import Store
from kubedns_py.cluster.versions import Versions, is_older
from kubedns_py.errors import ApiError, BadObject

__all__ = ["ListRequest", "Reflector", "RelistReason", "ResourceStatus", "Wait", "WatchRequest"]

PAGE_LIMIT = 500
AUDIT_AFTER_S = 480.0
"""Age of the state at which the end of a watch leads to an audit (row LIF-11).

A watch lasts 300 to 600 s, so audits come 480 to 1080 s after the list, each replica at its time.
"""

SHORT_WATCH_S = 1.0
"""A watch that the server ends earlier is a failure: the guard against a hot loop (row F-22)."""

OVERTIME_S = 30.0
"""How long after its time a watch is left open that the server does not end."""

SPREAD_S = 10.0
"""Over which time replicas that have data spread their relists (row F-27)."""

FIRST_SYNC_WAIT_S = 2.0
"""The longest wait for a server that does not answer while nothing can be served yet (row F-01)."""

FAILURES_BEFORE_RELIST = 3
LONGEST_ASKED_WAIT_S = 300.0
_OUTDATED = frozenset({Failure.GONE, Failure.TOO_LARGE})
_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})


class Reflector:
    """Keeps one resource of the store equal to what the API server has.

    Args:
        resource: which one.
        store: where it goes.
        wanted: what is read of objects.

    Attributes:
        status: how it fares; only the reflector writes it.
    """

    def __init__(self, resource: Resource, store: Store, wanted: Wanted = USUAL) -> None:
        self.status = ResourceStatus(resource)
        self._resource = resource
        self._store = store
        self._backoff = Backoff()
        self._outdated = Backoff()  # apart: an outage before must not delay the list after it
        self._complaints = Complaints()
        self._intake = Intake(self.status, self._complaints, wanted)
        self._pause: Pause | None = None
        self._request: ListRequest | WatchRequest | None = None
        # how a complete state is asked for, and what is there of it
        self._limit = 0
        self._reason = RelistReason.START
        self._snapshot: Snapshot | None = None
        self._listing = Listing()
        self._enters = resource in MANY
        self._audit_at = 0.0
        # how far we have come: no version means that a complete state is needed
        self._version = ""
        self._reached = ""
        self._versions = Versions("", {})
        # the watch that is open
        self._opened_at: float | None = None
        self._watches = 0
        self._broken = 0
        self._relist(RelistReason.START)

    # -- what to do

    def next(self, now: float, chance: float) -> Wait | ListRequest | WatchRequest:
        """Return what to do now; the outcome is told before this is called again."""
        pause, self._pause = self._pause, None
        wait_s = pause.seconds(chance) if pause else 0.0
        if wait_s > 0.0:
            return Wait(wait_s)
        self._opened_at = None
        self._request = self._choose(now, chance)
        return self._request

    def _choose(self, now: float, chance: float) -> ListRequest | WatchRequest:
        if self._version:
            return WatchRequest(self._resource, self._version, 300 + int(300 * chance))
        if self._snapshot is None:
            self._snapshot = Snapshot(now)
        self._listing = Listing()
        return ListRequest(self._resource, self._limit, self._snapshot.continue_token)

    @property
    def relisting(self) -> RelistReason | None:
        """Why a complete state is being asked for, or None while the one we have is kept fresh."""
        return None if self._version else self._reason

    @property
    def deadline(self) -> float:
        """When to end a watch that the server does not end."""
        timeout_s = self._request.timeout_s if isinstance(self._request, WatchRequest) else 0
        return (self._opened_at or 0.0) + timeout_s + OVERTIME_S

    def take_complaints(self) -> list[str]:
        """Return lines about objects that could not be read whole, each said once."""
        return self._complaints.take()

    # -- a list's outcome

    def listed(self, octets: bytes, now: float) -> Iterator[None]:
        """Take octets of the list that was asked for, as they come.

        Yields between portions of work, so that a driver may let others run; it has to go on to
        the end before it tells anything else.
        """
        self.status.last_contact = now
        snapshot = self._snapshot = self._snapshot or Snapshot(now)
        snapshot.octets += len(octets)
        for portion in self._listing.feed(octets):
            found = self._intake.read_portion(portion)
            if found is None:
                self._listing.take_back()
            else:
                yield from self._gather(snapshot, [found])

    def list_ended(self, now: float) -> Iterator[None]:
        """Note that the list, or a page of it, is complete. See ``listed``.

        The store changes after the last page, but for the first state.
        """
        self._contact(now)
        snapshot = self._snapshot = self._snapshot or Snapshot(now)
        try:
            rest = read_page(self._listing.end(), asked_with=snapshot.continue_token)
        except BadObject as bad:
            self._unreadable(bad, now)
            return
        yield from self._gather(snapshot, self._intake.read_items(rest.items))
        snapshot.continue_token = rest.continue_token
        if not rest.continue_token:
            yield from self._complete(snapshot, rest.version, now)

    def _gather(
        self, snapshot: Snapshot, portions: Iterable[Sequence[Decoded | BadObject]]
    ) -> Iterator[None]:
        enter = self._enters and not self.status.synced
        for portion in portions:
            snapshot.take(portion, self._store, self._resource, enter=enter)
            yield

    # -- a watch's outcome

    def opened(self, now: float) -> None:
        """Note that the server accepted the watch."""
        self._contact(now)
        self._opened_at = now
        self._watches += 1
        self.status.watch_restarts = self._watches - 1

    def event(self, line: bytes, now: float) -> bool:
        """Take one event.

        Returns:
            Whether to go on; if not, close the stream and ask ``next``.
        """
        self.status.last_contact = now
        try:
            event = read_event(line)
        except BadObject as bad:
            return self._unreadable(bad, now)
        self.status.events[event.type if event.type in _TYPES else "other"] += 1
        match event.type:
            case "ADDED" | "MODIFIED" | "DELETED":
                return self._change(event, now)
            case "BOOKMARK":
                return self._bookmark(event, now)
            case "ERROR":
                said = read_status(event.item)
                self.failed(ApiError(said.code, said.detail, retry_after_s=said.retry_after_s), now)
                return False
            case _:
                return True

    def ended(self, now: float) -> None:
        """Note that the server ended the watch in order."""
        short = now - (self._opened_at or now) < SHORT_WATCH_S
        if short:
            self.status.short_watches += 1
            self._pause = Pause(backoff_s=self._backoff.failed(now))
        if now >= self._audit_at and not short:
            self._relist(RelistReason.AUDIT)

    def failed(self, error: ApiError, now: float) -> None:
        """Note that the request was refused, could not be made, or broke off."""
        failure = classify(error)
        status = self.status
        status.api_errors[error.status if 100 <= error.status <= 599 else 0] += 1
        status.last_error = str(error)
        verb = "list" if isinstance(self._request, ListRequest) else "watch"
        refused = remedy(error, verb, self._resource)
        if refused:
            status.refused = refused
            self._stop_entering()
        backoff = self._outdated if self._version and failure in _OUTDATED else self._backoff
        self._pause = Pause(
            backoff_s=backoff.failed(now),
            at_least_s=min(error.retry_after_s or 0.0, LONGEST_ASKED_WAIT_S),
        )
        if self._version:
            self._watch_failed(failure, now)
        else:
            self._state_failed(failure, error)

    # -- inside

    def _stop_entering(self) -> None:
        """Take out what a first list has left: what is refused may be done without (F-12).

        Then there are answers from the store, and a list that is granted later enters it as a
        whole.
        """
        if not self._enters or self.status.synced:
            return
        self._enters = False
        entered = tuple(self._store.keys(self._resource))
        for key in entered:
            self._store.remove(self._resource, key)
        if entered:
            self._snapshot = None  # it says that they are there

    def _contact(self, now: float) -> None:
        self._backoff.succeeded(now)
        self.status.last_contact = now
        self.status.refused = None

    def _watch_failed(self, failure: Failure, now: float) -> None:
        """Decide whether to watch on from the same version or to list (F-07, F-09, F-10).

        Where every watch breaks before its time none ends in order, and the audit is made here.
        """
        if failure is Failure.BROKEN:
            self._broken += 1
        if failure is Failure.GONE:
            self._relist(RelistReason.EXPIRED)
        elif failure is Failure.TOO_LARGE:
            self._relist(RelistReason.TOO_LARGE)
        elif self._broken >= FAILURES_BEFORE_RELIST:
            self._relist(RelistReason.ERROR)
        elif self._opened_at is not None and now >= self._audit_at + 4 * AUDIT_AFTER_S:
            self._relist(RelistReason.AUDIT)

    def _state_failed(self, failure: Failure, error: ApiError) -> None:
        """Decide how to ask for the complete state again.

        A list that came in part, or not in its time, may have been too much at once, for the
        server or for what is between: from then on pages are asked for.
        """
        in_pages = self._snapshot is not None and self._snapshot.continue_token
        began = self._snapshot is not None and self._snapshot.octets
        if in_pages and failure is Failure.GONE:
            self._snapshot = None
            self._limit = 0  # the pages took longer than the server remembers their version
            self._pause = None
        elif not in_pages:
            self._snapshot = None
            if failure is Failure.BROKEN or began or error.silent:
                self._limit = PAGE_LIMIT
        if failure is Failure.NO_ANSWER and not self.status.synced and self._pause:
            self._pause = Pause(backoff_s=min(self._pause.backoff_s, FIRST_SYNC_WAIT_S))

    def _relist(self, reason: RelistReason) -> None:
        """Ask for a complete state. What is known stays until it is there."""
        self.status.relists[reason.value] += 1
        self._reason = reason
        self._version = ""
        self._snapshot = None
        self._broken = 0
        in_order = reason is RelistReason.AUDIT and self._pause is None  # each at its own time
        if self.status.synced and not in_order:
            wait = self._pause or Pause()
            self._pause = Pause(wait.backoff_s, wait.at_least_s, spread_s=SPREAD_S)

    def _unreadable(self, bad: BadObject, now: float) -> bool:
        """Drop the stream or list: what was lost with the octets is not known (row F-16)."""
        self.status.decode_errors += 1
        self.status.last_error = str(bad)
        self._pause = Pause(backoff_s=self._backoff.failed(now))
        if not self._version:
            self._limit = PAGE_LIMIT  # what was too much may have been cut off, and end in order
        self._relist(RelistReason.UNREADABLE)
        return False

    def _change(self, event: Event, now: float) -> bool:
        deleted = event.type == "DELETED"
        found = self._intake.read(event.item, deleted=deleted)
        if deleted and isinstance(found, BadObject):
            return self._unreadable(found, now)  # something is gone, and only a list says what
        self._broken = 0
        key = key_of(found)
        if key is not None and self._versions.is_stale(key, found.version):
            self.status.stale_events += 1
            return True
        if key is not None and found.version:
            self._versions.note(key, found.version)
        if isinstance(found, Decoded):
            self._apply(found)
        self._advance(found.version)
        return True

    def _apply(self, found: Decoded) -> None:
        if found.item is None:
            self._complaints.withdraw(str(found.key))
            self._store.remove(self._resource, found.key)
        elif isinstance(found.item, Packed):
            self._store.put_packed(self._resource, found.key, found.item)
        else:
            self._store.put(self._resource, found.item)

    def _bookmark(self, event: Event, now: float) -> bool:
        version = read_bookmark(event.item)
        self._broken = 0
        if is_older(version, self._version):
            # only a server restored from a backup counts backwards (row F-23)
            self._pause = Pause(backoff_s=self._outdated.failed(now))
            self._relist(RelistReason.BACKWARDS)
            return False
        self._advance(version)
        return True

    def _advance(self, version: str) -> None:
        if version and not is_older(version, self._version):
            self._version = self._reached = version

    def _complete(self, snapshot: Snapshot, version: str, now: float) -> Iterator[None]:
        """Make the store equal to the gathered state, in portions."""
        status = self.status
        store, resource = self._store, self._resource
        changes = yield from differences(store, resource, snapshot.items, keep=snapshot.keep)
        if self._reason is RelistReason.AUDIT:
            status.drift += snapshot.drift(changes, self._reached)
        if is_older(version, self._reached):
            said = f"the server's resource version went back from {self._reached}"
            self._complaints.add("List", version, f"{said}: was it restored from a backup?")
        yield from apply(store, resource, changes)
        self._versions = Versions(version, snapshot.versions)
        self._complaints.keep_only(snapshot.versions)
        self._version = self._reached = version
        self._snapshot = None
        self._audit_at = now + AUDIT_AFTER_S
        self._outdated.succeeded(now)
        status.list_octets = snapshot.octets
        status.list_seconds = now - snapshot.started_at
        status.synced = True
