"""A worker, in a thread of the test: its sockets are real, the main process is the test."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kubedns_py.server import worker
from kubedns_py.server.arrival import IPV4, IPV6
from kubedns_py.server.channel import (
    PACKET_OCTETS,
    Alive,
    Counted,
    Entered,
    Forgot,
    HandedOver,
    Left,
    Said,
    Told,
    Used,
    encoded,
    open_line,
    packets,
    read_said,
)
from kubedns_py.server.sockaddr import write_name
from kubedns_py.server.worker import Copy, Worker
from kubedns_py.structs import replace
from tests.helpers.dnsclient import a_query
from tests.helpers.entries import content, facts
from tests.helpers.waiting import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

QUERY = a_query(ident=7)
KEY = QUERY[2:]
LARGE = a_query("unknown.test.") + bytes(20_000)


def nothing() -> None:
    """Take what was told: there is nothing."""


class TestCopy:
    """The copies of entries, without any socket."""

    def ask(self, copy: Copy, key: bytes = KEY, family: int = IPV4) -> bytes | None:
        """Return the reply to a query, in a burst of its own."""
        table = copy.tables[family]
        table.begin()
        reply = table.repeat(key)
        table.end(1)
        return reply

    def test_what_entered_is_answered_until_it_left(self) -> None:
        """By each query that it is found by, in its family."""
        copy = Copy(nothing)
        assert self.ask(copy) is None

        copy.take(Entered(5, KEY, content(b"reply")))
        copy.take(Entered(5, b"another", content(b"reply")))
        assert self.ask(copy) == b"reply"
        assert self.ask(copy, b"another") == b"reply"
        assert self.ask(copy, family=IPV6) is None

        copy.take(Left((4, 5, 6)))
        assert self.ask(copy) is None
        assert self.ask(copy, b"another") is None

    def test_what_entered_anew_is_what_is_said(self) -> None:
        """A changed service: its old entry left, a new one came."""
        copy = Copy(nothing)
        copy.take(Entered(5, KEY, content(b"old")))
        copy.take(Left((5,)))
        copy.take(Entered(6, KEY, content(b"new")))

        assert self.ask(copy) == b"new"

    def test_nothing_is_left_when_all_is_forgotten(self) -> None:
        """First sync, stale data, another configuration."""
        copy = Copy(nothing)
        copy.take(Entered(5, KEY, content(b"reply")))
        copy.take(Forgot())

        assert self.ask(copy) is None

    def test_serials_are_those_of_now(self) -> None:
        """A denial has the serial of the zone as it is when it is sent."""
        copy = Copy(nothing)
        denial = replace(content(b"soa \0\0\0\1 end"), serials=(4,))
        copy.take(Counted((2,)))
        copy.take(Entered(5, KEY, denial))
        before = self.ask(copy)
        copy.take(Counted((3,)))

        assert before in {b"soa \0\0\0\1 end", b"soa \0\0\0\2 end"}
        assert self.ask(copy) == b"soa \0\0\0\3 end"

    def test_an_entry_ends_with_its_time(self) -> None:
        """What others said has a TTL."""
        copy = Copy(nothing)
        copy.take(Entered(5, KEY, content(b"reply", until=time.monotonic() - 1)))

        assert self.ask(copy) is None
        copy.take(Left((5,)))

    def test_uses_are_kept_for_the_report_also_of_what_left(self) -> None:
        """Metrics are exact: nothing that was answered is not counted."""
        copy = Copy(nothing)
        copy.take(Entered(5, KEY, content(b"reply")))
        for _ in range(3):
            self.ask(copy)
        copy.take(Left((5,)))

        ((packet, _),) = packets(copy.used)
        (used,) = read_said(packet)
        assert isinstance(used, Used)
        assert (used.number, used.facts, used.times) == (5, facts(), 3)


class Office:
    """A worker in a thread, and the main process's end of its line."""

    def __init__(self, *binds: str, room_octets: int = 0) -> None:
        self.line, theirs = open_line()
        if room_octets:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, room_octets)
        self.line.settimeout(DEADLINE_S)
        self.heard: list[Said] = []
        self._theirs = theirs
        self.sockets = []
        for bind in binds:
            sock = socket.socket(
                socket.AF_INET6 if ":" in bind else socket.AF_INET, socket.SOCK_DGRAM
            )
            sock.settimeout(0)
            sock.bind((bind, 0))
            self.sockets.append(sock)
        self.thread = threading.Thread(target=Worker(theirs, self.sockets).run)
        self.thread.start()

    def tell(self, *told: Told) -> None:
        """Tell the worker something."""
        for packet, _ in packets(map(encoded, told)):
            self.line.send(packet)

    def hear(self, wanted: Callable[[Said], bool]) -> Said:
        """Return the first thing said that is wanted."""
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            for each in self.heard:
                if wanted(each):
                    self.heard.remove(each)
                    return each
            self.heard += read_said(self.line.recv(2**20))
        raise TimeoutError

    def fill(self, client: socket.socket) -> None:
        """Have so much handed over that the line has no room left; each time KEY is asked too."""
        for _ in range(600):
            client.send(LARGE)
            client.send(QUERY)
            assert client.recv(512)[2:] == b"reply"

    def client(self, number: int = 0) -> socket.socket:
        """Return a connected client of one of the sockets."""
        sock = self.sockets[number]
        client = socket.socket(sock.family, socket.SOCK_DGRAM)
        client.settimeout(DEADLINE_S)
        client.connect(sock.getsockname())
        return client

    def close(self) -> None:
        """End the line, and so the worker."""
        self.line.close()
        self.thread.join(timeout=DEADLINE_S)
        assert not self.thread.is_alive()
        for sock in (*self.sockets, self._theirs):
            sock.close()


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Return a worker with a socket of each family, which reports often."""
    monkeypatch.setattr(worker, "REPORT_S", 0.01)
    made = Office("127.0.0.1", "::1")
    yield made
    made.close()


def test_what_is_known_is_answered_and_the_rest_handed_over(office: Office) -> None:
    """With what the main process needs to answer in the worker's place."""
    office.tell(Entered(5, KEY, content(b"reply")))
    with office.client() as client, office.client(1) as client6:
        client.send(b"\x12\x34" + KEY)
        assert client.recv(512) == b"\x12\x34reply"

        other = a_query("other.test.", ident=9)
        client.send(other)
        assert office.hear(lambda each: isinstance(each, HandedOver)) == HandedOver(
            0, write_name(client.getsockname()), b"", [other]
        )
        client6.send(QUERY)
        assert office.hear(lambda each: isinstance(each, HandedOver)) == HandedOver(
            1, write_name(client6.getsockname()), b"", [QUERY]
        )


def test_a_change_is_in_force_before_the_next_query(office: Office) -> None:
    """What was told before a query was sent is never too late."""
    with office.client() as client:
        for number in range(50):
            office.tell(Left((number,)), Entered(number + 1, KEY, content(b"%d" % number)))
            client.send(QUERY)
            assert client.recv(512)[2:] == b"%d" % number


def test_uses_and_drops_are_reported(office: Office) -> None:
    """Exactly, if a second late."""
    office.tell(Entered(5, KEY, content(b"reply")))
    with office.client() as client:
        for _ in range(20):
            client.send(QUERY)
            client.recv(512)
        office.sockets[0].sendto(QUERY, office.sockets[0].getsockname())  # M-48

        times = bursts = drops = 0
        while times < 20 or not drops:
            each = office.hear(lambda each: isinstance(each, Used | Alive))
            if isinstance(each, Used):
                assert each.facts == facts()
                times += each.times
            elif isinstance(each, Alive):
                bursts += each.bursts
                drops += each.drops.get("own_source", 0)

    assert (times, drops) == (20, 1)
    assert 20 < bursts <= 21


def test_what_a_busy_main_process_does_not_take_is_counted_and_known_answers_go_on(
    office: Office,
) -> None:
    """Nothing is queued without bound, and a stalled main process stops no known answer."""
    office.tell(Entered(5, KEY, content(b"reply")))
    with office.client() as client:
        office.fill(client)

    lost = handed = 0
    while lost + handed < 600:
        each = office.hear(lambda each: isinstance(each, Alive | HandedOver))
        if isinstance(each, Alive):
            lost += each.drops.get("not_handed_over", 0)
        elif isinstance(each, HandedOver):
            handed += len(each.messages)
    assert lost > 0
    assert handed > 0
    assert lost + handed == 600


def test_a_report_that_nobody_takes_does_not_grow(office: Office) -> None:
    """A main process that is held up for minutes is told all the same, and memory is bounded."""
    office.tell(Entered(5, KEY, content(b"reply")))
    asked = 0
    with office.client() as client:
        office.fill(client)
        office.tell(Entered(6, b"later", content(b"reply")))
        end = time.monotonic() + 50 * worker.REPORT_S
        while time.monotonic() < end:
            client.send(b"idlater")
            client.recv(512)
            asked += 1

    reports: list[int] = []
    while sum(reports) < asked:
        each = office.hear(lambda each: isinstance(each, Used) and each.number == 6)
        assert isinstance(each, Used)
        reports.append(each.times)
    assert sum(reports) == asked
    assert len(reports) <= 3


def test_a_report_goes_before_what_is_handed_over(office: Office) -> None:
    """A flood of new names fills the line all the time; what was answered is counted, too."""
    office.tell(Entered(5, KEY, content(b"reply")))
    with office.client() as client:
        office.fill(client)
        for _ in range(1000):  # one packet is taken, and one datagram comes
            office.heard += read_said(office.line.recv(2**20))
            client.send(LARGE)
            client.send(QUERY)
            client.recv(512)
            if any(isinstance(each, Used) and each.times > 100 for each in office.heard):
                return
    raise AssertionError("nothing was reported")


class Clock:
    """The time of a worker, which can be moved ahead."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic() + self.ahead_s


def test_a_long_report_leaves_room_for_what_is_handed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of what the line takes at a datagram, one packet is the report's, however long that is."""
    clock, an_hour_s = Clock(), 3600.0
    monkeypatch.setattr(worker, "REPORT_S", an_hour_s)
    monkeypatch.setattr(worker, "time", clock)
    made = Office("127.0.0.1", room_octets=PACKET_OCTETS)
    with contextlib.closing(made), made.client() as client:
        made.hear(lambda each: isinstance(each, Alive))  # at its start; the next is in an hour
        for number in range(4_000):
            made.tell(Entered(number, b"%d.test" % number, content(b"reply")))
            client.send(b"id%d.test" % number)
            assert client.recv(512) == b"idreply"
        clock.ahead_s += an_hour_s
        for _ in range(2):  # it reports after the first, so before the second
            client.send(b"id0.test")
            assert client.recv(512) == b"idreply"
        room = 0
        while select.select([made.line], [], [], 0)[0]:
            made.line.recv(2**20)
            room += 1

        client.send(a_query("unknown.test."))
        packets = [read_said(made.line.recv(2**20)) for _ in range(2)]

        assert room >= 2
        assert [type(said[0]) for said in packets] == [Used, HandedOver]


EPOLL = select.epoll


class DeafPoll:
    """An epoll that tells of nothing but the line."""

    def __init__(self) -> None:
        self._poll = EPOLL()
        self.poll = self._poll.poll

    def register(self, descriptor: int, events: int) -> None:
        """Leave out what workers share."""
        if not events & select.EPOLLEXCLUSIVE:
            self._poll.register(descriptor, events)


class HeldPoll:
    """An epoll whose process stands still when it was woken for datagrams, until it may go on."""

    woken = threading.Event()
    go = threading.Event()

    def __init__(self) -> None:
        self._poll = EPOLL()
        self._shared: set[int] = set()

    def register(self, descriptor: int, events: int) -> None:
        """Note what workers share."""
        self._poll.register(descriptor, events)
        if events & select.EPOLLEXCLUSIVE:
            self._shared.add(descriptor)

    def poll(self, timeout: float, most: int) -> list[tuple[int, int]]:
        """Return what is ready, which is old by then."""
        ready = self._poll.poll(timeout, most)
        if any(descriptor in self._shared for descriptor, _ in ready):
            self.woken.set()
            self.go.wait(DEADLINE_S)
        return ready


@pytest.mark.parametrize("change", [Left((5,)), Forgot()], ids=["one", "all"])
def test_a_change_is_in_force_though_the_worker_was_woken_before_it(
    change: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be woken for what another one takes, stand still, and read what comes after that."""
    monkeypatch.setattr(select, "epoll", HeldPoll)
    HeldPoll.woken.clear()
    HeldPoll.go.set()
    made = Office("127.0.0.1")
    with contextlib.closing(made), made.client() as client:
        made.tell(Entered(5, KEY, content(b"old")))
        client.send(QUERY)
        assert client.recv(512)[2:] == b"old"
        HeldPoll.go.clear()
        HeldPoll.woken.clear()
        client.send(QUERY)
        assert HeldPoll.woken.wait(DEADLINE_S)
        made.tell(change, Entered(6, KEY, content(b"new")))
        HeldPoll.go.set()

        assert client.recv(512)[2:] == b"new"


def test_what_another_worker_was_woken_for_and_did_not_read_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel wakes one; that one may be stopped or killed before it reads."""
    monkeypatch.setattr(worker, "REPORT_S", 0.01)
    monkeypatch.setattr(select, "epoll", DeafPoll)
    made = Office("127.0.0.1")
    with contextlib.closing(made), made.client() as client:
        made.tell(Entered(5, KEY, content(b"reply")))
        client.send(b"id" + KEY)
        assert client.recv(512) == b"idreply"


def test_it_ends_when_its_line_does() -> None:
    """A main process that was killed leaves no orphan."""
    made = Office("127.0.0.1")
    with contextlib.closing(made):
        assert made.thread.is_alive()
