"""Answers from data that is older than the operator allows (T-61).

They are still the best that is known, so they are given; a client that looks at EDE can tell, and
a short TTL makes everybody ask again soon (RFC 8914, 4.4; RFC 8767 for the idea).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kubedns_py.dns.rcode import EDE_STALE, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import RRset
from kubedns_py.structs import replace

STALE_TTL: Final = 5
"""Seconds that an old answer may be kept at most."""

_STALE = ExtendedError(EDE_STALE, "the API server has not been heard for too long")


def aged(reply: Reply) -> Reply:
    """Return the reply with short TTLs and, unless it has another error to tell, EDE 3."""
    return replace(
        reply,
        answer=_short(reply.answer),
        authority=_short(reply.authority),
        additional=_short(reply.additional),
        ede=reply.ede or _STALE,
    )


def _short(rrsets: Sequence[RRset]) -> tuple[RRset, ...]:
    return tuple(replace(rrset, ttl=min(rrset.ttl, STALE_TTL)) for rrset in rrsets)
