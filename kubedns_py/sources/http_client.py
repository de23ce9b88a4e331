"""Requests to one API server: connections used again, redirects, proxies.

Rules of this file:

- aiohttp's client does all of it and more, and its import is a third of what passes until the API
  server is asked: 0.06 s of each start. What HTTP is, httptools knows; this is what is left.
- A connection with octets still to come is closed when its answer is left; others are used again.
- A connection that was idle may have been closed meanwhile: then another one is asked, once.
- The authorization goes to the server that it is for, whoever sends us elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from kubedns_py.errors import HttpError
from kubedns_py.sources.client_library import Configuration
from kubedns_py.sources.connections import (
    Origin,
    basic_of,
    host_name,
    open_connection,
    origin_of,
    tls_context,
)
from kubedns_py.sources.exchange import Connection, Response
from kubedns_py.sources.proxies import Proxy, open_proxy, open_tunnel, proxy_for

MOST_REDIRECTS: Final = 10
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_SAFE: Final = "%!$&'()*+,/:;=?@[]"
_MOST_IDLE: Final = 8
"""How many connections wait to be used again: one for each resource, and some."""


class HttpClient:
    """Asks as a kubeconfig or service account says.

    Args:
        configuration: certificates, the name in the server's, and the proxy.

    Attributes:
        on_sent: called when a request has gone out, each time, a redirected one too; or None.

    Raises:
        OSError: a certificate or key cannot be read or used; ValueError as well.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._tls = tls_context(configuration)
        self._server_name = host_name(configuration.tls_server_name or "").rstrip(".") or None
        self._proxy = configuration.proxy
        self.on_sent: Callable[[], None] | None = None
        self._idle: list[tuple[Origin, Connection]] = []
        self._is_closed = False

    @asynccontextmanager
    async def get(
        self, url: str, headers: Mapping[str, str], *, connect_s: float
    ) -> AsyncIterator[Response]:
        """Lend the answer to a request, whatever its status.

        Args:
            url: absolute.
            headers: without ``Host``.
            connect_s: how long a connection may take.

        Raises:
            HttpError: there is no answer, or it is no HTTP; OSError as well.
        """
        for _ in range(MOST_REDIRECTS + 1):
            origin = origin_of(url)
            if "Authorization" not in headers and (allowed := basic_of(url)):
                headers = {**headers, "Authorization": allowed}
            connection, response = await self._ask(origin, url, headers, connect_s)
            target = response.headers.get("location")
            if response.status not in _REDIRECTS or not target:
                break
            connection.close()
            url = _elsewhere(url, target)
            if origin_of(url) != origin:
                headers = {k: v for k, v in headers.items() if k != "Authorization"}
        else:
            raise HttpError(f"redirected more than {MOST_REDIRECTS} times")
        try:
            yield response
        finally:
            if response.leaves_usable and not self._is_closed:
                self._keep(origin, connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close the connections that are idle; the others go when their answers do."""
        self._is_closed = True
        for _, connection in self._idle:
            connection.close()
        self._idle.clear()

    async def _ask(
        self, origin: Origin, url: str, headers: Mapping[str, str], connect_s: float
    ) -> tuple[Connection, Response]:
        proxy = proxy_for(origin, self._proxy)
        sent = {"Host": origin.named, **headers}
        target = _target_of(url)
        if proxy is not None and origin.scheme == "http":
            target = f"http://{origin.named}{target}"
            sent |= proxy.headers
        idle = self._take(origin)
        if idle is not None:
            try:
                return idle, await self._sent(idle, target, sent)
            except (HttpError, OSError):
                pass  # the server closed it while nobody asked: to ask again is safe
        connection = await self._open(origin, proxy, connect_s)
        return connection, await self._sent(connection, target, sent)

    async def _sent(
        self, connection: Connection, target: str, headers: Mapping[str, str]
    ) -> Response:
        try:
            response = await connection.ask("GET", target, headers)
            if self.on_sent is not None:
                self.on_sent()
            await response.head()
        except BaseException:
            connection.close()
            raise
        return response

    async def _open(self, origin: Origin, proxy: Proxy | None, connect_s: float) -> Connection:
        tls = self._tls if origin.scheme == "https" else None
        try:
            async with asyncio.timeout(connect_s):
                if proxy is None:
                    return await open_connection(origin, tls, self._server_name)
                if tls is None:
                    return await open_proxy(proxy, self._tls)
                return await open_tunnel(proxy, origin, tls, self._server_name)
        except TimeoutError as error:
            raise HttpError(f"no connection within {connect_s:.0f} s") from error

    def _take(self, origin: Origin) -> Connection | None:
        for index, (of, connection) in enumerate(self._idle):
            if of == origin:
                del self._idle[index]
                if connection.is_open:
                    return connection
                connection.close()
                return self._take(origin)
        return None

    def _keep(self, origin: Origin, connection: Connection) -> None:
        self._idle.append((origin, connection))
        if len(self._idle) > _MOST_IDLE:
            self._idle.pop(0)[1].close()


def _target_of(url: str) -> str:
    """Return what a request asks for: escaped, where a URL of a person's is not (RFC 3986, 2)."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return quote(target, safe=_SAFE, errors="replace")


def _elsewhere(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise HttpError(f"sent elsewhere, to what is not a URL: {error}") from error
