"""A batch that is read and sent one by one."""

from __future__ import annotations

import errno
import struct

from kubedns_py.server.batch import BURST, OneByOne
from kubedns_py.server.destinations import Destinations
from kubedns_py.server.reader import COUNTS
from kubedns_py.server.sockaddr import read_name
from tests.helpers.dnsclient import a_query, ident_of
from tests.helpers.udpserver import CLIENT, ScriptedSocket

HERE = struct.pack("=i4s4s", 3, b"\x0a\0\0\x0a", b"\x0a\0\0\x0a")


def a_batch(sock: ScriptedSocket) -> tuple[OneByOne, dict[str, int]]:
    """Return a batch on a socket that is bound to all addresses."""
    counts = dict.fromkeys(COUNTS, 0)
    return OneByOne(sock, Destinations("0.0.0.0", 53), frozenset({7}), counts), counts


def test_what_is_read_is_known_by_its_slot() -> None:
    """Octets, source and destination."""
    sock = ScriptedSocket(("0.0.0.0", 53))
    batch, _ = a_batch(sock)
    sock.deliver(a_query(ident=1), CLIENT, HERE)
    sock.deliver(a_query(ident=2), ("10.1.2.4", 7), HERE)

    assert batch.receive() == [a_query()[2:]] * 2
    assert [ident_of(batch.message(slot)) for slot in (0, 1)] == [1, 2]
    assert [batch.source(slot) for slot in (0, 1)] == [CLIENT, ("10.1.2.4", 7)]
    assert [read_name(batch.name(slot)) for slot in (0, 1)] == [CLIENT, ("10.1.2.4", 7)]
    assert [batch.is_barred(slot) for slot in (0, 1)] == [False, True]
    assert batch.destination(0).own == ("10.0.0.10", 53)
    assert batch.usual is None
    assert batch.receive() == []


def test_replies_take_the_id_and_the_source_of_their_slot() -> None:
    """None is no reply."""
    sock = ScriptedSocket(("0.0.0.0", 53))
    batch, _ = a_batch(sock)
    for ident in (1, 2, 3):
        sock.deliver(a_query(ident=ident), ("10.1.2.3", 1000 + ident), HERE)
    batch.receive()

    batch.send([b"first", None, b"third"])

    assert [(reply, to) for reply, to, _ in sock.sent] == [
        (b"\0\1first", ("10.1.2.3", 1001)),
        (b"\0\3third", ("10.1.2.3", 1003)),
    ]


def test_a_batch_has_an_end() -> None:
    """What does not fit is read next time, and a failed read is none of them."""
    sock = ScriptedSocket(("0.0.0.0", 53))
    batch, counts = a_batch(sock)
    sock.fail(errno.ECONNREFUSED)
    for ident in range(BURST):
        sock.deliver(a_query(ident=ident), CLIENT, HERE)

    assert len(batch.receive()) == BURST - 1
    assert len(batch.receive()) == 1
    assert counts["receive_error"] == sum(counts.values()) == 1
