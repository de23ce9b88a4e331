"""What a reader does with a batch, whatever the batch is read from."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from kubedns_py.server import reader
from kubedns_py.server.batch import OneByOne
from kubedns_py.server.destinations import Destinations
from kubedns_py.server.listen import open_listeners
from kubedns_py.server.mmsg import ManyAtOnce
from kubedns_py.server.reader import COUNTS, ODD_PORTS, Reader, open_batch
from tests.helpers.dnsclient import a_query
from tests.helpers.udpserver import CLIENT, ScriptedSocket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubedns_py.server.batch import Batch

HERE = struct.pack("=i4s4s", 3, b"\x0a\0\0\x0a", b"\x0a\0\0\x0a")
TO_ALL = struct.pack("=i4s4s", 3, b"\x0a\0\0\x0a", b"\x0a\0\0\xff")


class Known:
    """Knows the replies to some queries."""

    def __init__(self, *names: str) -> None:
        self.done: list[str] = []
        self._texts = {a_query(name)[2:]: name.encode() for name in names}

    def begin(self) -> None:
        """Note it."""
        self.done.append("begin")

    def repeat(self, text: bytes, /) -> bytes | None:
        """Return the name that was asked for, if it is known."""
        return self._texts.get(text)

    def end(self, datagrams: int) -> None:
        """Note it."""
        self.done.append(f"end {datagrams}")


class House:
    """A reader on a scripted socket, and what it left to others."""

    def __init__(self, *known: str) -> None:
        self.sock = ScriptedSocket(("0.0.0.0", 53))
        self.counts = dict.fromkeys(COUNTS, 0)
        self.known = Known(*known)
        self.taken: list[tuple[list[int], int]] = []
        batch = OneByOne(self.sock, Destinations("0.0.0.0", 53), ODD_PORTS | {53}, self.counts)
        self.reader = Reader(batch, self.known, self.take, self.counts)

    def take(self, _: Batch, slots: Sequence[int], _look: Callable[[], None]) -> None:
        """Note which, and how many had been replied to by then."""
        self.taken.append((list(slots), len(self.sock.sent)))


def test_what_is_known_is_sent_before_the_rest_is_looked_at() -> None:
    """L-03: names that take time are not in the way of those that do not."""
    house = House("a.test.", "b.test.")
    for name in ("new.test.", "a.test.", "other.test.", "b.test."):
        house.sock.deliver(a_query(name), CLIENT, HERE)

    house.reader.wake()

    assert [octets[2:] for octets, _, _ in house.sock.sent] == [b"a.test.", b"b.test."]
    assert house.taken == [([0, 2], 2)]
    assert house.known.done == ["begin", "end 4"]
    assert house.reader.wakes == 1


def test_nothing_is_left_to_others_where_all_is_known_or_refused() -> None:
    """They are not called for nothing."""
    house = House("a.test.")
    house.sock.deliver(a_query("a.test."), CLIENT, HERE)
    house.sock.deliver(a_query("new.test."), ("10.1.2.3", 7), HERE)
    house.sock.deliver(a_query("new.test."), ("10.0.0.10", 53), HERE)
    house.sock.deliver(a_query("a.test."), CLIENT, TO_ALL)

    house.reader.wake()

    assert house.taken == []
    assert len(house.sock.sent) == 1
    assert {word: count for word, count in house.counts.items() if count} == {
        "odd_port": 1,
        "own_source": 1,
        "not_unicast": 1,
    }


def test_a_wake_for_nothing_is_none() -> None:
    """A drain looks whether something came; the kernel may wake for what it then drops."""
    house = House()

    house.reader.wake()

    assert house.reader.wakes == 0
    assert house.known.done == []


def test_many_at_once_where_the_system_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a socket that is one."""
    listeners = open_listeners(("127.0.0.1",), 0)
    sock = listeners.udp[0]
    counts = dict.fromkeys(COUNTS, 0)
    kinds = [type(open_batch(each, counts)) for each in (sock, ScriptedSocket())]
    monkeypatch.setattr(reader, "system_calls", lambda: None)
    kinds.append(type(open_batch(sock, counts)))
    listeners.close()

    assert kinds == [ManyAtOnce, OneByOne, OneByOne]


def test_a_fault_costs_one_burst_and_not_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """F-40: what escapes while datagrams are read or taken leaves the reader as it was."""
    house = House("a.test.")
    faults: list[Exception] = []

    def repeat(_: bytes, /) -> bytes | None:
        raise faults.pop()

    def take(_: Batch, _slots: Sequence[int], _look: Callable[[], None]) -> None:
        raise MemoryError

    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr(house.known, "repeat", repeat)
            faults.append(MemoryError())
            house.sock.deliver(a_query("a.test."), CLIENT, HERE)
            with pytest.raises(MemoryError):
                house.reader.wake()
        with monkeypatch.context() as patch:
            patch.setattr(house.reader, "_take", take)
            house.sock.deliver(a_query("new.test."), CLIENT, HERE)
            with pytest.raises(MemoryError):
                house.reader.wake()

    house.sock.deliver(a_query("a.test."), CLIENT, HERE)
    house.reader.wake()
    assert [octets[2:] for octets, _, _ in house.sock.sent] == [b"a.test."]
