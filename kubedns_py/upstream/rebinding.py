"""Addresses of the inside in what the outside says, taken out where the operator wants it (C-08).

A page whose name first has an address of its own and then one of the inside lets a browser, or a
program that fetches what it is told to, reach what it should not. Rules of this file:

- What is kept is decided by address alone, whatever was asked, as Unbound's ``private-address``
  does. An IPv4 address within an IPv6 one counts as what it is (RFC 4291, 2.5.5; RFC 6052, 2.1).
- Where no address is left the reply is a whole denial, with an SOA of ours and EDE 17 (RFC 2308,
  2.2; RFC 8914, 4.18), so that it is kept as one.
- What was changed is not vouched for: its signatures go, and so does AD.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import ROOT, Name
from kubedns_py.dns.rcode import EDE_FILTERED, NOERROR, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import AAAA, ANY, RRSIG, SOA, A, RRset, soa
from kubedns_py.structs import replace
from kubedns_py.upstream.filters import Authority

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

INSIDE: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(each)
    for each in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),  # RFC 1918, RFC 4193
        "100.64.0.0/10",  # RFC 6598: between carriers, and in clusters
        *("127.0.0.0/8", "::1/128", "169.254.0.0/16", "fe80::/10"),
        *("0.0.0.0/8", "::/128"),  # what is sent there often arrives at the host itself
    )
)
"""Private, loopback, link-local and unspecified addresses."""

_SERIAL: Final = 1
_FILTERED: Final = ExtendedError(
    EDE_FILTERED, "all its addresses are private ones, which names outside may not have here"
)
_ADDRESSES: Final = frozenset({A, AAAA})
_BEFORE_IPV4: Final = frozenset(
    ipaddress.IPv6Address(each).packed[:12] for each in ("::ffff:0:0", "::", "64:ff9b::")
)
"""What stands before an IPv4 address: mapped, compatible, translated."""


class RebindingFilter:
    """Takes addresses of the inside out of replies.

    Args:
        networks: further ones of the inside, such as those of Services and pods.
        authority: for the SOA of the denials.

    Attributes:
        changed: replies from which an address was taken.
    """

    def __init__(self, networks: Iterable[Network], authority: Authority) -> None:
        self.changed = 0
        self._inside: dict[int, list[tuple[int, int]]] = {4: [], 16: []}
        for network in (*INSIDE, *networks):
            shift = network.max_prefixlen - network.prefixlen
            start = int(network.network_address) >> shift
            self._inside[network.max_prefixlen // 8].append((shift, start))
        mname, rname, ttl = authority
        self._denial = (RRset(ROOT, SOA, ttl, (soa(mname, rname, _SERIAL, ttl),)),)

    def outside_of(self, ask: Ask, reply: Reply) -> Reply:
        """Return the reply without addresses of the inside; as it is where it has none."""
        changed = {
            (rrset.owner, rrset.rtype)
            for rrset in reply.answer
            if rrset.rtype in _ADDRESSES and any(map(self._is_inside, rrset.rdatas))
        }
        if not changed:
            return reply
        self.changed += 1
        kept = [self._without(rrset, changed) for rrset in reply.answer]
        answer = tuple([rrset for rrset in kept if rrset.rdatas])
        if (ask.qtype == ANY and answer) or any(rrset.rtype == ask.qtype for rrset in answer):
            return replace(reply, answer=answer, authenticated=False)
        return Reply(NOERROR, answer=answer, authority=self._denial, ede=_FILTERED)

    def _without(self, rrset: RRset, changed: set[tuple[Name, int]]) -> RRset:
        """Return what is left of an RRset; it may have no rdata."""
        owner, rtype = rrset.owner, rrset.rtype
        if rtype == RRSIG:  # its first field is the type that it covers (RFC 4034, 3.1)
            gone = {covered.to_bytes(2) for name, covered in changed if name == owner}
            return replace(rrset, rdatas=tuple(r for r in rrset.rdatas if r[:2] not in gone))
        if (owner, rtype) not in changed:
            return rrset
        return replace(rrset, rdatas=tuple(r for r in rrset.rdatas if not self._is_inside(r)))

    def _is_inside(self, address: bytes) -> bool:
        """Tell whether an address, 4 or 16 octets, is one of the inside."""
        number = int.from_bytes(address)
        if any(number >> shift == start for shift, start in self._inside[len(address)]):
            return True
        return address[:12] in _BEFORE_IPV4 and self._is_inside(address[12:])
