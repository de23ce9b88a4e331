"""The cluster's side of the program: a store, kept equal to the source that the options name."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kubedns_py.asking import resources_of
from kubedns_py.cluster.reading import Wanted
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.cluster.status import ResourceStatus
from kubedns_py.cluster.store import Store
from kubedns_py.config.options import Config
from kubedns_py.sources.apiserver import ApiServer
from kubedns_py.sources.watch import Informer, ListerWatcher

if TYPE_CHECKING:
    from kubedns_py.sources.manifests import ManifestDirectory


class Informing:
    """The store and what fills it.

    Args:
        config: the options.
        server: the API server, None for a directory of manifests; whoever connected to it closes
            it.
        started: when it was asked, monotonic seconds.

    Attributes:
        store: where the objects go.
        server: as given.
        started: as given.
        on_dirty: called when something becomes dirty in the store.
        on_sync: called when a resource's first complete list is in the store. Nobody listens to
            either at first; who begins to looks at what is there.
    """

    def __init__(self, config: Config, server: ApiServer | None, *, started: float) -> None:
        self._config = config
        self.store = Store(self._dirty, endpoints_from_pods=bool(config.manifests))
        self.server = server
        self.started = started
        self.on_dirty: Callable[[], None] = _nobody
        self.on_sync: Callable[[], None] = _nobody
        self._manifests: ManifestDirectory | None = None
        self._informer: Informer
        self._running: asyncio.Task[None]

    @property
    def statuses(self) -> Mapping[Resource, ResourceStatus]:
        """How each resource fares, once ``open`` is through: live, and only to be read."""
        return self._informer.statuses

    @property
    def problems(self) -> Mapping[str, str]:
        """What is wrong with manifests, by file."""
        return self._manifests.problems if self._manifests else {}

    async def open(self, edges: contextlib.AsyncExitStack) -> None:
        """Begin.

        Args:
            edges: ends it.

        Raises:
            StartError: the directory cannot be used.
        """
        config = self._config
        wanted = Wanted(bool(config.manifests), config.endpoint_pod_names)
        source: ListerWatcher
        if self.server is not None:
            source = self.server
        else:
            source = self._manifests = self._directory()
        self._informer = Informer(
            source,
            self.store,
            resources_of(config),
            wanted=wanted,
            on_sync=lambda _: self.on_sync(),
        )
        self._running = asyncio.create_task(self._run())
        edges.push_async_callback(self._end)

    def _directory(self) -> ManifestDirectory:
        from kubedns_py.sources.manifests import ManifestDirectory  # noqa: PLC0415 - with PyYAML

        labels = parse_selector(self._config.labels)
        directory = ManifestDirectory(Path(self._config.manifests), service_labels=labels)
        directory.check()
        return directory

    def _dirty(self) -> None:
        self.on_dirty()

    async def run(self) -> None:
        """Keep the store up to date until cancelled."""
        await self._running

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._informer.run())
            if self._manifests is not None:
                tasks.create_task(self._manifests.run())

    async def _end(self) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)


def _nobody() -> None:
    """Nobody is told."""
