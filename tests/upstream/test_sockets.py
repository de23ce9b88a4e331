"""A socket is used for many questions, one after the other; a port is for one."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

import pytest

from kubedns_py.upstream.sockets import MOST_FREE, Sockets

HOSTS = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
DEADLINE_MS = 9000


class Supply(Sockets):
    """Sockets that remembers what it gave away."""

    __slots__ = ("taken",)

    def __init__(self, poll: select.epoll) -> None:
        super().__init__(poll)
        self.taken: list[socket.SocketType] = []

    def take(self, host: str = "127.0.0.1") -> socket.SocketType:
        """Return a socket."""
        self.taken.append(super().take(host))
        return self.taken[-1]


@contextlib.contextmanager
def supply() -> Iterator[tuple[Supply, select.epoll]]:
    """Yield sockets and what they are registered with."""
    with select.epoll() as poll:
        sockets = Supply(poll)
        try:
            yield sockets, poll
        finally:
            for sock in sockets.taken:
                sock.close()


@contextlib.contextmanager
def a_server(host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Yield a socket that is sent to."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((host, 0))
        server.settimeout(DEADLINE_MS / 1000)
        yield server


def asked(sock: socket.SocketType, server: socket.socket) -> tuple[str, int]:
    """Ask a server; return where it was asked from."""
    sock.connect(server.getsockname()[:2])
    sock.send(b"question")
    source: tuple[str, int] = server.recvfrom(512)[1]
    return source


def wait_for(sock: socket.SocketType, event: int) -> None:
    """Wait until something has come."""
    waiting = select.poll()
    waiting.register(sock.fileno(), event)
    assert waiting.poll(DEADLINE_MS)


@pytest.mark.parametrize("host", HOSTS.values())
def test_a_socket_has_another_port_each_time(host: str) -> None:
    """C-04; RFC 5452, 9.2: drawn by the kernel. Of 100 out of 28,232, 0.2 occur again."""
    ports = []
    with a_server(host) as server, supply() as (sockets, _):
        first = sockets.take(host)
        sockets.give_back(first)
        for _ in range(100):
            sock = sockets.take(host)
            assert sock is first
            ports.append(asked(sock, server)[1])
            sockets.give_back(sock)

    assert len(set(ports)) > 95
    assert max(ports) - min(ports) > 10_000


def test_a_port_is_given_back_at_once() -> None:
    """RFC 5452, 9.2: what comes after the reply comes to nobody."""
    with a_server() as server, supply() as (sockets, _):
        sock = sockets.take()
        source = asked(sock, server)
        sockets.give_back(sock)

        assert sock.getsockname() == ("0.0.0.0", 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(source)


@pytest.mark.parametrize("left", [b"forged", b""], ids=["octets", "an empty datagram"])
def test_a_socket_in_which_something_is_left_is_closed(left: bytes) -> None:
    """C-01: no question reads what came for another."""
    with a_server() as server, supply() as (sockets, _):
        sock = sockets.take()
        server.sendto(left, asked(sock, server))
        wait_for(sock, select.POLLIN)
        sockets.give_back(sock)

        assert sock.fileno() == -1
        assert sockets.take() is not sock


def test_what_icmp_said_of_one_question_is_not_heard_by_the_next() -> None:
    """C-15: an error stays in a socket until somebody reads it (udp(7))."""
    with a_server() as server, supply() as (sockets, _):
        sock = sockets.take()
        with a_server() as gone:
            sock.connect(gone.getsockname())
        sock.send(b"question")
        wait_for(sock, select.POLLERR)
        sockets.give_back(sock)

        assert sockets.take() is sock
        assert asked(sock, server)


def test_families_are_kept_apart() -> None:
    """A socket has one for its lifetime."""
    with supply() as (sockets, _):
        taken = {family: sockets.take(host) for family, host in HOSTS.items()}
        for sock in taken.values():
            sockets.give_back(sock)

        assert {family: sockets.take(host) for family, host in HOSTS.items()} == taken
        assert {sock.family: sock for sock in taken.values()} == taken


def test_every_socket_is_watched() -> None:
    """And still is when it is used again."""
    with a_server() as server, supply() as (sockets, poll):
        sockets.give_back(sockets.take())
        sock = sockets.take()
        server.sendto(b"reply", asked(sock, server))

        assert poll.poll(DEADLINE_MS / 1000) == [(sock.fileno(), select.EPOLLIN)]


def test_no_more_are_kept_than_are_of_use() -> None:
    """After a flood most of its sockets are closed."""
    with supply() as (sockets, _):
        taken = [sockets.take() for _ in range(MOST_FREE + 1)]
        for sock in taken:
            sockets.give_back(sock)

        assert sum(sock.fileno() >= 0 for sock in taken) == MOST_FREE


def test_a_free_socket_to_which_something_came_is_closed() -> None:
    """Otherwise a poll would say so again and again."""
    with supply() as (sockets, _):
        used, free = sockets.take(), sockets.take()
        sockets.give_back(free)
        descriptor = free.fileno()
        sockets.close_free(descriptor)
        sockets.close_free(descriptor)
        sockets.close_free(used.fileno())

        assert free.fileno() == -1
        assert used.fileno() >= 0


def test_closing_closes_what_is_free_and_nothing_else() -> None:
    """Start and stop: twice is harmless."""
    with supply() as (sockets, _):
        used, free = sockets.take(), sockets.take("::1")
        sockets.give_back(free)
        sockets.close()
        sockets.close()

        assert free.fileno() == -1
        assert used.fileno() >= 0
