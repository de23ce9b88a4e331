"""Serves DNS over TCP (RFC 7766): accepts, bounds how many connections there are, ends them.

Rules of this file:

- A connection beyond a bound is closed at accept, before anything is built for it; when all are
  taken, the one that has been idle longest makes room.
- One sweep per server looks at all deadlines; it runs only while there are connections.
- Out of file descriptors, accepting pauses and goes on by itself: no spinning, and UDP is served.
- What is accepted is counted once more when it ends, by ``Outcome``.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import resource
import socket
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from kubedns_py.cluster.objects import Address
from kubedns_py.server.arrival import IPV4, IPV6, Arrival, guarded
from kubedns_py.server.connection import Connection, TcpLimits
from kubedns_py.server.phases import Outcome, Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubedns_py.server.arrival import OnPanic, Respond

_log = logging.getLogger(__name__)

COUNTS = (
    "accepted",
    "refused_per_ip",
    "refused_total",
    "accept_error",
    "accept_paused",
    *(outcome.value for outcome in Outcome),
)
"""What is counted beside the outcomes: connections ``accepted``; refused because their address
(``refused_per_ip``) or the server (``refused_total``) had enough; ``accept_error`` gone before they
were accepted; ``accept_paused`` times that accepting paused for want of descriptors or memory.
"""

_ACCEPTS = 32
"""Connections accepted per wake-up."""

_LAST_WAKES = 32
"""Wake-ups' worth of connections taken before listening ends: as many as the kernel keeps."""

_SCRATCH_OCTETS = 16 * 1024
"""Read at once from a connection: some 300 queries, or the quarter of the largest message."""

_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_PAUSE_S = 0.25
_WARN_EVERY_S = 10.0

_SWEEPS_PER_DEADLINE = 10
_LONGEST_SWEEP_S = 0.25
_CLOSE_S = 1.0


class TcpServer:
    """Answers on a set of listening sockets. It owns them, and what it accepts.

    Made on the event loop that it will serve on.

    Attributes:
        counts: by the words of ``COUNTS``, since the start.
        limits: what a client may take.
        respond: the guarded ``respond``.
        on_panic: what takes an exception that should not have been possible.
        scratch: what every connection reads to.
        leaving: whether ``drain`` has begun.
        sweep_s: seconds between two looks at the deadlines.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        respond: Respond,
        *,
        limits: TcpLimits,
        on_panic: OnPanic,
    ) -> None:
        self.counts: dict[str, int] = dict.fromkeys(COUNTS, 0)
        self.limits = limits
        self.respond = guarded(respond, on_panic)
        self.on_panic = on_panic
        self.scratch = memoryview(bytearray(_SCRATCH_OCTETS))
        self.leaving = False
        self.sweep_s = _sweep_s(limits)
        self._listeners = list(sockets)
        self._total = most_connections(limits)
        self._hosts: dict[Connection, str] = {}
        self._per_host: dict[str, int] = {}
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._opening: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._sweeping = False
        self._warned_at = float("-inf")
        self._loop = asyncio.get_running_loop()

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._hosts)

    @property
    def waiting(self) -> int:
        """Replies that are waited for now; may be asked from another thread."""
        connections = dict(self._hosts)  # copied in one step
        return sum(len(connection.waiting) for connection in connections)

    def start(self) -> None:
        """Begin to accept."""
        for listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def stop_accepting(self) -> None:
        """Take what has connected already, then close the listening sockets."""
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            for _ in range(_LAST_WAKES):
                if not self._accept_some(listener):
                    break
            self._loop.remove_reader(listener.fileno())
            listener.close()

    async def drain(self, *, deadline_s: float = 5.0) -> None:
        """End every connection as soon as nothing is owed to it; wait for that, or the deadline.

        A query that the kernel has already is answered. New connections are still accepted, and
        leave after one idle moment, until ``stop_accepting``.
        """
        self.leaving = True
        # two turns of the loop: what can be read now is read and answered before any FIN
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for connection in tuple(self._hosts):
            connection.leave()
        await self._wait_until_empty(deadline_s)

    async def close(self) -> None:
        """Stop accepting and end every connection at once. Twice is harmless."""
        self.stop_accepting()
        if self._opening:
            await asyncio.wait(self._opening, timeout=_CLOSE_S)
        for connection in tuple(self._hosts):
            connection.drop(Outcome.LAMEDUCK)
        await self._wait_until_empty(_CLOSE_S)

    # what a connection calls

    def now(self) -> float:
        """Seconds on the event loop's clock."""
        return self._loop.time()

    def evictable(self, connection: Connection) -> None:
        """The connection owes nothing: it may be ended for a new one, after its elders.

        One that has had its FIN goes before all others.
        """
        self._idle[connection] = None
        self._idle.move_to_end(connection, last=connection.phase is Phase.IDLE)

    def busy(self, connection: Connection) -> None:
        """The connection may not be evicted."""
        self._idle.pop(connection, None)

    def ended(self, connection: Connection, outcome: Outcome) -> None:
        """The connection is closed."""
        self.counts[outcome] += 1
        self._idle.pop(connection, None)
        host = self._hosts.pop(connection)
        left = self._per_host.pop(host) - 1
        if left:
            self._per_host[host] = left
        if not self._hosts:
            self._empty.set()

    # accepting

    def _accept(self, listener: socket.socket) -> None:
        self._accept_some(listener)

    def _accept_some(self, listener: socket.socket) -> bool:
        """Accept up to ``_ACCEPTS`` connections; return whether there may be more."""
        for _ in range(_ACCEPTS):
            try:
                sock, peer = listener.accept()
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._pause(listener, error)
                    return False
                self.counts["accept_error"] += 1  # accept(2): network errors of the new connection
            else:
                self._admit(sock, peer)
        return True

    def _admit(self, sock: socket.socket, peer: Any) -> None:
        host: str = peer[0]
        if self._per_host.get(host, 0) >= self.limits.per_ip:
            self.counts["refused_per_ip"] += 1
            sock.close()
        elif len(self._hosts) >= self._total and not self._evict():
            self.counts["refused_total"] += 1
            sock.close()
        else:
            self.counts["accepted"] += 1
            self._open(sock, host)

    def _open(self, sock: socket.socket, host: str) -> None:
        sock.settimeout(0)
        connection = Connection(self, _arrival(sock), host)
        self._hosts[connection] = host
        self._per_host[host] = self._per_host.get(host, 0) + 1
        self._empty.clear()
        self._begin_sweeping()
        task = self._loop.create_task(self._adopt(sock, connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _adopt(self, sock: socket.socket, connection: Connection) -> None:
        # It waits for the next turn of the loop, not for the network: no timeout is needed.
        try:
            await self._loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:
            sock.close()
            self.ended(connection, Outcome.PEER_RESET)

    def _evict(self) -> bool:
        """End the connection that has been idle longest; return whether there was one."""
        if not self._idle:
            return False
        connection, _ = self._idle.popitem(last=False)
        connection.drop(Outcome.EVICTED)
        return True

    def _pause(self, listener: socket.socket, error: OSError) -> None:
        """Stop accepting for a moment: the listening socket stays readable, and would spin."""
        self.counts["accept_paused"] += 1
        self._loop.remove_reader(listener.fileno())
        self._loop.call_later(_PAUSE_S, self._unpause, listener)
        self._evict()
        if self.now() - self._warned_at >= _WARN_EVERY_S:
            self._warned_at = self.now()
            _log.warning(
                "cannot accept TCP connections: %s; raise the limit of open files (RLIMIT_NOFILE)",
                error.strerror,
            )

    def _unpause(self, listener: socket.socket) -> None:
        if listener in self._listeners:
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    # deadlines

    def _begin_sweeping(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            self._loop.call_later(self.sweep_s, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = False
        now = self.now()
        for connection in [c for c in self._hosts if c.due <= now]:
            connection.expire()
        if self._hosts:
            self._begin_sweeping()

    async def _wait_until_empty(self, deadline_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), deadline_s)


def _arrival(sock: socket.socket) -> Arrival:
    local = ipaddress.ip_address(sock.getsockname()[0].partition("%")[0])
    return Arrival("tcp", IPV4 if local.version == 4 else IPV6, Address(local.packed))


def _sweep_s(limits: TcpLimits) -> float:
    shortest = min(
        limits.message_s, limits.idle_s, limits.write_s, limits.lifetime_s, limits.linger_s
    )
    return min(shortest / _SWEEPS_PER_DEADLINE, _LONGEST_SWEEP_S)


def most_connections(limits: TcpLimits) -> int:
    """Return how many there may be as long as the limit of open files stays as it is."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return limits.total if soft == resource.RLIM_INFINITY else min(limits.total, soft // 2)
