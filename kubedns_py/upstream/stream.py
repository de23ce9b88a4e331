"""One connection to a server: questions without waiting, replies in any order (RFC 7766, 6.2.1).

Rules of this file:

- A question that is placed on a connection stays there, be the connection open yet or not, until
  its reply, its cancel or the connection's end.
- A reply is known by its ID *and* its question. What is neither is counted and passed over.
- A connection that has been silent while questions waited takes no more of them once one of them is
  cancelled: who it leads to may be gone without a word, and TCP would try for a quarter of an hour.
- Nothing here opens connections, waits, or knows of TLS.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.framing import Frames, framed
from kubedns_py.dns.response import Response, Unusable, read_response
from kubedns_py.structs import Struct
from kubedns_py.upstream.exchange import Done, Failure

MAX_UNUSABLE = 100
"""Messages in a row that belong to no question: more than late replies can explain."""

SILENT_S = 1.0
"""Without a message, though questions wait, until a connection is not trusted any more."""


class StreamLimits(Struct, frozen=True, kw_only=True):
    """How one server's connections are used. Times are in seconds.

    Attributes:
        outstanding: questions on one connection; then another is opened.
        connections: at one time; two would do for most (RFC 7766, 6.2.2), a busy one gets four.
        waiting: questions that wait for a place on one of them.
        idle_s: after which a connection without questions is closed.
        open_s: for a connection to be there, with TLS.
    """

    outstanding: int = 64
    connections: int = 4
    waiting: int = 256
    idle_s: float = 10.0  # RFC 7766, 6.2.3; RFC 9210, 4.5
    open_s: float = 5.0


class Place(Protocol):
    """Where a question is kept."""

    def drop(self, question: Question) -> None:
        """Forget it: its reply is not wanted any more."""


class Question:
    """One exchange over a stream.

    Attributes:
        ask: what is asked.
        edns: whether with an OPT record.
        ident: the ID on the connection where it is.
        mismatches: messages with its ID that were passed over so far.
        place: where it is kept; None after its end.
        reused: it was placed on a connection that was open before.
        retried: it is on its second connection.
    """

    __slots__ = (
        "_done",
        "ask",
        "edns",
        "ident",
        "mismatches",
        "place",
        "retried",
        "reused",
    )

    def __init__(self, ask: Ask, done: Done, *, edns: bool) -> None:
        self.ask = ask
        self.edns = edns
        self.ident = 0
        self.mismatches = 0
        self.place: Place | None = None
        self.reused = False
        self.retried = False
        self._done: Done | None = done

    def end(self, outcome: Response | Failure) -> None:
        """Tell the outcome, unless the end has come before. Its place has forgotten it."""
        done, self._done, self.place = self._done, None, None
        if done is not None:
            done(outcome)

    def cancel(self) -> None:
        """End it without a word."""
        place, self._done, self.place = self.place, None, None
        if place is not None:
            place.drop(self)


class Owner(Protocol):
    """What a connection needs of who opened it."""

    @property
    def limits(self) -> StreamLimits:
        """How connections are used."""

    def draw(self) -> int:
        """Return an unguessable ID."""

    def count(self, reason: Unusable) -> None:
        """Count a message that was passed over."""

    def now(self) -> float:
        """Seconds on the event loop's clock."""

    def settled(self, stream: Stream) -> None:
        """A question has left its place, or the connection has opened or become writable."""

    def ended(self, stream: Stream, questions: list[Question], failure: Failure) -> None:
        """The connection is gone; its questions are the owner's again."""


class Stream(asyncio.Protocol):
    """One connection, from before it is open.

    Attributes:
        idle_since: since when it is open and has no question; None while that is not so.
        opened: whether it has ever been open.
    """

    def __init__(self, owner: Owner) -> None:
        self.idle_since: float | None = None
        self.opened = False
        self._owner = owner
        self._frames = Frames()
        self._questions: dict[int, Question] = {}
        self._received = 0
        self._silent_since: float | None = None
        self._unusable = 0
        self._broken = False
        self._retired = False
        self._blocked = False
        self._transport: asyncio.Transport | None = None

    def has_place(self) -> bool:
        """Whether it takes another question."""
        return not (
            self._retired
            or self._blocked
            or len(self._questions) >= self._owner.limits.outstanding
            or (self._transport is not None and self._transport.is_closing())
        )

    def place(self, question: Question) -> None:
        """Send a question, or keep it until the connection is open. ``has_place`` is true."""
        ident = self._owner.draw()
        while ident in self._questions:
            ident = self._owner.draw()
        self._questions[ident] = question
        self.idle_since = None
        question.ident = ident
        question.place = self
        question.reused = self._transport is not None
        if self._transport is not None:
            self._write(_query(question))

    def drop(self, question: Question) -> None:
        """Forget a question. Its reply, if it still comes, is one to an unknown ID."""
        del self._questions[question.ident]
        since = self._silent_since
        if since is not None and self._owner.now() - since >= SILENT_S:
            self._retired = True
        self._settle()

    def left(self, question: Question) -> bool:
        """Tell whether the connection's end says nothing about a question that was lost with it.

        So it is where the server had ended the connection before it read the question: as idle, or
        as done with after what it has answered (C-26; RFC 7766, 6.2.4). It then ends between two
        messages.
        """
        ended_well = self.opened and not self._broken and not self._frames.unfinished()
        return ended_well and (question.reused or self._received > 0)

    def close(self) -> None:
        """Send FIN: nothing is owed in either direction."""
        self._retired = True
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it at once."""
        self._retired = True
        if self._transport is not None:
            self._transport.abort()

    def fail(self, failure: Failure) -> None:
        """Say that the connection could not be opened. One that was opened takes no notice."""
        if not self.opened:
            self._end(failure)

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what has been kept, in one piece."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio types it wider
        self._transport = transport
        self.opened = True
        if self._questions:
            self._write(b"".join(map(_query, self._questions.values())))
        self._settle()

    def data_received(self, data: bytes) -> None:
        """Take the messages that are complete."""
        self._frames.feed(data)
        while (message := self._frames.next()) is not None:
            self._received += 1
            self._silent_since = None
            self._take(message)
        if self._questions and self._silent_since is None:
            self._silent_since = self._owner.now()
        if self._frames.broken or self._unusable >= MAX_UNUSABLE:
            self._broken = True
            self.abort()

    def pause_writing(self) -> None:
        """Take no more questions until the server has read."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Take questions again."""
        self._blocked = False
        self._owner.settled(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's contract
        """Give the questions back."""
        self._end(Failure.BROKEN)

    # below

    def _write(self, octets: bytes) -> None:
        assert self._transport is not None  # noqa: S101 - whoever calls has seen it
        if self._silent_since is None:
            self._silent_since = self._owner.now()
        self._transport.write(octets)

    def _take(self, message: bytes) -> None:
        ident = int.from_bytes(message[:2])
        question = self._questions.get(ident)
        if question is None:
            self._pass_over(Unusable.ID)
            return
        query = write_ask(question.ask, ident, edns=question.edns)
        response = read_response(message, query, question.ask)
        if isinstance(response, Unusable):
            question.mismatches += 1
            self._pass_over(response)
            return
        self._unusable = 0
        del self._questions[ident]
        self._settle()
        question.end(response)

    def _pass_over(self, reason: Unusable) -> None:
        self._unusable += 1
        self._owner.count(reason)

    def _settle(self) -> None:
        if self._transport is not None and not self._questions:
            if self._retired:
                self._transport.abort()
                return
            self.idle_since = self._owner.now()
        self._owner.settled(self)

    def _end(self, failure: Failure) -> None:
        questions = list(self._questions.values())
        self._questions.clear()
        self._retired = True
        for question in questions:
            question.place = None
        self._owner.ended(self, questions, failure)


def _query(question: Question) -> bytes:
    return framed(write_ask(question.ask, question.ident, edns=question.edns))
