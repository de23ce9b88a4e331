"""Many datagrams in one call are the same datagrams: each has its own reply, address and fate."""

from __future__ import annotations

import ctypes
import errno
import socket
from typing import TYPE_CHECKING, Any

import pytest

from kubedns_py.server.batch import BURST
from kubedns_py.server.destinations import Destinations
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.mmsg import ManyAtOnce, system_calls
from kubedns_py.server.reader import COUNTS
from kubedns_py.server.udp import UdpServer
from tests.helpers.dnsclient import UdpClient, a_query, ident_of
from tests.helpers.tcpserver import no_panic, reply_to
from tests.helpers.udpserver import Recorder, dropped, serving

if TYPE_CHECKING:
    from kubedns_py.server.arrival import Arrival


_FAMILIES = {4: socket.AF_INET, 16: socket.AF_INET6}


async def ask_all(respond: Any, bind: str, hosts: list[str], count: int) -> UdpServer:
    """Have all queries there before the first is read; each client must hear its own reply."""
    listeners = open_listeners((bind,), 0)
    server = UdpServer(listeners.udp, respond, on_panic=no_panic)
    clients = [UdpClient(host, listeners.port) for host in hosts]
    try:
        for ident in range(count):
            clients[ident % len(clients)].send(a_query(f"n{ident}.test.", ident=ident))
        server.start()
        for ident in range(count):
            reply = await clients[ident % len(clients)].receive()
            assert (ident_of(reply), reply[12:]) == (ident, a_query(f"n{ident}.test.")[12:])
    finally:
        for client in clients:
            client.__exit__(None, None, None)
        server.close()
        listeners.close()
    return server


@pytest.mark.parametrize(
    ("bind", "hosts"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("127.0.0.1", ["127.0.0.1"] * 7),
        ("::1", ["::1"] * 3),
        ("::", ["::1"] * 3),
        ("0.0.0.0", ["127.0.0.1"] * 3),
        ("0.0.0.0", ["127.0.0.1", "127.0.0.2", "127.0.0.3"]),
    ],
    ids=["one client", "seven clients", "IPv6", "any IPv6", "any IPv4", "three addresses"],
)
@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
async def test_each_of_many_has_its_own_reply(bind: str, hosts: list[str], count: int) -> None:
    """The client's socket is connected: it hears a reply from the address that it asked alone."""
    recorder = Recorder()
    server = await ask_all(recorder, bind, hosts, count)

    assert sum(server.counts.values()) == 0
    asked = [ident_of(message) for message, _ in recorder.asked]
    assert asked == list(range(count))
    told = {socket.inet_ntop(_FAMILIES[len(each.local)], each.local) for each in recorder.arrivals}
    assert told == set(hosts[:count])


async def test_addresses_that_change_from_batch_to_batch() -> None:
    """One destination, then several at once, then another one."""
    async with serving(reply_to, "0.0.0.0") as (server, port):
        with UdpClient("127.0.0.1", port) as one, UdpClient("127.0.0.2", port) as other:
            for asking in ([one], [one, other], [other], [other, one], [one], [other]):
                for client in asking:
                    client.send(a_query(ident=9))
                for client in asking:
                    assert ident_of(await client.receive()) == 9
    assert dropped(server) == {}


def test_a_source_that_needs_a_look_does_not_change_where_replies_leave_from() -> None:
    """After a batch that went to one address, one for another with an odd port in it."""
    calls = system_calls()
    assert calls is not None
    listeners = open_listeners(("0.0.0.0",), 0)
    (sock,), port = listeners.udp, listeners.port
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as odd,
    ):
        for client, host in ((one, "127.0.0.1"), (odd, "127.0.0.2")):
            client.bind(("127.0.0.1", 0))
            client.connect((host, port))
            client.settimeout(9)
        barred = frozenset({odd.getsockname()[1]})
        counts = dict.fromkeys(COUNTS, 0)
        batch = ManyAtOnce(sock, Destinations("0.0.0.0", port), barred, counts, calls)
        for client in (one, odd, one):
            client.send(a_query(ident=5))
            texts = batch.receive()
            assert (batch.usual is None) == (client is odd)
            batch.send(list(texts))
            assert ident_of(client.recv(512)) == 5
    listeners.close()


async def test_one_that_gets_no_reply_leaves_the_others_theirs() -> None:
    """Drops, first, last and in the middle of a batch."""
    silent = {0, 1, 7, 20, 39}

    def respond(message: bytes, arrival: Arrival) -> bytes | None:
        return None if ident_of(message) in silent else reply_to(message, arrival)

    listeners = open_listeners(("127.0.0.1",), 0)
    server = UdpServer(listeners.udp, respond, on_panic=no_panic)
    with UdpClient("127.0.0.1", listeners.port) as client:
        for ident in range(40):
            client.send(a_query(ident=ident))
        server.start()
        heard = [ident_of(await client.receive()) for _ in range(35)]
    server.close()
    listeners.close()

    assert heard == [ident for ident in range(40) if ident not in silent]


async def test_a_reply_that_the_kernel_refuses_costs_itself_alone() -> None:
    """65,508 octets are more than IPv4 carries: EMSGSIZE, in the middle of a batch."""

    def respond(message: bytes, arrival: Arrival) -> bytes | None:
        reply = reply_to(message, arrival)
        return (reply or b"").ljust(65508, b"\0") if ident_of(message) in {2, 3} else reply

    listeners = open_listeners(("127.0.0.1",), 0)
    server = UdpServer(listeners.udp, respond, on_panic=no_panic)
    with UdpClient("127.0.0.1", listeners.port) as client:
        for ident in range(6):
            client.send(a_query(ident=ident))
        server.start()
        heard = [ident_of(await client.receive()) for _ in range(4)]
    server.close()
    listeners.close()

    assert heard == [0, 1, 4, 5]
    assert dropped(server) == {"send_error": 2}


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
async def test_a_datagram_from_ourselves_gets_no_reply(bind: str) -> None:
    """M-48, with the kernel's own account of the source."""
    listeners = open_listeners((bind,), 0)
    server = UdpServer(listeners.udp, reply_to, on_panic=no_panic)
    listeners.udp[0].sendto(a_query(ident=1), ("127.0.0.1", listeners.port))
    with UdpClient("127.0.0.1", listeners.port) as client:
        client.send(a_query(ident=2))
        server.start()
        assert ident_of(await client.receive()) == 2
    server.close()
    listeners.close()

    assert dropped(server) == {"own_source": 1}


@pytest.mark.parametrize(
    ("number", "word"), [(errno.EAGAIN, "send_full"), (errno.EPERM, "send_error")]
)
async def test_what_cannot_be_sent_is_counted_and_the_rest_sent(number: int, word: str) -> None:
    """A full socket, and a firewall, for every third datagram."""
    calls = system_calls()
    assert calls is not None
    receive, send = calls
    sent = 0

    def one_or_none(fd: int, at: int, count: int, flags: int) -> int:
        nonlocal sent
        assert count > 0
        sent += 1
        if sent % 3 == 0:
            ctypes.set_errno(number)
            return -1
        return send(fd, at, 1, flags)

    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        sock.bind(("127.0.0.1", 0))
        client.connect(sock.getsockname())
        client.settimeout(9)
        counts = dict.fromkeys(COUNTS, 0)
        destinations = Destinations(*sock.getsockname())
        batch = ManyAtOnce(sock, destinations, frozenset(), counts, (receive, one_or_none))
        for ident in range(9):
            client.send(a_query(ident=ident))
        batch.send(list(batch.receive()))
        heard = [ident_of(client.recv(512)) for _ in range(6)]

    assert heard == [0, 1, 3, 4, 6, 7]
    assert counts[word] == sum(counts.values()) == 3


@pytest.mark.parametrize(
    ("number", "count"), [(errno.ECONNREFUSED, 1), (errno.EAGAIN, 0), (errno.EINTR, 0)]
)
def test_an_error_that_the_kernel_passes_on_is_counted(number: int, count: int) -> None:
    """An ICMP error is; that nothing has come is none."""

    def fails(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        counts = dict.fromkeys(COUNTS, 0)
        destinations = Destinations(*sock.getsockname())
        batch = ManyAtOnce(sock, destinations, frozenset(), counts, (fails, fails))

        assert batch.receive() == []
    assert counts["receive_error"] == sum(counts.values()) == count


def test_a_batch_is_bounded_and_nothing_is_lost() -> None:
    """What did not fit is there the next time."""
    calls = system_calls()
    assert calls is not None
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock,
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client,
    ):
        sock.bind(("::1", 0))
        client.connect(sock.getsockname())
        host, port = sock.getsockname()[:2]
        batch = ManyAtOnce(
            sock, Destinations(host, port), frozenset(), dict.fromkeys(COUNTS, 0), calls
        )
        octets = [bytes([number]) * number for number in range(BURST + 10)]
        for each in octets:
            client.send(each)

        first, source = batch.receive(), batch.source(0)
        whole = [batch.message(slot) for slot in range(len(first))]
        assert source == client.getsockname()
        assert whole == octets[:BURST]
        assert first == [each[2:] for each in octets[:BURST]]
        assert batch.receive() == [each[2:] for each in octets[BURST:]]
        assert batch.receive() == []


@pytest.mark.parametrize("bind", ["127.0.0.1", "0.0.0.0"])
async def test_without_these_calls_it_goes_one_by_one(
    bind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems than Linux."""
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    assert system_calls() is None

    await ask_all(reply_to, bind, ["127.0.0.1"] * 3, 100)
