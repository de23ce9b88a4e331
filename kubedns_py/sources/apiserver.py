"""List and watch through the API server: requests out, octets in.

Rules of this file:

- No wait is without end: 10 s to connect, 60 s without an octet of a list, 30 s until a watch
  begins and 150 s without an octet of it, for bookmarks come once a minute. None of these limits
  how long a slow list may take (row F-05).
- A connection with octets still to come is closed when its watch is left; others are used again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import Self

from kubedns_py.cluster.requests import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.sources.ahead import Ahead
from kubedns_py.sources.api_answer import Waits, lines, parts, refusal, sent
from kubedns_py.sources.credentials import SERVICE_ACCOUNT, loader
from kubedns_py.sources.exchange import Response
from kubedns_py.sources.session import Client, Session

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
        async with self._read(path, params) as found:
            return b"".join([each async for each in found])

    @asynccontextmanager
    async def _read(
        self, path: str, params: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        waits = Waits(_CONNECT_S, _CONNECT_S + _LIST_IDLE_S, _LIST_IDLE_S)
        async with (
            self._answer(path, params, waits) as (client, response),
            aclosing(parts(client, response, waits.idle_s)) as found,
        ):
            yield found

    def follow(
        self, path: str, params: Mapping[str, str]
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a request whose answer is events, one a line, as they come; see ``fetch``."""
        return self._follow(path, params)

    @asynccontextmanager
    async def _follow(
        self, path: str, params: Mapping[str, str]
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        waits = Waits(_CONNECT_S, _WATCH_OPEN_S, _WATCH_IDLE_S)
        async with (
            self._answer(path, params, waits) as (client, response),
            aclosing(lines(client, response, waits.idle_s)) as found,
        ):
            yield found

    @asynccontextmanager
    async def _answer(
        self, path: str, params: Mapping[str, str], waits: Waits
    ) -> AsyncIterator[tuple[Client, Response]]:
        """Send a request and lend the response to it, which is one of success.

        A token that is refused is read again and tried once more, at once (row F-11).
        """
        for last in (False, True):
            async with (
                self._session.client(anew=last) as client,
                sent(client, path, params, waits) as response,
            ):
                if response.status == 200:
                    yield client, response
                    return
                if last or response.status != 401:
                    raise await refusal(client, response, _LIST_IDLE_S)
