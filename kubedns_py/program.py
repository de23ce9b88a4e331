"""What answers, and what tells of it: the parts, wired, and run until told to stop.

The source of the cluster's objects is open already and may have filled the store (``app.py``).
Readiness follows the first complete sync. After a signal readiness goes at once, answers go on for
the lameduck time, then everything is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import platform
import time
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from kubedns_py import __version__
from kubedns_py.admin.exposition import Exposition
from kubedns_py.admin.http import AdminServer
from kubedns_py.admin.scrape import Sources
from kubedns_py.assembly import Identity, assemble
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.options import Config
from kubedns_py.descriptors import within_limit
from kubedns_py.dns.name import to_text
from kubedns_py.informing import Informing
from kubedns_py.readiness import age_s, known, lists_many, missing
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.connection import TcpLimits
from kubedns_py.server.elsewhere import Upstreams
from kubedns_py.server.listen import Listeners
from kubedns_py.server.respond import Chances
from kubedns_py.server.tcp import TcpServer, most_connections
from kubedns_py.server.udp import UdpServer
from kubedns_py.stop import Stop

if TYPE_CHECKING:
    from kubedns_py.forwarding import Forwarding
    from kubedns_py.server.workers import WorkerServer

_log = logging.getLogger(__name__)

_SYNC_LOOK_S = 0.25
"""How often a first sync that does not come is looked at: the API server may refuse a part."""

_TAKE_OVER_S = 0.05
"""How often what was listed is taken over while the API server makes the rest."""

_AGE_LOOK_S = 1.0
_TURN_BITS = 32
_YOUNG = 10_000
"""New objects after which the garbage collector looks at them once Services are known. Each
question that waits for an upstream has some twenty, none in a cycle: with the usual 700 it looks at
them over and over, for 2 to 5 us of each question and up to 5 ms at a time."""


class Program:
    """The running parts; nothing is answered before ``open``.

    Args:
        config: the options.
        listeners: sockets for DNS; whoever opened them closes them.
        informing: the cluster's side.
        stop: when to end.
    """

    def __init__(
        self, config: Config, listeners: Listeners, informing: Informing, stop: Stop
    ) -> None:
        limits = TcpLimits()
        self._config = config = within_limit(config, connections=most_connections(limits))
        self._informing = informing
        self._stop = stop
        self._synced = asyncio.Event()
        self._forwarding: Forwarding | None = None
        self._core = assemble(
            config,
            # the clock is the cache's too; the turn rotates addresses: nobody gains by guessing it
            Chances(time.monotonic, lambda: chance.getrandbits(_TURN_BITS)),
            identity=Identity(f"kubedns-py {__version__}", platform.node()),
            store=informing.store,
            upstreams=self._open_forwarding if config.forward else None,
        )
        chance = Random()  # noqa: S311 - see above
        respond = self._core.responder.respond
        repeats = self._core.responder.repeats
        self._workers: WorkerServer | None = None
        if config.workers:
            from kubedns_py.server.workers import WorkerServer  # noqa: PLC0415 - not without them

            kept = self._core.responder.keeper
            self._workers = WorkerServer(
                listeners.udp,
                config.workers,
                respond,
                kept,
                on_panic=self._panic,
                repeats=repeats,
            )
            if kept is not None:
                kept.listener = self._workers
        self._udp = self._workers or UdpServer(
            listeners.udp, respond, on_panic=self._panic, repeats=repeats
        )
        self._tcp = TcpServer(listeners.tcp, respond, limits=limits, on_panic=self._panic)
        exposition = Exposition(self._numbers())
        notes = self._forwarding.describe if self._forwarding else tuple
        self._admin = AdminServer(
            config, readiness=self._missing, exposition=exposition, notes=notes
        )

    async def open(self, edges: contextlib.AsyncExitStack) -> None:
        """Open every edge; the stack closes them.

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
        if self._forwarding is not None:
            await self._forwarding.start(self._informing.server)
        self._admin.open()
        self._udp.start()
        self._tcp.start()
        self._informing.on_dirty = self._commit_soon
        self._informing.on_sync = self._look_at_sync
        self._look_at_sync()  # it may be complete

    async def run(self) -> None:
        """Serve until the first signal and the lameduck time, or the second signal."""
        gc.freeze()  # modules: 60,000 objects that no collection need walk
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._informing.run())]
            running.append(tasks.create_task(self._first_sync()))
            running.append(tasks.create_task(self._serve_pages()))
            if self._forwarding is not None:
                running.append(tasks.create_task(self._forwarding.run()))
            if self._config.stale_after_s:
                running.append(tasks.create_task(self._watch_age()))
            await self._stop.first.wait()
            await self._lameduck()
            for task in running:
                task.cancel()

    async def _serve_pages(self) -> None:
        """Answer on the health and metrics ports once somebody asks, or after the first sync.

        What answers there takes a tenth of a large sync to import, which is what a start is for.
        """
        waits = [
            asyncio.create_task(self._admin.asked()),
            asyncio.create_task(self._synced.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        await self._admin.serve()

    def _open_forwarding(self, view: View) -> Upstreams:
        from kubedns_py.forwarding import Forwarding  # noqa: PLC0415 - not with --forward=false

        self._forwarding = Forwarding(self._config, view)
        return self._forwarding.upstreams

    # -- the cluster's side

    def _commit_soon(self) -> None:
        """Take everything that one turn of the loop brought in one commit.

        Before the first sync nothing is answered from the zones, and what has come is taken over
        now and then: few Services are derived twice.
        """
        if self._core.view.known is not Known.NOTHING:
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        self._core.commit(time.time())

    def _look_at_sync(self) -> None:
        """Let the resolver know what is known, once its records are in place."""
        view = self._core.view
        reached = known(self._informing.statuses, view.known)
        if reached is view.known:
            return
        self._core.reach(reached, time.time())
        if reached is Known.ALL:
            self._synced.set()
            seconds = time.monotonic() - self._informing.started
            services = len(self._core.store.keys(Resource.SERVICES))
            if self._forwarding is not None:
                self._forwarding.on_sync()
            _log.info("first sync complete after %.2f s: %d services", seconds, services)
            # What was synced stays for long as well. Nothing is collected before it, for that would
            # hold the loop at once for as long as it is to be spared; what little is garbage stays.
            gc.freeze()
        gc.set_threshold(_YOUNG)

    async def _first_sync(self) -> None:
        """Wait for the first sync; say what is missing when it takes too long, and wait on."""
        timeout_s = self._config.initial_sync_timeout_s
        said = False
        while self._core.view.known is not Known.ALL:
            soon = self._core.view.known is Known.NOTHING and not said
            await asyncio.sleep(_TAKE_OVER_S if soon else _SYNC_LOOK_S)
            self._look_at_sync()
            if self._core.view.known is Known.NOTHING and lists_many(self._informing.statuses):
                self._core.commit_listed(time.time())
            if not said and time.monotonic() - self._informing.started > timeout_s:
                said = True
                for line in self._missing():
                    _log.error("no first sync after %.0f s, still trying: %s", timeout_s, line)

    async def _watch_age(self) -> None:
        """Let the resolver know when the data is older than the operator allows (T-61)."""
        now = asyncio.get_running_loop().time
        view, limit_s = self._core.view, self._config.stale_after_s
        while True:
            stale = age_s(self._informing.statuses, now()) > limit_s
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
        problems = [f"{name}: {what}" for name, what in self._informing.problems.items()]
        return missing(self._informing.statuses) + problems or ["starting"]

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
                each.value: status for each, status in self._informing.statuses.items()
            },
            serials=lambda: {to_text(zone.apex): zone.serial for zone in core.view.zones},
            names_too_long=lambda: {
                to_text(zone.apex): zone.names_too_long for zone in core.view.zones
            },
            services=lambda: len(core.store.keys(Resource.SERVICES)),
            datagram_drops=lambda: {**self._udp.counts, "kernel_full": self._udp.kernel_drops()},
            connections=lambda: {**self._tcp.counts, "open": self._tcp.connections},
            waiting=lambda: {"udp": self._udp.waiting, "tcp": self._tcp.waiting},
            manifest_problems=lambda: len(self._informing.problems),
            answer_table=lambda: kept.holdings if kept is not None else {},
            workers=lambda: len(self._workers.pids) if self._workers else 0,
            worker_restarts=lambda: self._workers.restarts if self._workers else 0,
            forwarding=self._forwarding,
            clock=asyncio.get_running_loop().time,
        )
