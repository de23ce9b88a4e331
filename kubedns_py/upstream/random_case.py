"""Questions over UDP in random case, for who wants it (C-05).

Rules of this file:

- A reply in another case than the question's is none: it is counted, and the wait goes on (C-01).
- It may be that of a server that has a case of its own. So the question goes out once more at
  once, in lower case; likewise where a server refuses one with capitals (DVE-2017-0006). If the
  second has a reply before the first has, the server gets lower case for a quarter of an hour.
- Somebody who can forge such a reply gains nothing by it: the server's own reply to the first is on
  its way already.
- Only who uses this pays for it. TCP and TLS are not used with it: nobody can guess there.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final, Protocol

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.rcode import REFUSED
from kubedns_py.dns.response import Response
from kubedns_py.upstream.exchange import Done, Exchange, Failure
from kubedns_py.upstream.spelling import Spelling, at_random

PLAIN_S: Final = 900
"""How long it is remembered that a server does not keep the case of a question."""


class Datagrams(Protocol):
    """Begins exchanges over UDP; see ``Exchanges``."""

    def begin(
        self,
        server: Nameserver,
        ask: Ask,
        done: Done,
        *,
        edns: bool,
        spelling: Spelling | None = None,
    ) -> Exchange:
        """Send ``ask``, in lower case or in a spelling of its own, and wait for the reply."""


class RandomCase:
    """Begins exchanges over UDP, in random case where that may be.

    Args:
        udp: what sends and receives.
        now: monotonic seconds.
    """

    def __init__(self, udp: Datagrams, now: Callable[[], float]) -> None:
        self._udp = udp
        self._now = now
        self._plain_until: dict[Nameserver, float] = {}

    def begin(self, server: Nameserver, ask: Ask, done: Done, *, edns: bool) -> Exchange:
        """Send ``ask`` to ``server`` and wait for the reply; see ``Exchanges``."""
        if self._plain_until.get(server, -inf) > self._now():
            return self._udp.begin(server, ask, done, edns=edns)
        octets = at_random(ask.name)
        if octets is None:
            return self._udp.begin(server, ask, done, edns=edns)

        def again(taken: Done) -> Exchange:
            return self._udp.begin(server, ask, taken, edns=edns)

        cased = _Cased(done, again, lambda: self._remember(server))
        spelling = Spelling(octets, cased.came_otherwise)
        cased.first = self._udp.begin(server, ask, cased.replied, edns=edns, spelling=spelling)
        return cased

    def _remember(self, server: Nameserver) -> None:
        now = self._now()
        known = self._plain_until.items()
        self._plain_until = {each: until for each, until in known if until > now}
        self._plain_until[server] = now + PLAIN_S


class _Cased:
    """An exchange in random case, and perhaps a second one of the same question in lower case.

    Args:
        done: takes the end.
        again: begins the second.
        remember: called when the server needs it.

    Attributes:
        first: the one in random case, until the end; set at once by whoever made this.
    """

    __slots__ = ("_again", "_done", "_passed_over", "_refusal", "_remember", "_second", "first")

    def __init__(
        self, done: Done, again: Callable[[Done], Exchange], remember: Callable[[], None]
    ) -> None:
        self.first: Exchange | None = None
        self._second: Exchange | None = None
        self._done: Done | None = done
        self._again: Callable[[Done], Exchange] | None = again
        self._remember = remember
        self._refusal: Response | None = None
        self._passed_over = 0

    @property
    def mismatches(self) -> int:
        """See ``Exchange``."""
        return self._passed_over + sum(each.mismatches for each in self._both())

    def cancel(self) -> None:
        """See ``Exchange``."""
        self._passed_over = self.mismatches
        for each in self._both():
            each.cancel()
        self._done = self._again = self.first = self._second = None  # they know this: no cycle

    def came_otherwise(self) -> None:
        """Ask once more: a reply came in another case."""
        again, self._again = self._again, None
        if again is not None:
            self._second = again(self._replied_to_second)

    def replied(self, outcome: Response | Failure) -> None:
        """Take the end of the one in random case."""
        if isinstance(outcome, Response) and outcome.rcode == REFUSED:
            self._refusal = outcome
            self.came_otherwise()
            if self._second is not None:
                return
        self._end(outcome)

    def _replied_to_second(self, outcome: Response | Failure) -> None:
        if isinstance(outcome, Response):
            if self._refusal is None or outcome.rcode != REFUSED:
                self._remember()
            self._end(outcome)
        elif self._refusal is not None:
            self._end(self._refusal)
        elif self._second is not None:  # the first may still have its reply
            self._passed_over += self._second.mismatches
            self._second = None

    def _end(self, outcome: Response | Failure) -> None:
        done = self._done
        self.cancel()
        if done is not None:
            done(outcome)

    def _both(self) -> list[Exchange]:
        return [each for each in (self.first, self._second) if each is not None]
