"""Questions over UDP: each from a socket of its own, and the first usable reply is taken.

Rules of this file:

- A socket is made for one question, connected, and closed with it. So the kernel chooses a random
  port each time, hands over nothing from elsewhere (RFC 5452, 9.2), and tells what ICMP said.
- What is not the reply to this question is counted and passed over; the wait goes on (C-01, C-02).
  Nobody can end a question by sending rubbish, but ten pieces of it end the use of UDP (C-03).
- The path of one question makes no objects but the exchange, its socket and its two messages.
"""

from __future__ import annotations

import asyncio
import select
import socket
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

_TYPE = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK


class Datagrams:
    """Begins exchanges over UDP, on the event loop that runs when it is made.

    Attributes:
        mismatches: datagrams that were passed over since the start, by the words of ``Unusable``.
    """

    def __init__(self) -> None:
        self.mismatches: dict[str, int] = dict.fromkeys(Unusable, 0)
        self._loop = asyncio.get_running_loop()
        self._idents = Idents()
        self._asked: dict[int, _Question] = {}
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
        question = _Question(ask, self._idents.draw(), done, self._asked, self.mismatches)
        question.spelling = spelling
        try:
            question.send(server, self._poll, edns=edns)
        except OSError as error:
            self._loop.call_soon(question.end, failure_of(error))
        return question

    def close(self) -> None:
        """End every exchange without a word. Twice is harmless; nothing may be begun after it."""
        for question in list(self._asked.values()):
            question.cancel()
        if not self._poll.closed:
            self._loop.remove_reader(self._poll.fileno())
            self._poll.close()

    def _wake(self) -> None:
        """Read the sockets that something has come to."""
        for descriptor, _ in self._poll.poll(0, BURST):
            question = self._asked.get(descriptor)
            # What an earlier one of this turn has ended is gone, or a new one has its number, which
            # finds nothing to read.
            if question is not None:
                question.read()


class _Question:
    """One exchange.

    Attributes:
        mismatches: datagrams that were passed over so far.
        spelling: what the reply has to have; set at once by whoever made this.
    """

    __slots__ = ("_ask", "_asked", "_counts", "_done", "_ident", "_sock", "mismatches", "spelling")
    spelling: Spelling | None

    def __init__(
        self, ask: Ask, ident: int, done: Done, asked: dict[int, _Question], counts: dict[str, int]
    ) -> None:
        self.mismatches = 0
        self._ask = ask
        self._ident = ident
        self._done: Done | None = done
        self._asked = asked
        self._counts = counts
        self._sock: socket.socket | None = None

    def send(self, server: Nameserver, poll: select.epoll, *, edns: bool) -> None:
        """Send the question from a new socket.

        Raises:
            OSError: the kernel has no socket, or knows no way.
        """
        family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
        sock = self._sock = socket.socket(family, _TYPE)
        sock.connect((server.host, server.port))
        query = write_ask(self._ask, self._ident, edns=edns)
        sock.send(query if self.spelling is None else self.spelling.put_into(query))
        poll.register(sock, select.EPOLLIN)  # closing the socket undoes it
        self._asked[sock.fileno()] = self

    def read(self) -> None:
        """Read what has come, until that is the reply, or all."""
        while self._sock is not None:
            try:
                message = self._sock.recv(MAX_OCTETS + 1)
            except BlockingIOError:
                return
            except OSError as error:  # what ICMP said (udp(7))
                self.end(failure_of(error))
                return
            if len(message) > MAX_OCTETS:
                self._pass_over(Unusable.MALFORMED)
                continue
            response = read_response(message, self._ident, self._ask)
            if not isinstance(response, Response):
                self._pass_over(response)
            elif self.spelling is None or self.spelling.is_that_of(message):
                self.end(response)
            else:
                self._pass_over(Unusable.CASE)
                self.spelling.on_other()

    def end(self, outcome: Response | Failure) -> None:
        """Close the socket and tell the outcome, unless the end has come before."""
        done = self._done
        self.cancel()
        if done is not None:
            done(outcome)

    def cancel(self) -> None:
        """End it without a word."""
        self._done = None
        if self._sock is not None:
            self._asked.pop(self._sock.fileno(), None)
            self._sock.close()
            self._sock = None

    def _pass_over(self, reason: Unusable) -> None:
        self._counts[reason] += 1
        self.mismatches += 1
        if self.mismatches >= MAX_MISMATCHES:
            self.end(Failure.SUSPICIOUS)
