"""A relay in front of an API server, as load balancers are: a test cuts or refuses its connections.

TLS goes through it unread. While it refuses, its port is closed, as that of a server that is down;
the API server itself stays, so that objects can change meanwhile.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

CHUNK_OCTETS = 65_536
CONNECT_S = 5.0


class Relay:
    """Passes octets between a port of loopback and the API server."""

    def __init__(self, server: str) -> None:
        found = urlsplit(server)
        self._server = (found.hostname or "", found.port or 443)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self._port = 0
        self.admit()

    @property
    def url(self) -> str:
        """Where clients find the API server through this."""
        return f"https://127.0.0.1:{self._port}"

    def admit(self) -> None:
        """Listen, on the same port each time."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen()
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._run(self._accept, listener)

    def refuse(self) -> None:
        """Listen no more and cut what is open."""
        if self._listener is not None:
            _shut(self._listener)
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """Cut every open connection; new ones are let through."""
        with self._lock:
            for each in self._open:
                _shut(each)

    def close(self) -> None:
        """Refuse and wait for the last thread."""
        self.refuse()
        for thread in self._threads:
            thread.join()

    def _accept(self, listener: socket.socket) -> None:
        with listener, contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server, timeout=CONNECT_S)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        with self._lock:
            self._open |= {client, server}
        self._run(self._pass, client, server)
        self._run(self._pass, server, client)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        """Pass octets one way; the end of one way ends both."""
        with contextlib.suppress(OSError):
            while octets := source.recv(CHUNK_OCTETS):
                target.sendall(octets)
        _shut(target)
        with self._lock:
            self._open.discard(source)
        source.close()

    def _run(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@contextlib.contextmanager
def relaying(server: str) -> Iterator[Relay]:
    """Run a relay to an API server.

    Args:
        server: its URL.
    """
    relay = Relay(server)
    try:
        yield relay
    finally:
        relay.close()


def _shut(end: socket.socket) -> None:
    """End a socket's connection, or its listening, for the thread that waits on it too."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
