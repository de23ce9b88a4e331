"""A query whose answer somebody else has: what becomes of it until the reply is made.

Rules of this file:

- Nothing here waits. What is known at once is answered at once; otherwise a ``Deferred`` is
  returned, and the upstreams' word comes by a callback.
- An alias may lead from an upstream's answer to a name of ours and out again: each word is joined
  to what came before by ``complete``, which also bounds how often.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.query import CD, Query
from kubedns_py.dns.rcode import NOERROR, NXDOMAIN
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import IN
from kubedns_py.resolver.complete import complete, given_up
from kubedns_py.resolver.view import Resolution, View
from kubedns_py.server.arrival import Deliver
from kubedns_py.structs import Struct

MOST_STEPS: Final = 4
"""Times that one query asks upstreams: once, and for each alias that leads to another route."""


class Upstreams(Protocol):
    """Who is asked for names that are not ours. Replies are not authoritative, and cleaned."""

    @property
    def generation(self) -> int:
        """Grows whenever other upstreams are asked than before."""

    def find(self, ask: Ask) -> Reply | None:
        """Return what is known at once, or None."""

    def counted(self, ask: Ask) -> tuple[float, int]:
        """Return since when the TTLs of what ``find`` returned count down, and by how much."""

    def fetch(self, ask: Ask, client: str, done: Callable[[Reply], None]) -> Reply | None:
        """Ask for what ``find`` did not know.

        Args:
            ask: what to ask.
            client: the address that the query came from, as text.
            done: called once with the reply, after this has returned None.

        Returns:
            A failure that is known at once; ``done`` is not called then.
        """

    def credit(self, ask: Ask, hits: int) -> None:
        """Learn that a reply which ``find`` returned was sent that many times more."""


def ask_of(query: Query, found: Resolution) -> Ask:
    """Return what has to be asked for a resolution that has ``onward``."""
    assert found.onward is not None  # noqa: S101 - the contract
    do = query.edns is not None and query.edns.do
    return Ask(found.onward.name, query.qtype, IN, do, bool(query.flags & CD))


def is_plain(before: Resolution, found: Resolution, said: Reply) -> bool:
    """Tell whether a reply is an upstream's alone: no name of ours has a part in it.

    Reverse names are not plain: their addresses may become a Service's at any time.
    """
    reply = found.reply
    return (
        before.rule in {"outside", "stub_domain"}
        and found.onward is None
        and reply.rcode in {NOERROR, NXDOMAIN}
        and reply.answer == said.answer
        and reply.authority is said.authority
        and reply.ede is None
        and not reply.truncated
    )


def look_up(query: Query, found: Resolution, view: View, upstreams: Upstreams) -> Resolution:
    """Complete a resolution with what is known at once; it has ``onward`` where that ends."""
    while found.onward is not None:
        said = upstreams.find(ask_of(query, found))
        if said is None:
            return found
        found = complete(found, said, view)
    return found


class Pending(Struct, eq=False):
    """A ``Deferred`` for one query.

    Args:
        query: what a client asked.
        ask: what has to be asked first: ``ask_of`` of these two.
        found: has ``onward``.
        view: what our own names are answered from.
        upstreams: who is asked.
        finish: makes the reply of a complete resolution, or of a fault of ours.
    """

    _query: Query
    _ask: Ask
    _found: Resolution
    _view: View
    _upstreams: Upstreams
    _finish: Callable[[Resolution | Exception], bytes]
    _steps: int = 0
    _client: str = ""
    _deliver: Deliver | None = None

    def begin(self, client: str, deliver: Deliver) -> None:
        """Ask; see ``Deferred``."""
        self._client = client
        self._deliver = deliver
        self._fetch()

    def abandon(self) -> None:
        """Forget the client; see ``Deferred``."""
        self._deliver = None

    def _fetch(self) -> None:
        self._steps += 1
        said = self._upstreams.fetch(self._ask, self._client, self._take)
        if said is not None:
            self._take(said)

    def _take(self, said: Reply) -> None:
        deliver = self._deliver
        if deliver is None:
            return
        try:
            found = complete(self._found, said, self._view)
            if found.onward is not None:
                found = look_up(self._query, found, self._view, self._upstreams)
                if found.onward is not None and self._steps == MOST_STEPS:
                    found = given_up(found)
            octets = None if found.onward else self._finish(found)
        except Exception as fault:  # noqa: BLE001 - counted, said and answered by finish
            octets = self._finish(fault)
        if octets is None:
            self._found = found
            self._ask = ask_of(self._query, found)
            self._fetch()
        else:
            deliver(octets)
