"""Datagrams that a worker handed over."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from kubedns_py.server.batch import BURST
from kubedns_py.server.channel import HandedOver
from kubedns_py.server.destinations import Destinations
from kubedns_py.server.handed import Handed
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.reader import COUNTS
from kubedns_py.server.sockaddr import write_name
from tests.helpers.dnsclient import a_query
from tests.helpers.udpserver import CLIENT, ScriptedSocket

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = struct.pack("=i4s4s", 3, b"\x0a\0\0\x0a", b"\x0a\0\0\x0a")
THERE = struct.pack("=i4s4s", 3, b"\x0a\0\0\x0b", b"\x0a\0\0\x0b")
BACK = (socket.IPPROTO_IP, 8, struct.pack("=i4s4s", 0, b"\x0a\0\0\x0a", bytes(4)))
BACK_THERE = (socket.IPPROTO_IP, 8, struct.pack("=i4s4s", 0, b"\x0a\0\0\x0b", bytes(4)))
NAME = write_name(CLIENT)


def of_one(*idents: int, info: bytes = HERE) -> HandedOver:
    """Return queries of one client."""
    messages = [a_query(ident=ident) for ident in idents]
    return HandedOver(0, NAME * len(idents), info * len(idents), messages)


def test_what_was_put_is_read_once_and_replied_to_from_where_it_was_sent() -> None:
    """RFC 2181, 4.1, over two processes."""
    sock = ScriptedSocket(("0.0.0.0", 53))
    handed = Handed(sock, Destinations("0.0.0.0", 53), dict.fromkeys(COUNTS, 0))
    states = [handed.is_full]
    handed.put(of_one(1, 2))
    handed.put(of_one(3, info=THERE))
    states.append(handed.is_full)

    assert handed.receive() == [a_query()[2:]] * 3
    assert [*states, handed.is_full] == [False, True, False]
    assert handed.message(1) == a_query(ident=2)
    assert handed.source(1) == CLIENT
    assert handed.name(2) == NAME
    assert not handed.is_barred(1)
    assert handed.usual is None
    assert handed.destination(1).own == ("10.0.0.10", 53)
    assert handed.destination(2).own == ("10.0.0.11", 53)
    assert handed.info(1) == HERE
    handed.send([b"first", None, b"third"])

    assert sock.sent == [(b"\0\1first", CLIENT, [BACK]), (b"\0\3third", CLIENT, [BACK_THERE])]
    assert handed.receive() == []


def test_one_destination_of_all_is_said() -> None:
    """Then it need not be looked at for each."""
    handed = Handed(
        ScriptedSocket(("0.0.0.0", 53)), Destinations("0.0.0.0", 53), dict.fromkeys(COUNTS, 0)
    )
    for info, own in ((HERE, "10.0.0.10"), (THERE, "10.0.0.11")):
        handed.put(of_one(1, info=info))
        handed.put(of_one(2, info=info))
        handed.receive()

        assert handed.usual is not None
        assert handed.usual.own == handed.destination(1).own == (own, 53)


def test_a_batch_has_an_end() -> None:
    """What does not fit is read next time, in order."""
    handed = Handed(ScriptedSocket(), Destinations("10.0.0.10", 53), dict.fromkeys(COUNTS, 0))
    for start in range(0, 150, 50):
        handed.put(of_one(*range(start, start + 50), info=b""))

    counts = []
    while handed.is_full:
        counts.append(len(handed.receive()))
        assert handed.message(0) == a_query(ident=50 * (len(counts) - 1))
    assert counts == [50, 50, 50]
    assert max(counts) <= BURST


def test_what_cannot_be_sent_is_counted() -> None:
    """As on our own sockets."""
    sock = ScriptedSocket()
    sock.send_errors.append(BlockingIOError(errno.EAGAIN, "full"))
    counts = dict.fromkeys(COUNTS, 0)
    handed = Handed(sock, Destinations("10.0.0.10", 53), counts)
    handed.put(of_one(1, 2, info=b""))

    handed.receive()
    handed.send([b"lost", b"sent"])

    assert handed.usual is not None
    assert [octets for octets, _, _ in sock.sent] == [b"\0\2sent"]
    assert counts["send_full"] == sum(counts.values()) == 1


class Place:
    """A socket as a worker has it, and clients of several of its addresses."""

    def __init__(self, stack: contextlib.ExitStack, bind: str, *hosts: str) -> None:
        listeners = open_listeners((bind,), 0)
        stack.callback(listeners.close)
        (self.sock,), port = listeners.udp, listeners.port
        self.counts = dict.fromkeys(COUNTS, 0)
        self.handed = Handed(self.sock, Destinations(bind, port), self.counts)
        self.clients = []
        for host in hosts:
            client = stack.enter_context(socket.socket(self.sock.family, socket.SOCK_DGRAM))
            client.settimeout(5)
            client.connect((host, port))
            self.clients.append(client)

    def hand_over(self, *messages: bytes) -> None:
        """Send messages, each by the next client, and put what came, as a worker does."""
        names, infos, came = b"", b"", []
        for number, message in enumerate(messages):
            self.clients[number % len(self.clients)].send(message)
            self.sock.settimeout(5)
            octets, ancillary, _, source = self.sock.recvmsg(65535, 64)
            came.append(octets)
            names += write_name(source)
            infos += bytes(ancillary[0][2]) if ancillary else b""
        self.sock.settimeout(0)
        self.handed.put(HandedOver(0, names, infos, came))


@pytest.fixture
def stack() -> Iterator[contextlib.ExitStack]:
    """Return what closes the sockets."""
    with contextlib.ExitStack() as made:
        yield made


@pytest.mark.parametrize(
    ("bind", "hosts"),
    [
        ("127.0.0.1", ["127.0.0.1"] * 3),
        ("::1", ["::1"] * 3),
        ("0.0.0.0", ["127.0.0.1"] * 3),
        ("0.0.0.0", ["127.0.0.1", "127.0.0.2", "127.0.0.3"]),
        ("::", ["::1"] * 3),
    ],
    ids=["IPv4", "IPv6", "any IPv4", "three addresses", "any IPv6"],
)
def test_each_client_hears_its_own_reply_from_the_address_that_it_asked(
    bind: str, hosts: list[str], stack: contextlib.ExitStack
) -> None:
    """On a socket of the system: it is connected, so it hears nobody else."""
    place = Place(stack, bind, *hosts)
    for turn in range(2):
        messages = [a_query(ident=10 * turn + number) for number in range(3)]
        place.hand_over(*messages)
        assert len(place.handed.receive()) == 3
        sources = [place.handed.source(slot) for slot in range(3)]
        assert sources == [client.getsockname() for client in place.clients]

        place.handed.send([b"first", None, b"third"])

        assert place.clients[0].recv(512) == messages[0][:2] + b"first"
        assert place.clients[2].recv(512) == messages[2][:2] + b"third"
    assert not any(place.counts.values())


def test_a_datagram_without_an_id_leaves_the_others_their_replies(
    stack: contextlib.ExitStack,
) -> None:
    """It gets none itself."""
    place = Place(stack, "127.0.0.1", "127.0.0.1")
    place.hand_over(b"", b"\7", a_query(ident=9))

    assert place.handed.receive() == [b"", b"", a_query()[2:]]
    place.handed.send([None, None, b"reply"])

    assert place.clients[0].recv(512) == b"\0\x09reply"


def test_a_reply_that_the_kernel_refuses_costs_itself_alone(stack: contextlib.ExitStack) -> None:
    """65,508 octets are more than IPv4 carries."""
    place = Place(stack, "127.0.0.1", "127.0.0.1")
    place.hand_over(*(a_query(ident=ident) for ident in range(3)))
    place.handed.receive()

    place.handed.send([b"first", bytes(65508), b"third"])

    assert [place.clients[0].recv(512) for _ in range(2)] == [b"\0\0first", b"\0\2third"]
    assert place.counts["send_error"] == sum(place.counts.values()) == 1
