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


class Entry:
    """A question's replies, and what is known of their use.

    Args:
        number: which it is; none is given twice.
        content: what it repeats, made now.
        depends: what it ends with, apart from its time.

    Attributes:
        texts: the replies as they are now.
        due: when they have to be looked at again; long ago, where a serial changed.
        uses: how many replies were given.
        first_uncounted: which use is the first one that was not counted.
        is_used: whether it was used since somebody looked for room.
        keys: the queries that it is found by, without their IDs.
        fold: what else it is found by.
        size_octets: estimate of its memory.
    """

    __slots__ = (
        "content",
        "depends",
        "due",
        "first_uncounted",
        "fold",
        "is_used",
        "keys",
        "number",
        "size_octets",
        "texts",
        "uses",
    )

    def __init__(self, number: int, content: Content, depends: Dependencies | None = None) -> None:
        self.number = number
        self.content = content
        self.depends = depends
        self.texts: Texts = content.texts if content.ring is None else content.ring
        self.uses = 0
        self.first_uncounted = 1
        self.is_used = False
        self.keys: tuple[bytes, ...] = ()
        self.fold = b""
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
            self.texts = tuple(
                later(text, fields, seconds)
                for text, fields in zip(content.texts, content.ttls, strict=True)
            )
            self.due = min(content.made + seconds + 1, content.until)
        if content.serials:
            serial = _SERIAL.pack(zone_serials[content.zone] & 0xFFFFFFFF)
            self.texts = tuple(_replaced(text, content.serials, serial) for text in content.texts)
            self.due = content.until


def _replaced(text: bytes, places: Sequence[int], octets: bytes) -> bytes:
    for at in places:
        text = text[:at] + octets + text[at + len(octets) :]
    return text
