"""What a kept reply costs in memory, in octets, without asking the interpreter.

Rules of this file:

- It is an estimate: within 30 % of what ``tracemalloc`` sees, for an address as for 64 KiB of text
  (``tests/upstream/test_footprint.py``). The bound of the cache is made of it.
- Every name is counted in full, for a reader of messages makes each one anew; except an owner that
  is the very object of the question.
- Sizes are those of CPython 3.11 to 3.13 on 64 bits, rounded up to the 16 octets of its allocator.
"""

from __future__ import annotations

from typing import Final

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import RRset

ENTRY_OCTETS: Final = 768
"""An entry without names and records: 290 for its places in cachetools' three dictionaries (130 to
395, as they grow in steps), 230 for the entry and its numbers, 248 for the question and the reply.
"""

_TUPLE = 56
_POINTER = 8
_OCTETS = 40
_RRSET = 96
_EDE = 128


def octets_of(ask: Ask, reply: Reply) -> int:
    """Return the octets that keeping ``reply`` under ``ask`` takes."""
    total = ENTRY_OCTETS + _strings(ask.name)
    for rrset in reply.answer:
        total += _rrset(rrset, ask)
    for rrset in reply.authority:
        total += _rrset(rrset, ask)
    if reply.ede is not None:
        total += _EDE + len(reply.ede.text)
    return total


def _rrset(rrset: RRset, ask: Ask) -> int:
    owner = 0 if rrset.owner is ask.name else _strings(rrset.owner)
    return _RRSET + _POINTER + owner + _strings(rrset.rdatas)


def _strings(strings: tuple[bytes, ...]) -> int:
    """Return what a tuple of octets takes: the labels of a name, or the rdata of an RRset."""
    return _TUPLE + len(strings) * (_POINTER + _OCTETS) + sum(map(len, strings))
