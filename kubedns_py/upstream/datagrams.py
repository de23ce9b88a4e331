"""Questions over UDP: each from a socket of its own, and the first usable reply is taken.

Rules of this file:

- A socket is made for one question, connected, and closed with it. So the kernel chooses a random
  port each time, hands over nothing from elsewhere (RFC 5452, 9.2), and tells what ICMP said.
- What is not the reply to this question is counted and passed over; the wait goes on (C-01, C-02).
  Nobody can end a question by sending rubbish, but ten pieces of it end the use of UDP (C-03).
- What one turn of the event loop begins is sent together at its end, and what has come is received
  together before any of it is read. So the kernel's work and ours do not drive each other out of
  the processor's caches, and who is written to wakes up once: a third of the cost of a question.
- The path of one question makes no objects but the exchange, its socket and its two messages.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections import deque
from typing import Final

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.response import Response, Unusable, read_response
from kubedns_py.upstream.exchange import Done, Failure
from kubedns_py.upstream.idents import Idents
from kubedns_py.upstream.refusal import failure_of
from kubedns_py.upstream.spelling import Spelling

MAX_OCTETS: Final = 4096
"""What is taken, though we ask for less: some servers send what they like (C-14)."""

MAX_MISMATCHES: Final = 10
"""So many replies to something else, for one question, are somebody's guesses (C-03)."""

BURST: Final = 64
"""Sockets read per wake-up, so that clients, streams and timers get their turns."""

# To look one of these up by name costs as much as a call of the kernel in Python 3.11.
_TYPE = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
_AF_INET, _AF_INET6, _READABLE = socket.AF_INET, socket.AF_INET6, select.EPOLLIN


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
        self._unsent: deque[tuple[_Question, Nameserver, bool]] = deque()
        self._unread: deque[tuple[_Question, bytes]] = deque()
        self.asked: dict[int, _Question] = {}
        # The loop watches this one descriptor for all sockets; to add each to it costs 14 us more.
        self._poll = select.epoll()
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
        question = _Question(ask, done, self, spelling)
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append((question, server, edns))
        return question

    def close(self) -> None:
        """End every exchange without a word. Twice is harmless; nothing may be begun after it."""
        self._unsent.clear()
        for question in list(self.asked.values()):
            question.cancel()
        if not self._poll.closed:
            self._loop.remove_reader(self._poll.fileno())
            self._poll.close()

    def _send(self) -> None:
        unsent, poll, draw = self._unsent, self._poll, self._idents.draw
        try:
            while unsent:
                question, server, edns = unsent.popleft()
                question.send(server, poll, ident=draw(), edns=edns)
        finally:
            if unsent:  # an end raised: the others shall not suffer for it
                self._loop.call_soon(self._send)

    def _wake(self) -> None:
        """Receive from the sockets that something has come to, and then read it."""
        asked, unread = self.asked, self._unread
        for descriptor, _ in self._poll.poll(0, BURST):
            question = asked.get(descriptor)
            if question is None:
                continue  # an end has cancelled it
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


class _Question:
    """One exchange.

    Attributes:
        mismatches: datagrams that were passed over so far.
    """

    __slots__ = ("_among", "_ask", "_done", "_query", "_sock", "_spelling", "mismatches")
    _query: bytes

    def __init__(self, ask: Ask, done: Done, among: Datagrams, spelling: Spelling | None) -> None:
        self.mismatches = 0
        self._ask = ask
        self._done: Done | None = done
        self._among = among
        self._spelling = spelling
        # the class in C: the one around it, which makes a file of a socket, costs 0.6 us
        self._sock: socket.SocketType | None = None

    def send(self, server: Nameserver, poll: select.epoll, *, ident: int, edns: bool) -> None:
        """Send the question from a new socket, unless it has been cancelled."""
        if self._done is None:
            return
        host, port, _ = server
        query = write_ask(self._ask, ident, edns=edns)
        if self._spelling is not None:
            query = self._spelling.put_into(query)
        self._query = query
        try:
            sock = self._sock = socket.SocketType(_AF_INET6 if ":" in host else _AF_INET, _TYPE)
            sock.connect((host, port))
            sock.send(query)
            descriptor = sock.fileno()
            poll.register(descriptor, _READABLE)  # closing the socket undoes it
        except OSError as error:  # the kernel has no socket, or knows no way
            self.end(failure_of(error))
        else:
            self._among.asked[descriptor] = self

    def receive(self) -> bytes | None:
        """Return a datagram that has come."""
        assert self._sock is not None  # noqa: S101 - a question that is asked has one
        try:
            return self._sock.recv(MAX_OCTETS + 1)
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
        """Close the socket and tell the outcome, unless the end has come before."""
        done = self._done
        self.cancel()
        if done is not None:
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
