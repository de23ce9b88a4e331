"""The TCP connections to the API server: how the kernel watches them, and how much they hold.

Rules of this file:

- A connection is watched from its first packet on: a peer that took the request and vanished is
  noticed like one that vanishes in the middle of an answer (row F-04).
- A body is taken in small portions; whoever reads slowly slows the sender down (row F-06).
- Every session has a TLS context of its own, also where the URL is http: it may lead to https.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from kubedns_py import __version__
from kubedns_py.sources.client_library import Configuration

if TYPE_CHECKING:
    from aiohttp import AddrInfoType, ClientSession

SOCKET_OPTIONS = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 20),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 2),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),
)
"""Seconds, but the last one: milliseconds. A dead peer is noticed within 30 s, idle or not."""

_BUFFER_OCTETS = 65_536
"""Of a body, compressed if it is; twice that may wait to be read."""


def open_session(configuration: Configuration) -> ClientSession:
    """Return a session whose connections are as the rules of this file say; none is open yet.

    Raises:
        OSError: a certificate or key cannot be read or used; ValueError as well.
    """
    from kubedns_py.sources.http_client import (  # noqa: PLC0415 - not offline
        ClientSession,
        TCPConnector,
    )

    return ClientSession(
        connector=TCPConnector(ssl=_tls(configuration), socket_factory=open_socket),
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"kubedns-py/{__version__}",
        },
        auto_decompress=False,  # unpacking.py does it
        trust_env=True,
        proxy=configuration.proxy,
        read_bufsize=_BUFFER_OCTETS,
    )


def _tls(configuration: Configuration) -> ssl.SSLContext:
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
