"""The letters of a question as capitals or not, by chance: 0x20 (draft-vixie-dnsext-dns0x20; C-05).

Names are compared without regard to case and come back as they were sent (RFC 4343, 4.1), so each
letter of a name is another bit that a forger has to guess.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Final, NamedTuple

from kubedns_py.dns.name import Name, WireName, to_wire
from kubedns_py.dns.query import HEADER_OCTETS

_CAPITAL: Final = 0x20
"""The bit in which a letter and its capital differ."""

_A, _Z = ord("a"), ord("z")
_CHANCE_OCTETS: Final = 32  # a bit for each of the 255 octets of the longest name
_QDCOUNT: Final = slice(4, 6)
_NONE: Final = b"\0\0"


class Spelling(NamedTuple):
    """How a question spells its name, and its reply has to.

    Attributes:
        octets: the name.
        on_other: called for each reply to the question that spells it in another way.
    """

    octets: WireName
    on_other: Callable[[], None]

    def put_into(self, query: bytes) -> bytes:
        """Return a query for the same name with this spelling of it."""
        behind = HEADER_OCTETS + len(self.octets)
        return query[:HEADER_OCTETS] + self.octets + query[behind:]

    def taken_out_of(self, reply: bytes) -> bytes:
        """Return a reply whose question is folded: names in its records may point at it."""
        if not reply.startswith(self.octets, HEADER_OCTETS):
            return reply
        behind = HEADER_OCTETS + len(self.octets)
        return reply[:HEADER_OCTETS] + self.octets.lower() + reply[behind:]

    def is_that_of(self, reply: bytes) -> bool:
        """Tell whether a reply to the query has this spelling, or no question.

        Args:
            reply: what ``read_response`` takes for one.
        """
        return reply.startswith(self.octets, HEADER_OCTETS) or reply[_QDCOUNT] == _NONE


def at_random(name: Name) -> WireName | None:
    """Return a name with capitals by chance of the operating system; None without any letter.

    Args:
        name: folded.
    """
    octets = bytearray(to_wire(name))
    chance = int.from_bytes(os.urandom(_CHANCE_OCTETS))
    letters = 0
    for index, octet in enumerate(octets):
        if _A <= octet <= _Z:  # a length octet is less
            letters += 1
            octets[index] = octet ^ (chance >> index & 1) * _CAPITAL
    return WireName(bytes(octets)) if letters else None
