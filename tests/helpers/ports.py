"""Port numbers for tests that must know one beforehand."""

import socket


def free_port() -> int:
    """Return a TCP port that nobody listens on, on any address, at this moment."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.bind(("::", 0))
        port: int = sock.getsockname()[1]
        return port
