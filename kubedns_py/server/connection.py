"""One TCP connection: reads pipelined queries, answers them, and always comes to an end.

Rules of this file:

- A connection is in one phase; each phase has one deadline, ``due``, that the server looks at.
  No connection has a timer of its own.
- Reading stops while a query is here that is neither answered nor begun; the next wait in the
  kernel. So when a client's FIN is read, replies that are waited for are all that is owed (T-09).
- Replies go out as they come (T-06). Who waits for one is not idle, and no end comes before it.
- The end is a FIN after the last reply, then what still comes is read and dropped for a moment, so
  that no RST destroys the reply (T-17). Only who breaks a deadline loses the connection at once.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from typing import TYPE_CHECKING, Protocol

from kubedns_py.dns.framing import Frames, framed
from kubedns_py.server.phases import Outcome, Phase
from kubedns_py.server.waiting import StreamReply, begin
from kubedns_py.structs import Struct

if TYPE_CHECKING:
    from kubedns_py.server.arrival import Arrival, OnPanic, Respond

TURN = 32
"""Messages answered before other connections, UDP and timers get their turn."""

TURN_OCTETS = 16 * 1024
"""Octets of replies that end a turn too: the largest ones take a hundred times as long to make."""

UNREAD_OCTETS = 64 * 1024
"""Octets of replies kept for a client that does not read (T-08): any one reply, or many small."""

_FLAGS, _QR = 2, 0x80
"""Octet and bit that mark a response (RFC 1035, 4.1.1)."""

_RESET_ON_CLOSE = struct.pack("=ii", 1, 0)
"""``struct linger``: on, 0 seconds. The kernel drops what it could not send (socket(7))."""


class TcpLimits(Struct, frozen=True, kw_only=True):
    """What one client may take. Deadlines are in seconds.

    Attributes:
        message_s: from the first octet of a message to its last.
        idle_s: without a query.
        write_s: for a client to read what it was sent.
        lifetime_s: after which an idle connection ends, so that clients spread over replicas.
        linger_s: for a client to close after our FIN.
        queries: per connection.
        waiting: replies of one connection that are waited for at one time.
        per_ip: connections at one time from one address.
        total: connections at one time; half of the process's file descriptors if that is less.
    """

    message_s: float = 3.0  # RFC 7766, 6.2.3; CoreDNS has the same
    idle_s: float = 10.0  # RFC 9210, 4.5
    write_s: float = 5.0
    lifetime_s: float = 120.0
    linger_s: float = 1.0
    queries: int = 1000
    waiting: int = 64
    per_ip: int = 100
    total: int = 4096


class Owner(Protocol):
    """What a connection needs of its server."""

    @property
    def limits(self) -> TcpLimits:
        """What a client may take."""

    @property
    def respond(self) -> Respond:
        """What answers; raises nothing."""

    @property
    def on_panic(self) -> OnPanic:
        """What takes an exception of a reply that is waited for."""

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

    def evictable(self, connection: Connection) -> None:
        """The connection owes nothing: it may be ended for a new one."""

    def busy(self, connection: Connection) -> None:
        """The connection may not be evicted."""

    def ended(self, connection: Connection, outcome: Outcome) -> None:
        """The connection is closed."""


class Connection(asyncio.BufferedProtocol):
    """One client.

    Attributes:
        due: when ``expire`` is to be called, on the owner's clock.
        phase: what happens next.
        waiting: the replies that are waited for.

    Args:
        owner: its server.
        arrival: how all of its queries come in.
        client: its address as text, without the port.
    """

    def __init__(self, owner: Owner, arrival: Arrival, client: str) -> None:
        self.due = math.inf
        self.phase = Phase.OPENING
        self.waiting: set[StreamReply] = set()
        self._owner = owner
        self._arrival = arrival
        self._client = client
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
        # 0: stop as soon as the kernel takes no more; then one reply is kept here (T-08), and what
        # comes of those that were waited for, up to UNREAD_OCTETS
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
        """Close, but after the replies that are waited for: all that is owed (see the rules)."""
        if not self.waiting:
            return False
        self._finish(Outcome.PEER_CLOSED)
        return True

    def pause_writing(self) -> None:
        """Stop answering and reading until the client has read."""
        if self.phase is not Phase.FINISHING:
            self.phase = Phase.BLOCKED
        self.due = self._owner.now() + self._owner.limits.write_s
        self._owner.busy(self)
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on where the client stopped reading."""
        self.due = math.inf
        if self.phase is Phase.BLOCKED:
            self._answer_later()
        else:
            # not now: the transport has not yet seen that its buffer is empty
            asyncio.get_running_loop().call_soon(self._send_fin_after_all)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the server why it ended."""
        self.phase = Phase.CLOSED
        self._frames.clear()
        self._abandon()
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
            if self.waiting and len(self.waiting) >= self._owner.limits.waiting:
                self._transport.pause_reading()
                self._wait_for_reply()
                return
            message = self._frames.next()
            if message is None:
                self._settle()
                return
            octets += self._take(message)
            if self.phase is not Phase.ANSWERING or self._transport.is_closing():
                return  # the phase has been chosen, or connection_lost will be called
            if octets >= TURN_OCTETS:
                break
        self._answer_later()

    def _take(self, message: bytes) -> int:
        """Answer a message, or begin to; return how many octets of reply went out.

        The phase is ANSWERING after that unless it was the last message for now, or for ever.
        """
        if message[_FLAGS] & _QR:
            self._finish(Outcome.GARBAGE)
            return 0
        self.phase = Phase.ANSWERING
        self._queries += 1
        octets = 0
        reply = self._owner.respond(message, self._arrival)
        if isinstance(reply, bytes):
            self._transport.write(framed(reply))
            octets = len(reply)
        elif reply is not None:
            deliver = StreamReply(reply, self._deliver, self.waiting)
            begin(reply, self._client, deliver, self._owner.on_panic)
        if self._queries >= self._owner.limits.queries:
            self._finish(Outcome.QUERIES)
        return octets

    def _deliver(self, reply: bytes | None) -> None:
        """Send a reply that was waited for; None: there is none. Both bring the next phase."""
        if self._transport.is_closing():
            return
        if reply is not None:
            self._write(reply)
        if self.phase is Phase.FINISHING:
            self._send_fin_after_all()
        elif self.phase is Phase.WAITING:
            if not self._transport.is_reading():  # so many were waited for: more queries are here
                self._answer_later()
            elif not self.waiting:
                self._wait_for_query()

    def _write(self, reply: bytes) -> None:
        """Write a reply, or end where too much has not been read: the client may ask again."""
        unread = self._transport.get_write_buffer_size()
        if unread + len(reply) <= UNREAD_OCTETS:
            self._transport.write(framed(reply))
            return
        self._abandon()
        if self.phase is not Phase.FINISHING:
            self._finish(Outcome.UNREAD)

    def _abandon(self) -> None:
        for reply in tuple(self.waiting):
            reply.abandon(self._owner.on_panic)

    def _answer_later(self) -> None:
        self.phase = Phase.ANSWERING
        self.due = math.inf
        self._owner.busy(self)
        self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        if self.phase is Phase.ANSWERING:
            self._answer()

    def _settle(self) -> None:
        """Wait for what comes next: everything complete has been answered or begun."""
        if self._frames.broken:
            self._finish(Outcome.GARBAGE)
            return
        self._transport.resume_reading()
        if self._frames.unfinished():
            self._wait_for_octets()
        elif not self.waiting:
            self._wait_for_query()
        else:
            self._wait_for_reply()

    def _wait_for_octets(self) -> None:
        if self.phase is not Phase.READING:  # more octets of the same message win no time (T-02)
            self.phase = Phase.READING
            self.due = self._owner.now() + self._owner.limits.message_s - self._owner.sweep_s
            self._owner.busy(self)

    def _wait_for_reply(self) -> None:
        self.phase = Phase.WAITING
        self.due = math.inf  # every reply comes, or its absence: see Deferred
        self._owner.busy(self)

    def _wait_for_query(self) -> None:
        now = self._owner.now()
        self.phase = Phase.IDLE
        self.due = min(now + self._owner.limits.idle_s, self._ends)
        self._owner.evictable(self)
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
        if self.phase is not Phase.BLOCKED:  # else the client has the same time to read
            self.due = math.inf
        self.phase = Phase.FINISHING
        self._owner.busy(self)
        self._transport.pause_reading()
        self._send_fin_after_all()

    def _send_fin_after_all(self) -> None:
        is_owed = self.waiting or self._transport.get_write_buffer_size()
        if self.phase is Phase.FINISHING and not is_owed:
            self._send_fin()

    def _send_fin(self) -> None:
        self.phase = Phase.LINGERING
        self.due = self._owner.now() + self._owner.limits.linger_s
        self._owner.evictable(self)
        try:
            self._transport.write_eof()
        except OSError:  # the client is gone: connection_lost says the rest
            self._transport.abort()
        else:
            self._transport.resume_reading()  # a FIN that has been read is read once more

    def _reset(self) -> None:
        """End with RST, so that the kernel keeps nothing for a client that does not read."""
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.drop(Outcome.WRITE_DEADLINE)
