"""Datagrams that a worker handed over."""

from __future__ import annotations

import errno
import socket
import struct

from kubedns_py.server.channel import HandedOver
from kubedns_py.server.destinations import Destinations
from kubedns_py.server.handed import Handed
from kubedns_py.server.reader import COUNTS
from tests.helpers.dnsclient import a_query
from tests.helpers.udpserver import CLIENT, ScriptedSocket

HERE = struct.pack("=i4s4s", 3, b"\x0a\0\0\x0a", b"\x0a\0\0\x0a")
BACK = (socket.IPPROTO_IP, 8, struct.pack("=i4s4s", 0, b"\x0a\0\0\x0a", bytes(4)))


def test_what_was_put_is_read_once_and_replied_to_from_where_it_was_sent() -> None:
    """RFC 2181, 4.1, over two processes."""
    sock = ScriptedSocket(("0.0.0.0", 53))
    handed = Handed(sock, Destinations("0.0.0.0", 53), dict.fromkeys(COUNTS, 0))
    states = [handed.is_full]
    for ident in (1, 2, 3):
        handed.put(HandedOver(0, CLIENT, HERE, a_query(ident=ident)))
    states.append(handed.is_full)

    assert handed.receive() == [a_query()[2:]] * 3
    assert [*states, handed.is_full] == [False, True, False]
    assert handed.message(1) == a_query(ident=2)
    assert handed.source(1) == CLIENT
    assert not handed.is_barred(1)
    assert handed.usual is None
    assert handed.destination(1).own == ("10.0.0.10", 53)
    assert handed.info(1) == HERE
    handed.send([b"first", None, b"third"])

    assert sock.sent == [(b"\0\1first", CLIENT, [BACK]), (b"\0\3third", CLIENT, [BACK])]
    assert handed.receive() == []


def test_what_cannot_be_sent_is_counted() -> None:
    """As on our own sockets."""
    sock = ScriptedSocket()
    sock.send_errors.append(BlockingIOError(errno.EAGAIN, "full"))
    counts = dict.fromkeys(COUNTS, 0)
    handed = Handed(sock, Destinations("10.0.0.10", 53), counts)
    for ident in (1, 2):
        handed.put(HandedOver(0, CLIENT, b"", a_query(ident=ident)))

    handed.receive()
    handed.send([b"lost", b"sent"])

    assert handed.usual is not None
    assert [octets for octets, _, _ in sock.sent] == [b"\0\2sent"]
    assert counts["send_full"] == sum(counts.values()) == 1
