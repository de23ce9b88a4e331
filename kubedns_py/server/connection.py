"""One TCP connection: reads pipelined queries, answers in order, and always comes to an end.

Rules of this file:

- A connection is in one phase; each phase has one deadline, ``due``, that the server looks at.
  No connection has a timer of its own.
- Reading stops while replies are owed: what a client sends waits in the kernel, not here. So when
  its FIN is read, all that it asked before has been answered (T-09).
- The end is a FIN after the last reply, then what still comes is read and dropped for a moment, so
  that no RST destroys the reply (T-17). Only who breaks a deadline loses the connection at once.
"""

from __future__ import annotations

import asyncio
import enum
import math
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from kubedns_py.server.framing import Frames, framed

if TYPE_CHECKING:
    from kubedns_py.server.arrival import Arrival, Respond

TURN = 32
"""Messages answered before other connections, UDP and timers get their turn."""

TURN_OCTETS = 16 * 1024
"""Octets of replies that end a turn too: the largest ones take a hundred times as long to make."""

_FLAGS, _QR = 2, 0x80
"""Octet and bit that mark a response (RFC 1035, 4.1.1)."""

_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
"""``struct linger``: on, 0 seconds. The kernel drops what it could not send (socket(7))."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpLimits:
    """What one client may take. Deadlines are in seconds.

    Attributes:
        message_s: from the first octet of a message to its last.
        idle_s: without a query.
        write_s: for a client to read what it was sent.
        lifetime_s: after which an idle connection ends, so that clients spread over replicas.
        linger_s: for a client to close after our FIN.
        queries: per connection.
        per_ip: connections at one time from one address.
        total: connections at one time; half of the process's file descriptors if that is less.
    """

    message_s: float = 3.0  # RFC 7766, 6.2.3; CoreDNS has the same
    idle_s: float = 10.0  # RFC 9210, 4.5
    write_s: float = 5.0
    lifetime_s: float = 120.0
    linger_s: float = 1.0
    queries: int = 1000
    per_ip: int = 100
    total: int = 4096


class Phase(enum.Enum):
    """What a connection waits for."""

    OPENING = enum.auto()  # the event loop to hand over the transport
    IDLE = enum.auto()  # a query
    READING = enum.auto()  # the rest of a message
    ANSWERING = enum.auto()  # its next turn: more messages are here
    BLOCKED = enum.auto()  # the client to read
    FINISHING = enum.auto()  # the same, and then FIN
    LINGERING = enum.auto()  # the client to close
    CLOSED = enum.auto()


class Outcome(enum.StrEnum):
    """Why a connection ended."""

    PEER_CLOSED = enum.auto()
    PEER_RESET = enum.auto()
    IDLE = enum.auto()
    LIFETIME = enum.auto()
    QUERIES = enum.auto()  # it has had as many as it may
    READ_DEADLINE = enum.auto()
    WRITE_DEADLINE = enum.auto()
    GARBAGE = enum.auto()  # a length below 12, or a response instead of a query
    EVICTED = enum.auto()  # the longest idle one, for a new one
    LAMEDUCK = enum.auto()  # the server is going away


class Owner(Protocol):
    """What a connection needs of its server."""

    @property
    def limits(self) -> TcpLimits:
        """What a client may take."""

    @property
    def respond(self) -> Respond:
        """What answers; raises nothing."""

    @property
    def scratch(self) -> memoryview:
        """Where to read to; what is in it counts until the next read of any connection."""

    @property
    def sweep_s(self) -> float:
        """How late a deadline may be noticed."""

    @property
    def leaving(self) -> bool:
        """Whether connections are to end as soon as nothing is owed."""

    def now(self) -> float:
        """Seconds on the event loop's clock."""

    def waiting(self, connection: Connection) -> None:
        """The connection owes nothing: it may be evicted for a new one."""

    def working(self, connection: Connection) -> None:
        """The connection may not be evicted."""

    def ended(self, connection: Connection, outcome: Outcome) -> None:
        """The connection is closed."""


class Connection(asyncio.BufferedProtocol):
    """One client.

    Attributes:
        due: when ``expire`` is to be called, on the owner's clock.
        phase: what is waited for.
    """

    def __init__(self, owner: Owner, arrival: Arrival) -> None:
        self.due = math.inf
        self.phase = Phase.OPENING
        self._owner = owner
        self._arrival = arrival
        self._frames = Frames()
        self._queries = 0
        self._outcome: Outcome | None = None
        self._ends = owner.now() + owner.limits.lifetime_s
        self._transport: asyncio.Transport

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a query."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio types it wider
        self._transport = transport
        # 0: stop as soon as the kernel takes no more, so that at most one reply is kept here (T-08)
        transport.set_write_buffer_limits(high=0)
        self._wait_for_query()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's contract
        """Return where to read to."""
        return self._owner.scratch

    def buffer_updated(self, nbytes: int) -> None:
        """Answer what is complete."""
        if self.phase is not Phase.LINGERING:
            self._frames.feed(self._owner.scratch[:nbytes])
            self._answer()

    def eof_received(self) -> bool:
        """Close: nothing is owed to a client whose FIN has been read (see the rules above)."""
        return False

    def pause_writing(self) -> None:
        """Stop answering and reading until the client has read."""
        self.phase = Phase.BLOCKED
        self.due = self._owner.now() + self._owner.limits.write_s
        self._owner.working(self)
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on where the client stopped reading."""
        if self.phase is Phase.FINISHING:
            # not now: the transport has not yet seen that its buffer is empty
            asyncio.get_running_loop().call_soon(self._send_fin)
        else:
            self._answer_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the server why it ended."""
        self.phase = Phase.CLOSED
        self._frames.clear()
        fate = Outcome.PEER_RESET if exc else Outcome.PEER_CLOSED
        self._owner.ended(self, self._outcome or fate)

    # what the server calls

    def expire(self) -> None:
        """Act on the deadline of this phase."""
        match self.phase:
            case Phase.IDLE:
                self._finish(self._why_idle_ends())
            case Phase.READING:
                self.drop(Outcome.READ_DEADLINE)
            case Phase.BLOCKED | Phase.FINISHING:
                self._reset()
            case _:
                self._transport.abort()

    def leave(self) -> None:
        """End as soon as nothing is owed; one that has not asked yet is given a moment to."""
        if self.phase is Phase.IDLE:
            if self._queries:
                self._finish(Outcome.LAMEDUCK)
            else:
                self.due = min(self.due, self._owner.now() + self._owner.limits.linger_s)

    def drop(self, outcome: Outcome) -> None:
        """End at once. The outcome is ``outcome`` unless the end had begun before."""
        self._outcome = self._outcome or outcome
        if self.phase is not Phase.OPENING:
            self._transport.abort()

    # phases

    def _answer(self) -> None:
        """Answer complete messages, a turn's worth of them, and enter the phase that follows."""
        octets = 0
        for _ in range(TURN):
            message = self._frames.next()
            if message is None:
                self._settle()
                return
            if message[_FLAGS] & _QR:
                self._finish(Outcome.GARBAGE)
                return
            self.phase = Phase.ANSWERING
            self._queries += 1
            reply = self._owner.respond(message, self._arrival)
            if reply is not None:
                self._transport.write(framed(reply))
                octets += len(reply)
            if self._queries >= self._owner.limits.queries:
                self._finish(Outcome.QUERIES)
                return
            if self._transport.get_write_buffer_size() or self._transport.is_closing():
                return  # pause_writing has chosen the phase, or connection_lost will
            if octets >= TURN_OCTETS:
                break
        self._answer_later()

    def _answer_later(self) -> None:
        self.phase = Phase.ANSWERING
        self.due = math.inf
        self._owner.working(self)
        self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        if self.phase is Phase.ANSWERING:
            self._answer()

    def _settle(self) -> None:
        """Wait for what comes next: everything complete has been answered."""
        if self._frames.broken:
            self._finish(Outcome.GARBAGE)
            return
        self._transport.resume_reading()
        if not self._frames.unfinished():
            self._wait_for_query()
        elif self.phase is not Phase.READING:  # more octets of the same message win no time (T-02)
            self.phase = Phase.READING
            self.due = self._owner.now() + self._owner.limits.message_s - self._owner.sweep_s
            self._owner.working(self)

    def _wait_for_query(self) -> None:
        now = self._owner.now()
        self.phase = Phase.IDLE
        self.due = min(now + self._owner.limits.idle_s, self._ends)
        self._owner.waiting(self)
        if self._owner.leaving:
            self.leave()
        elif now >= self._ends:
            self._finish(Outcome.LIFETIME)

    def _why_idle_ends(self) -> Outcome:
        if self._owner.leaving:
            return Outcome.LAMEDUCK
        return Outcome.LIFETIME if self._owner.now() >= self._ends else Outcome.IDLE

    def _finish(self, outcome: Outcome) -> None:
        """Send what is owed, then FIN, and drop what comes until the client closes too."""
        self._outcome = outcome
        self._frames.clear()
        if self._transport.get_write_buffer_size():
            self.phase = Phase.FINISHING  # due stays: the client has the same time to read
        else:
            self._send_fin()

    def _send_fin(self) -> None:
        if self.phase is Phase.CLOSED:
            return
        self.phase = Phase.LINGERING
        self.due = self._owner.now() + self._owner.limits.linger_s
        self._owner.waiting(self)
        try:
            self._transport.write_eof()
        except OSError:  # the client is gone: connection_lost says the rest
            self._transport.abort()
        else:
            self._transport.resume_reading()

    def _reset(self) -> None:
        """End with RST, so that the kernel keeps nothing for a client that does not read."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.drop(Outcome.WRITE_DEADLINE)
