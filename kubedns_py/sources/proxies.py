"""What may be between us and the API server: HTTP proxies, of the kubeconfig or the environment.

Rules of this file:

- Where there is TLS a proxy is asked for a tunnel and sees nothing of what goes through it; where
  there is none, for the resource itself (RFC 9110, 9.3.6; RFC 9112, 3.2.2).
- What a proxy is let in with never enters a message.
- A proxy with TLS to itself is believed as the server is, by the kubeconfig's authority: so does
  kubectl.
"""

from __future__ import annotations

import os
import ssl
from typing import NamedTuple

from kubedns_py.errors import HttpError
from kubedns_py.sources.connections import Origin, basic_of, open_connection, origin_of, with_tls
from kubedns_py.sources.exchange import Connection

_VARIABLES = frozenset({"http_proxy", "https_proxy"})


class Proxy(NamedTuple):
    """A proxy.

    Attributes:
        origin: where it is; with TLS to itself if it is ``https``.
        headers: what each request to it has to have.
    """

    origin: Origin
    headers: dict[str, str]


def proxy_for(origin: Origin, configured: str | None) -> Proxy | None:
    """Return the proxy on the way to a server: the kubeconfig's, or the environment's, or none.

    ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` are read as urllib reads them.

    Raises:
        HttpError: it is none that can be asked.
    """
    url = configured or _of_environment(origin)
    if not url:
        return None
    try:
        found, allowed = origin_of(url), basic_of(url)
    except HttpError as error:
        raise HttpError(f"the proxy is {error}") from error
    return Proxy(found, {"Proxy-Authorization": allowed} if allowed else {})


def _of_environment(origin: Origin) -> str | None:
    if not any(name.lower() in _VARIABLES for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - 5 ms of a start

    return None if proxy_bypass(origin.host) else getproxies().get(origin.scheme)


async def open_proxy(proxy: Proxy, tls: ssl.SSLContext) -> Connection:
    """Return a connection to a proxy, with the server's TLS context if with any. Raises OSError."""
    return await open_connection(proxy.origin, tls if proxy.origin.scheme == "https" else None)


async def open_tunnel(
    proxy: Proxy, origin: Origin, tls: ssl.SSLContext, server_name: str | None
) -> Connection:
    """Return a connection to a server through a proxy.

    Raises:
        HttpError: the proxy refuses; OSError where there is no connection, or no TLS on it.
    """
    through = await open_proxy(proxy, tls)
    try:
        await _ask_for_tunnel(through, proxy, origin)
        return await with_tls(through, tls, server_name or origin.certified)
    except BaseException:
        through.close()
        raise


async def _ask_for_tunnel(through: Connection, proxy: Proxy, origin: Origin) -> None:
    headers = {"Host": origin.authority, **proxy.headers}
    answer = await through.ask("CONNECT", origin.authority, headers)
    await answer.head()
    if answer.status != 200:
        raise HttpError(f"the proxy refuses: {answer.status} {answer.reason}")
