"""What an upstream said, joined to what came before it.

Rules of this file:

- A chain of aliases may lead out of our zones and back into them. What is ours is looked up here,
  whoever says that an alias points at it: an upstream's word for one of our names is not taken.
"""

from __future__ import annotations

from typing import Final

from kubedns_py.dns.name import Name, folded, from_wire, to_wire
from kubedns_py.dns.rcode import (
    EDE_NOT_AUTHORITATIVE,
    EDE_OTHER,
    NOERROR,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    ExtendedError,
)
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import ANY, CNAME, RRSIG, RRset
from kubedns_py.resolver.resolve import followed, in_time
from kubedns_py.resolver.reverse_rules import answering_stub, is_served
from kubedns_py.resolver.view import Onward, Resolution, View
from kubedns_py.structs import replace

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
    if found.reply.rcode == NXDOMAIN:  # the first step of a search, which is not there
        return in_time(_completed(found, onward, said, view), view)
    before = found.reply
    ours = before.authoritative  # the first name is an alias of ours
    target = _unfinished(said, onward, view)
    if target is not None:
        if len(before.answer) + len(said.answer) >= _LONGEST_CHAIN:
            return given_up(found)
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


def given_up(found: Resolution) -> Resolution:
    """Return what a client gets when a chain leads from one to the next without an end (EXT-8)."""
    ede = ExtendedError(EDE_OTHER, "CNAME chain is too long")
    return replace(found, reply=Reply(SERVFAIL, ede=ede), onward=None)


def is_elsewhere(name: Name, asked: Name, view: View) -> bool:
    """Tell whether the upstreams' word for a name inside another name's answer is not taken.

    That is so for what is ours, and for stub domains, which have upstreams of their own.

    Args:
        name: inside the answer, folded.
        asked: the name that is answered, folded.
        view: what is ours, and what the stub domains are.
    """
    zone = view.zone_of(name)
    stub = answering_stub(name, zone, view)
    if stub is not None:
        return stub != answering_stub(asked, view.zone_of(asked), view)
    return zone is not None or is_served(name, view)


def _unfinished(said: Reply, onward: Onward, view: View) -> Name | None:
    """Return the name at which an upstream's chain was cut, because it is answered elsewhere."""
    alias = None
    for rrset in said.answer:
        if rrset.rtype == CNAME:
            alias = rrset
    if alias is None or said.rcode != NOERROR or onward.question.qtype in {CNAME, ANY}:
        return None
    target = folded(from_wire(alias.rdatas[0]))
    if any(rrset.owner == target and rrset.rtype != RRSIG for rrset in said.answer):
        return None
    return target if is_elsewhere(target, onward.name, view) else None


def _completed(found: Resolution, onward: Onward, said: Reply, view: View) -> Resolution:
    """Return the first step of a search as an alias of the name that the search ends with.

    Where that name does not exist, or nothing could be learned, the first step does not exist
    either, which is true, and the client goes on by itself (behaviour 5.3).
    """
    denied = replace(found, onward=None)
    if said.rcode != NOERROR:
        return denied
    question = onward.question
    ttls = [rrset.ttl for rrset in (*found.reply.authority, *said.answer, *said.authority)]
    alias = RRset(question.name, CNAME, min(ttls), (to_wire(onward.name),))
    chain = (alias, *said.answer)
    target = _unfinished(said, onward, view)
    if target is None:
        reply = replace(said, answer=chain, authoritative=True, authenticated=False)
        return replace(found, reply=reply, onward=None)
    joined = followed(found, chain, target, question, view)
    is_whole = joined.onward is None and joined.reply.rcode == NOERROR
    return joined if is_whole else denied
