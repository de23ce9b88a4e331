"""Port numbers for tests that must know one beforehand.

Rules of this file:

- They lie below the range from which the kernel gives ports to clients (ip_local_port_range): tests
  of forwarding open many sockets, and one of them could take a port before its server does.
- No two calls of a process return the same number soon. The workers of one run have a part of the
  range each, so none takes a number between another's look at it and its use; two runs begin at
  different places.
"""

import contextlib
import itertools
import os
import secrets
import socket


def _part() -> tuple[int, int]:
    """Return the first port of this worker, and how many it has."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    index = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % workers
    count = 22_000 // workers
    return 10_100 + index * count, count


_FIRST, _COUNT = _part()
_numbers = itertools.count(secrets.randbelow(_COUNT))


def free_port() -> int:
    """Return a port that nobody has for UDP or TCP, on any address, at this moment.

    Raises:
        OSError: there is none.
    """
    for _ in range(_COUNT):
        port = _FIRST + next(_numbers) % _COUNT
        if _is_free(port):
            return port
    raise OSError(f"no port from {_FIRST} to {_FIRST + _COUNT - 1} is free")


def _is_free(port: int) -> bool:
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tcp,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp,
        contextlib.suppress(OSError),
    ):
        for sock in (tcp, udp):
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            sock.bind(("::", port))
        return True
    return False
