"""An API server on loopback that lists and watches like the real one, and misbehaves on request.

Objects are put and deleted by the test; each change takes the next resource version. A list comes
in pages, compressed if it is large; a watch goes on from a version, with bookmarks when the test
says so. ``then_list`` and ``then_watch`` script what the next requests get instead: one script for
each connection, in order.
"""

from __future__ import annotations

import asyncio
import copy
import gzip
import itertools
import ssl
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.helpers.builders import (
    Json,
    a_bookmark,
    a_page,
    a_status,
    an_error,
    an_event,
    octets,
)
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

_RESOURCES = {
    "/api/v1/services": "services",
    "/api/v1/endpoints": "endpoints",
    "/api/v1/namespaces": "namespaces",
    "/api/v1/pods": "pods",
    "/apis/discovery.k8s.io/v1/endpointslices": "endpointslices",
}

_COMPRESSED_FROM_OCTETS = 131_072
"""Lists with more than that are, for every client; the real one asks what the client takes."""


@dataclass(frozen=True)
class Seen:
    """A request as it came."""

    resource: str
    params: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def is_watch(self) -> bool:
        """Whether it asked for a watch."""
        return self.params.get("watch") == "true"


Script = Callable[[web.Request], Awaitable[web.StreamResponse]]


def answer(
    status: int,
    body: bytes | Json = b"",
    *,
    content_type: str = "application/json",
    **headers: str,
) -> Script:
    """Answer with a status and a body; ``Retry_After="5"`` sets a header."""

    async def script(_: web.Request) -> web.StreamResponse:
        raw = body if isinstance(body, bytes) else octets(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=raw, content_type=content_type, headers=named)

    return script


def compressed(body: bytes) -> Script:
    """Answer 200 with a compressed body."""
    return answer(200, gzip.compress(body), Content_Encoding="gzip")


def refusal(status: int, message: str = "", *, reason: str = "", **headers: str) -> Script:
    """Answer with a Status, as the API server refuses."""
    return answer(status, a_status(status, message, reason=reason), **headers)


def stream(*chunks: bytes, then: str = "end", **headers: str) -> Script:
    """Answer 200 and send chunks as they are; then ``end``, ``cut`` the connection, or ``hang``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def script(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json", **named})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(chunk)
        if then == "hang":
            await asyncio.Event().wait()
        if then == "cut":
            cut(request)
        return response

    return script


def silence() -> Script:
    """Never answer at all."""

    async def script(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return script


def cut(request: web.Request) -> None:
    """Break the connection off with a reset."""
    assert request.transport is not None
    request.transport.abort()


@dataclass
class FakeApiServer:
    """The server; an asynchronous context manager.

    Attributes:
        page_size: at most so many objects in a page, whatever the limit.
        token: the bearer token it accepts, or None for any request.
        tls: serves https.
        seen: the requests so far.
        version: the newest resource version.
    """

    page_size: int = 500
    token: str | None = None
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    version: int = 1000
    port: int = 0

    def __post_init__(self) -> None:
        self._objects: dict[str, dict[str, Json]] = defaultdict(dict)
        self._history: dict[str, list[tuple[int, bytes]]] = defaultdict(list)
        self._compacted = 0
        self._scripts: dict[tuple[str, bool], deque[Script]] = defaultdict(deque)
        self._watches: dict[str, set[asyncio.Queue[bytes | None]]] = defaultdict(set)
        self._pages: dict[str, list[Json]] = {}
        self._names = itertools.count(1)
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop, on the same port again."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01)
        await self._runner.setup()
        self.port = self.port or free_port()  # one that no client gets while it is stopped
        site = web.TCPSite(
            self._runner, "127.0.0.1", self.port, ssl_context=self.tls, reuse_address=True
        )
        await site.start()

    async def stop(self) -> None:
        """Close all connections and listen no more."""
        if self._runner is not None:
            self.end_watches()
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """Where it listens."""
        scheme = "https" if self.tls else "http"
        return f"{scheme}://localhost:{self.port}"

    # -- what the cluster does

    def put(self, resource: str, document: Json) -> None:
        """Create or change an object; open watches hear of it."""
        meta = document["metadata"]
        name = f"{meta.get('namespace', '')}/{meta['name']}"
        self._change(resource, name, document, gone=False)

    def delete(self, resource: str, name: str) -> None:
        """Delete the object ``namespace/name``; open watches hear of it."""
        self._change(resource, name, self._objects[resource][name], gone=True)

    def forget(self, resource: str, name: str) -> None:
        """Delete an object without an event: what a client misses if it loses one."""
        del self._objects[resource][name]

    def compact(self) -> None:
        """Forget the changes so far: a watch from before is told 410."""
        self._compacted = self.version
        self._history.clear()

    def restore(self, version: int) -> None:
        """Go back to a version as a backup does: what changed since never happened."""
        self._history.clear()
        self.version = version

    def send(self, resource: str, line: bytes) -> None:
        """Send a line as it is to the open watches of a resource."""
        for watch in self._watches[resource]:
            watch.put_nowait(line)

    def bookmark(self, resource: str) -> None:
        """Send a bookmark of this moment to the open watches of a resource."""
        self.send(resource, a_bookmark(str(self.version)))

    def end_watches(self) -> None:
        """End all open watches in order."""
        for watch in itertools.chain.from_iterable(self._watches.values()):
            watch.put_nowait(None)

    # -- what it does wrong

    def then_list(self, resource: str, *scripts: Script) -> None:
        """Let the next lists of a resource get these answers."""
        self._scripts[resource, False].extend(scripts)

    def then_watch(self, resource: str, *scripts: Script) -> None:
        """Let the next watches of a resource get these answers."""
        self._scripts[resource, True].extend(scripts)

    # -- what a test looks at

    def lists(self, resource: str) -> list[Seen]:
        """Return the lists of a resource that were asked for."""
        return [each for each in self.seen if each.resource == resource and not each.is_watch]

    def watches(self, resource: str) -> list[Seen]:
        """Return the watches of a resource that were asked for."""
        return [each for each in self.seen if each.resource == resource and each.is_watch]

    async def watched(self, resource: str) -> None:
        """Wait until a watch of a resource is open."""
        await until(lambda: bool(self._watches[resource]))

    # -- inside

    def _change(self, resource: str, name: str, document: Json, *, gone: bool) -> None:
        self.version += 1
        stored = copy.deepcopy(document)
        stored["metadata"]["resourceVersion"] = str(self.version)
        objects = self._objects[resource]
        type_ = "DELETED" if gone else "MODIFIED" if name in objects else "ADDED"
        if gone:
            del objects[name]
        else:
            objects[name] = stored
        line = an_event(type_, stored)
        self._history[resource].append((self.version, line))
        self.send(resource, line)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        resource = _RESOURCES.get(request.path, request.path)
        seen = Seen(resource, dict(request.query), dict(request.headers))
        self.seen.append(seen)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return await refusal(401, "Unauthorized", reason="Unauthorized")(request)
        scripts = self._scripts[resource, seen.is_watch]
        if scripts:
            return await scripts.popleft()(request)
        if seen.is_watch:
            return await self._watch(request, resource)
        return self._list(resource, seen.params)

    def _list(self, resource: str, params: Mapping[str, str]) -> web.Response:
        token = params.get("continue", "")
        rest = self._pages.pop(token) if token else list(self._objects[resource].values())
        size = min(int(params.get("limit", "0")) or len(rest), self.page_size) or 1
        page, rest = rest[:size], rest[size:]
        following = f"page-{next(self._names)}" if rest else ""
        if rest:
            self._pages[following] = rest
        body = a_page(*page, version=str(self.version), continue_token=following)
        headers = {}
        if len(body) > _COMPRESSED_FROM_OCTETS:
            body, headers = gzip.compress(body, 1), {"Content-Encoding": "gzip"}
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _watch(self, request: web.Request, resource: str) -> web.StreamResponse:
        version = int(request.query.get("resourceVersion") or 0)
        if version < self._compacted:
            return await stream(an_error(410, "too old resource version", reason="Expired"))(
                request
            )
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        for at, change in self._history[resource]:
            if at > version:
                lines.put_nowait(change)
        self._watches[resource].add(lines)
        try:
            while (line := await lines.get()) is not None:
                await response.write(line + b"\n")
        except ConnectionError:
            pass  # the client went away, as clients do
        finally:
            self._watches[resource].discard(lines)
        return response
