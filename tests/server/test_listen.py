"""The sockets are all there before anything else starts, or one line says why not."""

import errno
import logging
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from kubedns_py.errors import StartError
from kubedns_py.server.listen import Listeners, open_listeners
from tests.helpers.ports import free_port


def open_descriptors() -> int:
    """Return how many file descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not used as paths


def bound_to(kind: socket.SocketKind, host: str = "127.0.0.1") -> socket.socket:
    """Return a socket of somebody else on a port that is free for the other protocol.

    One that the kernel chooses is free for this protocol alone: a client of some other test may
    have the same number in the other one.
    """
    sock = socket.socket(socket.AF_INET, kind)
    sock.bind((host, free_port()))
    if kind == socket.SOCK_STREAM:
        sock.listen()
    return sock


def fail_on(monkeypatch: pytest.MonkeyPatch, refuses: Callable[[socket.socket], int]) -> None:
    """Let the system refuse to bind with the error number that ``refuses`` gives, 0 for none."""

    class Refusing(socket.socket):
        def bind(self, address: Any) -> None:
            number = refuses(self)
            if number:
                raise OSError(number, os.strerror(number))
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Refusing)


def names(listeners: Listeners) -> list[tuple[str, int]]:
    """Return what each socket is bound to, UDP first."""
    return [sock.getsockname()[:2] for sock in (*listeners.udp, *listeners.tcp)]


def test_the_default_serves_both_families_at_one_port() -> None:
    """`0.0.0.0` and `::`, UDP and TCP."""
    listeners = open_listeners(("0.0.0.0", "::"), 0)
    port = listeners.port

    assert names(listeners) == [("0.0.0.0", port), ("::", port)] * 2
    assert str(listeners) == f"0.0.0.0:{port}, [::]:{port}"
    listeners.close()


def test_an_ipv6_socket_never_speaks_ipv4() -> None:
    """Addresses are never mapped: an IPv4 client reaches the IPv4 socket alone."""
    listeners = open_listeners(("::",), 0)

    only = [
        sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        for sock in (*listeners.udp, *listeners.tcp)
    ]

    assert only == [1, 1]
    listeners.close()


def test_several_addresses_are_served_each_once() -> None:
    """--dns-bind-address may be repeated."""
    listeners = open_listeners(("127.0.0.1", "::1", "127.0.0.2", "127.0.0.1", "0:0::1"), 0)
    port = listeners.port

    assert names(listeners) == [("127.0.0.1", port), ("::1", port), ("127.0.0.2", port)] * 2
    listeners.close()


@pytest.mark.parametrize(
    ("kind", "word"), [(socket.SOCK_STREAM, "TCP"), (socket.SOCK_DGRAM, "UDP")], ids=["tcp", "udp"]
)
def test_a_port_in_use_is_one_line_with_the_way_out(
    kind: socket.SocketKind, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-33: within one second, as it is tried once; naming address, error and fix."""
    tried = []

    class Counting(socket.socket):
        def bind(self, address: Any) -> None:
            tried.append((self.type, address))
            super().bind(address)

    with bound_to(kind) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(socket, "socket", Counting)

        with pytest.raises(StartError) as refused:
            open_listeners(("127.0.0.1",), port)

    assert [each for each, _ in tried].count(kind) == 1
    assert len(tried) <= 2
    assert str(refused.value) == (
        f"cannot listen on 127.0.0.1:{port} ({word}): Address already in use (EADDRINUSE); "
        "stop what uses it, or choose another --dns-port or --dns-bind-address"
    )


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM], ids=["EACCES", "EPERM"])
def test_a_privileged_port_without_the_capability_names_the_capability(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """F-33: the fix is NET_BIND_SERVICE or another port."""
    fail_on(monkeypatch, lambda _sock: number)

    with pytest.raises(StartError) as refused:
        open_listeners(("127.0.0.1",), 53)

    assert str(refused.value) == (
        f"cannot listen on 127.0.0.1:53 (TCP): {os.strerror(number)} ({errno.errorcode[number]}); "
        "add the capability NET_BIND_SERVICE, or choose a --dns-port from 1024 on"
    )


def test_too_few_files_are_no_fault_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker has sockets of its own."""
    fail_on(monkeypatch, lambda _sock: errno.EMFILE)

    with pytest.raises(StartError, match=r"\(EMFILE\); raise the limit of open files \(ulimit -n"):
        open_listeners(("127.0.0.1",), 53)


@pytest.mark.parametrize(
    ("address", "line"),
    [
        (
            "192.0.2.1",
            (
                "cannot listen on 192.0.2.1:53053 (TCP): Cannot assign requested address "
                "(EADDRNOTAVAIL); this host does not have that address; correct --dns-bind-address"
            ),
        ),
        (
            "fe80::1234%lo",
            (
                "cannot listen on [fe80::1234%lo]:53053 (TCP): Cannot assign requested address "
                "(EADDRNOTAVAIL); this host does not have that address; correct --dns-bind-address"
            ),
        ),
        (
            "fe80::1234",
            (
                "cannot listen on [fe80::1234]:53053 (TCP): Invalid argument (EINVAL); "
                "a link-local address needs its interface, as in fe80::1%eth0"
            ),
        ),
        (
            "localhost",
            "cannot listen on 'localhost': it is not an IP address; correct --dns-bind-address",
        ),
    ],
    ids=["not ours", "not ours, on an interface", "no interface", "a name"],
)
def test_an_address_that_cannot_be_had_says_what_to_correct(address: str, line: str) -> None:
    """F-33, for the address instead of the port."""
    with pytest.raises(StartError) as refused:
        open_listeners((address,), 53053)

    assert str(refused.value) == line


def test_an_interface_that_does_not_exist_is_named() -> None:
    """RFC 4007, 11: the zone of a link-local address."""
    with pytest.raises(StartError, match=r"^cannot listen on fe80::1%nowhere: .+; correct --dns-"):
        open_listeners(("fe80::1%nowhere",), 0)


def test_no_address_at_all_is_refused() -> None:
    """An empty list would serve nobody."""
    with pytest.raises(StartError, match="no address to listen on"):
        open_listeners((), 53)


def test_nothing_stays_open_when_one_address_fails() -> None:
    """All or nothing: the next attempt must not find our own sockets in its way."""
    before = open_descriptors()

    with pytest.raises(StartError):
        open_listeners(("127.0.0.1", "127.0.0.2", "192.0.2.1"), 0)

    assert open_descriptors() == before


@pytest.mark.parametrize(
    "number", [errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL], ids=["EAFNOSUPPORT", "EADDRNOTAVAIL"]
)
def test_without_ipv6_the_default_serves_ipv4_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    """F-35."""
    fail_on(monkeypatch, lambda sock: number if sock.family == socket.AF_INET6 else 0)
    caplog.set_level(logging.INFO)

    listeners = open_listeners(("0.0.0.0", "::"), 0)

    assert names(listeners) == [("0.0.0.0", listeners.port)] * 2
    said = [(r.levelname, r.message) for r in caplog.records if "IPv6" in r.message]
    assert said == [("INFO", "this host does not have IPv6: serving IPv4 only")]
    listeners.close()


def test_ipv6_asked_for_by_itself_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """F-35 holds for the default only: what was asked for is not left out in silence."""
    fail_on(monkeypatch, lambda sock: errno.EAFNOSUPPORT if sock.family == socket.AF_INET6 else 0)

    with pytest.raises(StartError, match="this host does not have IPv6; leave it out"):
        open_listeners(("127.0.0.1", "::"), 0)


def test_a_free_port_is_free_for_both_protocols(monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 0: a number that only TCP could have is given back and another tried."""
    refusals = iter([errno.EADDRINUSE, errno.EADDRINUSE])
    fail_on(monkeypatch, lambda sock: next(refusals, 0) if sock.type == socket.SOCK_DGRAM else 0)
    before = open_descriptors()

    listeners = open_listeners(("127.0.0.1",), 0)

    assert names(listeners) == [("127.0.0.1", listeners.port)] * 2
    assert open_descriptors() == before + 2
    listeners.close()


def test_a_search_for_a_free_port_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Port 0 on a host where UDP has none left."""
    fail_on(monkeypatch, lambda sock: errno.EADDRINUSE if sock.type == socket.SOCK_DGRAM else 0)

    with pytest.raises(StartError, match="EADDRINUSE"):
        open_listeners(("127.0.0.1",), 0)


def test_a_receive_buffer_smaller_than_asked_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """L-11: 4 MiB, or the clamp is logged."""

    class Clamped(socket.socket):
        def setsockopt(self, level: int, option: int, value: Any) -> None:  # type: ignore[override]  # one of its three forms
            super().setsockopt(level, option, 65536 if option == socket.SO_RCVBUF else value)

    monkeypatch.setattr(socket, "socket", Clamped)
    caplog.set_level(logging.INFO)

    open_listeners(("127.0.0.1", "127.0.0.2"), 0).close()

    assert [record.getMessage() for record in caplog.records] == [
        (
            "the UDP receive buffer is 65536 octets of the 4194304 asked for; "
            "raise net.core.rmem_max on the node if bursts are dropped"
        )
    ]


def test_closing_twice_is_harmless() -> None:
    """F-43: shutdown may come from two sides."""
    listeners = open_listeners(("127.0.0.1",), 0)

    listeners.close()
    listeners.close()

    assert [sock.fileno() for sock in (*listeners.udp, *listeners.tcp)] == [-1, -1]
