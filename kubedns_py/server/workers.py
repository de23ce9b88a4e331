"""The workers, as the main process sees them: started, told, heard, and started again.

Rules of this file:

- A worker owns nothing that cannot be replaced: all of them answer on the same sockets, which are
  ours too, so what waits is answered by another one, or waits on while the only one is started
  again; and all that it knows was told to it.
- A worker that ends, or says nothing for long, is started again at once; one that keeps ending,
  after a pause that grows to a second. The others are not touched.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Final, Protocol

from kubedns_py.server.arrival import guarded
from kubedns_py.server.channel import (
    Alive,
    Counted,
    Entered,
    Forgot,
    HandedOver,
    Left,
    Told,
    Used,
    encoded,
)
from kubedns_py.server.destinations import Destinations, family_of
from kubedns_py.server.handed import Handed
from kubedns_py.server.hired import Hired
from kubedns_py.server.reader import COUNTS, Reader
from kubedns_py.server.repeating import SettledSoon
from kubedns_py.server.udp import Maker, drained, drops_of
from kubedns_py.server.waiting import DatagramReplies

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence

    from kubedns_py.server.arrival import OnPanic, Repeats, Respond
    from kubedns_py.server.entry import Content, Facts
    from kubedns_py.structs import Raw

_log = logging.getLogger(__name__)

_REPORT_S: Final = 1.0
"""How often a worker says what came."""
_SOON_S: Final = 1.0
"""A worker that ends sooner than that would end again at once."""
_MOST_LEFT: Final = 4_096
_PAUSE_S: Final = 0.1
_MOST_PAUSE_S: Final = 1.0


class Kept(Protocol):
    """What is in the answer tables; see ``keeping.Keeper``."""

    def credit(self, number: int, facts: Facts, times: int, seconds: float) -> None:
        """Count uses of a copy of an entry."""

    @property
    def serials(self) -> Sequence[int]:
        """The zones' serials, by number."""

    def look(self) -> None:
        """Let everything go if what answers were made from is not what it was."""

    def replay(self) -> Iterator[tuple[int, bytes, Content]]:
        """Yield number, key and content of all entries, as they are when they are yielded."""


class WorkerServer:
    """Answers what arrives on UDP sockets by processes of their own. It owns the sockets.

    It is a ``keeping.Listener``: it tells the workers.

    Args:
        sockets: what all workers answer on.
        count: of workers, 1 or more.
        respond: answers what workers do not know.
        kept: what workers are told, and whose uses they count; None where they know nothing.
        on_panic: as in ``UdpServer``.
        repeats: replies that are known, by family.
        clock: monotonic seconds.

    Attributes:
        counts: datagrams dropped since the start, by the words of ``COUNTS``.
        restarts: how often a worker was started again.
    """

    def __init__(  # noqa: PLR0913 - the composition root is the only caller
        self,
        sockets: Sequence[socket.socket],
        count: int,
        respond: Respond,
        kept: Kept | None,
        *,
        on_panic: OnPanic,
        repeats: Callable[[int], Repeats | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = dict.fromkeys(COUNTS, 0)
        self.restarts = 0
        self._kept = kept
        self._sockets = tuple(sockets)
        self._replies = DatagramReplies(self.counts, clock=clock, on_panic=on_panic)
        safe = guarded(respond, on_panic)
        self._workers = [Hired(number, self._sockets) for number in range(1, count + 1)]
        self._parts = [self._part(sock, safe, repeats) for sock in self._sockets]
        self._bursts = 0
        self._keeping: list[asyncio.Task[None]] = []

    def _part(
        self, sock: socket.socket, respond: Respond, repeats: Callable[[int], Repeats | None]
    ) -> tuple[Handed, Reader]:
        """Return what answers the datagrams that are handed over of one socket."""
        handed = Handed(sock, Destinations(*sock.getsockname()[:2]), self.counts)
        known = SettledSoon(repeats(family_of(sock)))
        return handed, Reader(handed, known, Maker(sock, respond, self._replies), self.counts)

    @property
    def waiting(self) -> int:
        """Replies that are waited for now."""
        return self._replies.waiting

    @property
    def pids(self) -> list[int]:
        """Process numbers of the workers that run."""
        return [each.pid for each in self._workers if each.pid]

    @property
    def missing(self) -> list[str]:
        """Which workers do not run: lines for people."""
        return [f"worker {each.number} does not run" for each in self._workers if not each.is_there]

    def start(self) -> None:
        """Start the workers, and begin to answer; on the running event loop."""
        self._keeping = [asyncio.create_task(self._keep(worker)) for worker in self._workers]

    async def drain(self, *, quiet_s: float = 1.0, deadline_s: float = 5.0) -> None:
        """Go on answering; see ``UdpServer.drain``. Workers say once a second what came."""
        quiet_s += _REPORT_S
        await drained(self._wakes, lambda: self.waiting, quiet_s=quiet_s, deadline_s=deadline_s)

    def close(self) -> None:
        """Stop answering and close the sockets; the workers end by themselves."""
        self._replies.close()
        for task in self._keeping:
            task.cancel()
        for worker in self._workers:
            worker.hang_up()
        for sock in self._sockets:
            sock.close()

    async def wait_closed(self) -> None:
        """Wait for the end of all workers, after ``close``: at most some seconds."""
        await asyncio.gather(*self._keeping, return_exceptions=True)

    def kernel_drops(self) -> int:
        """Return how many datagrams the kernel dropped because a receive buffer was full."""
        return sum(map(drops_of, self._sockets))

    # -- telling

    def entered(self, number: int, key: bytes, content: Content) -> None:
        """Tell of an entry; see ``Listener``."""
        self._tell(Entered(number, key, content))

    def left(self, numbers: Sequence[int]) -> None:
        """Tell of entries that left, as many at once as a packet takes; see ``Listener``."""
        for start in range(0, len(numbers), _MOST_LEFT):
            self._tell(Left(tuple(numbers[start : start + _MOST_LEFT])))

    def forgot(self) -> None:
        """Tell that no entry is left; see ``Listener``.

        Readiness may be said in the same turn of the loop, and everything that is said then is so.
        """
        self._tell(Forgot(), at_once=True)

    def counted(self, serials: Sequence[int]) -> None:
        """Tell the zones' serials; see ``Listener``."""
        self._tell(Counted(tuple(serials)))

    def _tell(self, told: Told, *, at_once: bool = False) -> None:
        message = encoded(told)
        for worker in self._workers:
            worker.tell(message, at_once=at_once)

    def _everything(self) -> Iterator[Raw]:
        """Yield all that a worker has to know, which may know something else."""
        yield encoded(Forgot())
        if self._kept is not None:
            yield encoded(Counted(tuple(self._kept.serials)))
            for number, key, content in self._kept.replay():
                yield encoded(Entered(number, key, content))

    # -- hearing

    def _hear(self, worker: Hired) -> None:
        if self._kept is not None:
            self._kept.look()  # nobody else may ask for long, and workers know all that is asked
        for said in worker.hear():
            match said:
                case HandedOver():
                    self._parts[said.socket][0].put(said)
                case Used() if self._kept is not None:
                    self._kept.credit(said.number, said.facts, said.times, said.seconds)
                case Alive():
                    self._count(said)
        for handed, reader in self._parts:
            while handed.is_full:
                reader.wake()

    def _count(self, said: Alive) -> None:
        self._bursts += said.bursts
        for word, count in said.drops.items():
            self.counts[word] += count

    def _wakes(self) -> int:
        return self._bursts + sum(reader.wakes for _, reader in self._parts)

    # -- keeping them alive

    async def _keep(self, worker: Hired) -> None:
        """Start a worker, and start it again when it ends."""
        loop = asyncio.get_running_loop()
        pause_s = _PAUSE_S
        while True:
            began = loop.time()
            fault: Exception | None = None
            try:
                ended = await worker.run(self._everything, self._hear)
            except OSError as error:
                ended = f"could not be started: {error.strerror}"
            except Exception as error:  # noqa: BLE001 - said; its sockets' datagrams wait for one
                ended, fault = f"could not be kept: {error}", error
            self.restarts += 1
            _log.error("worker %d %s; starting it again", worker.number, ended, exc_info=fault)
            if loop.time() - began > _SOON_S:
                pause_s = _PAUSE_S
            else:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _MOST_PAUSE_S)
