"""Questions over UDP: each from a socket of its own, and the first usable reply is taken.

Rules of this file:

- A socket is connected for one question. So the kernel chooses a random port each time, hands over
  nothing from elsewhere (RFC 5452, 9.2), and tells what ICMP said. See ``sockets.py``.
- What is not the reply to this question is counted and passed over; the wait goes on (C-01, C-02).
  Nobody can end a question by sending rubbish, but ten pieces of it end the use of UDP (C-03).
- What one turn of the event loop begins is sent together at its end, and what has come is received
  together before any of it is read. So the kernel's work and ours do not drive each other out of
  the processor's caches, and who is written to wakes up once: a third of the cost of a question.
- The path of one question makes no objects but the exchange and its two messages.
"""

from __future__ import annotations

import asyncio
import select
from collections import deque
from socket import SocketType
from typing import Final

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.response import Response, Unusable, read_response
from kubedns_py.structs import Struct
from kubedns_py.upstream.exchange import Done, Failure
from kubedns_py.upstream.idents import Idents
from kubedns_py.upstream.refusal import failure_of
from kubedns_py.upstream.sockets import Sockets
from kubedns_py.upstream.spelling import Spelling

MAX_OCTETS: Final = 4096
"""What is taken, though we ask for less: some servers send what they like (C-14)."""

MAX_MISMATCHES: Final = 10
"""So many replies to something else, for one question, are somebody's guesses (C-03)."""

_ROOM: Final = MAX_OCTETS + 1

BURST: Final = 64
"""Sockets read per wake-up, so that clients, streams and timers get their turns."""


class Datagrams:
    """Begins exchanges over UDP, on the event loop that runs when it is made.

    Attributes:
        asked: exchanges that were sent, by the descriptor of their socket.
        mismatches: datagrams that were passed over since the start, by the words of ``Unusable``.
    """

    def __init__(self) -> None:
        self.mismatches: dict[str, int] = dict.fromkeys(Unusable, 0)
        self._loop = asyncio.get_running_loop()
        self._idents = Idents()
        self._unsent: deque[_Question] = deque()
        self._unread: deque[tuple[_Question, bytes]] = deque()
        self.asked: dict[int, _Question] = {}
        # The loop watches this one descriptor for all sockets; to add each to it costs 14 us more.
        self._poll = select.epoll()
        self.sockets = Sockets(self._poll)
        self._loop.add_reader(self._poll.fileno(), self._wake)

    def begin(
        self,
        server: Nameserver,
        ask: Ask,
        done: Done,
        *,
        edns: bool,
        spelling: Spelling | None = None,
    ) -> _Question:
        """Send ``ask`` to ``server`` and wait for the reply; see ``Exchanges``.

        With a spelling the question has that, and a reply in another one is passed over (C-05).
        """
        question = _Question(self, server, ask, edns, spelling, done)
        unsent = self._unsent
        if not unsent:
            self._loop.call_soon(self._send)
        unsent.append(question)
        return question

    def close(self) -> None:
        """End every exchange without a word. Twice is harmless; nothing may be begun after it."""
        self._unsent.clear()
        for question in list(self.asked.values()):
            question.cancel()
        self.sockets.close()
        if not self._poll.closed:
            self._loop.remove_reader(self._poll.fileno())
            self._poll.close()

    def _send(self) -> None:
        unsent, draw = self._unsent, self._idents.draw
        try:
            while unsent:
                unsent.popleft().send(draw())
        finally:
            if unsent:  # an end raised: the others shall not suffer for it
                self._loop.call_soon(self._send)

    def _wake(self) -> None:
        """Receive from the sockets that something has come to, and then read it."""
        asked, unread = self.asked, self._unread
        for descriptor, _ in self._poll.poll(0, BURST):
            question = asked.get(descriptor)
            if question is None:  # an end has cancelled it, or it had its reply
                self.sockets.close_free(descriptor)
                continue
            message = question.receive()
            if message is not None:
                unread.append((question, message))
        self._read()

    def _read(self) -> None:
        unread = self._unread
        try:
            while unread:
                question, message = unread.popleft()
                question.read(message)
        finally:
            if unread:  # as above
                self._loop.call_soon(self._read)


class _Question(Struct, eq=False):
    """One exchange.

    Attributes:
        mismatches: datagrams that were passed over so far.
    """

    _among: Datagrams
    _server: Nameserver
    _ask: Ask
    _edns: bool
    _spelling: Spelling | None
    _done: Done | None
    _sock: SocketType | None = None
    _query: bytes = b""
    mismatches: int = 0

    def send(self, ident: int) -> None:
        """Send the question from a port of its own, unless it has been cancelled."""
        if self._done is None:
            return
        host, port, _ = self._server
        query = write_ask(self._ask, ident, edns=self._edns)
        if self._spelling is not None:
            query = self._spelling.put_into(query)
        self._query = query
        try:
            sock = self._sock = self._among.sockets.take(host)
            sock.connect((host, port))
            sock.send(query)
        except OSError as error:  # the kernel has no socket, or knows no way
            self.end(failure_of(error))
        else:
            self._among.asked[sock.fileno()] = self

    def receive(self) -> bytes | None:
        """Return a datagram that has come."""
        assert self._sock is not None  # noqa: S101 - a question that is asked has one
        try:
            return self._sock.recv(_ROOM)
        except BlockingIOError:
            return None
        except OSError as error:  # what ICMP said (udp(7))
            self.end(failure_of(error))
            return None

    def read(self, message: bytes) -> None:
        """Take a datagram that has come if it is the reply."""
        if self._done is None:
            return
        if len(message) > MAX_OCTETS:
            self._pass_over(Unusable.MALFORMED)
        elif self._spelling is not None:
            self._read_spelt(message, self._spelling)
        else:
            response = read_response(message, self._query, self._ask)
            if isinstance(response, Response):
                self.end(response)
            else:
                self._pass_over(response)

    def _read_spelt(self, message: bytes, spelling: Spelling) -> None:
        folded = spelling.taken_out_of(message)
        response = read_response(folded, self._query, self._ask)
        if not isinstance(response, Response):
            self._pass_over(response)
        elif spelling.is_that_of(message):
            self.end(response)
        else:
            self._pass_over(Unusable.CASE)
            spelling.on_other()

    def end(self, outcome: Response | Failure) -> None:
        """Give the socket up and tell the outcome, unless the end has come before."""
        done = self._done
        if done is None:
            return
        if isinstance(outcome, Response):
            self._done = None
            sock, self._sock = self._sock, None
            assert sock is not None  # noqa: S101 - a question that has a reply was sent
            del self._among.asked[sock.fileno()]
            self._among.sockets.give_back(sock)
        else:
            self.cancel()
        done(outcome)

    def cancel(self) -> None:
        """End it without a word."""
        self._done = None
        sock, self._sock = self._sock, None
        if sock is not None:
            self._among.asked.pop(sock.fileno(), None)
            sock.close()

    def _pass_over(self, reason: Unusable) -> None:
        self._among.mismatches[reason] += 1
        self.mismatches += 1
        if self.mismatches >= MAX_MISMATCHES:
            self.end(Failure.SUSPICIOUS)
