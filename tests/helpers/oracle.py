"""The independent judge: what dnspython reads in the octets that the server sends.

Rules of this file:

- A message that dnspython cannot decode, or that has octets left over, fails the test.
- Nothing here knows what the right answer is.
"""

import functools
from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from tests.helpers.lines import lines

ID = 0x2B1D
HEADER_OCTETS = 12


@dataclass(frozen=True, slots=True)
class Edns:
    """The OPT record of a message (RFC 6891, 6.1).

    Attributes:
        version: 0 for EDNS(0).
        payload: the sender's UDP payload size, octets.
        flags: all 16 flag bits; DO is 0x8000.
        errors: extended DNS errors (RFC 8914): info code and text.
        others: codes of all other options.
    """

    version: int
    payload: int
    flags: int
    errors: tuple[tuple[int, str], ...]
    others: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A message as dnspython reads it.

    Attributes:
        flags: mnemonics that are set: QR AA TC RD RA AD CD.
        question: presentation lines ``name class type``, the name as it was spelled.
        additional: without the OPT record, which is in ``edns``.
    """

    message_id: int
    opcode: str
    rcode: str
    flags: frozenset[str]
    question: tuple[str, ...]
    answer: tuple[str, ...]
    authority: tuple[str, ...]
    additional: tuple[str, ...]
    edns: Edns | None
    size: int


@functools.lru_cache(maxsize=8192)  # most replies are read four times: in memory and from sockets
def read(octets: bytes) -> Reading:
    """Decode one DNS message.

    Raises:
        dns.exception.DNSException: the octets are not exactly one DNS message.
    """
    message = dns.message.from_wire(octets, one_rr_per_rrset=True)
    return Reading(
        message_id=message.id,
        opcode=dns.opcode.to_text(message.opcode()),
        rcode=dns.rcode.to_text(message.rcode()),
        flags=frozenset(dns.flags.to_text(message.flags).split()),
        question=tuple(rrset.to_text() for rrset in message.question),
        answer=lines(message.answer),
        authority=lines(message.authority),
        additional=lines(message.additional),
        edns=_edns(message),
        size=len(octets),
    )


def _edns(message: dns.message.Message) -> Edns | None:
    if message.edns < 0:
        return None
    errors = [each for each in message.options if isinstance(each, dns.edns.EDEOption)]
    return Edns(
        version=message.edns,
        payload=message.payload,
        flags=message.ednsflags & 0xFFFF,
        errors=tuple((int(each.code), each.text or "") for each in errors),
        others=tuple(
            int(each.otype) for each in message.options if not isinstance(each, dns.edns.EDEOption)
        ),
    )


def query(  # a query has this many independent facts
    name: str,
    rtype: str,
    rclass: str = "IN",
    *,
    edns: int | None = None,
    dnssec_ok: bool = False,
    flags: int = dns.flags.RD,
) -> bytes:
    """Return the octets of a query as dnspython writes it.

    Args:
        name: absolute, in presentation format; its spelling is kept.
        rtype: mnemonic or ``TYPEn``.
        rclass: mnemonic or ``CLASSn``.
        edns: UDP payload size to announce, octets; None sends no OPT record.
        dnssec_ok: sets DO, where there is an OPT record.
        flags: header flags.
    """
    message = dns.message.make_query(
        dns.name.from_text(name),
        dns.rdatatype.from_text(rtype),
        dns.rdataclass.from_text(rclass),
        use_edns=-1 if edns is None else 0,
        payload=0 if edns is None else edns,
        want_dnssec=dnssec_ok and edns is not None,
        id=ID,
        flags=flags,
    )
    return message.to_wire()


def question_octets(message: bytes) -> bytes:
    """Return the octets of a message's one uncompressed question: name, type, class."""
    end = HEADER_OCTETS
    while message[end]:
        end += 1 + message[end]
    return message[HEADER_OCTETS : end + 5]
