"""The loop over the rules, and the following of aliases (RFC 1034, 4.3.2).

Rules of this file:

- Nobody is asked here. A resolution that needs somebody else's word says so (``onward``), and
  ``complete.py`` joins what came before with that word when it is there.
"""

from __future__ import annotations

from typing import Final

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.name import Name
from kubedns_py.dns.rcode import (
    EDE_OTHER,
    NOERROR,
    SERVFAIL,
    ExtendedError,
)
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import CNAME, IN, RRset
from kubedns_py.resolver.rules import rules_for
from kubedns_py.resolver.staleness import aged
from kubedns_py.resolver.view import Onward, Question, Resolution, View
from kubedns_py.structs import replace

MOST_ALIASES: Final = 10
"""EXT-8: longer chains of ours are cut, with what was seen so far."""

ALIAS_LOOP: Final = "alias_loop"
"""EXT-9: the rule that such a reply is counted by, whichever rule began it."""


def resolve(  # noqa: PLR0913 - the parts of a question
    name: Name, qtype: int, qclass: int, view: View, *, asked: Address, do: bool = False
) -> Resolution:
    """Return what a question gets, or who has to be asked first.

    Args:
        name: folded.
        qtype: 0 to 65535.
        qclass: 0 to 65535.
        view: what to answer from.
        asked: the address that the query was sent to; it is what ``ns.dns`` has without a Service.
        do: whether DNSSEC records are wanted too.
    """
    question = _question(name, qtype, qclass, view, asked, is_first=not do)
    found = _first_verdict(question, view)
    if found.alias is not None:
        found = followed(found, found.reply.answer, found.alias, question, view)
    return in_time(found, view)


def _question(  # noqa: PLR0913 - the parts of a question
    name: Name, qtype: int, qclass: int, view: View, asked: Address, *, is_first: bool
) -> Question:
    zone = view.zone_of(name)
    path = name[: len(name) - len(zone.apex)] if zone else ()
    return Question(name, qtype, qclass, zone, path, asked, is_first)


def _first_verdict(question: Question, view: View) -> Resolution:
    for rule in rules_for(question, view):
        verdict = rule(question, view)
        if verdict is not None:
            return verdict
    raise AssertionError("the last rules decide every question that the others leave")


def in_time(found: Resolution, view: View) -> Resolution:
    """Mark answers of ours that are older than the operator allows (T-61)."""
    if view.stale and found.onward is None and found.reply.authoritative:
        return replace(found, reply=aged(found.reply))
    return found


def followed(
    found: Resolution, chain: tuple[RRset, ...], target: Name, question: Question, view: View
) -> Resolution:
    """Return a chain of aliases with what its last name has (RFC 1034, 4.3.2, step 3a)."""
    ours = found.reply.authoritative
    while True:
        if any(alias.owner == target and alias.rtype == CNAME for alias in chain):
            return replace(_ended(found, _failed("CNAME loop")), rule=ALIAS_LOOP)
        step = _question(target, question.qtype, IN, view, question.asked, is_first=False)
        verdict = _first_verdict(step, view)
        if verdict.onward is not None:
            reply = Reply(NOERROR, authoritative=ours, answer=chain)
            onward = Onward(verdict.onward.name, question)
            return replace(found, reply=reply, alias=None, onward=onward)
        if not verdict.reply.authoritative:
            return _ended(found, _end(chain, verdict.reply))  # outside, or not known yet
        if verdict.alias is None:
            return _ended(found, replace(verdict.reply, answer=chain + verdict.reply.answer))
        if len(chain) >= MOST_ALIASES:
            return _ended(found, _failed("CNAME chain is too long", chain))
        chain += verdict.reply.answer
        target = verdict.alias


def _ended(found: Resolution, reply: Reply) -> Resolution:
    return replace(found, reply=reply, alias=None, onward=None)


def _failed(text: str, chain: tuple[RRset, ...] = ()) -> Reply:
    return Reply(SERVFAIL, authoritative=True, answer=chain, ede=ExtendedError(EDE_OTHER, text))


def _end(chain: tuple[RRset, ...], reply: Reply) -> Reply:
    """Return the chain alone: it is ours to say (EXT-11).

    SERVFAIL stays where the target is ours and not known yet.
    """
    rcode = SERVFAIL if reply.rcode == SERVFAIL else NOERROR
    ede = reply.ede if rcode else None
    return Reply(rcode, authoritative=not rcode, answer=chain, ede=ede)
