"""Who may have how many questions in flight.

Rules of this file:

- A question that is sent takes a slot; one that waits for the same answer takes a place beside it.
  Both are bounded in all and for each client, so that one client cannot take them from the others
  (L-04, FWD-7), and no pulse of replies can be gathered here (CVE-2024-33655).
- Who is not admitted is told at once, and why. Nothing is dropped in silence.
"""

from __future__ import annotations

from typing import Final

from kubedns_py.dns.rcode import EDE_OTHER, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.structs import Struct
from kubedns_py.upstream.counts import ForwardCounts, Reject

CLIENT_SHARE: Final = 10
"""No client has more than this part of the slots."""


class Bounds(Struct, frozen=True):
    """How much may be in flight.

    Attributes:
        slots: questions that are being asked, at least 1. Each holds a socket, at times several.
        places_per_slot: questions that wait for the same answer as another one, for each slot.
    """

    slots: int = 1000
    places_per_slot: int = 10

    @property
    def slots_of_client(self) -> int:
        """Slots for one client: a tenth."""
        return max(1, self.slots // CLIENT_SHARE)

    @property
    def places(self) -> int:
        """Questions that may wait in all."""
        return self.slots * self.places_per_slot

    @property
    def places_of_client(self) -> int:
        """Questions of one client that may wait: as many as there are slots (C-27)."""
        return self.slots


class Client:
    """What somebody has in flight.

    Attributes:
        address: as text.
        slots: questions of its that were sent.
        places: questions of its that wait for an answer, those that were sent too.
    """

    __slots__ = ("address", "places", "slots")

    def __init__(self, address: str) -> None:
        self.address = address
        self.slots = 0
        self.places = 0


class Admission:
    """Counts what is in flight.

    Attributes:
        slots: questions that are being asked.
        places: questions that wait for an answer, those that are being asked too.
    """

    __slots__ = ("_bounds", "_clients", "_counts", "_refusals", "_share", "places", "slots")

    def __init__(self, bounds: Bounds, counts: ForwardCounts) -> None:
        self.slots = 0
        self.places = 0
        self._bounds = bounds
        self._share = bounds.slots_of_client
        self._counts = counts
        self._clients: dict[str, Client] = {}
        self._refusals = {
            Reject.TOTAL: _refusal(f"{bounds.slots} is the limit of all clients"),
            Reject.CLIENT: _refusal(f"{self._share} is the limit of one client"),
        }

    @property
    def load(self) -> float:
        """The part of the slots that is taken, 0 to 1."""
        return self.slots / self._bounds.slots

    def begin(self, address: str) -> Client | Reply:
        """Take a slot, and a place in it; or return the refusal."""
        if self.slots >= self._bounds.slots:
            return self._refuse(Reject.TOTAL)
        client = self._clients.get(address)
        if client is None:
            client = self._clients[address] = Client(address)
        elif client.slots >= self._share:
            return self._refuse(Reject.CLIENT)
        self.slots += 1
        self.places += 1
        client.slots += 1
        client.places += 1
        return client

    def join(self, address: str) -> Client | Reply:
        """Take a place in somebody's slot; or return the refusal."""
        if self.places >= self._bounds.places:
            return self._refuse(Reject.TOTAL)
        client = self._clients.get(address)
        if client is None:
            client = self._clients[address] = Client(address)
        elif client.places >= self._bounds.places_of_client:
            return self._refuse(Reject.CLIENT)
        self.places += 1
        client.places += 1
        return client

    def end(self, client: Client) -> None:
        """Give a slot back, and the place in it that was taken with it; the others stay."""
        self.slots -= 1
        self.places -= 1
        client.slots -= 1
        client.places -= 1
        if not client.places:
            del self._clients[client.address]

    def leave(self, client: Client) -> None:
        """Give a place back that was taken in a slot of somebody else."""
        self.places -= 1
        client.places -= 1
        if not client.places:
            del self._clients[client.address]

    def _refuse(self, why: Reject) -> Reply:
        self._counts.rejects[why] += 1
        return self._refusals[why]


def _refusal(limit: str) -> Reply:
    text = f"too many questions are waiting: {limit}"
    return Reply(SERVFAIL, ede=ExtendedError(EDE_OTHER, text))
