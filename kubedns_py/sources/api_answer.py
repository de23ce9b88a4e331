"""What an API server answers: octets as they come, or what went wrong.

Rules of this file:

- The status is looked at before the body; whatever goes wrong on the way is an ``ApiError`` with
  the server's URL in it, cut and escaped.
- No wait is without end; who asks says how long each may be.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import NamedTuple
from urllib.parse import urlencode

from kubedns_py import __version__
from kubedns_py.errors import ApiError, HttpError, excerpt
from kubedns_py.sources.exchange import Response
from kubedns_py.sources.lines import Lines
from kubedns_py.sources.session import Client
from kubedns_py.sources.unpacking import body_of

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": f"kubedns-py/{__version__}",
}
_ERRORS = (HttpError, OSError)
"""What a request may raise, time that ran out among it."""


class Waits(NamedTuple):
    """How many seconds a request is waited for.

    Attributes:
        connect_s: until there is a connection.
        open_s: until its answer begins, the same included.
        idle_s: between octets.
    """

    connect_s: float
    open_s: float
    idle_s: float


@asynccontextmanager
async def sent(
    client: Client, path: str, params: Mapping[str, str], waits: Waits
) -> AsyncIterator[Response]:
    """Send a request and lend its answer, whatever its status. Raises ApiError.

    Args:
        client: whom to ask, and how to be let in.
        path: such as ``/api/v1/services``.
        params: of the request.
        waits: how long each may take.
    """
    authorization = client.access.authorization
    headers = _HEADERS | ({"Authorization": authorization} if authorization else {})
    url = f"{client.url}{path}" + (f"?{urlencode(params)}" if params else "")
    async with AsyncExitStack() as lent:
        try:
            async with asyncio.timeout(waits.open_s):
                response = await lent.enter_async_context(
                    client.http.get(url, headers, connect_s=waits.connect_s)
                )
        except _ERRORS as error:
            raise _broken(client, error, min(waits.open_s, waits.idle_s)) from error
        yield response


async def parts(client: Client, response: Response, idle_s: float) -> AsyncGenerator[bytes, None]:
    """Yield the body as it comes, uncompressed. Raises ApiError."""
    try:
        body = body_of(response.headers.get("content-encoding", ""))
        async with aclosing(response.body(idle_s)) as coded:
            async for part in coded:
                for portion in body.feed(part):
                    yield portion
        body.end()
    except _ERRORS as error:
        raise _broken(client, error, idle_s) from error


async def lines(client: Client, response: Response, idle_s: float) -> AsyncGenerator[bytes, None]:
    """Yield whole lines of the body, one or more at a time as they come. Raises ApiError."""
    cut = Lines()
    async with aclosing(parts(client, response, idle_s)) as found:
        async for part in found:
            if whole := cut.feed(part):
                yield whole
            if cut.overflowed:
                return
    if rest := cut.end():
        yield rest  # cut or not: whether it is a whole event, its reader sees


async def refusal(client: Client, response: Response, idle_s: float) -> ApiError:
    """Return the error that a response stands for which is none of success."""
    async with aclosing(parts(client, response, idle_s)) as found:
        try:
            body = await anext(found, b"")
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
