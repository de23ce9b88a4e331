"""The loop over the rules, and the following of aliases inside our own zones (RFC 1034, 4.3.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.name import Name
from kubedns_py.dns.rcode import EDE_OTHER, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import RRset
from kubedns_py.resolver.rules import RULES
from kubedns_py.resolver.view import Question, Resolution, View

MOST_ALIASES: Final = 10
"""EXT-8: longer chains are cut, with what was seen so far."""


def resolve(name: Name, qtype: int, qclass: int, view: View, *, asked: Address) -> Resolution:
    """Return what a question gets.

    Args:
        name: folded.
        qtype: 0 to 65535.
        qclass: 0 to 65535.
        view: what to answer from.
        asked: the address that the query was sent to; it is what ``ns.dns`` has without a Service.
    """
    first = _first_verdict(name, qtype, qclass, view, asked)
    if first.alias is None:
        return first
    return _follow(first, qtype, qclass, view, asked)


def _first_verdict(name: Name, qtype: int, qclass: int, view: View, asked: Address) -> Resolution:
    zone = view.zone_of(name)
    path = name[: len(name) - len(zone.apex)] if zone else ()
    question = Question(name, qtype, qclass, zone, path, asked)
    for rule in RULES:
        verdict = rule(question, view)
        if verdict is not None:
            return verdict
    raise AssertionError("the last rules decide every question")


def _follow(first: Resolution, qtype: int, qclass: int, view: View, asked: Address) -> Resolution:
    """Return the chain of aliases with what its last name has (RFC 1034, 4.3.2, step 3a)."""
    chain: list[RRset] = list(first.reply.answer)
    seen = {chain[0].owner}
    target = first.alias
    while target is not None:
        if target in seen:
            ede = ExtendedError(EDE_OTHER, "CNAME loop")
            return replace(first, reply=Reply(SERVFAIL, authoritative=True, ede=ede), alias=None)
        if len(chain) == MOST_ALIASES:
            ede = ExtendedError(EDE_OTHER, "CNAME chain is too long")
            reply = Reply(SERVFAIL, authoritative=True, answer=tuple(chain), ede=ede)
            return replace(first, reply=reply, alias=None)
        seen.add(target)
        verdict = _first_verdict(target, qtype, qclass, view, asked)
        if not verdict.reply.authoritative:
            # Outside, or not known yet: the alias itself is ours to say (EXT-11).
            return replace(first, reply=_end(chain, verdict.reply), alias=None)
        if verdict.alias is None:
            reply = replace(verdict.reply, answer=(*chain, *verdict.reply.answer))
            return replace(first, reply=reply, alias=None)
        chain += verdict.reply.answer
        target = verdict.alias
    raise AssertionError("an alias has a target")


def _end(chain: list[RRset], reply: Reply) -> Reply:
    """Return the chain alone; with SERVFAIL where the target is ours and not known yet."""
    rcode = SERVFAIL if reply.rcode == SERVFAIL else 0
    ede = reply.ede if rcode else None
    return Reply(rcode, authoritative=not rcode, answer=tuple(chain), ede=ede)
