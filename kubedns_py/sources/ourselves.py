"""Which nameservers are this server itself: a question sent there comes back for ever (row C-22).

Rules of this file:

- What is found here is refused before the first question. A loop by way of another server can be
  seen only while it happens, and is the forwarder's to see.
- Asking the kernel costs a socket and sends nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.structs import Struct

_EVERYWHERE = {4: "0.0.0.0", 6: "::"}


class Ourselves(Struct, frozen=True):
    """Where this server is reached.

    Attributes:
        addresses: that it listens on, ``--dns-bind-address``.
        port: ``--dns-port``.
        services: addresses of the Services that lead to it, as texts; whatever their port.
    """

    addresses: tuple[str, ...]
    port: int
    services: tuple[str, ...] = ()


def is_local(address: str) -> bool:
    """Tell whether an IP address is one of this network namespace's interfaces.

    The kernel answers to an address of its own from that address, and to no other: the source it
    would choose tells. Binding tells nothing where ``ip_nonlocal_bind`` is set.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))  # a datagram socket: nothing is sent
            source: str = probe.getsockname()[0]
    except OSError:
        return False  # no way there, so it is not here
    return ipaddress.ip_address(source) == ipaddress.ip_address(address)


def without_ourselves(
    servers: Iterable[Nameserver],
    ourselves: Ourselves,
    *,
    local: Callable[[str], bool] = is_local,
) -> tuple[tuple[Nameserver, ...], tuple[str, ...]]:
    """Return the servers that are not us, and a line for each that is.

    Args:
        servers: in their order. Host names are passed through: their addresses come here later.
        ourselves: where we are reached.
        local: whether an address is this machine's.
    """
    others: list[Nameserver] = []
    lines: list[str] = []
    for server in servers:
        reason = _reason(server, ourselves, local)
        if reason:
            lines.append(f"nameserver {server} {reason}; it would be a loop and is not used")
        else:
            others.append(server)
    return tuple(others), tuple(lines)


def _reason(server: Nameserver, ourselves: Ourselves, local: Callable[[str], bool]) -> str:
    try:
        address = ipaddress.ip_address(server.host)
    except ValueError:
        return ""
    if _is_one_of(server.host, ourselves.services):
        return "is the address of the Service that leads to this server"
    if server.port != ourselves.port:
        return ""
    if _is_one_of(server.host, ourselves.addresses):
        return "is this server's own address and port (--dns-bind-address, --dns-port)"
    everywhere = _EVERYWHERE[address.version] in ourselves.addresses
    if everywhere and (address.is_loopback or local(server.host)):
        return f"is this machine, where this server has port {server.port}"
    return ""


def _is_one_of(address: str, texts: Iterable[str]) -> bool:
    """Tell whether an address is among texts, which may have other spellings or be none."""
    for text in texts:
        try:
            if ipaddress.ip_address(text) == ipaddress.ip_address(address):
                return True
        except ValueError:
            continue  # "None" of a headless Service
    return False
