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

ENTRY_OCTETS: Final = 528
"""An entry without names and records: 140 for its place in an ordered dictionary (100 to 200, as it
grows in steps), 200 for the entry and its numbers, 188 for the question and the reply.
"""

_TUPLE = 56  # of octets: the labels of a name, or the rdata of an RRset
_STRING = 48  # and what points at it
_RRSET = 104  # and what points at it
_EDE = 128


def octets_of(ask: Ask, reply: Reply) -> int:
    """Return the octets that keeping ``reply`` under ``ask`` takes."""
    name = ask.name
    total = ENTRY_OCTETS + _TUPLE + len(name) * _STRING + len(b"".join(name))
    for rrset in reply.answer + reply.authority:
        rdatas = rrset.rdatas
        total += _RRSET + _TUPLE + len(rdatas) * _STRING + len(b"".join(rdatas))
        if rrset.owner is not name:
            total += _TUPLE + len(rrset.owner) * _STRING + len(b"".join(rrset.owner))
    if reply.ede is not None:
        total += _EDE + len(reply.ede.text)
    return total
