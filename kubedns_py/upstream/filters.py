"""AAAA questions that are answered "no data" without asking anybody.

Where nothing speaks IPv6, half of all questions are for addresses that nobody can use. Rules of
this file:

- What is filtered is a domain, or every route all of whose upstreams are in a list.
- The answer is a whole denial, with an SOA of ours at the filtered domain and EDE 17, so that it is
  kept as a denial and everybody can see who made it (RFC 2308, 2.2; RFC 8914, 4.18). Whether the
  name exists is not said: to find out would be to ask.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from kubedns_py.dns.name import Name, Suffixes
from kubedns_py.dns.rcode import EDE_FILTERED, NOERROR, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import SOA, RRset, soa
from kubedns_py.upstream.routes import Routes

_SERIAL: Final = 1
_FILTERED: Final = ExtendedError(EDE_FILTERED, "IPv6 addresses are not looked up here")


class Authority(NamedTuple):
    """What the SOA of a denial says.

    Attributes:
        mname: primary server, folded.
        rname: mailbox of who is responsible, folded.
        negative_ttl: seconds that the denial may be kept, 0 to 2**31 - 1.
    """

    mname: Name
    rname: Name
    negative_ttl: int


class AaaaFilter:
    """Knows what is filtered, and has its answers ready.

    Args:
        domains: folded; the root for everything.
        servers: IP addresses of upstreams, spelled as in ``Nameserver.host``.
        authority: for the SOA of the denials.
    """

    def __init__(
        self, domains: Iterable[Name], servers: Iterable[str], authority: Authority
    ) -> None:
        self._servers = frozenset(servers)
        self._authority = authority
        self._by_domain = Suffixes({domain: self._denial(domain) for domain in domains})
        self._by_route: dict[str, Reply] = {}

    def use(self, routes: Routes) -> None:
        """Find out which routes have none but listed upstreams; one without any is not filtered."""
        self._by_route = {
            group.route: self._denial(domain)
            for domain, group in routes.groups.items()
            if group.servers and all(server.host in self._servers for server in group.servers)
        }

    def answer(self, name: Name, routes: Routes) -> Reply | None:
        """Return the denial for the AAAA question of a name, or None when it is not filtered.

        Args:
            name: folded.
            routes: those of the last ``use``.
        """
        reply = self._by_domain.longest(name)
        if reply is not None:
            return reply
        group = routes.route(name) if self._by_route else None
        return None if group is None else self._by_route.get(group.route)

    def _denial(self, domain: Name) -> Reply:
        mname, rname, ttl = self._authority
        rdata = soa(mname, rname, _SERIAL, ttl)
        return Reply(NOERROR, authority=(RRset(domain, SOA, ttl, (rdata,)),), ede=_FILTERED)
