"""Composition root: opens the edges, wires them to the core, and runs until told to stop.

The order matters. DNS sockets are opened first, so that a port in use is known at once and no query
meets a closed port while the cluster is synced. Readiness follows the first complete sync. After a
signal readiness goes at once, answers go on for the lameduck time, then everything is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import platform
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from kubedns_py import __version__
from kubedns_py.admin.exposition import Exposition
from kubedns_py.admin.http import AdminServer
from kubedns_py.admin.scrape import Sources
from kubedns_py.assembly import Identity, assemble
from kubedns_py.cluster.objects import Resource
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.config.options import Config
from kubedns_py.descriptors import raise_limit, within_limit
from kubedns_py.dns.name import to_text
from kubedns_py.forwarding import Forwarding
from kubedns_py.readiness import age_s, known, missing
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.connection import TcpLimits
from kubedns_py.server.elsewhere import Upstreams
from kubedns_py.server.listen import Listeners, open_listeners
from kubedns_py.server.respond import Chances
from kubedns_py.server.tcp import TcpServer, most_connections
from kubedns_py.server.udp import UdpServer
from kubedns_py.server.workers import WorkerServer
from kubedns_py.sources.apiserver import ApiServer, connect
from kubedns_py.sources.watch import Informer, ListerWatcher

if TYPE_CHECKING:
    from kubedns_py.sources.manifests import ManifestDirectory

_log = logging.getLogger(__name__)

_SYNC_LOOK_S = 0.25
"""How often a first sync that does not come is looked at: the API server may refuse a part."""

_AGE_LOOK_S = 1.0
_TURN_BITS = 32
_YOUNG = 10_000
"""New objects after which the garbage collector looks at them. Each question that waits for an
upstream has some twenty, none in a cycle: with the usual 700 it looks at them over and over, for
2 to 5 us of each question and up to 5 ms at a time."""


async def serve(config: Config) -> int:
    """Serve until a signal; return the exit code.

    Raises:
        StartError: a port, file or credential is not as needed.
    """
    raise_limit()
    config = within_limit(config, connections=most_connections(TcpLimits()))
    copies = max(1, config.workers)
    listeners = open_listeners(config.dns_bind_addresses, config.dns_port, copies=copies)
    with contextlib.closing(listeners) as opened:
        program = _Program(config, opened)
        async with contextlib.AsyncExitStack() as edges:
            if await program.open(edges):
                await program.run()
    _log.info("stopped")
    return 0


class _Program:
    """The running parts."""

    def __init__(self, config: Config, listeners: Listeners) -> None:
        self._config = config
        self._started = time.monotonic()
        self._stop = _Stop()
        self._forwarding: Forwarding | None = None
        self._core = assemble(
            config,
            # the clock is the cache's too; the turn rotates addresses: nobody gains by guessing it
            Chances(time.monotonic, lambda: chance.getrandbits(_TURN_BITS)),
            identity=Identity(f"kubedns-py {__version__}", platform.node()),
            on_dirty=self._commit_soon,
            upstreams=self._open_forwarding if config.forward else None,
        )
        chance = Random()  # noqa: S311 - see above
        respond = self._core.responder.respond
        repeats = self._core.responder.repeats
        self._workers: WorkerServer | None = None
        if config.workers:
            kept = self._core.responder.keeper
            sockets = (listeners.udp, *listeners.more_udp)
            self._workers = WorkerServer(
                sockets, respond, kept, on_panic=self._panic, repeats=repeats
            )
            if kept is not None:
                kept.listener = self._workers
        self._udp = self._workers or UdpServer(
            listeners.udp, respond, on_panic=self._panic, repeats=repeats
        )
        self._tcp = TcpServer(listeners.tcp, respond, limits=TcpLimits(), on_panic=self._panic)
        exposition = Exposition(self._numbers())
        notes = self._forwarding.describe if self._forwarding else tuple
        self._admin = AdminServer(
            config, readiness=self._missing, exposition=exposition, notes=notes
        )
        self._manifests: ManifestDirectory | None = None
        self._informer: Informer
        _log.info("DNS on %s for %s", listeners, " ".join(config.domains))

    async def open(self, edges: contextlib.AsyncExitStack) -> bool:
        """Open every edge; the stack closes them.

        Returns:
            Whether they are open: a signal ends the start at once, for nobody is served yet (F-43).

        Raises:
            StartError: one cannot be opened.
        """
        if self._forwarding is not None:
            edges.push_async_callback(self._forwarding.aclose)
        if self._workers is not None:
            edges.push_async_callback(self._workers.wait_closed)
        edges.callback(self._udp.close)
        edges.push_async_callback(self._tcp.close)
        edges.push_async_callback(self._admin.stop)
        edges.enter_context(self._stop.on_signals())
        opening = asyncio.create_task(self._open(edges))
        signalled = asyncio.create_task(self._stop.first.wait())
        await asyncio.wait((opening, signalled), return_when=asyncio.FIRST_COMPLETED)
        signalled.cancel()
        if opening.done():
            await opening
            return True
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        return False

    async def _open(self, edges: contextlib.AsyncExitStack) -> None:
        """Open what may take its time: an exec plugin is given 30 s."""
        config = self._config
        resources = [Resource.SERVICES, Resource.NAMESPACES, Resource(config.endpoints_api)]
        source: ListerWatcher
        server: ApiServer | None = None
        if config.manifests:
            from kubedns_py.sources.manifests import ManifestDirectory  # noqa: PLC0415 - with PyYAML

            labels = parse_selector(config.labels)
            source = self._manifests = ManifestDirectory(
                Path(config.manifests), service_labels=labels
            )
            self._manifests.check()
            resources = list(Resource)
        else:
            server = await connect(
                kube_master_url=config.kube_master_url,
                kubecfg_file=config.kubecfg_file,
                labels=config.labels,
            )
            source = await edges.enter_async_context(server)
            resources += [Resource.PODS] * (config.pods == "verified")
        self._informer = Informer(
            source,
            self._core.store,
            resources,
            for_endpoints=bool(config.manifests),
            on_sync=lambda _: self._look_at_sync(),
        )
        if self._forwarding is not None:
            await self._forwarding.start(server)
        await self._admin.start()
        self._udp.start()
        self._tcp.start()

    async def run(self) -> None:
        """Serve until the first signal and the lameduck time, or the second signal."""
        gc.freeze()  # modules: 60,000 objects that no collection need walk
        gc.set_threshold(_YOUNG)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._informer.run())]
            running.append(tasks.create_task(self._first_sync()))
            if self._forwarding is not None:
                running.append(tasks.create_task(self._forwarding.run()))
            if self._config.stale_after_s:
                running.append(tasks.create_task(self._watch_age()))
            if self._manifests is not None:
                running.append(tasks.create_task(self._manifests.run()))
            await self._stop.first.wait()
            await self._lameduck()
            for task in running:
                task.cancel()

    def _open_forwarding(self, view: View) -> Upstreams:
        self._forwarding = Forwarding(self._config, view)
        return self._forwarding.upstreams

    # -- the cluster's side

    def _commit_soon(self) -> None:
        """Take everything that one turn of the loop brought in one commit.

        Before the first sync nothing is answered from the zones, and it is taken as a whole: each
        Service is derived once, and not with its endpoints a second time.
        """
        if self._core.view.known is not Known.NOTHING:
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        self._core.commit(time.time())

    def _look_at_sync(self) -> None:
        """Let the resolver know what is known, once its records are in place."""
        view = self._core.view
        reached = known(self._informer.statuses, view.known)
        if reached is view.known:
            return
        self._commit()
        view.known = reached
        if view.known is Known.ALL:
            seconds = time.monotonic() - self._started
            services = len(self._core.store.keys(Resource.SERVICES))
            if self._forwarding is not None:
                self._forwarding.on_sync()
            _log.info("first sync complete after %.2f s: %d services", seconds, services)
            # What was synced stays for long as well. Nothing is collected before it, for that would
            # hold the loop at once for as long as it is to be spared; what little is garbage stays.
            gc.freeze()

    async def _first_sync(self) -> None:
        """Wait for the first sync; say what is missing when it takes too long, and wait on."""
        timeout_s = self._config.initial_sync_timeout_s
        said = False
        while self._core.view.known is not Known.ALL:
            await asyncio.sleep(_SYNC_LOOK_S)
            self._look_at_sync()
            if not said and time.monotonic() - self._started > timeout_s:
                said = True
                for line in self._missing():
                    _log.error("no first sync after %.0f s, still trying: %s", timeout_s, line)

    async def _watch_age(self) -> None:
        """Let the resolver know when the data is older than the operator allows (T-61)."""
        now = asyncio.get_running_loop().time
        view, limit_s = self._core.view, self._config.stale_after_s
        while True:
            stale = age_s(self._informer.statuses, now()) > limit_s
            if stale != view.stale:
                view.stale = stale
                _log.warning(
                    "answers say from now on that they are %s", "old" if stale else "fresh"
                )
            await asyncio.sleep(_AGE_LOOK_S)

    def _missing(self) -> Sequence[str]:
        if self._stop.first.is_set():
            return ["shutting down"]
        if self._core.view.known is Known.ALL:
            return self._workers.missing if self._workers else []
        problems = self._manifests.problems if self._manifests else {}
        return missing(self._informer.statuses) + [f"{n}: {what}" for n, what in problems.items()]

    # -- the end

    async def _lameduck(self) -> None:
        """Answer on, so that nobody is sent here any more before the sockets close."""
        lameduck_s = self._config.lameduck_s
        _log.info("not ready any more; answering for another %.0f s", lameduck_s)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.second.wait(), lameduck_s)
        if self._stop.second.is_set() or not lameduck_s:
            return
        ends: list[asyncio.Task[object]] = [
            asyncio.ensure_future(self._drain()),
            asyncio.ensure_future(self._stop.second.wait()),
        ]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for each in ends:
            each.cancel()

    async def _drain(self) -> None:
        self._tcp.stop_accepting()
        await asyncio.gather(self._tcp.drain(), self._udp.drain())

    # -- numbers

    def _panic(self, error: Exception) -> None:
        self._core.tally.panic()
        _log.error("a message was dropped: %s", error, exc_info=error)

    def _numbers(self) -> Sources:
        core = self._core
        kept = core.responder.keeper
        return Sources(
            server=f"dns://:{self._config.dns_port}",
            counts=core.tally.snapshot,
            resources=lambda: {
                each.value: status for each, status in self._informer.statuses.items()
            },
            serials=lambda: {to_text(zone.apex): zone.serial for zone in core.view.zones},
            names_too_long=lambda: {
                to_text(zone.apex): zone.names_too_long for zone in core.view.zones
            },
            services=lambda: len(core.store.keys(Resource.SERVICES)),
            datagram_drops=lambda: {**self._udp.counts, "kernel_full": self._udp.kernel_drops()},
            connections=lambda: {**self._tcp.counts, "open": self._tcp.connections},
            waiting=lambda: {"udp": self._udp.waiting, "tcp": self._tcp.waiting},
            manifest_problems=lambda: len(self._manifests.problems) if self._manifests else 0,
            answer_table=lambda: kept.holdings if kept is not None else {},
            workers=lambda: len(self._workers.pids) if self._workers else 0,
            worker_restarts=lambda: self._workers.restarts if self._workers else 0,
            forwarding=self._forwarding,
            clock=asyncio.get_running_loop().time,
        )


class _Stop:
    """The first signal asks to leave, the second one to leave at once (F-42, F-43)."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Listen to SIGTERM and SIGINT for as long as the context lasts."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        (self.second if self.first.is_set() else self.first).set()
