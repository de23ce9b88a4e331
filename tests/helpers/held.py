"""Replies that are waited for and come on command, and what gives them."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from tests.helpers.dnsclient import ident_of
from tests.helpers.tcpserver import reply_to
from tests.helpers.waiting import until

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from kubedns_py.server.arrival import Arrival, Deferred, Deliver


class Manner(enum.Enum):
    """How a reply comes, or does not."""

    ON_COMMAND = enum.auto()
    AT_ONCE = enum.auto()  # before ``begin`` returns
    BROKEN = enum.auto()  # ``begin`` raises, and so does ``abandon``


class Held:
    """A Deferred: the reply comes when the test says so, however often.

    Attributes:
        client: who asked; None before it is begun.
        abandoned: how often it was abandoned.
    """

    def __init__(
        self, message: bytes, arrival: Arrival, manner: Manner = Manner.ON_COMMAND
    ) -> None:
        self.client: str | None = None
        self.abandoned = 0
        self._reply = reply_to(message, arrival)
        self._manner = manner
        self._deliver: Deliver

    def begin(self, client: str, deliver: Deliver) -> None:
        """Keep who waits."""
        self.client, self._deliver = client, deliver
        if self._manner is Manner.BROKEN:
            raise KeyError(client)
        if self._manner is Manner.AT_ONCE:
            self.come()

    def abandon(self) -> None:
        """Count it."""
        self.abandoned += 1
        if self._manner is Manner.BROKEN:
            raise KeyError(self.client)

    def come(self, octets: int = 0) -> None:
        """Deliver the query as a response, filled up with zeros."""
        self._deliver(self._reply.ljust(octets, b"\0"))

    def fail_to_come(self) -> None:
        """Deliver that there is no reply."""
        self._deliver(None)


class Elsewhere:
    """A Respond: some queries it answers at once, for others a reply has to be waited for.

    Args:
        idents: the IDs of those others; None: every query.
        manner: how their replies come.

    Attributes:
        held: what is waited for, by ID.
    """

    def __init__(
        self, idents: Container[int] | None = None, manner: Manner = Manner.ON_COMMAND
    ) -> None:
        self.held: dict[int, Held] = {}
        self._idents = idents
        self._manner = manner

    def __call__(self, message: bytes, arrival: Arrival) -> bytes | Deferred:
        """Answer, or keep the query by its ID."""
        ident = ident_of(message)
        if self._idents is not None and ident not in self._idents:
            return reply_to(message, arrival)
        held = self.held[ident] = Held(message, arrival, self._manner)
        return held

    async def begun(self, count: int) -> None:
        """Wait until so many have been begun, since the start."""
        await until(lambda: len(self.held) >= count)

    async def has_begun(self, ident: int) -> None:
        """Wait until this one has been begun."""
        await until(lambda: ident in self.held)

    def come(self, idents: Iterable[int], octets: int = 0) -> None:
        """Let the replies to these IDs come, in this order."""
        for ident in idents:
            self.held[ident].come(octets)

    @property
    def abandoned(self) -> list[int]:
        """Return the IDs of what has been abandoned."""
        return [ident for ident, held in self.held.items() if held.abandoned]
