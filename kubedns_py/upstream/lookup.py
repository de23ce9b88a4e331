"""One question in flight: to whom it is sent, when again, and which reply is taken.

Rules of this file:

- Whoever was asked stays listened to until there is an answer: asking somebody else too costs less
  than guessing wrong, and a lost packet costs little. The first good reply wins.
- What a server says moves the question on at once; what it does not say, after a while.
- No server is sent a question more than 3 times, over all transports (RFC 9520, 3.1; C-11), and no
  client waits longer than 4.5 s, because stub resolvers give up after 5 (C-15).
- Each wait for servers that were asked before is twice as long as the one before it.
- No timer is held here: ``on_time`` has to be called once ``due`` has come.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.chain import Elsewhere, clean
from kubedns_py.dns.rcode import BADVERS, FORMERR, NOERROR, NOTIMP, NXDOMAIN
from kubedns_py.dns.render import Reply
from kubedns_py.dns.response import Response
from kubedns_py.structs import Struct, replace
from kubedns_py.upstream.admission import Client
from kubedns_py.upstream.attempt import (
    ANSWERED,
    ENDLESS,
    MAX_SENDS,
    NO_EDNS,
    TRUNCATED,
    Attempt,
    failure_reply,
    garbled,
    is_closed_to_udp,
    knows_edns,
    learn,
    least_asked,
    may_still_come,
    may_use_stream,
    sends,
)
from kubedns_py.upstream.counts import ForwardCounts, Retry
from kubedns_py.upstream.exchange import Exchanges, Failure
from kubedns_py.upstream.health import Health
from kubedns_py.upstream.panel import Choice, Panel

TOTAL_S: Final = 4.5
"""The longest that a question is in flight."""

REST_S: Final = 2.0
"""How long the others are waited for when one server has spoken, but had no answer."""

LOOK_S: Final = 0.5
"""How often it is looked whether those who could still reply have gone down."""

_YXDOMAIN = 6  # a DNAME made too long a name: an answer (RFC 6672, 2.2)
_ANSWERS = frozenset({NOERROR, NXDOMAIN, _YXDOMAIN})
_WITHOUT_EDNS = frozenset({FORMERR, NOTIMP})


Waiter = tuple[Client, Callable[[Reply], None]]
"""Who waits for the answer, and how to tell."""


class Means(Struct, frozen=True):
    """What every look-up needs.

    Attributes:
        udp: questions over UDP.
        streams: questions over TCP and TLS.
        now: monotonic seconds.
        is_elsewhere: see ``clean``.
        counts: for metrics.
        on_suspect: called with a server that did not do what it should.
        on_end: called once for each look-up, with the reply.
    """

    udp: Exchanges
    streams: Exchanges
    now: Callable[[], float]
    is_elsewhere: Elsewhere
    counts: ForwardCounts
    on_suspect: Callable[[Health], None]
    on_end: Callable[[Lookup, Reply], None]


class Desk(NamedTuple):
    """A route at work.

    Attributes:
        panel: its servers.
        lookups: its questions in flight.
    """

    panel: Panel
    lookups: dict[Ask, Lookup]


class Lookup(Struct, eq=False):
    """One question in flight.

    Attributes:
        ask: the question.
        waiters: who waits; the first one holds the slot.
        attempts: every sending so far.
        due: when ``on_time`` has to be called.
    """

    ask: Ask
    _desk: Desk
    _means: Means
    waiters: list[Waiter]
    attempts: list[Attempt]
    due: float = inf  # until it has begun, which says the next two as well
    _deadline: float = inf
    _patient_until: float = inf
    _partial: Reply | None = None  # what a truncated reply held

    def begin(self, choice: Choice, now: float) -> None:
        """Ask for the first time."""
        health = choice.health
        self._desk.lookups[self.ask] = self
        self._deadline = now + TOTAL_S
        self._send(health, now, health.streams_until > now, health.plain_until <= now)
        self.due = self._patient_until = now + choice.patience_s

    def on_time(self, now: float) -> None:
        """Do what is to be done without a reply: ask again, ask somebody else, or give up."""
        if now >= self._deadline:
            self._give_up()
            return
        if now < self._patient_until and may_still_come(self.attempts):
            self._wait(now)
            return
        self._note_who_is_late(now)
        unreadable = garbled(self.attempts)
        if unreadable is not None:
            self._again(unreadable, now, Retry.SUSPICIOUS, over_stream=True)
            return
        health = self._next(now)
        if health is not None:
            self._again(health, now, Retry.LATE, over_stream=self._by_stream(health, now))
        elif may_still_come(self.attempts):
            self._wait(now)
        else:
            self._give_up()

    def cancel(self) -> None:
        """End it without a word."""
        self.due = inf
        del self._desk.lookups[self.ask]
        for attempt in self.attempts:
            if not attempt.end:
                attempt.exchange.cancel()
        self.attempts.clear()  # they know this look-up: no cycle is left for the collector

    # -- replies

    def _take(self, attempt: Attempt, outcome: Response | Failure) -> None:
        now = self._means.now()
        if not isinstance(outcome, Response):
            attempt.failed(outcome)
            self._on_failure(attempt, outcome, now)
            return
        health, rcode = attempt.health, outcome.rcode
        seconds = now - attempt.started
        health.replied(seconds, now)
        health.counts.replied(rcode, seconds)
        if rcode in _ANSWERS:
            self._on_answer(attempt, outcome, now)
        elif _refuses_edns(attempt, outcome) and sends(self.attempts, health) < MAX_SENDS:
            attempt.end = NO_EDNS
            self._again(health, now, Retry.EDNS, over_stream=attempt.over_stream)
        else:
            attempt.said(rcode)
            self._move_on(now, Retry.REFUSED)

    def _on_answer(self, attempt: Attempt, response: Response, now: float) -> None:
        reply = clean(response, self.ask, is_elsewhere=self._means.is_elsewhere)
        if response.truncated:
            attempt.sent(TRUNCATED)
            self._partial = replace(reply or Reply(NOERROR), truncated=True)
            self._complete(attempt, now)
        elif reply is None:
            attempt.sent(ENDLESS)
            self._move_on(now, Retry.REFUSED)
        else:
            attempt.end = ANSWERED
            if len(self.attempts) > 1:
                learn(self.attempts, attempt, now)
            self.cancel()
            self._means.on_end(self, reply)

    def _complete(self, attempt: Attempt, now: float) -> None:
        """Ask for the rest of a truncated reply (RFC 7766, 5)."""
        health = attempt.health
        if may_use_stream(self.attempts, health):
            self._hurry(now)
            self._again(health, now, Retry.TRUNCATED, over_stream=True)
        elif not any(other.over_stream and not other.end for other in self.attempts):
            self._complete_elsewhere(now)

    def _complete_elsewhere(self, now: float) -> None:
        """Ask a server that was not asked yet for the whole; without one, a part has to do."""
        health = self._next(now)
        if health is not None and not sends(self.attempts, health):
            by_stream = self._by_stream(health, now)
            self._again(health, now, Retry.TRUNCATED, over_stream=by_stream)
        elif not may_still_come(self.attempts):
            self._give_up()

    def _on_failure(self, attempt: Attempt, failure: Failure, now: float) -> None:
        health = attempt.health
        is_second_way = attempt.over_stream and not health.needs_streams(now)
        if is_second_way and self._partial is not None:
            self._complete_elsewhere(now)
        elif failure is Failure.NO_SOCKET:
            return  # ours, not the server's; the next turn tries again
        elif failure is Failure.SUSPICIOUS and may_use_stream(self.attempts, health):
            self._again(health, now, Retry.SUSPICIOUS, over_stream=True)
        else:
            if not is_second_way:
                health.failed(over_stream=attempt.over_stream)
                self._means.on_suspect(health)
            self._move_on(now, Retry.UNREACHABLE)

    # -- what next

    def _move_on(self, now: float, why: Retry) -> None:
        """Ask the next server at once, or the same over TCP where UDP is closed."""
        if why is Retry.REFUSED:
            self._hurry(now)
        health = self._next(now)
        if health is not None and (
            not sends(self.attempts, health) or is_closed_to_udp(self.attempts, health)
        ):
            self._again(health, now, why, over_stream=self._by_stream(health, now))
        elif may_still_come(self.attempts):
            return
        elif health is not None:
            self.due = min(self.due, now + LOOK_S)  # perhaps it is starting again
        else:
            self._give_up()

    def _hurry(self, now: float) -> None:
        self._deadline = min(self._deadline, now + REST_S)
        self.due = min(self.due, self._deadline)

    def _next(self, now: float) -> Health | None:
        return least_asked(self.attempts, self._desk.panel.usable(now))

    def _by_stream(self, health: Health, now: float) -> bool:
        """Tell whether the next question to a server goes over TCP: UDP has failed, or all has."""
        if health.needs_streams(now):
            return True
        if is_closed_to_udp(self.attempts, health):
            return True
        is_last = sends(self.attempts, health) == MAX_SENDS - 1
        return is_last and may_use_stream(self.attempts, health)

    def _note_who_is_late(self, now: float) -> None:
        for attempt in self.attempts:
            if not attempt.end and not attempt.is_late:
                attempt.is_late = True
                if attempt.health.needs_streams(now) or not attempt.over_stream:
                    attempt.health.kept_waiting(now - attempt.started)
                    self._means.on_suspect(attempt.health)

    # -- ends

    def _again(self, health: Health, now: float, why: Retry, *, over_stream: bool) -> None:
        self._means.counts.retries[why] += 1
        wait = self._desk.panel.patience_s(health, now) * 2 ** sends(self.attempts, health)
        edns = health.knows_edns(now) and knows_edns(self.attempts, health)
        self._send(health, now, over_stream, edns)
        self._patient_until = now + wait
        self._wait(now)

    def _wait(self, now: float) -> None:
        self.due = min(now + LOOK_S, self._deadline)
        if now < self._patient_until < self.due:
            self.due = self._patient_until

    def _send(
        self,
        health: Health,
        now: float,
        over_stream: bool,  # noqa: FBT001 - keywords cost 0.1 us
        edns: bool,  # noqa: FBT001 - same
    ) -> None:
        attempt = Attempt(health, now, self._take, over_stream, edns)
        self.attempts.append(attempt)
        health.counts.requests += 1
        exchanges = self._means.streams if over_stream else self._means.udp
        attempt.exchange = exchanges.begin(health.server, self.ask, attempt.done, edns=edns)

    def _give_up(self) -> None:
        reply = self._partial or failure_reply(self.attempts)
        self.cancel()
        self._means.on_end(self, reply)


def _refuses_edns(attempt: Attempt, response: Response) -> bool:
    """Tell whether a reply is about the OPT record: who knows EDNS sends one (RFC 6891, 7)."""
    if not attempt.edns:
        return False
    return response.rcode == BADVERS or (response.rcode in _WITHOUT_EDNS and not response.edns)
