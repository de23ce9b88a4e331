"""A stub resolver that walks a search list as glibc's does, and counts what it asks.

    stub = StubResolver(server.port, search=("shop.svc.cluster.local", "svc.cluster.local"))
    assert stub.look_up("www.example.org") == ["192.0.2.1", "2001:db8::1"]
    assert stub.queries == 6

Rules of this file (resolv.conf(5), glibc's ``res_search`` and ``getaddrinfo``):

- A name with fewer dots than ``ndots`` is tried with each suffix first and as it is at last; one
  with as many or more the other way round; one that ends with a dot only as it is.
- Both address types are asked for at each step, from one socket, before the next step.
- A step with an address of either type ends the walk. NXDOMAIN and "no data" go on.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

import dns.message
import dns.rcode
import dns.rdatatype

from tests.helpers.process import LOOPBACK

_DEADLINE_S = 5.0
_MAX_MESSAGE = 65535
_BOTH = (dns.rdatatype.A, dns.rdatatype.AAAA)


class StubResolver:
    """Looks up addresses.

    Attributes:
        queries: messages that were sent so far.
    """

    def __init__(self, port: int, *, search: Sequence[str], ndots: int = 5) -> None:
        self.queries = 0
        self._port = port
        self._search = search
        self._ndots = ndots

    def look_up(self, name: str) -> list[str]:
        """Return the addresses of a name, IPv4 first; empty when it has none.

        Raises:
            TimeoutError: the server said nothing.
            AssertionError: it said SERVFAIL, or whatever else ends no walk.
        """
        for step in self._steps(name):
            found = self._ask_both(step)
            if found:
                return found
        return []

    def _steps(self, name: str) -> Iterator[str]:
        """Yield the absolute names that are tried, in their order."""
        if name.endswith("."):
            yield name
            return
        searched = [f"{name}.{suffix}." for suffix in self._search]
        steps = [*searched, f"{name}."]
        if name.count(".") >= self._ndots:
            steps = [f"{name}.", *searched]
        yield from steps

    def _ask_both(self, name: str) -> list[str]:
        """Ask for both types at once; return the addresses of both replies."""
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.settimeout(_DEADLINE_S)
            sock.connect((LOOPBACK, self._port))
            asked = [dns.message.make_query(name, rtype, use_edns=-1) for rtype in _BOTH]
            for query in asked:
                sock.send(query.to_wire())
                self.queries += 1
            replies = [dns.message.from_wire(sock.recv(_MAX_MESSAGE)) for _ in asked]
        replies.sort(key=lambda reply: [query.id for query in asked].index(reply.id))
        return [text for reply in replies for text in _addresses(reply)]


def _addresses(reply: dns.message.Message) -> list[str]:
    """Return the addresses in a reply, whatever aliases lead to them."""
    assert reply.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}, reply
    rrsets = [rrset for rrset in reply.answer if rrset.rdtype in _BOTH]
    return sorted(rdata.address for rrset in rrsets for rdata in rrset)
