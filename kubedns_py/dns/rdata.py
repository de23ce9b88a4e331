"""Names and rdata of a received message, read out of its compression.

Rules of this file:

- Nothing received is trusted. A pointer leads strictly backwards, to before the labels that it
  follows, so every name ends (RFC 1035, 4.1.4; RFC 9267, 2); hops and octets are bounded too.
- The names of one message together take work in proportion to its octets, so no message is dear.
- A verdict is a value: None says that the message is malformed.
- Only types that were known before RFC 3597 have compressed names (RFC 3597, 4); the rdata of all
  others is opaque.
"""

from __future__ import annotations

from typing import Final

from kubedns_py.dns.name import MAX_LABEL, MAX_NAME, ROOT, Name, from_wire
from kubedns_py.dns.query import HEADER_OCTETS
from kubedns_py.dns.rrset import AAAA, CNAME, NS, PTR, SOA, SRV, A

DNAME: Final = 39

_POINTER = 0xC0
_POINTER_OCTETS = 2
_QUESTION = (_POINTER << 8 | HEADER_OCTETS).to_bytes(_POINTER_OCTETS, "big")
_MOST_HOPS = 100
_MOST_RDATA = 65535
_SPARE_STEPS = 256
_SIG = 24
_NXT = 30
_NAPTR = 35
_NAPTR_STRINGS = 3
_SIZES = {A: 4, AAAA: 16}
_ONE_NAME = (0, 1, 0)
_TWO_NAMES = (0, 2, 0)
_PREFERENCE_AND_NAME = (2, 1, 0)
_FORMS: Final[dict[int, tuple[int, int, int | None]]] = {
    NS: _ONE_NAME,
    3: _ONE_NAME,  # MD
    4: _ONE_NAME,  # MF
    CNAME: _ONE_NAME,
    SOA: (0, 2, 20),
    7: _ONE_NAME,  # MB
    8: _ONE_NAME,  # MG
    9: _ONE_NAME,  # MR
    PTR: _ONE_NAME,
    14: _TWO_NAMES,  # MINFO
    15: _PREFERENCE_AND_NAME,  # MX
    17: _TWO_NAMES,  # RP
    18: _PREFERENCE_AND_NAME,  # AFSDB
    21: _PREFERENCE_AND_NAME,  # RT
    _SIG: (18, 1, None),
    26: (2, 2, 0),  # PX
    _NXT: (0, 1, None),
    SRV: (6, 1, 0),
    _NAPTR: (4, 1, 0),  # and three character-strings before the name
    36: _PREFERENCE_AND_NAME,  # KX
    DNAME: _ONE_NAME,
}
"""Per type: octets before its names, how many names, octets behind them (None: any number)."""


class Names:
    """Reads the names of one message.

    Args:
        message: as received, 12 to 65535 octets.
        asked: the folded name of its question, if it has one.
    """

    __slots__ = ("_owners", "_steps_left", "message")

    def __init__(self, message: bytes, asked: Name | None = None) -> None:
        self.message = message
        self._owners = {} if asked is None else {_QUESTION: asked}  # by pointer
        # A label takes two octets at least; a record with a name that ends in a pointer takes 16,
        # so this is 32 labels and pointers for each of the most records that a message can have.
        self._steps_left = _SPARE_STEPS + 2 * len(message)

    def owner(self, at: int) -> tuple[Name | None, int]:
        """Return the folded name at the beginning of a record, and the offset behind it.

        Returns:
            None for the name: see ``read``.
        """
        lead = self.message[at : at + _POINTER_OCTETS]
        owner = self._owners.get(lead)
        if owner is not None:
            return owner, at + _POINTER_OCTETS
        if lead[:1] == b"\0":
            return ROOT, at + 1
        found = self.read(at, len(self.message))
        if found is None:
            return None, at
        owner, behind = from_wire(found[0].lower()), found[1]
        if behind == at + _POINTER_OCTETS:  # a pointer, as the shortest label has three with 0
            self._owners[lead] = owner
        return owner, behind

    def read(self, at: int, end: int) -> tuple[bytes, int] | None:
        """Return a name as it was spelled, without compression, and the offset behind it.

        Args:
            at: offset of its first octet.
            end: where it must have ended, of the message or of the rdata; so must what it points
                at, which stands before it.

        Returns:
            None: it does not end there, its pointers do not lead backwards, it is longer than 255
            octets, it has an extended label (RFC 6891, 5), or the names read so far took too long.
        """
        message = self.message
        runs: list[bytes] = []
        start, behind, room = at, 0, MAX_NAME
        for step in range(self._steps_left):
            if at >= end or at - start >= room:
                return None
            length = message[at]
            if not length:
                self._steps_left -= step + 1
                runs.append(message[start : at + 1])
                return b"".join(runs), behind or at + 1
            if length <= MAX_LABEL:
                at += 1 + length
                continue
            target = (length & 0x3F) << 8 | message[at + 1] if at + 1 < end else start
            if length < _POINTER or not HEADER_OCTETS <= target < start or len(runs) == _MOST_HOPS:
                return None
            runs.append(message[start:at])
            room -= at - start
            behind = behind or at + 2
            start = at = target
        return None


def read_rdata(names: Names, rtype: int, start: int, end: int) -> bytes | None:
    """Return the rdata between two offsets with its names uncompressed and spelled as sent.

    Args:
        names: those of the message.
        rtype: any.
        start: offset of its first octet.
        end: offset behind it, within the message.

    Returns:
        At most 65535 octets. None: an address of the wrong size, a name that does not end inside,
        or octets left over.
    """
    form = _FORMS.get(rtype)
    if form is None:
        size = _SIZES.get(rtype)
        return None if size is not None and end - start != size else names.message[start:end]
    before, count, after = form
    at = start + before
    if rtype == _NAPTR:
        at = _behind_strings(names.message, at, end)
    parts = [names.message[start:at]]
    for _ in range(count):
        found = names.read(at, end)
        if found is None:
            return None
        name, at = found
        parts.append(name)
    if after is not None and end - at != after:
        return None
    parts.append(names.message[at:end])
    rdata = b"".join(parts)
    return rdata if len(rdata) <= _MOST_RDATA else None


def _behind_strings(message: bytes, at: int, end: int) -> int:
    """Return the offset behind the flags, services and regexp of NAPTR (RFC 3403, 4.1)."""
    for _ in range(_NAPTR_STRINGS):
        if at < end:
            at += 1 + message[at]
    return at
