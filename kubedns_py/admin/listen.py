"""Opens the TCP sockets of the health and metrics ports.

A port that cannot be had ends the start (F-34): without probes the Pod would be killed anyway, and
later, with no word about why.
"""

import errno
import logging
import socket
from collections.abc import Sequence
from contextlib import ExitStack

from kubedns_py.errors import StartError

_log = logging.getLogger(__name__)

BACKLOG = 64
_NO_IPV6 = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL))

_ADVICE = {
    errno.EADDRINUSE: "stop what uses it, or choose another --healthz-port or --metrics-port",
    errno.EACCES: "choose a --healthz-port and --metrics-port from 1024 on",
    errno.EADDRNOTAVAIL: "this host does not have that address; correct --admin-bind-address",
    errno.EAFNOSUPPORT: "this host does not have IPv6; leave it out of --admin-bind-address",
}


def open_sockets(addresses: Sequence[str], port: int) -> list[socket.socket]:
    """Return a listening socket for each address.

    Args:
        addresses: IP addresses. Where ``0.0.0.0`` is among them, ``::`` is left out on a host
            that does not have IPv6 (F-35).
        port: 1 to 65535.

    Raises:
        StartError: one of them cannot be listened on; none is left open.
    """
    opened = []
    with ExitStack() as undo:
        for address in addresses:
            try:
                opened.append(undo.enter_context(_open(address, port)))
            except OSError as error:
                if address == "::" and "0.0.0.0" in addresses and error.errno in _NO_IPV6:
                    _log.info("this host does not have IPv6: http serves IPv4 only")
                    continue
                raise StartError(refusal(address, port, error)) from error
        undo.pop_all()
    return opened


def _open(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ExitStack() as undo:
        sock = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        sock.settimeout(0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        place = socket.getaddrinfo(address, port, family, flags=socket.AI_NUMERICHOST)[0][4]
        sock.bind(place)
        sock.listen(BACKLOG)
        undo.pop_all()
    return sock


def refusal(address: str, port: int, error: OSError) -> str:
    """Return the line for a person: where, why, and what to do."""
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    name = errno.errorcode.get(error.errno or 0, "error")
    advice = _ADVICE.get(error.errno or 0, "correct --admin-bind-address or the port")
    return f"cannot listen on {where} (HTTP): {error.strerror} ({name}); {advice}"
