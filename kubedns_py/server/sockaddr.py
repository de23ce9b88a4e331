"""Socket addresses as octets, as Linux has them, so that what reads and sends many can keep them.

``struct sockaddr_in`` and ``struct sockaddr_in6`` of ``<netinet/in.h>``: family in the byte order
of the machine, port in that of the network, then what belongs to the family.
"""

from __future__ import annotations

import socket
import struct
from typing import Any, Final

NAME_OCTETS: Final = {socket.AF_INET: 16, socket.AF_INET6: 28}
"""What an address takes."""
NAME_ROOM: Final = 28
"""What any of them takes; it is padded to that."""
_IPV4 = struct.Struct("=H2s4s")
_IPV6 = struct.Struct("=H2s4s16sI")
_FAMILY = struct.Struct("=H")


def read_name(name: bytes) -> Any:
    """Return an address as ``socket`` has it, a link-local one without its interface's name."""
    if _FAMILY.unpack_from(name)[0] == socket.AF_INET:
        _, port, host = _IPV4.unpack_from(name)
        return socket.inet_ntop(socket.AF_INET, host), int.from_bytes(port, "big")
    _, port, flow, host, interface = _IPV6.unpack_from(name)
    host_text = socket.inet_ntop(socket.AF_INET6, host)
    return host_text, int.from_bytes(port, "big"), int.from_bytes(flow, "big"), interface


def write_name(address: Any) -> bytes:
    """Return the octets of an address as ``socket`` has it: (host, port, ...)."""
    host, port = address[0].partition("%")[0], address[1].to_bytes(2, "big")
    if ":" not in host:
        octets = socket.inet_pton(socket.AF_INET, host)
        return _IPV4.pack(socket.AF_INET, port, octets).ljust(NAME_ROOM, b"\0")
    octets, flow = socket.inet_pton(socket.AF_INET6, host), address[2].to_bytes(4, "big")
    return _IPV6.pack(socket.AF_INET6, port, flow, octets, address[3])
