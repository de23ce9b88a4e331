"""Health, readiness and metrics over HTTP: ports at once, what answers on them when it is asked.

Rules of this file:

- ``/healthz`` says that the event loop turns, and nothing else: it must not depend on the cluster.
- A port is opened at the start, so that one in use is known; whoever asks before ``serve`` waits.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from itertools import chain
from typing import TYPE_CHECKING

from kubedns_py.admin.exposition import Exposition
from kubedns_py.admin.listen import open_sockets
from kubedns_py.config.options import Config

if TYPE_CHECKING:
    from types import ModuleType

    from kubedns_py.admin.gate import Listener, Page, Readiness

_log = logging.getLogger(__name__)


class AdminServer:
    """The listeners of the health and metrics ports.

    Args:
        config: ports and addresses; names under its domains, and under the namespace of its DNS
            Service, are accepted as Host.
        readiness: asked at each request for it; returns what is missing.
        exposition: the metrics page.
        notes: what else the page of readiness says.
    """

    def __init__(
        self,
        config: Config,
        *,
        readiness: Readiness,
        exposition: Exposition,
        notes: Readiness = tuple,
    ) -> None:
        self._config = config
        self._readiness = readiness
        self._notes = notes
        self._exposition = exposition
        namespace = config.dns_service.partition("/")[0]
        self._suffixes = ("svc", namespace, *(name.rstrip(".") for name in config.domains))
        self._sockets: dict[int, list[socket.socket]] = {}
        self._listeners: list[Listener] = []

    def open(self) -> None:
        """Open the ports that are not off.

        Raises:
            StartError: a port cannot be had; none is left open.
        """
        ports = {self._config.healthz_port, self._config.metrics_port} - {0}
        try:
            for port in sorted(ports):
                self._sockets[port] = open_sockets(self._config.admin_bind_addresses, port)
        except BaseException:
            self._close_sockets()
            raise

    async def asked(self) -> None:
        """Wait until somebody connects to a port that is open; to be cancelled before ``serve``."""
        loop, came = asyncio.get_running_loop(), asyncio.Event()
        opened = list(chain.from_iterable(self._sockets.values()))
        try:
            for sock in opened:
                loop.add_reader(sock, came.set)
            await came.wait()
        finally:
            for sock in opened:
                loop.remove_reader(sock)

    async def serve(self) -> None:
        """Begin to answer on the ports that are open."""
        if not self._sockets:
            return
        gate = await asyncio.to_thread(_gate)
        for port, sockets in self._sockets.items():
            pages = self._pages(gate, port)
            listener: Listener = gate.Listener(gate.Gate(pages, self._suffixes))
            self._listeners.append(listener)
            while sockets:
                await listener.listen(sockets.pop(0))
            _log.info("http listens on port %d: %s", port, " ".join(pages))

    async def stop(self) -> None:
        """Close the ports and every connection. Twice is harmless."""
        self._close_sockets()
        while self._listeners:
            await self._listeners.pop().close()

    def _close_sockets(self) -> None:
        for sock in chain.from_iterable(self._sockets.values()):
            sock.close()
        self._sockets.clear()

    def _pages(self, gate: ModuleType, port: int) -> dict[str, Page]:
        pages: dict[str, Page] = {}
        if port == self._config.healthz_port:
            pages |= gate.health_pages(self._readiness, self._notes)
        if port == self._config.metrics_port:
            pages |= gate.metrics_pages(self._exposition)
        return pages


def _gate() -> ModuleType:
    """Return what answers: aiohttp's server, which no first sync waits for (``asked``)."""
    from kubedns_py.admin import gate  # noqa: PLC0415 - as said

    return gate
