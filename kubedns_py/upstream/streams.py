"""Questions over TCP and TLS, on connections that are kept and shared (RFC 7766, 6.2; RFC 7858).

Rules of this file:

- Each server has a few connections; the first with a place takes a question, so that those which
  are not needed fall idle and are closed. What finds no place waits, and is refused beyond a bound.
- A question that was lost with a connection which the server had ended before it read it is asked
  once more, on a new connection, and nobody is told (C-26).
- There is no clear text instead of TLS, and no certificate but that of the name (RFC 8310, 5).
- An attempt to connect has a task and a deadline of its own: whoever asked may be gone.
"""

from __future__ import annotations

import asyncio
import functools
import math
import ssl
from collections.abc import Callable
from typing import Final

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.response import Unusable
from kubedns_py.structs import Struct
from kubedns_py.upstream.exchange import Done, Failure
from kubedns_py.upstream.idents import Idents
from kubedns_py.upstream.refusal import failure_of
from kubedns_py.upstream.stream import Question, Stream, StreamLimits

COUNTS: Final = ("opened", "reused", "retried")
"""What is counted: connections that were ``opened``; questions that ``reused`` an open one;
questions that were ``retried`` because the server had closed it.
"""

_CLOSE_NOTIFY_S = 1.0
"""For a server to answer our end of TLS; asyncio's half a minute would keep the descriptor."""


def tls_context() -> ssl.SSLContext:
    """Return a client's context for DNS over TLS that trusts the system's certificate authorities.

    It verifies certificate and name, speaks TLS 1.2 or newer (RFC 8310, 8; RFC 9325) and says
    ``dot`` (RFC 7858, 10: IANA, ALPN protocol IDs). Takes some 20 ms: the authorities are read.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["dot"])
    return context


class Streams:
    """Begins exchanges over TCP, or TLS where the server has a name; on the running event loop.

    Attributes:
        counts: by the words of ``COUNTS``, since the start.
        mismatches: messages that were passed over since the start, by the words of ``Unusable``.
    """

    def __init__(
        self, *, tls: ssl.SSLContext | None = None, limits: StreamLimits | None = None
    ) -> None:
        """Open nothing yet.

        Args:
            tls: used as it is; ``tls_context()`` if None, made when first needed.
            limits: how one server's connections are used.
        """
        self.counts = dict.fromkeys(COUNTS, 0)
        self.mismatches: dict[str, int] = dict.fromkeys(Unusable, 0)
        self._shared = _Shared(limits or StreamLimits(), Idents(), self.counts, self.mismatches)
        self._tls = tls
        self._pools: dict[Nameserver, _Pool] = {}

    def begin(self, server: Nameserver, ask: Ask, done: Done, *, edns: bool) -> Question:
        """Send ``ask`` to ``server`` and wait for the reply; see ``Exchanges``."""
        question = Question(ask, done, edns=edns)
        pool = self._pools.get(server)
        if pool is None:
            pool = self._pools[server] = self._new_pool(server)
        pool.ask(question)
        return question

    async def aclose(self) -> None:
        """End every exchange without a word, and every connection. Begin nothing after it."""
        pools = list(self._pools.values())
        for pool in pools:
            pool.close()
        for pool in pools:
            await pool.gone.wait()

    def _new_pool(self, server: Nameserver) -> _Pool:
        if not server.tls_name:
            return _Pool(server, self._shared, self._forget, tls=None)
        if self._tls is None:
            self._tls = tls_context()
        return _Pool(server, self._shared, self._forget, tls=self._tls)

    def _forget(self, server: Nameserver) -> None:
        del self._pools[server]


class _Shared(Struct, frozen=True):
    """What all pools have in common."""

    limits: StreamLimits
    idents: Idents
    counts: dict[str, int]
    mismatches: dict[str, int]


class _Pool:
    """The connections to one server; it exists as long as there is one, or a question.

    Attributes:
        gone: set when nothing is left of it.
        limits: how connections are used.
    """

    def __init__(
        self,
        server: Nameserver,
        shared: _Shared,
        forget: Callable[[Nameserver], None],
        *,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.gone = asyncio.Event()
        self.limits = shared.limits
        self._server = server
        self._shared = shared
        self._forget = forget
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._streams: list[Stream] = []
        self._waiting: dict[Question, None] = {}  # in the order in which they came
        self._attempts: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def ask(self, question: Question) -> None:
        """Place a question on a connection, let it wait for a place, or refuse it."""
        stream = self._with_place()
        if stream is not None:
            self._place(question, stream)
        elif len(self._waiting) < self.limits.waiting:
            question.place = self
            self._waiting[question] = None
        else:
            self._loop.call_soon(question.end, Failure.NO_SOCKET)

    def close(self) -> None:
        """End everything without a word."""
        self._closed = True
        for question in list(self._waiting):
            question.cancel()
        for attempt in self._attempts:
            attempt.cancel()
        for stream in self._streams:
            stream.abort()

    # what a question calls

    def drop(self, question: Question) -> None:
        """Let a question wait no longer."""
        del self._waiting[question]

    # what a connection calls

    def draw(self) -> int:
        """Return an ID."""
        return self._shared.idents.draw()

    def count(self, reason: Unusable) -> None:
        """Count a message that was passed over."""
        self._shared.mismatches[reason] += 1

    def now(self) -> float:
        """Return the event loop's time."""
        return self._loop.time()

    def settled(self, stream: Stream) -> None:
        """Place what waits; where nothing does, an idle connection has its time to live."""
        self._place_waiting()
        if stream.idle_since is not None and self._timer is None:
            due = stream.idle_since + self.limits.idle_s
            self._timer = self._loop.call_at(due, self._close_idle)

    def ended(self, stream: Stream, questions: list[Question], failure: Failure) -> None:
        """Ask again what the connection's end says nothing about; the rest has failed."""
        self._streams.remove(stream)
        if self._closed:
            for question in questions:
                question.cancel()
        else:
            again = [each for each in questions if not each.retried and stream.left(each)]
            self._retry(again)
            self._place_waiting()
            for question in questions:
                if question.place is None:
                    question.end(failure)
        self._forget_if_empty()

    # below

    def _with_place(self) -> Stream | None:
        """Return a connection that takes a question, a new one if need be and there may be one."""
        for stream in self._streams:
            if stream.has_place():
                return stream
        return self._open() if len(self._streams) < self.limits.connections else None

    def _place(self, question: Question, stream: Stream) -> None:
        stream.place(question)
        self._shared.counts["reused"] += question.reused

    def _place_waiting(self) -> None:
        while self._waiting:
            stream = self._with_place()
            if stream is None:
                return
            question = next(iter(self._waiting))
            del self._waiting[question]
            self._place(question, stream)

    def _retry(self, questions: list[Question]) -> None:
        """Place questions on a new connection: the server may have ended all others too."""
        if questions:
            stream = self._open()
            for question in questions:
                question.retried = True
                self._place(question, stream)
            self._shared.counts["retried"] += len(questions)

    def _open(self) -> Stream:
        stream = Stream(self)
        self._streams.append(stream)
        attempt = self._loop.create_task(self._connect(stream))
        self._attempts.add(attempt)
        attempt.add_done_callback(functools.partial(self._attempted, stream))
        return stream

    async def _connect(self, stream: Stream) -> None:
        host, port, tls_name = self._server
        async with asyncio.timeout(self.limits.open_s):
            await self._loop.create_connection(
                lambda: stream,
                host,
                port,
                ssl=self._tls,
                server_hostname=tls_name or None,
                ssl_shutdown_timeout=_CLOSE_NOTIFY_S if self._tls else None,
            )

    def _attempted(self, stream: Stream, attempt: asyncio.Task[None]) -> None:
        """See how an attempt to connect has ended."""
        self._attempts.discard(attempt)
        error = None if attempt.cancelled() else attempt.exception()
        if stream.opened:
            self._shared.counts["opened"] += 1
        else:
            stream.fail(failure_of(error) if isinstance(error, OSError) else Failure.BROKEN)
        self._forget_if_empty()
        if error is not None and not isinstance(error, OSError):
            raise error  # ours: the event loop's handler tells of it

    def _close_idle(self) -> None:
        """Close connections whose time without questions is over, and look again in time."""
        self._timer = None
        now, due = self._loop.time(), math.inf
        for stream in self._streams:
            if stream.idle_since is None:
                continue
            ends = stream.idle_since + self.limits.idle_s
            if ends <= now:
                stream.close()
            else:
                due = min(due, ends)
        if due < math.inf:
            self._timer = self._loop.call_at(due, self._close_idle)

    def _forget_if_empty(self) -> None:
        if not (self._streams or self._waiting or self._attempts or self.gone.is_set()):
            self._forget(self._server)
            self.gone.set()
