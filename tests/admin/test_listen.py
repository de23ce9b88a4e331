"""The sockets of the health and metrics ports."""

import errno
import logging
import socket

import pytest

from kubedns_py.admin.listen import open_sockets, refusal
from kubedns_py.errors import StartError
from tests.helpers.ports import free_port


def close(sockets: list[socket.socket]) -> None:
    """Close them all."""
    for each in sockets:
        each.close()


def test_each_address_has_its_socket() -> None:
    """Contract: --admin-bind-address is a list."""
    port = free_port()

    opened = open_sockets(["127.0.0.1", "::1"], port)

    assert [each.getsockname()[:2] for each in opened] == [("127.0.0.1", port), ("::1", port)]
    assert not any(each.getblocking() for each in opened)
    close(opened)


def test_both_wildcards_share_a_port() -> None:
    """IPv6 sockets take no IPv4 traffic, so that the default addresses do not collide."""
    opened = open_sockets(["0.0.0.0", "::"], free_port())

    assert len(opened) == 2
    close(opened)


def test_a_port_in_use_is_one_line_and_nothing_is_left_open() -> None:
    """F-34."""
    port = free_port()
    (occupied,) = open_sockets(["::1"], port)

    with pytest.raises(StartError) as caught:
        open_sockets(["127.0.0.1", "::1"], port)

    assert str(caught.value) == (
        f"cannot listen on [::1]:{port} (HTTP): Address already in use (EADDRINUSE); "
        "stop what uses it, or choose another --healthz-port or --metrics-port"
    )
    close([occupied, *open_sockets(["127.0.0.1"], port)])


def test_an_address_of_another_host_is_one_line() -> None:
    """F-34; 192.0.2.0/24 belongs to nobody (RFC 5737)."""
    with pytest.raises(StartError, match=r"192\.0\.2\.1:\d+ .*correct --admin-bind-address"):
        open_sockets(["192.0.2.1"], free_port())


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "(EACCES); choose a --healthz-port and --metrics-port from 1024 on"),
        (errno.EMFILE, "(EMFILE); correct --admin-bind-address or the port"),
    ],
)
def test_a_refusal_names_address_errno_and_remedy(number: int, said: str) -> None:
    """F-33, F-34."""
    line = refusal("0.0.0.0", 80, OSError(number, "not today"))

    assert line == f"cannot listen on 0.0.0.0:80 (HTTP): not today {said}"


def without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the system one that was booted with ipv6.disable=1."""
    real = socket.socket

    def opened(family: int, kind: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, kind)

    monkeypatch.setattr(socket, "socket", opened)


def test_without_ipv6_the_default_serves_ipv4_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """F-35: listen on IPv4 only, one INFO line."""
    port = free_port()
    without_ipv6(monkeypatch)

    with caplog.at_level(logging.INFO):
        opened = open_sockets(["0.0.0.0", "::"], port)

    assert [each.getsockname() for each in opened] == [("0.0.0.0", port)]
    assert caplog.messages == ["this host does not have IPv6: http serves IPv4 only"]
    close(opened)


def test_without_ipv6_an_address_that_was_asked_for_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F-35: only the wildcard beside 0.0.0.0 is a wish; the rest is an order."""
    port = free_port()
    without_ipv6(monkeypatch)

    with pytest.raises(StartError, match="leave it out of --admin-bind-address"):
        open_sockets(["0.0.0.0", "::1"], port)
    with pytest.raises(StartError, match="leave it out of --admin-bind-address"):
        open_sockets(["::"], port)
