"""Connections to the API server that follow the rotation of tokens and certificates.

Rules of this file:

- Before each request, files that changed are read again; a new client takes over if they are good,
  and the old one stays if they are not (rows F-13, F-14).
- A client that was replaced is closed when the last request on it is done: watches go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kubedns_py.errors import StartError
from kubedns_py.sources.credentials import Access, Load, change_marks
from kubedns_py.sources.http_client import HttpClient

_LOG = logging.getLogger(__name__)
_COMPLAIN_EVERY_S = 60.0
_LOAD_TIMEOUT_S = 30.0


class Client:
    """One set of connections.

    Args:
        http: the connections.
        access: what they are made with.

    Attributes:
        http: the same.
        access: with the newest authorization.
        users: requests that are going on.
        retired: another client has taken over.
    """

    def __init__(self, http: HttpClient, access: Access) -> None:
        self.http = http
        self.access = access
        self.users = 0
        self.retired = False

    @property
    def url(self) -> str:
        """The server's URL, without a slash at its end."""
        return str(self.access.configuration.host)

    @property
    def shown(self) -> str:
        """The same for messages: without what lets us in, where that stands in it."""
        scheme, _, rest = self.url.partition("://")
        authority, slash, path = rest.partition("/")
        return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


class Session:
    """Lends out the current client.

    Args:
        load: reads the access anew.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self._client: Client | None = None
        self._marks: tuple[object, ...] = ()
        self._good_until = 0.0
        self._complained_at: float | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Make the first client. Raises StartError."""
        async with self._turn:
            await self._renew()

    @asynccontextmanager
    async def client(self, *, anew: bool = False) -> AsyncIterator[Client]:
        """Lend the current client; ``anew`` reads the access again in any case (row F-11)."""
        async with self._turn:
            client = await self._current(anew=anew)
            client.users += 1
        try:
            yield client
        finally:
            client.users -= 1
            _close_if_done(client)

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.http.close()

    async def _current(self, *, anew: bool) -> Client:
        client = self._client
        if client is None:
            return await self._renew()
        now = asyncio.get_running_loop().time()
        marks = change_marks(client.access.files)
        if not anew and marks == self._marks and now < self._good_until:
            return client
        try:
            client = await self._renew()
        except StartError as error:
            if self._complained_at is None or now - self._complained_at >= _COMPLAIN_EVERY_S:
                self._complained_at = now
                _LOG.warning("credentials: %s; keeping what we had", error)
        else:
            self._complained_at = None
        return client

    async def _renew(self) -> Client:
        """Read the access and make it the current one. Raises StartError; nothing changed then."""
        try:
            async with asyncio.timeout(_LOAD_TIMEOUT_S):
                access = await self._load()
        except TimeoutError as error:
            raise StartError(f"credentials: not read within {_LOAD_TIMEOUT_S:.0f} s") from error
        old = self._client
        if old is not None and old.access.identity == access.identity:
            old.access = access
            client = old
        else:
            client = Client(_connect(access), access)
            if old is not None:
                old.retired = True
                _close_if_done(old)
                _LOG.info("credentials: new certificates are in use")
        self._client = client
        self._marks = change_marks(access.files)
        self._good_until = asyncio.get_running_loop().time() + access.good_for_s
        return client


def _close_if_done(client: Client) -> None:
    if client.retired and not client.users:
        client.http.close()


def _connect(access: Access) -> HttpClient:
    """Return a client without connections. Raises StartError if a certificate cannot be used."""
    try:
        return HttpClient(access.configuration)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        names = ", ".join(access.files)
        raise StartError(f"certificates ({names}): {error}") from error
