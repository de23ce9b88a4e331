"""One question's replies as octets, ready to be sent again.

Rules of this file:

- A reply is kept without its ID, as queries are looked up. Nothing of it changes but TTLs that
  count down (what others said) and the serial of our SOA record (what we deny): both are written
  into the octets when the entry is next used, however often they changed meanwhile.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Final

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.lifetime import later
from kubedns_py.server.ring import Ring
from kubedns_py.structs import Struct

if TYPE_CHECKING:
    from kubedns_py.resolver.dependencies import Dependencies

_ENTRY_OCTETS: Final = 750
"""Memory of an entry beside its octets, records and keys, measured with tracemalloc."""
_RECORD_OCTETS: Final = 150
_ANSWERS: Final = slice(4, 6)
_NONE: Final = b"\0\0"
_SERIAL = struct.Struct("!I")


Texts = tuple[bytes, ...] | Ring
"""Replies without their IDs, by number."""


class Facts(Struct, frozen=True, gc=False):
    """What is counted of each use.

    Attributes:
        zone, qtype, do, rcode, rule: as ``Tally.record`` takes them.
        family: 1 for IPv4, 2 for IPv6: how the queries come.
        asked_octets: of a query, ID included.
        replied_octets: of a reply, ID included.
        is_cut: whether the reply lost records.
        ask: the key of the cache that the answer came from, if it did.
    """

    zone: str
    qtype: int
    do: bool
    rcode: int
    rule: str
    family: int = 0
    asked_octets: int = 0
    replied_octets: int = 0
    is_cut: bool = False
    ask: Ask | None = None


class Content(Struct, frozen=True, gc=False):
    """Everything of an entry that another process needs to repeat it.

    Attributes:
        facts: what is counted of each use.
        texts: the replies without their IDs, all of one length, alike but for the order of their
            addresses.
        made: monotonic seconds, when ``ttls`` were right.
        until: when it ends.
        ttls: where TTLs stand that count down, and what they were, for each of ``texts``.
        serials: where the serial of a zone stands.
        zone: which of the zones that is, by number.
        ring: what replies are made of where ``texts`` has only one of many.
    """

    facts: Facts
    texts: tuple[bytes, ...]
    made: float = 0.0
    until: float = inf
    ttls: tuple[tuple[tuple[int, int], ...], ...] = ()
    serials: tuple[int, ...] = ()
    zone: int = 0
    ring: Ring | None = None

    @property
    def is_denial(self) -> bool:
        """Whether there is no record in the answer, or an error."""
        return bool(self.facts.rcode) or self.texts[0][_ANSWERS] == _NONE


class _AtEachUse:
    """What of an entry is read or written at each use.

    Slots of a base come first, so these are beside the count of references. A use of one of 10,000
    entries finds little of it in the processor's caches: each value elsewhere, an integer above 256
    or a number of its own for "never", costs as much as the look-up.
    """

    __slots__ = ("due", "only", "turn", "uses")

    def __init__(self) -> None:
        self.due = inf
        self.only: bytes | None = None
        self.turn = 1
        self.uses = 0


class Entry(_AtEachUse):
    """A question's replies, and what is known of their use.

    Args:
        number: which it is; none is given twice.
        content: what it repeats, made now.
        depends: what it ends with, apart from its time.

    Attributes:
        texts: the replies as they are now.
        only: the reply, if there is one alone.
        due: when they have to be looked at again; long ago, where a serial changed.
        uses: how many replies were given that are not counted yet.
        turn: which of the replies the first of these was, modulo how many there are.
        is_used: whether it was used since somebody looked for room.
        keys: the queries that it is found by, without their IDs.
        fold: what else it is found by.
        size_octets: estimate of its memory.
    """

    __slots__ = (
        "content",
        "depends",
        "fold",
        "is_used",
        "keys",
        "number",
        "size_octets",
        "texts",
    )

    def __init__(self, number: int, content: Content, depends: Dependencies | None = None) -> None:
        super().__init__()
        self.number = number
        self.content = content
        self.depends = depends
        self.texts: Texts
        self._have(content.texts if content.ring is None else content.ring)
        self.is_used = False
        self.keys: tuple[bytes, ...] = ()
        self.fold = b""
        if content.until != inf:
            self.due = min(content.made + 1, content.until) if content.ttls else content.until
        records = sum(map(len, {id(each): each for each in content.ttls}.values()))
        octets = sum(map(len, content.texts)) * (2 if content.ttls or content.serials else 1)
        if content.ring is not None:
            octets += len(content.ring.records) + len(content.ring.head)
        self.size_octets = _ENTRY_OCTETS + octets + _RECORD_OCTETS * records

    def renew(self, now: float, zone_serials: Sequence[int]) -> None:
        """Write what changed into the octets; not after the end.

        Args:
            now: monotonic seconds.
            zone_serials: of the zones, by number.
        """
        content = self.content
        if content.ttls:
            seconds = int(now - content.made)
            self._have(
                tuple(
                    later(text, fields, seconds)
                    for text, fields in zip(content.texts, content.ttls, strict=True)
                )
            )
            self.due = min(content.made + seconds + 1, content.until)
        if content.serials:
            serial = _SERIAL.pack(zone_serials[content.zone] & 0xFFFFFFFF)
            self._have(tuple(_replaced(each, content.serials, serial) for each in content.texts))
            self.due = inf if content.until == inf else content.until

    def _have(self, texts: Texts) -> None:
        self.texts = texts
        self.only = texts[0] if len(texts) == 1 else None


def _replaced(text: bytes, places: Sequence[int], octets: bytes) -> bytes:
    for at in places:
        text = text[:at] + octets + text[at + len(octets) :]
    return text
