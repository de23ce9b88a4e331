"""One worker, as the main process sees it: its process, the line to it, and whether it lives."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Final

from kubedns_py.server.batch import BURST
from kubedns_py.server.channel import HandedOver, open_line, read_said
from kubedns_py.server.outbox import Outbox

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Sequence

    from kubedns_py.server.channel import Said
    from kubedns_py.structs import Raw

SILENT_S: Final = 5
"""A worker that says nothing for so long does not answer either."""
_LOOK_S: Final = 1.0
_END_S: Final = 1.0
_MOST_HEARD: Final = BURST
"""Messages, each datagram one, after which others get their turn: it may have to be looked up."""
_PACKET_ROOM: Final = 2**20


class Hired:
    """A worker: its sockets, its process and the line to it.

    Args:
        number: from 1, for people.
        sockets: what it answers on.

    Attributes:
        pid: of the process; 0 while there is none.
        is_there: whether the process has said something: it answers since then.
    """

    def __init__(self, number: int, sockets: Sequence[socket.socket]) -> None:
        self.number = number
        self.pid = 0
        self.is_there = False
        self._sockets = sockets
        self._line: socket.socket | None = None
        self._outbox: Outbox | None = None
        self._was_heard = False

    async def run(
        self, everything: Callable[[], Iterable[Raw]], on_ready: Callable[[Hired], None]
    ) -> str:
        """Run a process until it ends; return how it did.

        Args:
            everything: returns all that it has to be told.
            on_ready: called when something can be heard.

        Raises:
            OSError: the process cannot be started.
        """
        self._line, theirs = open_line()
        outbox = self._outbox = Outbox(self._line, everything)
        try:
            with contextlib.closing(theirs):
                process = await self._start(theirs)
        except BaseException:
            self.hang_up()
            raise
        end = asyncio.create_task(process.wait())
        try:
            outbox.tell_everything()
            asyncio.get_running_loop().add_reader(self._line, on_ready, self)
            silent = 0
            while silent < SILENT_S:
                done, _ = await asyncio.wait((end,), timeout=_LOOK_S)
                if done:
                    while self._said_more():
                        on_ready(self)
                    return f"ended with {end.result()}"
                silent = 0 if self._was_heard else silent + 1
                self._was_heard = False
            return f"said nothing for {SILENT_S} s"
        finally:
            self.hang_up()
            await _ended(process, end)

    async def _start(self, line: socket.socket) -> asyncio.subprocess.Process:
        descriptors = [line.fileno(), *(sock.fileno() for sock in self._sockets)]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "kubedns_py.server.worker"),
            *map(str, descriptors),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=descriptors,
            process_group=0,  # Ctrl-C is for the main process
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.pid = process.pid
        return process

    def tell(self, message: Raw, *, at_once: bool = False) -> None:
        """Tell it something, if it is there: otherwise it is told everything when it is.

        Args:
            message: what it is told.
            at_once: whether this turn of the loop must not go on before that.
        """
        if self._outbox is not None:
            self._outbox.tell(message, at_once=at_once)

    def hear(self) -> list[Said]:
        """Return what it said; more may be there."""
        heard: list[Said] = []
        count = 0
        while count < _MOST_HEARD:
            try:
                packet = self._line.recv(_PACKET_ROOM) if self._line else b""
            except OSError:  # nothing is there, or it ended: whoever waits for its end knows
                break
            if not packet:
                break
            said = read_said(packet)
            heard += said
            count += sum(len(each.messages) if isinstance(each, HandedOver) else 1 for each in said)
        if heard:
            self.is_there = self._was_heard = True
        return heard

    def _said_more(self) -> bool:
        """Tell whether it said something that was not heard: it may have ended right after."""
        try:
            return bool(self._line and self._line.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def hang_up(self) -> None:
        """Close the line, with which the worker ends. Twice is harmless."""
        if self._outbox is not None:
            self._outbox.close()
        if self._line is not None:
            asyncio.get_running_loop().remove_reader(self._line)
            self._line.close()
        self._line = self._outbox = None
        self.pid = 0
        self.is_there = False


async def _ended(process: asyncio.subprocess.Process, end: asyncio.Task[int]) -> None:
    """Wait for the end of a process that was told to end; make it end if it does not.

    None outlives us: it would hold its sockets, and the kernel would give it datagrams.
    """
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(end), _END_S)
    finally:
        if process.returncode is None:
            process.kill()
    await end
