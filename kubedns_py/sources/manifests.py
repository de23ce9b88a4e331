"""A directory of manifests behind the same protocol as an API server.

Rules of this file:

- Polled, for ConfigMap volumes swap a link that file notification does not see. A look happens in a
  thread: reading YAML must not hold up answers.
- The state is made anew from every file's last good version at each change, then compared: events
  follow from the difference. The order of changes on the disk does not matter.
- Before the first look, and while a file that was never served may be half written, there is no
  list: an incomplete directory must not say that a name does not exist.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from pathlib import Path

from kubedns_py.cluster.reading import KINDS
from kubedns_py.cluster.reflector import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.selector import Selector
from kubedns_py.errors import ApiError
from kubedns_py.sources.manifest_objects import ManifestObject
from kubedns_py.sources.manifest_tree import ManifestTree
from kubedns_py.sources.object_versions import Identity, ObjectVersions

_LOOK_INTERVAL_S = 1.0
_BOOKMARK_INTERVAL_S = 60.0
"""As the API server does; a client takes a longer silence for a lost connection."""
_FIRST_STATE_TIMEOUT_S = 30.0

_log = logging.getLogger(__name__)


class ManifestDirectory:
    """Lists and watches the objects in a directory's files.

    Args:
        path: the directory; subdirectories belong to it.
        service_labels: which Services are served; None is all. An API server selects by itself.

    ``look`` or ``run`` has to be called, or lists wait and then fail.
    """

    def __init__(self, path: Path, *, service_labels: Selector | None = None) -> None:
        self._tree = ManifestTree(path)
        self._service_labels = service_labels or Selector()
        self._versions = ObjectVersions()
        self._changed = asyncio.Event()
        self._complete = asyncio.Event()
        self._looking = asyncio.Lock()
        self._conflicts: set[str] = set()

    @property
    def problems(self) -> Mapping[str, str]:
        """What is wrong with the directory: one line for each relative file name."""
        return self._tree.problems

    def check(self) -> None:
        """Check that there is a directory to serve.

        Raises:
            StartError: it is missing, not a directory or not readable.
        """
        self._tree.check()

    @contextlib.asynccontextmanager
    async def list(self, request: ListRequest) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a list, or a page of one: JSON in one part.

        Raises:
            ApiError: 410 if a file has changed since the page before; 0 if no state is known yet.
        """
        await self._first_state()
        page = self._versions.page(
            request.resource, limit=request.limit, continue_token=request.continue_token
        )
        async with contextlib.aclosing(_alone(page)) as parts:
            yield parts

    @contextlib.asynccontextmanager
    async def watch(self, request: WatchRequest) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a watch: JSON events, without newline, until the request's time is over.

        Raises:
            ApiError: 410 if what has changed since the version is not known; 0 as ``list``.
        """
        await self._first_state()
        async with contextlib.aclosing(self._events(request)) as events:
            yield events

    async def run(self) -> None:
        """Look again and again, until cancelled; an accident of ours ends one look only."""
        while True:
            try:
                await self.look()
            except Exception:  # noqa: BLE001 - said; what was read before is still served
                _log.exception("manifests: an error of our own; looking again")
            await asyncio.sleep(_LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Look at every file once, and tell the watches what has changed."""
        async with self._looking:
            versions = await asyncio.to_thread(self._next_versions)
            if versions is not self._versions:
                self._versions = versions
                self._changed.set()
                self._changed = asyncio.Event()
            if not self._tree.waiting:
                self._complete.set()

    async def _first_state(self) -> None:
        try:
            async with asyncio.timeout(_FIRST_STATE_TIMEOUT_S):
                await self._complete.wait()
        except TimeoutError as error:
            raise ApiError(0, "the manifests directory has not been read yet") from error

    async def _events(self, request: WatchRequest) -> AsyncGenerator[bytes, None]:
        clock = asyncio.get_running_loop().time
        end = clock() + request.timeout_s
        owes_bookmark = False
        since = int(request.resource_version)
        while True:
            versions, changed = self._versions, self._changed
            for event in versions.events(request.resource, since=since):
                yield event
            if owes_bookmark:
                yield versions.bookmark()
            since = versions.version
            remaining_s = end - clock()
            if remaining_s <= 0:
                return
            woken = await _is_set(changed, min(remaining_s, _BOOKMARK_INTERVAL_S))
            owes_bookmark = not woken

    def _next_versions(self) -> ObjectVersions:
        """Return the state after one more look. Blocks on the disk."""
        if not self._tree.look() and self._versions.version:
            return self._versions
        return self._versions.advanced(self._wanted())

    def _wanted(self) -> dict[Resource, dict[Identity, bytes]]:
        """Merge the files: an object in two of them is taken from the later file name."""
        wanted: dict[Resource, dict[Identity, bytes]] = {each: {} for each in Resource}
        files: dict[tuple[Resource, Identity], str] = {}
        conflicts: set[str] = set()
        for file, manifest in self._tree.manifests():
            for place, item in enumerate(manifest.objects):
                identity = _identity(item, file, place)
                before = files.get((item.resource, identity))
                if before is not None:
                    conflicts.add(_conflict(item, before, file))
                files[item.resource, identity] = file
                wanted[item.resource].pop(identity, None)
                if self._is_served(item):
                    wanted[item.resource][identity] = item.octets
        for line in sorted(conflicts - self._conflicts):
            _log.warning("manifests: %s", line)
        self._conflicts = conflicts
        return wanted

    def _is_served(self, item: ManifestObject) -> bool:
        return item.resource is not Resource.SERVICES or self._service_labels.matches(item.labels)


async def _alone(page: bytes) -> AsyncGenerator[bytes, None]:
    yield page


async def _is_set(event: asyncio.Event, timeout_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            return await event.wait()
    return False


def _identity(item: ManifestObject, file: str, place: int) -> Identity:
    return Identity(*item.key) if item.key is not None else Identity("", "", file, place)


def _conflict(item: ManifestObject, before: str, file: str) -> str:
    what = f"{KINDS[item.resource]} {item.key} is"
    if before == file:
        return f"{what} twice in {file}; the last one is served"
    return f"{what} in {before} and in {file}; the one in {file} is served"
