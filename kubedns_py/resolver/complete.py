"""What an upstream said, joined to what came before it.

Rules of this file:

- A chain of aliases may lead out of our zones and back into them. What is ours is looked up here,
  whoever says that an alias points at it: an upstream's word for one of our names is not taken.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from kubedns_py.dns.name import Name, folded, from_wire, to_wire
from kubedns_py.dns.rcode import (
    EDE_NOT_AUTHORITATIVE,
    NOERROR,
    NXDOMAIN,
    REFUSED,
    ExtendedError,
)
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import ANY, CNAME, RRSIG, RRset
from kubedns_py.resolver.resolve import followed, in_time
from kubedns_py.resolver.reverse_rules import is_served
from kubedns_py.resolver.view import Onward, Resolution, View

_LONGEST_CHAIN: Final = 24
"""RRsets of a chain that leads in and out of our zones; upstreams' own parts have 11 at most."""


def complete(found: Resolution, said: Reply, view: View) -> Resolution:
    """Return the resolution with what an upstream said; perhaps somebody else is next.

    An own alias keeps its records whatever becomes of its target, and the rcode is the target's
    (RFC 6604, 3; T-31 to T-35). Where nothing could be learned, the reply is not ours to vouch for.

    Args:
        found: has ``onward``.
        said: what was said to that question, cleaned (``dns/chain.py``).
        view: what to answer from.
    """
    onward = found.onward
    assert onward is not None  # noqa: S101 - the contract
    if found.rule == "search_completion":
        return in_time(_completed(found, onward, said), view)
    before = found.reply
    ours = before.authoritative  # the first name is an alias of ours
    target = _unfinished(said, onward.question.qtype, view)
    if target is not None and len(before.answer) + len(said.answer) < _LONGEST_CHAIN:
        joined = followed(found, before.answer + said.answer, target, onward.question, view)
        reply = replace(joined.reply, authoritative=ours and joined.reply.authoritative)
        return in_time(replace(joined, reply=reply), view)
    if before.answer:
        said = replace(
            said,
            answer=before.answer + said.answer,
            authoritative=ours and said.rcode in {NOERROR, NXDOMAIN},
            authenticated=False,
        )
    return in_time(Resolution(said, found.zone, found.rule), view)


def declined(found: Resolution) -> Resolution:
    """Return what a client gets that does not desire recursion (RFC 1035, 4.1.1): what is ours."""
    if found.reply.authoritative:
        return replace(found, onward=None)
    ede = ExtendedError(EDE_NOT_AUTHORITATIVE, "not a name of this cluster; recursion not desired")
    return replace(found, reply=Reply(REFUSED, ede=ede), onward=None)


def is_elsewhere(name: Name, view: View) -> bool:
    """Tell whether the upstreams' word for a name inside another name's answer is not taken.

    That is so for what is ours, and for stub domains, which have upstreams of their own.
    """
    if view.zone_of(name) is not None or view.stub_of(name) is not None:
        return True
    return is_served(name, view)


def _unfinished(said: Reply, qtype: int, view: View) -> Name | None:
    """Return the name at which an upstream's chain was cut, because it is answered elsewhere."""
    alias = None
    for rrset in said.answer:
        if rrset.rtype == CNAME:
            alias = rrset
    if alias is None or said.rcode != NOERROR or qtype in {CNAME, ANY}:
        return None
    target = folded(from_wire(alias.rdatas[0]))
    if any(rrset.owner == target and rrset.rtype != RRSIG for rrset in said.answer):
        return None
    return target if is_elsewhere(target, view) else None


def _completed(found: Resolution, onward: Onward, said: Reply) -> Resolution:
    """Return the first step of a search as an alias of the name that the search ends with.

    Where that name does not exist, or nothing could be learned, the first step does not exist
    either, which is true, and the client goes on by itself (behaviour 5.3).
    """
    if said.rcode != NOERROR:
        return replace(found, onward=None)
    question = onward.question
    ttls = [rrset.ttl for rrset in (*found.reply.authority, *said.answer, *said.authority)]
    alias = RRset(question.name, CNAME, min(ttls), (to_wire(onward.name),))
    reply = replace(said, answer=(alias, *said.answer), authoritative=True, authenticated=False)
    return replace(found, reply=reply, onward=None)
