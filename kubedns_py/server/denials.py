"""NODATA and NXDOMAIN as octets: the same behind every question of one length.

Rules of this file:

- What is said is what ``render`` said before: behind a question in lower case, a denial's octets
  depend on nothing but where the zone's apex stands in it, as all names in them point there.
- That is not so where a question's own labels are those of the SOA record; such ones are rendered.
"""

from __future__ import annotations

from typing import Final

from kubedns_py.dns.query import HEADER_OCTETS, ID_OCTETS, RD, Query
from kubedns_py.dns.render import Reply, Shape, render
from kubedns_py.dns.rrset import SOA
from kubedns_py.resolver.answers import HOSTMASTER
from kubedns_py.zone.naming import DNS

_MOST_KEPT: Final = 1024
"""One for each zone, rcode, length of a question, and form of a query; some 500 octets each."""
_TYPE_CLASS_OCTETS: Final = 4
_IN_SOA: Final = frozenset({(DNS,), (HOSTMASTER,)})
"""Labels that stand before the apex in a SOA record."""

_Kept = tuple[Reply, bytes, bytes]
"""What was said, and its octets between ID and question, and behind the question."""


class Denials:
    """Says again what was said before.

    Args:
        shape: how replies look.
    """

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._kept: dict[tuple[int, int, int], _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def octets(self, query: Query, reply: Reply, limit: int) -> bytes | None:
        """Return a whole message, or None for what is no simple denial; see ``render``.

        Args:
            query: what is answered.
            reply: what to say. The same value makes it cheap, an equal one does not.
            limit: most octets.
        """
        if reply.answer or not reply.authoritative or reply.ede is not None:
            return None
        question = query.question
        wire = question[:-_TYPE_CLASS_OCTETS]
        if wire != wire.lower() or not _is_simple(query, reply):
            return None
        edns = query.edns
        form = query.flags & RD | (0 if edns is None else 2 if edns.do else 1)
        key = (id(reply), len(question), form)
        kept = self._kept.get(key)
        if kept is None or kept[0] is not reply:
            kept = self._render(query, reply, key)
        _, head, tail = kept
        if ID_OCTETS + len(head) + len(question) + len(tail) > limit:
            return None
        return query.id.to_bytes(ID_OCTETS, "big") + head + question + tail

    def _render(self, query: Query, reply: Reply, key: tuple[int, int, int]) -> _Kept:
        octets = render(query, reply, _NO_LIMIT, shape=self._shape, turn=0).octets
        end = HEADER_OCTETS + len(query.question)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        kept = self._kept[key] = (reply, octets[ID_OCTETS:HEADER_OCTETS], octets[end:])
        return kept


_NO_LIMIT: Final = 4096
"""More than any denial has."""


def _is_simple(query: Query, reply: Reply) -> bool:
    """Tell whether the SOA is all there is, and its names meet the question's at the apex only."""
    authority = reply.authority
    if len(authority) != 1 or authority[0].rtype != SOA or reply.additional or reply.truncated:
        return False
    name, owner = query.name, authority[0].owner
    labels = len(owner)
    return name[-labels:] == owner and name[-labels - 1 : -labels] not in _IN_SOA
