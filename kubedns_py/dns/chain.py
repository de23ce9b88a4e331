"""What of a response answers the question: the chain of aliases and what stands at its end.

Rules of this file:

- A record is kept because the question leads to it, never because it was sent: whatever else a
  server adds is neither returned nor cached (RFC 2181, 5.4.1; CVE-2025-40778, CVE-2025-11411).
- A chain has at most 11 links, so a loop ends too.
- A name of ours within a chain is not taken from somebody else: the chain is cut in front of it.
- An authority section proves that something does not exist. Its SOA must be of a zone that holds
  the name, or there is none, and without SOA nothing negative is cached (RFC 2308, 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name, from_wire, is_below
from kubedns_py.dns.rcode import NOERROR, NXDOMAIN
from kubedns_py.dns.rdata import DNAME
from kubedns_py.dns.render import Reply
from kubedns_py.dns.response import Response
from kubedns_py.dns.rrset import ANY, CNAME, RRSIG, SOA, RRset
from kubedns_py.structs import replace

MOST_LINKS: Final = 11

_PROOFS = frozenset({47, 50})  # NSEC, NSEC3
_WITH_RECORDS = frozenset({NOERROR, NXDOMAIN})
_NOT_FOLLOWED = frozenset({CNAME, ANY})

Elsewhere = Callable[[Name, Name], bool]
"""Whether a name (the first) within the answer for another (the second) must not be answered by who
was asked for that one. Both are folded."""

_RRsets = dict[tuple[Name, int], RRset]


class _Chain(NamedTuple):
    """The aliases from the question's name on; ``end`` is the target of the last one."""

    links: tuple[RRset, ...]
    end: Name
    is_cut: bool


def clean(response: Response, ask: Ask, *, is_elsewhere: Elsewhere) -> Reply | None:
    """Return what of a response answers the question.

    - NOERROR and NXDOMAIN keep the chain and, at its end, the RRset that was asked for or the SOA.
      With DO their RRSIGs are kept, the DNAMEs that made the aliases, and NSEC and NSEC3.
    - NOERROR without the RRset and without a SOA is NODATA with nothing in it; so is a referral,
      which no recursive server has to give.
    - NXDOMAIN is about the end of the chain (RFC 6604, 3). A record that is said to stand there
      all the same is not kept: stub resolvers look at the code first.
    - Any other code has no records.
    - A cut chain is NOERROR, and not authenticated: of what follows nobody knows anything yet.

    Args:
        response: not truncated.
        ask: what was asked.
        is_elsewhere: see ``Elsewhere``.

    Returns:
        None: the aliases are a loop, or more than 11. The additional section is always empty.
    """
    rcode, answer, authority = response.rcode, response.answer, response.authority
    authenticated = response.authenticated
    if rcode not in _WITH_RECORDS:
        return Reply(rcode)
    if len(answer) == 1 and not (rcode or authority or ask.do):
        only = answer[0]
        if only.rtype == ask.qtype and only.owner == ask.name:  # what most names have
            return Reply(NOERROR, False, answer, (), (), None, authenticated)  # noqa: FBT003 - the fields of a tuple
    sets = _by_key(response.answer)
    chain = _follow(sets, ask, is_elsewhere)
    if chain is None:
        return None
    if chain.is_cut:
        return Reply(NOERROR, answer=_links(chain, ask, sets))
    found = () if rcode == NXDOMAIN else _found(chain.end, ask, sets)
    return Reply(
        rcode,
        answer=_links(chain, ask, sets) + found,
        authority=_authority(authority, ask, chain.end, is_positive=bool(found)),
        authenticated=authenticated,
    )


def _by_key(section: tuple[RRset, ...]) -> _RRsets:
    return {(rrset.owner, rrset.rtype): rrset for rrset in section}


def _follow(sets: _RRsets, ask: Ask, is_elsewhere: Elsewhere) -> _Chain | None:
    """Return the chain that begins at the question's name, or None when it has no end."""
    name, qtype = ask.name, ask.qtype
    links: list[RRset] = []
    while (name, qtype) not in sets and qtype not in _NOT_FOLLOWED:
        alias = sets.get((name, CNAME))
        if alias is None:
            break
        if len(links) == MOST_LINKS:
            return None
        links.append(replace(alias, rdatas=alias.rdatas[:1]))  # one at most (RFC 2181, 10.1)
        name = _target(alias)
        if is_elsewhere(name, ask.name):
            return _Chain(tuple(links), name, is_cut=True)
    return _Chain(tuple(links), name, is_cut=False)


def _target(alias: RRset) -> Name:
    return from_wire(alias.rdatas[0].lower())


def _links(chain: _Chain, ask: Ask, sets: _RRsets) -> tuple[RRset, ...]:
    """Return the aliases; with DO also what they were made from, and the signatures of both."""
    if not ask.do:
        return chain.links
    kept: dict[RRset, None] = {}  # one DNAME may have made several
    for link in chain.links:
        for dname in _dnames(link, sets):
            kept.update(dict.fromkeys(_signed(dname, sets)))
        kept.update(dict.fromkeys(_signed(link, sets)))
    return tuple(kept)


def _dnames(link: RRset, sets: _RRsets) -> Iterator[RRset]:
    """Yield the DNAME above an alias that says the same as it (RFC 6672, 2.2)."""
    target = _target(link)
    for depth in range(1, len(link.owner) + 1):
        dname = sets.get((link.owner[depth:], DNAME))
        if dname is not None and link.owner[:depth] + _target(dname) == target:
            yield dname


def _found(end: Name, ask: Ask, sets: _RRsets) -> tuple[RRset, ...]:
    """Return what was asked for, as it stands at the end of the chain."""
    if ask.qtype == ANY:
        return tuple([rrset for rrset in sets.values() if rrset.owner == end])
    rrset = sets.get((end, ask.qtype))
    if rrset is None:
        return ()
    return tuple(_signed(rrset, sets)) if ask.do else (rrset,)


def _signed(rrset: RRset, sets: _RRsets) -> Iterator[RRset]:
    """Yield an RRset and those of the signatures at its owner that are its own."""
    yield rrset
    signatures = sets.get((rrset.owner, RRSIG))
    if signatures is None or rrset.rtype == RRSIG:
        return
    covered = rrset.rtype.to_bytes(2, "big")  # the first field (RFC 4034, 3.1)
    rdatas = tuple([rdata for rdata in signatures.rdatas if rdata[:2] == covered])
    if rdatas:
        yield replace(signatures, rdatas=rdatas)


def _authority(
    section: tuple[RRset, ...], ask: Ask, end: Name, *, is_positive: bool
) -> tuple[RRset, ...]:
    """Return the SOA that says how long nothing is there, and with DO the proofs.

    A positive answer may have proofs too: that no closer name is there than the wildcard that it
    was made from (RFC 4035, 3.1.3.3).
    """
    if not section or (is_positive and not ask.do):
        return ()
    kept: list[RRset] = []
    if not is_positive:
        soas = (rrset for rrset in section if rrset.rtype == SOA and is_below(end, rrset.owner))
        soa = next(soas, None)
        if soa is None:
            return ()
        kept.append(replace(soa, rdatas=soa.rdatas[:1]))  # one at most (RFC 2181, 6.1)
    if not ask.do:
        return tuple(kept)
    kept += [rrset for rrset in section if rrset.rtype in _PROOFS]
    sets = _by_key(section)
    return tuple([each for rrset in kept for each in _signed(rrset, sets)])
