"""List and watch through the API server: requests out, octets in.

Rules of this file:

- The status is looked at before the body; whatever goes wrong on the way is an ``ApiError`` with
  the server's URL in it, cut and escaped.
- No wait is without end: 10 s to connect, 60 s without an octet of a list, 30 s until a watch
  begins and 150 s without an octet of it, for bookmarks come once a minute. None of these limits
  how long a slow list may take (row F-05).
- A connection with octets still to come is closed when its watch is left; others are used again.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    suppress,
)
from typing import NamedTuple, Self
from urllib.parse import urlencode

from kubedns_py import __version__
from kubedns_py.cluster.requests import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError, HttpError, excerpt
from kubedns_py.sources.ahead import Ahead
from kubedns_py.sources.credentials import SERVICE_ACCOUNT, loader
from kubedns_py.sources.exchange import Response
from kubedns_py.sources.lines import Lines
from kubedns_py.sources.session import Client, Session
from kubedns_py.sources.unpacking import body_of

_PATHS = {
    Resource.SERVICES: "/api/v1/services",
    Resource.ENDPOINTS: "/api/v1/endpoints",
    Resource.NAMESPACES: "/api/v1/namespaces",
    Resource.PODS: "/api/v1/pods",
    Resource.ENDPOINTSLICES: "/apis/discovery.k8s.io/v1/endpointslices",
}
_UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown"
_CONNECT_S = 10.0
_LIST_IDLE_S = 60.0
_WATCH_OPEN_S = 30.0
"""A watch is accepted at once, before there is anything to say; a list is first made."""

_WATCH_IDLE_S = 150.0
_SENT_S = 0.05
"""How long a start waits for its first requests to go out: TLS is agreed upon in 3 ms, and in 15
where imports take their turns with it."""

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": f"kubedns-py/{__version__}",
}
_ERRORS = (HttpError, OSError)
"""What a request may raise, time that ran out among it."""


async def connect(*, kube_master_url: str, kubecfg_file: str, labels: str = "") -> ApiServer:
    """Return a source that asks the API server. Nothing is sent yet.

    Args:
        kube_master_url: ``--kube-master-url``; may hold ``$VAR`` and ``${VAR}``.
        kubecfg_file: ``--kubecfg-file``. With neither, the Pod's service account is used.
        labels: a label selector for Services; empty for all.

    Raises:
        StartError: a flag, file or certificate cannot be used.
    """
    load = loader(kube_master_url, kubecfg_file, os.environ, SERVICE_ACCOUNT)
    return await ApiServer.begin(Session(load), labels=labels)


class ApiServer:
    """A ``ListerWatcher`` over HTTP.

    Args:
        session: lends connections.
        labels: a label selector for Services; empty for all.
    """

    def __init__(self, session: Session, *, labels: str = "") -> None:
        self._session = session
        self._selectors = {
            Resource.SERVICES: {"labelSelector": labels} if labels else {},
            Resource.PODS: {"fieldSelector": _UNFINISHED},
        }
        self._ahead = Ahead()

    @classmethod
    async def begin(cls, session: Session, *, labels: str) -> Self:
        """Return a source whose credentials have been read. Raises StartError."""
        await session.start()
        return cls(session, labels=labels)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._ahead.close()
        await self._session.close()

    async def ask_ahead(self, resources: Collection[Resource]) -> None:
        """Ask for lists that somebody is going to open: what comes waits for them, or the error.

        Returns when the requests have gone out or failed, or soon if they cannot.
        """
        sent = asyncio.Semaphore(0)
        async with self._session.client() as client:
            client.http.on_sent = sent.release
            for each in resources:
                request = ListRequest(each, 0, "")
                self._ahead.ask(request, self._ask_for(request), settled=sent.release)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SENT_S):
                    for _ in resources:
                        await sent.acquire()
            client.http.on_sent = None

    def list(self, request: ListRequest) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a list. Raises ApiError; so does reading from it."""
        return self._ahead.take(request) or self._ask_for(request)

    def _ask_for(self, request: ListRequest) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        params = self._selectors.get(request.resource, {}) | {
            name: value
            for name, value in (
                ("limit", str(request.limit or "")),
                ("continue", request.continue_token),
            )
            if value
        }
        return self._read(_PATHS[request.resource], params)

    def watch(self, request: WatchRequest) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a watch. Raises ApiError; so does reading from it."""
        params = self._selectors.get(request.resource, {}) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(request.timeout_s),
            "resourceVersion": request.resource_version,
        }
        return self.follow(_PATHS[request.resource], params)

    async def fetch(self, path: str, params: Mapping[str, str]) -> bytes:
        """Return the body of the answer to a request. Raises ApiError.

        Args:
            path: such as ``/api/v1/services``.
            params: of the request.
        """
        async with self._read(path, params) as parts:
            return b"".join([each async for each in parts])

    @asynccontextmanager
    async def _read(
        self, path: str, params: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        waits = _Waits(_CONNECT_S + _LIST_IDLE_S, _LIST_IDLE_S)
        async with (
            self._answer(path, params, waits) as (client, response),
            aclosing(_parts(client, response, _LIST_IDLE_S)) as parts,
        ):
            yield parts

    def follow(
        self, path: str, params: Mapping[str, str]
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a request whose answer is events, one a line, as they come; see ``fetch``."""
        return self._follow(path, params)

    @asynccontextmanager
    async def _follow(
        self, path: str, params: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        async with (
            self._answer(path, params, _Waits(_WATCH_OPEN_S, _WATCH_IDLE_S)) as (client, response),
            aclosing(_lines(client, response)) as lines,
        ):
            yield lines

    @asynccontextmanager
    async def _answer(
        self, path: str, params: Mapping[str, str], waits: _Waits
    ) -> AsyncIterator[tuple[Client, Response]]:
        """Send a request and lend the response to it, which is one of success.

        A token that is refused is read again and tried once more, at once (row F-11).
        """
        for last in (False, True):
            async with (
                self._session.client(anew=last) as client,
                _sent(client, path, params, waits) as response,
            ):
                if response.status == 200:
                    yield client, response
                    return
                if last or response.status != 401:
                    raise await _refusal(client, response)


class _Waits(NamedTuple):
    """How many seconds a request is waited for: until its answer begins, and between octets."""

    open_s: float
    idle_s: float


@asynccontextmanager
async def _sent(
    client: Client, path: str, params: Mapping[str, str], waits: _Waits
) -> AsyncIterator[Response]:
    """Send a request and lend its answer."""
    authorization = client.access.authorization
    headers = _HEADERS | ({"Authorization": authorization} if authorization else {})
    url = f"{client.url}{path}" + (f"?{urlencode(params)}" if params else "")
    async with AsyncExitStack() as lent:
        try:
            async with asyncio.timeout(waits.open_s):
                response = await lent.enter_async_context(
                    client.http.get(url, headers, connect_s=_CONNECT_S)
                )
        except _ERRORS as error:
            raise _broken(client, error, min(waits)) from error
        yield response


async def _parts(client: Client, response: Response, idle_s: float) -> AsyncGenerator[bytes, None]:
    try:
        body = body_of(response.headers.get("content-encoding", ""))
        async with aclosing(response.body(idle_s)) as parts:
            async for part in parts:
                for portion in body.feed(part):
                    yield portion
        body.end()
    except _ERRORS as error:
        raise _broken(client, error, idle_s) from error


async def _lines(client: Client, response: Response) -> AsyncGenerator[bytes, None]:
    lines = Lines()
    async with aclosing(_parts(client, response, _WATCH_IDLE_S)) as parts:
        async for part in parts:
            if whole := lines.feed(part):
                yield whole
            if lines.overflowed:
                return
    if rest := lines.end():
        yield rest  # cut or not: whether it is a whole event, its reader sees


async def _refusal(client: Client, response: Response) -> ApiError:
    """Return the error that a response stands for."""
    async with aclosing(_parts(client, response, _LIST_IDLE_S)) as parts:
        try:
            body = await anext(parts, b"")
        except ApiError:
            body = b""  # the status says enough
    from kubedns_py.cluster.envelope import read_status  # noqa: PLC0415 - only refusals need it

    said = read_status(body)
    wait = response.headers.get("retry-after", "")
    wait_s = float(wait) if wait.isascii() and wait.isdecimal() else said.retry_after_s
    words = said.detail or excerpt(response.reason)
    if response.status == 401:
        words = f"token rejected, also when read again: {words}"
    detail = f"{client.shown}: {words}"
    return ApiError(response.status, detail, retry_after_s=wait_s)


def _broken(client: Client, error: Exception, idle_s: float) -> ApiError:
    """Return the error for a connection that could not be made, or broke."""
    if isinstance(error, HttpError):
        text = excerpt(str(error))
    elif isinstance(error, TimeoutError):
        return ApiError(0, f"{client.shown}: no data for {idle_s:.0f} s", silent=True)
    elif isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        # asyncio's own words name addresses, and a resolver's numbers are no errno
        named = error.errno > 0
        text = os.strerror(error.errno) if named else excerpt(error.strerror or str(error))
        text = f"{text} (errno {error.errno})"
    else:
        # asyncio has no words for a server that leaves while TLS is agreed upon
        text = f"{type(error).__name__}: {excerpt(str(error)) or 'the connection was closed'}"
    return ApiError(0, f"{client.shown}: {text}")
