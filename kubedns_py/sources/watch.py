"""Keeps the store equal to a source: one loop for each resource.

Rules of this file:

- Only cancellation ends a loop. An accident of ours is logged, counted and retried like any other.
- Every loop lets the others run after a portion of work, however much has arrived (row F-06).
- What to ask, when, and what an answer means is decided by the reflector alone.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Protocol

from kubedns_py.cluster.reading import USUAL, Wanted
from kubedns_py.cluster.reflector import ListRequest, Reflector, ResourceStatus, Wait, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.errors import ApiError
from kubedns_py.sources.notices import Notices

_LOG = logging.getLogger(__name__)
_PORTION_OCTETS = 65_536


class ListerWatcher(Protocol):
    """A source of API objects."""

    def list(self, request: ListRequest) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a list: one JSON document with ``metadata`` and ``items``, in parts as they come.

        Both opening and reading raise ApiError; a list that breaks off never ends in order.
        """
        ...

    def watch(self, request: WatchRequest) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a watch of JSON events: one a line, one or more at a time as they have come.

        Both opening and reading raise ApiError. The end of the events is an end in order.
        """
        ...


class Informer:
    """Lists and watches resources, for as long as ``run`` runs.

    Args:
        source: where objects come from.
        store: where they go.
        resources: which ones; each has its own loop.
        wanted: what is read of objects.
        on_sync: called once for each resource, when its first complete list is in the store.
    """

    def __init__(
        self,
        source: ListerWatcher,
        store: Store,
        resources: Sequence[Resource],
        *,
        wanted: Wanted = USUAL,
        on_sync: Callable[[Resource], None],
    ) -> None:
        reflectors = [Reflector(each, store, wanted) for each in resources]
        self._loops = [_Loop(source, each, on_sync) for each in reflectors]
        self._statuses = {each.status.resource: each.status for each in reflectors}

    @property
    def statuses(self) -> Mapping[Resource, ResourceStatus]:
        """How each resource fares: live, and only to be read."""
        return MappingProxyType(self._statuses)

    async def run(self) -> None:
        """Keep the store up to date until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for each in self._loops:
                tasks.create_task(each.run())


class _Loop:
    """Does what one reflector says."""

    def __init__(
        self, source: ListerWatcher, reflector: Reflector, on_sync: Callable[[Resource], None]
    ) -> None:
        self._source = source
        self._reflector = reflector
        self._status = reflector.status
        self._on_sync = on_sync
        self._notices = Notices(reflector.status)
        self._synced = False

    async def run(self) -> None:
        while True:
            action = self._reflector.next(_now(), random.random())  # noqa: S311 - jitter
            try:
                await self._do(action)
            except ApiError as error:
                self._reflector.failed(error, _now())
            except Exception as error:  # noqa: BLE001 - said and counted; nothing ends the loop
                _LOG.exception("%s: an error of our own; retrying", self._status.resource.value)
                self._reflector.failed(ApiError(0, f"internal: {type(error).__name__}"), _now())
            self._notices.after(self._reflector.relisting, _now())

    async def _do(self, action: Wait | ListRequest | WatchRequest) -> None:
        match action:
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case ListRequest():
                with self._notices.progress():
                    await self._list(action)
            case WatchRequest():
                await self._watch(action)

    async def _list(self, request: ListRequest) -> None:
        async with self._source.list(request) as parts:
            self._notices.well(_now())
            async for each in parts:
                for _ in self._reflector.listed(each, _now()):
                    await asyncio.sleep(0)
        for _ in self._reflector.list_ended(_now()):
            await asyncio.sleep(0)
        self._tell()

    async def _watch(self, request: WatchRequest) -> None:
        reflector = self._reflector
        async with self._source.watch(request) as portions:
            reflector.opened(_now())
            self._notices.well(_now())
            octets = 0
            while True:
                try:
                    async with asyncio.timeout_at(reflector.deadline):
                        portion = await anext(portions, None)
                except TimeoutError:
                    portion = None  # the server does not end it in its time, so we do
                if portion is None:
                    return reflector.ended(_now())
                if not self._take(portion):
                    return None
                octets += len(portion)
                if octets >= _PORTION_OCTETS:
                    octets = 0
                    await asyncio.sleep(0)

    def _take(self, portion: bytes) -> bool:
        """Take events; return whether to go on."""
        for line in filter(None, portion.split(b"\n")):
            go_on = self._reflector.event(line, _now())
            self._tell()
            if not go_on:
                return False
        return True

    def _tell(self) -> None:
        """Say what is new, once."""
        self._notices.complaints(self._reflector.take_complaints())
        if self._status.synced and not self._synced:
            self._synced = True
            self._notices.synced()
            self._on_sync(self._status.resource)


def _now() -> float:
    """Return monotonic seconds, as the running loop counts them (row F-28)."""
    return asyncio.get_running_loop().time()
