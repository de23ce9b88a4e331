"""What comes over UDP and gets no reply is counted, and costs nobody else theirs."""

from __future__ import annotations

import errno
import socket
import struct
from typing import Any

import pytest

from kubedns_py.server.arrival import Arrival
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.udp import UdpServer
from tests.helpers.dnsclient import UdpClient, a_query, ident_of
from tests.helpers.tcpserver import no_panic, reply_to
from tests.helpers.udpserver import (
    CLIENT,
    OWN,
    Recorder,
    ScriptedSocket,
    dropped,
    scripted,
    serving,
)
from tests.helpers.waiting import until

QUERY = a_query(ident=7)


@pytest.mark.parametrize("own", [OWN, ("0.0.0.0", 53), ("::", 53)], ids=["bound", "v4", "v6"])
@pytest.mark.parametrize("port", [0, 7, 13, 17, 19, 37])
async def test_a_source_port_that_answers_anything_gets_no_reply(
    own: tuple[str, int], port: int
) -> None:
    """M-47: echo, daytime, quote, chargen, time, and no port at all."""
    sock = ScriptedSocket(own)
    packed = bytes(16) if ":" in own[0] else bytes(4)
    pktinfo = struct.pack("=16si", packed, 1) if len(packed) == 16 else bytes(12)
    async with scripted(sock) as server:
        sock.deliver(QUERY, ("10.1.2.3", port), pktinfo)
        sock.deliver(a_query(ident=8), CLIENT, pktinfo)
        await until(lambda: bool(sock.sent))

    assert [(ident_of(reply), to) for reply, to, _ in sock.sent] == [(8, CLIENT)]
    assert dropped(server) == {"odd_port": 1}


@pytest.mark.parametrize(
    ("own", "pktinfo", "source"),
    [
        (OWN, b"", OWN),
        (("0.0.0.0", 53), struct.pack("=i4s4s", 1, b"\x0a\0\0\x0a", b"\x0a\0\0\x0a"), OWN),
        (
            ("::", 53),
            struct.pack("=16si", socket.inet_pton(socket.AF_INET6, "fe80::a"), 2),
            ("fe80::a%eth0", 53, 0, 2),
        ),
    ],
    ids=["bound", "v4", "v6 link-local"],
)
async def test_a_source_that_is_ourselves_gets_no_reply(
    own: tuple[str, int], pktinfo: bytes, source: tuple[Any, ...]
) -> None:
    """M-48: a forged source must not make us talk to ourselves."""
    sock = ScriptedSocket(own)
    async with scripted(sock) as server:
        sock.deliver(QUERY, source, pktinfo)
        sock.deliver(a_query(ident=8), CLIENT, pktinfo)
        await until(lambda: bool(sock.sent))

    assert [ident_of(reply) for reply, _, _ in sock.sent] == [8]
    assert dropped(server) == {"own_source": 1}


async def test_a_broadcast_gets_no_reply() -> None:
    """M-49, with the kernel's own account of a datagram to 127.255.255.255."""
    async with serving(reply_to, "0.0.0.0") as (server, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as everyone:
            everyone.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            everyone.sendto(QUERY, ("127.255.255.255", port))
            await until(lambda: bool(dropped(server)))

            assert dropped(server) == {"not_unicast": 1}
            everyone.settimeout(0)
            with pytest.raises(BlockingIOError):
                everyone.recv(512)


@pytest.mark.parametrize(
    ("own", "pktinfo"),
    [
        ("0.0.0.0", struct.pack("=i4s4s", 1, b"\x0a\0\0\x0a", b"\xe0\0\0\xfb")),
        ("::", struct.pack("=16si", socket.inet_pton(socket.AF_INET6, "ff02::fb"), 2)),
    ],
    ids=["224.0.0.251", "ff02::fb"],
)
async def test_a_multicast_gets_no_reply(own: str, pktinfo: bytes) -> None:
    """M-49."""
    sock = ScriptedSocket((own, 53))
    async with scripted(sock) as server:
        sock.deliver(QUERY, CLIENT, pktinfo)
        await until(lambda: bool(dropped(server)))

    assert dropped(server) == {"not_unicast": 1}
    assert sock.sent == []


@pytest.mark.parametrize("own", [OWN, ("0.0.0.0", 53)], ids=["bound", "wildcard"])
@pytest.mark.parametrize(
    "number", [errno.ECONNREFUSED, errno.EHOSTUNREACH], ids=["ECONNREFUSED", "EHOSTUNREACH"]
)
async def test_an_icmp_error_is_counted_and_the_next_query_answered(
    own: tuple[str, int], number: int
) -> None:
    """A client that is gone makes the next read fail; that says nothing about the others."""
    sock = ScriptedSocket(own)
    async with scripted(sock) as server:
        sock.fail(number)
        sock.deliver(QUERY, CLIENT, bytes(12))
        await until(lambda: bool(sock.sent))

    assert dropped(server) == {"receive_error": 1}


@pytest.mark.parametrize("own", [OWN, ("0.0.0.0", 53)], ids=["bound", "wildcard"])
@pytest.mark.parametrize(
    ("error", "word"),
    [
        (BlockingIOError(errno.EAGAIN, "full"), "send_full"),
        (OSError(errno.EPERM, "firewall"), "send_error"),
    ],
    ids=["full", "refused"],
)
async def test_a_reply_that_cannot_be_sent_is_dropped_and_counted(
    own: tuple[str, int], error: OSError, word: str
) -> None:
    """Nothing is queued: memory stays flat, and the client asks again."""
    sock = ScriptedSocket(own)
    sock.send_errors.append(error)
    async with scripted(sock) as server:
        sock.deliver(a_query(ident=1), CLIENT, bytes(12))
        sock.deliver(a_query(ident=2), CLIENT, bytes(12))
        await until(lambda: bool(sock.sent))

    assert [ident_of(reply) for reply, _, _ in sock.sent] == [2]
    assert dropped(server) == {word: 1}


async def test_an_exception_costs_one_query_and_not_the_reader() -> None:
    """Reliability, 0.5: no network input ends the process."""
    panics: list[Exception] = []

    def fails_on_seven(message: bytes, arrival: Arrival) -> bytes | None:
        if ident_of(message) == 7:
            raise RecursionError
        return reply_to(message, arrival)

    listeners = open_listeners(("127.0.0.1",), 0)
    server = UdpServer(listeners.udp, fails_on_seven, on_panic=panics.append)
    server.start()
    with UdpClient("127.0.0.1", listeners.port) as client:
        assert await client.hears_nothing_for(QUERY)
    server.close()
    listeners.close()

    assert [type(error) for error in panics] == [RecursionError]


async def test_what_the_kernel_drops_is_known() -> None:
    """L-02: drops are told apart, ours from the kernel's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as small:
        small.settimeout(0)
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 0)  # the kernel's minimum
        small.bind(("127.0.0.1", 0))
        recorder = Recorder()
        server = UdpServer([small], recorder, on_panic=no_panic)

        with UdpClient("127.0.0.1", small.getsockname()[1]) as client:
            for _ in range(100):
                client.send(QUERY)
            lost = server.kernel_drops()
            server.start()
            await until(lambda: len(recorder.asked) == 100 - lost)
        server.close()

    assert 0 < lost < 100
