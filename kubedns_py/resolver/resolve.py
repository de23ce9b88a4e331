"""The loop over the rules, and the following of aliases inside our own zones (RFC 1034, 4.3.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.name import Name
from kubedns_py.dns.rcode import EDE_OTHER, NOERROR, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import IN, RRset
from kubedns_py.resolver.rules import RULES
from kubedns_py.resolver.staleness import aged
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
    found = _first_verdict(name, qtype, qclass, view, asked)
    if found.alias is not None:
        reply = _followed(found.reply.answer, found.alias, qtype, view, asked)
        found = replace(found, reply=reply, alias=None)
    if view.stale and found.reply.authoritative:
        found = replace(found, reply=aged(found.reply))
    return found


def _first_verdict(name: Name, qtype: int, qclass: int, view: View, asked: Address) -> Resolution:
    zone = view.zone_of(name)
    path = name[: len(name) - len(zone.apex)] if zone else ()
    question = Question(name, qtype, qclass, zone, path, asked)
    # the last rules decide every question that the others leave
    verdicts = (rule(question, view) for rule in RULES)
    return next(verdict for verdict in verdicts if verdict is not None)


def _followed(
    chain: tuple[RRset, ...], target: Name, qtype: int, view: View, asked: Address
) -> Reply:
    """Return a chain of aliases with what its last name has (RFC 1034, 4.3.2, step 3a)."""
    while True:
        if any(alias.owner == target for alias in chain):
            ede = ExtendedError(EDE_OTHER, "CNAME loop")
            return Reply(SERVFAIL, authoritative=True, ede=ede)
        verdict = _first_verdict(target, qtype, IN, view, asked)
        if not verdict.reply.authoritative:
            return _end(chain, verdict.reply)  # outside, or not known yet
        if verdict.alias is None:
            return replace(verdict.reply, answer=chain + verdict.reply.answer)
        if len(chain) == MOST_ALIASES:
            ede = ExtendedError(EDE_OTHER, "CNAME chain is too long")
            return Reply(SERVFAIL, authoritative=True, answer=chain, ede=ede)
        chain += verdict.reply.answer
        target = verdict.alias


def _end(chain: tuple[RRset, ...], reply: Reply) -> Reply:
    """Return the chain alone: it is ours to say (EXT-11).

    SERVFAIL stays where the target is ours and not known yet.
    """
    rcode = SERVFAIL if reply.rcode == SERVFAIL else NOERROR
    ede = reply.ede if rcode else None
    return Reply(rcode, authoritative=not rcode, answer=chain, ede=ede)
