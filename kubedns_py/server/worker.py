"""A worker process: sockets and an answer table, nothing else.

It answers what it was told the answer of, and hands the rest over. It has no event loop of asyncio:
it waits for datagrams and for what it is told, and for nothing else. It ends when its line does, so
also with a main process that was killed; a signal to all processes of a service is left to that.

Rules of this file:

- What was told is taken after datagrams were received, before they are answered: it is in force.
- Nothing is waited for: what cannot be handed over now is dropped and counted.
- All workers have the same sockets, and the kernel wakes one that waits. So what one of them is too
  busy for another one takes, and where they have to share a core, the one that runs takes all.
"""

from __future__ import annotations

import gc
import select
import signal
import socket
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Final

from kubedns_py.server.answers import AnswerTable
from kubedns_py.server.arrival import IPV4, IPV6
from kubedns_py.server.channel import (
    Alive,
    Counted,
    Entered,
    Forgot,
    Left,
    Told,
    Used,
    encoded,
    handed_over,
    packets,
    read_told,
)
from kubedns_py.server.destinations import family_of
from kubedns_py.server.entry import Entry
from kubedns_py.server.reader import COUNTS, Reader, open_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubedns_py.server.batch import Batch
    from kubedns_py.structs import Raw

REPORT_S: Final = 1.0
"""How often uses and drops are reported; a main process that hears nothing for long starts anew."""
_MOST_TOLD: Final = 16
"""Packets that are taken before datagrams get their turn."""
_PACKET_ROOM: Final = 2**20
_YOUNG: Final = 10_000


class Copy:
    """The copies of entries that a worker has; it owns its tables.

    Args:
        look: takes what was told; see ``answers.Owner``.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self.look = look
        self.used: list[Raw] = []
        self.tables = {family: AnswerTable(self, time.monotonic) for family in (IPV4, IPV6)}
        self._entries: dict[int, Entry] = {}

    def take(self, told: Told) -> None:
        """Do what was told."""
        match told:
            case Entered():
                self._enter(told)
            case Left():
                for number in told.numbers:
                    self._leave(number)
            case Counted():
                for table in self.tables.values():
                    table.take_serials(told.serials)
            case Forgot():
                for table in self.tables.values():
                    table.clear()
                self._entries.clear()

    def ended(self, entry: Entry) -> None:
        """Let an entry go whose time is over."""
        self._leave(entry.number)

    def count(self, entry: Entry, times: int, seconds: float) -> None:
        """Keep uses for the next report."""
        self.used.append(encoded(Used(entry.number, entry.content.facts, times, seconds)))

    def _enter(self, told: Entered) -> None:
        entry = self._entries.get(told.number)
        if entry is None:
            entry = self._entries[told.number] = Entry(told.number, told.content)
        self.tables[told.content.facts.family].put(entry, told.key)

    def _leave(self, number: int) -> None:
        entry = self._entries.pop(number, None)
        if entry is not None:
            self.tables[entry.content.facts.family].discard(entry)


class Worker:
    """Answers on some sockets.

    Args:
        line: to the main process.
        sockets: bound UDP sockets that do not block.
    """

    def __init__(self, line: socket.socket, sockets: Sequence[socket.socket]) -> None:
        self._line = line
        self._copy = Copy(self._look)
        self._told = select.epoll()
        self._told.register(line, select.EPOLLIN)
        self._counts = dict.fromkeys(COUNTS, 0)
        self._readers: dict[int, Reader] = {}
        self._unreported: list[bytes] = []
        for number, sock in enumerate(sockets):
            batch = open_batch(sock, self._counts)
            table = self._copy.tables[family_of(sock)]
            take = partial(self._hand_over, number)
            self._readers[sock.fileno()] = Reader(batch, table, take, self._counts)
        self._late: set[int] = set()
        self._unread = select.poll()
        for each in self._readers:
            self._unread.register(each, select.POLLIN)

    def run(self) -> None:
        """Answer until the line ends."""
        poll = select.epoll()
        line = self._line.fileno()
        poll.register(line, select.EPOLLIN)
        for each in self._readers:
            poll.register(each, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        most = len(self._readers) + 1  # epoll makes room for 1,023 at each call otherwise
        due = now = time.monotonic()  # that it is there is said at once
        while True:
            ready = dict(poll.poll(max(0.0, due - now), most))
            if line in ready:
                if not self._listen():
                    return
                del ready[line]
            for each in ready:
                self._readers[each].wake()
            now = time.monotonic()
            if now >= due:
                if not self._take_over():
                    return
                self._report()
                due = now + REPORT_S

    def _take_over(self) -> bool:
        """Read what has waited since the last time; return whether the line is still there.

        The kernel woke somebody for it who hung or ended before it was read.
        """
        unread = {descriptor for descriptor, _ in self._unread.poll(0)}
        late, self._late = unread & self._late, unread
        if late and not self._listen():
            return False
        for each in late:
            self._readers[each].wake()
        return True

    def _look(self) -> None:
        """Take what was told since it was woken. An end of the line is met at the next turn."""
        if self._told.poll(0, 1):
            self._listen()

    def _listen(self) -> bool:
        """Take what was told; return whether the line is still there."""
        for _ in range(_MOST_TOLD):
            try:
                packet = self._line.recv(_PACKET_ROOM)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not packet:
                return False
            for told in read_told(packet):
                self._copy.take(told)
        return True

    def _hand_over(
        self, number: int, batch: Batch, slots: Sequence[int], _: Callable[[], None]
    ) -> None:
        self._say(1)  # a flood leaves no room for it otherwise
        names, infos = list(map(batch.name, slots)), list(map(batch.info, slots))
        for packet, count in handed_over(number, names, infos, list(map(batch.message, slots))):
            try:
                self._line.send(packet)
            except OSError:
                self._counts["not_handed_over"] += count

    def _report(self) -> None:
        """Say what was done since the last time.

        What cannot be said now is said the next time, and what is done until then is counted where
        it does not grow: a main process may be held up for long.
        """
        if not self._say():
            return
        for table in self._copy.tables.values():
            table.settle()
        bursts = sum(reader.wakes for reader in self._readers.values())
        for reader in self._readers.values():
            reader.wakes = 0
        drops = {word: count for word, count in self._counts.items() if count}
        self._counts.update(dict.fromkeys(drops, 0))
        used, self._copy.used = self._copy.used, []
        report = packets([*used, encoded(Alive(bursts, drops))])
        self._unreported += [packet for packet, _ in report]
        self._say()

    def _say(self, most: int = sys.maxsize) -> bool:
        """Send so many packets of what was to be reported; return whether none is left."""
        while self._unreported and most:
            try:
                self._line.send(self._unreported[0])
            except OSError:
                return False
            del self._unreported[0]
            most -= 1
        return not self._unreported


def main(words: Sequence[str]) -> int:
    """Serve on sockets that were opened before.

    Args:
        words: numbers of descriptors: the line's, then the UDP sockets'.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    line, *sockets = (socket.socket(fileno=int(word)) for word in words)
    worker = Worker(line, sockets)
    gc.freeze()
    gc.set_threshold(_YOUNG)
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
