"""Replies of somebody else's server as dnspython writes them, and our RRsets as lines.

Rules of this file:

- Records are presentation lines, ``owner ttl class type rdata``, both ways.
- dnspython reads our rdata again, so an expectation is never compared with what our code prints.
"""

from collections.abc import Iterable, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.chain import clean
from kubedns_py.dns.name import Name, from_text, is_below
from kubedns_py.dns.render import Reply
from kubedns_py.dns.response import Response, read_response
from kubedns_py.dns.rrset import IN, RRset
from tests.helpers.oracle import ID

_MAX_MESSAGE = 65535
_CLUSTER = from_text("cluster.local")


def asking(name: str = "www.example.", rtype: str = "A", *, do: bool = False) -> Ask:
    """Return a question as the forwarder asks it."""
    return Ask(from_text(name), int(dns.rdatatype.from_text(rtype)), IN, do)


def reply_to(
    ask: Ask,
    *answer: str,
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    rcode: str = "NOERROR",
    flags: str = "QR RD RA",
    edns: bool = True,
) -> bytes:
    """Return the reply to a question; ``rcode`` may be an extended one where there is EDNS."""
    message = dns.message.QueryMessage(ID)
    message.flags = dns.flags.from_text(flags)
    if edns:
        message.use_edns(0, dns.flags.DO if ask.do else 0, 1232)
    message.set_rcode(dns.rcode.from_text(rcode))
    rtype = dns.rdatatype.RdataType.make(ask.qtype)
    message.question = [dns.rrset.RRset(name_of(ask.name), dns.rdataclass.IN, rtype)]
    message.answer = [rrset_of(line) for line in answer]
    message.authority = [rrset_of(line) for line in authority]
    message.additional = [rrset_of(line) for line in additional]
    return message.to_wire(max_size=_MAX_MESSAGE)


def response_to(
    ask: Ask,
    *answer: str,
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    rcode: str = "NOERROR",
    flags: str = "QR RD RA",
) -> Response:
    """Return what is read of such a reply."""
    octets = reply_to(
        ask, *answer, authority=authority, additional=additional, rcode=rcode, flags=flags
    )
    response = read_response(octets, write_ask(ask, ID), ask)
    assert isinstance(response, Response)
    return response


def cleaned(
    ask: Ask,
    *answer: str,
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    rcode: str = "NOERROR",
    flags: str = "QR RD RA",
) -> Reply:
    """Return what is kept of such a reply, where names below ``cluster.local`` are elsewhere."""
    response = response_to(
        ask, *answer, authority=authority, additional=additional, rcode=rcode, flags=flags
    )
    reply = clean(response, ask, is_elsewhere=lambda name, _: is_below(name, _CLUSTER))
    assert reply is not None
    assert not reply.authoritative
    assert reply.additional == ()
    assert reply.ede is None
    return reply


def signature(owner: str, rtype: str, ttl: int = 300) -> str:
    """Return a line: a signature of the zone ``example.`` over an RRset."""
    times = "20300101000000 20200101000000"
    return f"{owner} {ttl} IN RRSIG {rtype} 13 2 300 {times} 1 example. AAAA"


def rrset_of(line: str) -> dns.rrset.RRset:
    """Return the one record of a line as dnspython keeps it."""
    owner, ttl, rclass, rtype, rdata = line.split(" ", 4)
    return dns.rrset.from_text(owner, int(ttl), rclass, rtype, rdata)


def lines_of(rrsets: Iterable[RRset]) -> tuple[str, ...]:
    """Return our records, one line each."""
    return tuple(
        f"{name_of(rrset.owner)} {rrset.ttl} IN {_type_text(rrset.rtype)} {_text(rrset, rdata)}"
        for rrset in rrsets
        for rdata in rrset.rdatas
    )


def name_of(name: Name) -> dns.name.Name:
    """Return dnspython's form of a name."""
    return dns.name.Name((*name, b""))


def _type_text(rtype: int) -> str:
    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rtype))


def _text(rrset: RRset, rdata: bytes) -> str:
    rtype = dns.rdatatype.RdataType.make(rrset.rtype)
    return dns.rdata.from_wire(dns.rdataclass.IN, rtype, rdata, 0, len(rdata)).to_text()
