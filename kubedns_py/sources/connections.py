"""How connections to the API server are opened: sockets and TLS.

Rules of this file:

- A connection is watched from its first packet on: a peer that took the request and vanished is
  noticed like one that vanishes in the middle of an answer (row F-04).
- Each server has a TLS context of its own, also where the URL is http: it may lead to https.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from base64 import b64encode
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from aiohappyeyeballs import AddrInfoType, start_connection

from kubedns_py.errors import HttpError
from kubedns_py.sources.client_library import Configuration
from kubedns_py.sources.exchange import PORTION_OCTETS, Connection

SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 20),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 2),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),
)
"""Seconds, but the last one: milliseconds. A dead peer is noticed within 30 s, idle or not."""

_OTHER_ADDRESS_AFTER_S = 0.25  # RFC 8305, 5
_PORTS = {"http": 80, "https": 443}
_PRINTED = re.compile(r"[!-~]+")


class Origin(NamedTuple):
    """Whom a URL names.

    Attributes:
        scheme: ``http`` or ``https``.
        host: a name in ASCII, perhaps with a dot at its end, or an address without brackets.
        port: 1 to 65535.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as a proxy is told them (RFC 9110, 9.3.6)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def named(self) -> str:
        """The same as a request names it: without the port that goes without saying (7.2)."""
        port = _PORTS[self.scheme]
        return self.authority.removesuffix(f":{port}") if self.port == port else self.authority

    @property
    def certified(self) -> str:
        """The host as certificates name it (RFC 6066, 3)."""
        return self.host.rstrip(".")


def origin_of(url: str) -> Origin:
    """Return whom an absolute URL names. Raises HttpError where it is nobody that can be asked."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = host_name(parts.hostname or "")
    except ValueError:  # its words may have a part of a password, where that has a slash
        raise HttpError("not a URL: its host or port is none") from None
    if parts.scheme not in _PORTS or not host or port == 0:
        raise HttpError("not an http or https URL with a host")
    return Origin(parts.scheme, host, port or _PORTS[parts.scheme])


def host_name(text: str) -> str:
    """Return a name as DNS and TLS take it (RFC 5890, 2.3.2.1). Raises ValueError: it is none."""
    name = text.encode("idna").decode()
    name.encode("idna")  # a letter may stand for some with a dot among them
    if name and not _PRINTED.fullmatch(name):
        raise ValueError("a host with characters that no name has")
    return name


def basic_of(url: str) -> str:
    """Return the Authorization that stands in a URL (RFC 7617), empty where none does.

    Raises:
        HttpError: it is none that can be sent.
    """
    parts = urlsplit(url)
    if parts.username is None:
        return ""
    secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    try:
        octets = secret.encode(errors="surrogateescape")  # as the environment had them
    except UnicodeError:  # its words have the secret
        raise HttpError("not a URL: who asks is no text") from None
    return f"Basic {b64encode(octets).decode()}"


async def open_connection(
    origin: Origin, tls: ssl.SSLContext | None, server_name: str | None = None
) -> Connection:
    """Return a new connection.

    Args:
        origin: where to.
        tls: None for no TLS.
        server_name: what the certificate is for; None for the host.

    Raises:
        OSError: there is no connection, or no TLS on it.
    """
    opened = await start_connection(
        await _addresses(origin),
        happy_eyeballs_delay=_OTHER_ADDRESS_AFTER_S,
        socket_factory=open_socket,
    )
    name = (server_name or origin.certified) if tls else None
    streams = await asyncio.open_connection(
        sock=opened, ssl=tls, server_hostname=name, limit=PORTION_OCTETS
    )
    return Connection(*streams)


async def _addresses(origin: Origin) -> Sequence[AddrInfoType]:
    """Return where a host is. Raises OSError.

    An API server is an address most of the time: nobody is asked for it, nor a thread waited for,
    which others may have (a start imports in one). Names are asked for as this node has addresses.
    """
    host, port, kind = origin.host, origin.port, socket.SOCK_STREAM
    try:
        return socket.getaddrinfo(host, port, type=kind, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        return await loop.getaddrinfo(host, port, type=kind, flags=socket.AI_ADDRCONFIG)


async def with_tls(through: Connection, tls: ssl.SSLContext, server_name: str) -> Connection:
    """Return a connection through a tunnel that is open. Raises OSError: there is no TLS on it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=PORTION_OCTETS, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = await loop.start_tls(through.transport, protocol, tls, server_hostname=server_name)
    if transport is None:  # it was closed meanwhile
        raise ConnectionResetError("the connection was closed before there was TLS on it")
    protocol.connection_made(transport)
    writer = asyncio.StreamWriter(transport, protocol, reader, loop)
    return Connection(reader, writer, through)


def tls_context(configuration: Configuration) -> ssl.SSLContext:
    """Return what a kubeconfig or service account says of TLS.

    Raises:
        OSError: a certificate or key cannot be read or used; ValueError as well.
    """
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def open_socket(address: AddrInfoType) -> socket.socket:
    """Return a socket for an address, as ``getaddrinfo`` gives it, with our options.

    Raises:
        OSError: the system has none to give.
    """
    family, kind, protocol, *_ = address
    opened = socket.socket(family, kind, protocol)
    for level, name, value in SOCKET_OPTIONS:
        option = getattr(socket, name, None)  # the last ones are Linux's
        if option is not None:
            opened.setsockopt(level, option, value)
    return opened
