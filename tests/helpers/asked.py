"""A core asked as a UDP server asks it: from its answer table, where that has the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubedns_py.assembly import Core
    from kubedns_py.server.arrival import Arrival


def asked(core: Core, message: bytes, arrival: Arrival) -> bytes:
    """Return the reply, from the table where it has one; what is asked must need nobody else."""
    table = core.responder.repeats(arrival.family) if arrival.proto == "udp" else None
    if table is not None:
        table.begin()
        known = table.repeat(message[2:])
        table.end(1)
        if known is not None:
            return message[:2] + known
    reply = core.responder.respond(message, arrival)
    assert isinstance(reply, bytes)
    return reply
