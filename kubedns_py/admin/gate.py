"""What answers on the health and metrics ports: pages, and what a request passes before them.

Rules of this file:

- Whoever asks is a stranger: GET and HEAD only, no body is read, headers end at 8 KB, a connection
  serves one request and lives five seconds, and there are at most 64: a new one ends the oldest.
- No page shows records, names, the environment or paths.
- The Host header must be one that no stranger's DNS can point here (against DNS rebinding).
- It brings aiohttp's server, so it is imported by ``http.py`` when somebody asks.
"""

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Sequence

import kubedns_py.lean_aiohttp  # noqa: F401 - before aiohttp

# isort: split
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from kubedns_py.admin.exposition import Exposition, accepted
from kubedns_py.admin.listen import BACKLOG
from kubedns_py.admin.logline import escaped
from kubedns_py.structs import Struct

_log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
MAX_HEADER_OCTETS = 8192
DEADLINE_S = 5.0

_PAGE_DEADLINE_S = 4.0
_SWEEP_S = 1.0
_STOP_S = 1.0
_MAX_HEADERS = 64
_PLAIN = "text/plain; charset=utf-8"
_HEADERS = {
    "Server": "kubedns-py",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Readiness = Callable[[], Sequence[str]]
"""Returns what is still missing, one thing each; nothing when clients should be sent here."""

Page = Callable[[web.BaseRequest], Awaitable[web.Response]]


def health_pages(readiness: Readiness, notes: Readiness) -> dict[str, Page]:
    """Return the pages of the health port; see ``AdminServer``."""

    async def ready(_: web.BaseRequest) -> web.Response:
        missing = readiness()
        lines = [*(missing or ["ok"]), *notes()]
        return _text("\n".join(map(escaped, lines)), status=503 if missing else 200)

    pages: dict[str, Page] = dict.fromkeys(("/healthz", "/livez"), _alive)
    pages.update(dict.fromkeys(("/readyz", "/readiness", "/ready"), ready))
    return pages


def metrics_pages(exposition: Exposition) -> dict[str, Page]:
    """Return the page of the metrics port."""

    async def metrics(request: web.BaseRequest) -> web.Response:
        form = accepted(request.headers.get("Accept", ""))
        page = await exposition.page(form)
        return web.Response(body=page, headers={"Content-Type": form.value})

    return {"/metrics": metrics}


async def _alive(_: web.BaseRequest) -> web.Response:
    return _text("ok")


def _text(text: str, *, status: int = 200) -> web.Response:
    return web.Response(body=f"{text}\n".encode(), status=status, headers={"Content-Type": _PLAIN})


class Gate(Struct, frozen=True):
    """What every request passes before it reaches a page."""

    pages: dict[str, Page]
    suffixes: tuple[str, ...]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Return the page, or the refusal; always with the same security headers."""
        try:
            async with asyncio.timeout(_PAGE_DEADLINE_S):
                response = self._refusal(request) or await self._page(request)
        except TimeoutError:
            response = _text("took too long", status=503)
        except Exception:  # noqa: BLE001 - a fault of ours; it is said, and DNS goes on
            _log.exception("page %s failed", request.path)
            response = _text("failed; the log says why", status=500)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        response.force_close()
        return response

    def _refusal(self, request: web.BaseRequest) -> web.Response | None:
        octets = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
        if octets + len(request.raw_path) > MAX_HEADER_OCTETS:
            return _text("header too large", status=431)
        # HTTP/1.0 may come without; that HTTP/1.1 has exactly one, aiohttp sees to
        host = request.headers.get("Host")
        if host is not None and not host_is_ours(host, self.suffixes):
            return _text("not served under this Host", status=421)
        if request.method not in {"GET", "HEAD"}:
            refusal = _text("GET or HEAD only", status=405)
            refusal.headers["Allow"] = "GET, HEAD"
            return refusal
        return None

    async def _page(self, request: web.BaseRequest) -> web.Response:
        page = self.pages.get(request.path)
        return await page(request) if page else _text("no such page", status=404)


def host_is_ours(host: str, suffixes: Sequence[str]) -> bool:
    """Tell whether a Host header names this server in a way that no stranger can arrange.

    That is an IP address, ``localhost``, a name without dots (a Pod, a Service of the same
    namespace), or a name under one of the suffixes.
    """
    name = host.strip().lower()
    if name.startswith("["):
        name, bracket, port = name[1:].partition("]")
        return _is_address(name) and bool(bracket) and (not port or port.startswith(":"))
    name = name.partition(":")[0].rstrip(".")
    if _is_address(name):
        return True
    return bool(name) and ("." not in name or name.endswith(tuple(f".{s}" for s in suffixes)))


def _is_address(text: str) -> bool:
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(text)
        return True
    return False


class Listener:
    """One port: its sockets, and the connections that it has."""

    def __init__(self, gate: Gate) -> None:
        self._servers: list[asyncio.Server] = []
        # aiohttp logs a traceback for each malformed request; faults of ours, the gate logs
        protocol_log = _log.getChild("protocol")
        protocol_log.setLevel(logging.CRITICAL)
        # what aiohttp does not limit, the gate and the sweep do
        self._server = web.Server(
            gate.answer,
            access_log=None,
            logger=protocol_log,
            max_line_size=MAX_HEADER_OCTETS,
            max_field_size=MAX_HEADER_OCTETS,
            max_headers=_MAX_HEADERS,
            lingering_time=0,
            read_bufsize=MAX_HEADER_OCTETS,
        )
        self._opened: dict[RequestHandler, float] = {}
        self._sweeper = asyncio.create_task(self._sweep(), name="http sweep")

    def accept(self) -> RequestHandler:
        """Make the protocol of a new connection; when there are too many, end the oldest."""
        connections = self._server.connections
        for each in connections[: max(0, len(connections) - MAX_CONNECTIONS + 1)]:
            _abort(each)
        return self._server()

    async def listen(self, sock: socket.socket) -> None:
        """Answer on a listening socket, which is this one's from now on."""
        loop = asyncio.get_running_loop()
        # one at a time: without a descriptor to spare asyncio tries, and logs, as often (F-36)
        self._servers.append(await loop.create_server(self.accept, sock=sock, backlog=1))
        sock.listen(BACKLOG)

    async def close(self) -> None:
        """Stop accepting, and end every connection."""
        for server in self._servers:
            server.close()
        self._sweeper.cancel()
        await asyncio.gather(self._sweeper, return_exceptions=True)
        for connection in self._server.connections:
            _abort(connection)
        await self._server.shutdown(_STOP_S)

    async def _sweep(self) -> None:
        """End connections that are too old: slow senders, slow readers, and idle ones."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(_SWEEP_S)
            since = self._opened
            self._opened = {each: since.get(each, now()) for each in self._server.connections}
            for connection, opened in self._opened.items():
                if now() - opened >= DEADLINE_S:
                    _abort(connection)


def _abort(connection: RequestHandler) -> None:
    transport = connection.transport
    if transport is not None:
        transport.abort()
