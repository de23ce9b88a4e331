"""Resource records as presentation lines (RFC 1035, 5.1): ``owner ttl class type rdata``.

Rules of this file:

- One line per record, in the order of the message; nothing is merged, sorted or removed.
- The owner keeps the spelling that it had in the message.
- The serial of an SOA is the word SERIAL: it counts changes, and no expectation can know it.
"""

from collections.abc import Iterable

import dns.rdatatype
import dns.rrset

SERIAL = "SERIAL"


def lines(section: Iterable[dns.rrset.RRset]) -> tuple[str, ...]:
    """Return the records of a section, one line each."""
    return tuple(line for rrset in section for line in _of_rrset(rrset))


def _of_rrset(rrset: dns.rrset.RRset) -> Iterable[str]:
    for line in rrset.to_text().splitlines():
        yield _without_serial(line) if rrset.rdtype == dns.rdatatype.SOA else line


def _without_serial(line: str) -> str:
    words = line.split(" ")
    words[6] = SERIAL  # owner ttl class SOA mname rname serial
    return " ".join(words)
