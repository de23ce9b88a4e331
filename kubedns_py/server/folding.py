"""Which queries have the same reply but for their question's spelling and their ID.

Rules of this file:

- What does not shape a reply is no part of the key: EDNS options, payload sizes above ours, the
  bits of the header that nobody echoes.
- Names that are spelled in capitals have keys of their own, one for all spellings: ``render`` lets
  other names point into a question only when that is in lower case.
"""

from __future__ import annotations

import struct
from typing import Final

from kubedns_py.dns.query import AD, CD, HEADER_OCTETS, ID_OCTETS, RD, Query

_SHAPE = struct.Struct("!HH")
_SHAPING_FLAGS: Final = RD | AD | CD
_DO: Final = 0x8000
_EDNS: Final = 0x4000
_LOWER: Final = 0x2000
_TYPE_CLASS_OCTETS: Final = 4
_QUESTION_AT: Final = HEADER_OCTETS - ID_OCTETS
_PLAIN_OPT_OCTETS: Final = 11


def folded(query: Query, family: int, limit: int) -> bytes:
    """Return what queries with the same reply have in common; nothing for what is never kept.

    Args:
        query: in any spelling.
        family: 1 or 2: they are counted apart.
        limit: most octets of the reply.
    """
    question, edns = query.question, query.edns
    wire = question[:-_TYPE_CLASS_OCTETS]
    lower = wire.lower()  # length octets are no letters
    shape = query.flags & _SHAPING_FLAGS | family
    if edns is not None:
        if edns.version:
            return b""
        shape |= _EDNS | _DO * edns.do
    if wire == lower:
        shape |= _LOWER
    return _SHAPE.pack(shape, limit) + lower + question[-_TYPE_CLASS_OCTETS:]


def exact_key(message: bytes, query: Query, fold: bytes) -> bytes | None:
    """Return the key of a query whose octets may come again; None where they hold chance.

    Cookies and padding are random, and so are capitals (0x20). All queries of one ``fold`` that
    have a key are equally long.
    """
    if len(message) != plain_octets(query) or not fold[0] & _LOWER >> 8:
        return None
    return message[ID_OCTETS:]


def plain_octets(query: Query) -> int:
    """Return the length of the plainest query that asks the same: no option, no signature."""
    return HEADER_OCTETS + len(query.question) + _PLAIN_OPT_OCTETS * (query.edns is not None)


def spliced(text: bytes, query: Query) -> bytes:
    """Return the reply to a query, made of one with the same ``folded``, which has no ID."""
    question = query.question
    end = _QUESTION_AT + len(question)
    return query.id.to_bytes(ID_OCTETS, "big") + text[:_QUESTION_AT] + question + text[end:]
