"""The ConfigMap of ``--config-map``, listed and watched through the API server.

Rules of this file:

- One object is listed as cheaply as a watch is opened, so there is one way back from everything:
  after each end of a watch, whatever it was, the map is listed again.
- Nothing but an answer of the API server changes the value: an outage leaves it in force.
- A map that is deleted, or was never there, is an empty one.
- Only cancellation ends the loop. A trouble is said when it begins and then once a minute, its end
  once; a right that is missing is said once.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Protocol

from kubedns_py.cluster.backoff import Backoff
from kubedns_py.cluster.config_map import read_config_map
from kubedns_py.cluster.envelope import read_event, read_page, read_status
from kubedns_py.cluster.failure import Failure, classify
from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.reading import Octets
from kubedns_py.cluster.reflector import LONGEST_ASKED_WAIT_S, OVERTIME_S, SHORT_WATCH_S
from kubedns_py.cluster.requests import Pause
from kubedns_py.config.dynamic import Dynamic
from kubedns_py.errors import ApiError, BadObject
from kubedns_py.sources.configuration import Kept, version_of

_SAY_EVERY_S = 60.0
_WATCH_S = 300
_ORDINARY = frozenset((Failure.GONE, Failure.TOO_LARGE))
_CHANCES = 1_000

_log = logging.getLogger(__name__)


class Requests(Protocol):
    """What is needed of the API server; ``ApiServer`` has it."""

    async def fetch(self, path: str, params: Mapping[str, str]) -> bytes:
        """Return the body of the answer to a request. Raises ApiError."""
        ...

    def follow(
        self, path: str, params: Mapping[str, str]
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a request whose answer is lines. Opening and reading raise ApiError."""
        ...


class ConfigMapWatch:
    """Keeps a value equal to what a ConfigMap says, for as long as ``run`` runs.

    Args:
        server: the API server.
        key: the map's namespace and name.
        read: see ``read_dynamic``.
        on_change: takes each value that differs from the one before, the default at first.

    Attributes:
        kept: the value and how it fares.
    """

    def __init__(
        self,
        server: Requests,
        key: Key,
        read: Callable[[Mapping[str, str]], Dynamic],
        *,
        on_change: Callable[[Dynamic], None],
    ) -> None:
        source = f"--config-map {key.name} in {key.namespace}"
        self.kept = Kept(source, Dynamic(), read, on_change=on_change)
        self._server = server
        self._key = key
        self._path = f"/api/v1/namespaces/{key.namespace}/configmaps"
        self._selector = {"fieldSelector": f"metadata.name={key.name}"}
        self._backoff = Backoff()
        self._trouble = _Trouble(source)
        self._denials = 0
        self._doing = "list"

    async def run(self) -> None:
        """List and watch until cancelled."""
        while True:
            self._doing = "list"
            try:
                version = await self._list()
                self._doing = "watch"
                opened_s = await self._watch(version)
                # a watch that ends at once is no trouble, but a hot loop is one (row F-22)
                pause_s = self._pause_s() if opened_s < SHORT_WATCH_S else 0.0
            except ApiError as error:
                pause_s = self._failed(error)
            except BadObject as error:
                pause_s = self._failed(ApiError(0, str(error)))
            except Exception as error:  # noqa: BLE001 - said; nothing ends the loop
                _log.exception("%s: an error of our own; retrying", self.kept.status.source)
                pause_s = self._failed(ApiError(0, f"internal: {type(error).__name__}"))
            await asyncio.sleep(pause_s)

    async def _list(self) -> str:
        """Take the map as it is, and return the resource version to watch from."""
        page = read_page(await self._server.fetch(self._path, self._selector))
        self._denials = 0
        self._backoff.succeeded(_now())
        if not self._take(page.items):
            self._offer({})
        return page.version

    async def _watch(self, version: str) -> float:
        """Take changes until the watch ends, and return how many seconds it was open."""
        timeout_s = _WATCH_S + secrets.randbelow(_WATCH_S)
        params = self._selector | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(timeout_s),
            "resourceVersion": version,
        }
        began = _now()
        with suppress(TimeoutError):  # a server that does not end a watch in time
            async with (
                asyncio.timeout(timeout_s + OVERTIME_S),
                self._server.follow(self._path, params) as lines,
            ):
                self._trouble.is_over()
                async for portion in lines:
                    for line in filter(None, portion.split(b"\n")):
                        self._event(line)
        return _now() - began

    # -- what came

    def _event(self, line: bytes) -> None:
        event = read_event(line)
        match event.type:
            case "ADDED" | "MODIFIED":
                self._take((event.item,))
            case "DELETED" if read_config_map(event.item).key == self._key:
                self._offer({})
            case "ERROR":
                said = read_status(event.item)
                raise ApiError(said.code, said.detail, retry_after_s=said.retry_after_s)
            case _:
                pass  # a bookmark, or a type that is not invented yet

    def _take(self, items: Iterable[Octets]) -> bool:
        """Offer the map if it is among the items. Returns whether it is there, readable or not."""
        for item in items:
            try:
                found = read_config_map(item)
            except BadObject as bad:
                self.kept.refuse(str(bad), str(bad))
                return True
            if found.key == self._key:
                self._offer(found.data)
                return True
        return False

    def _offer(self, data: Mapping[str, str]) -> None:
        self.kept.offer(data, version_of(data))

    # -- what went wrong

    def _failed(self, error: ApiError) -> float:
        """Say what is to be said of a failure, and return how long to wait after it."""
        if error.status == 403:
            self._deny(error)
        elif classify(error) not in _ORDINARY:
            self._trouble.goes_on(error, _now())
        asked_s = min(error.retry_after_s or 0.0, LONGEST_ASKED_WAIT_S)
        return self._pause_s(asked_s)

    def _deny(self, error: ApiError) -> None:
        """Report a right that is missing. Without the one to watch, changes only come late."""
        lacking = self._lacking(error)
        if self._doing == "watch":
            self._trouble.is_denied(lacking)
            return
        # an API server that just started denies everything: once is no refusal
        self._denials += 1
        if self._denials > 1 or not self.kept.status.generation:
            self.kept.refuse(lacking, lacking)

    def _lacking(self, error: ApiError) -> str:
        namespace, name = self._key
        return (
            f"{self._doing} configmaps in {namespace} is forbidden (403): let the service account "
            f"get, list and watch the ConfigMap {name} (Role with resourceNames); "
            f"the API server says: {error.detail}"
        )

    def _pause_s(self, at_least_s: float = 0.0) -> float:
        chance = secrets.randbelow(_CHANCES) / _CHANCES
        return Pause(self._backoff.failed(_now()), at_least_s).seconds(chance)


class _Trouble:
    """What the log says of a connection that fails. Times are monotonic seconds."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._said_at: float | None = None
        self._denied = ""

    def goes_on(self, error: ApiError, now: float) -> None:
        if self._said_at is None or now - self._said_at >= _SAY_EVERY_S:
            self._said_at = now
            _log.warning("%s: not read, retrying; what was read stays: %s", self._source, error)

    def is_denied(self, lacking: str) -> None:
        if lacking != self._denied:
            self._denied = lacking
            _log.error("%s: changes come late: %s", self._source, lacking)

    def is_over(self) -> None:
        if self._said_at is not None:
            _log.info("%s: the API server answers again", self._source)
        self._said_at = None
        self._denied = ""


def _now() -> float:
    """Return monotonic seconds, as the running loop counts them (row F-28)."""
    return asyncio.get_running_loop().time()
