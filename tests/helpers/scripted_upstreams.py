"""Upstreams that say what a text says: ``upstream.txt`` of a scenario.

::

    STUB corp.example.                            a stub domain
    Q example.org. A                              one question, as it arrives upstream
    R NOERROR                                     rcode and flags (AD, TC) of the reply
    AN example.org. 300 IN A 192.0.2.1            its sections: AN, AU, AD

Rules of this file:

- A reply is written by dnspython and read and cleaned by the program, as from a socket; only the
  way in between is missing.
- A name that the text does not have does not exist for them; a type that it does not have, neither.
- ``R DEAD`` stands for upstreams that say nothing: what a forwarder then returns.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from kubedns_py.dns.ask import Ask, write_ask
from kubedns_py.dns.chain import clean
from kubedns_py.dns.name import Name, from_text, to_text
from kubedns_py.dns.rcode import EDE_NETWORK_ERROR, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.response import read_response
from kubedns_py.dns.rrset import type_text
from kubedns_py.resolver.complete import is_elsewhere
from kubedns_py.resolver.view import View

_IDENT = 4711
DEAD = Reply(SERVFAIL, ede=ExtendedError(EDE_NETWORK_ERROR, "no upstream answered in time"))


@dataclass(frozen=True, slots=True)
class Script:
    """What upstreams say, by question: ``name type``."""

    replies: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    stub_domains: frozenset[Name] = frozenset()


def parse(text: str) -> Script:
    """Return what a text says.

    Raises:
        ValueError: a line that is none of those above.
    """
    replies: dict[str, list[tuple[str, str]]] = {}
    stubs: set[Name] = set()
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        match word:
            case "#":
                continue
            case "STUB":
                stubs.add(from_text(rest))
            case "Q":
                rows = replies[rest] = []
            case "R" | "AN" | "AU" | "AD":
                rows.append((word, rest))
            case _:
                raise ValueError(f"unknown line: {line}")
    return Script(replies, frozenset(stubs))


class ScriptedUpstreams:
    """Implements the server's ``Upstreams``: nothing is known at once, all is said in ``fetch``."""

    def __init__(self, script: Script, view: View) -> None:
        self.asked: list[Ask] = []
        self.generation = 0
        self._script = script
        self._view = view
        view.stub_domains = script.stub_domains

    def find(self, ask: Ask) -> Reply | None:
        """Know nothing."""
        del ask
        return None

    def counted(self, ask: Ask) -> tuple[float, int]:
        """Nothing counts down."""
        raise AssertionError(ask)

    def credit(self, ask: Ask, hits: int) -> None:
        """Learn nothing: no answer of ``find`` was ever repeated."""
        raise AssertionError(f"{ask} {hits}")

    def fetch(self, ask: Ask, client: str, done: Callable[[Reply], None]) -> Reply | None:
        """Return what the script says."""
        del client, done
        self.asked.append(ask)
        replies, name = self._script.replies, f"{to_text(ask.name)} "
        exists = any(question.startswith(name) for question in replies)
        other = [("R", "NOERROR" if exists else "NXDOMAIN")]
        rows = replies.get(name + type_text(ask.qtype), other)
        if rows[0] == ("R", "DEAD"):
            return DEAD
        response = read_response(_message(ask, rows), write_ask(ask, _IDENT), ask)
        assert not isinstance(response, str), response
        reply = clean(response, ask, is_elsewhere=partial(_is_elsewhere, self._view))
        assert reply is not None
        return reply


def _is_elsewhere(view: View, name: Name, asked: Name) -> bool:
    return is_elsewhere(name, asked, view)


def _message(ask: Ask, rows: list[tuple[str, str]]) -> bytes:
    reply = dns.message.make_response(dns.message.from_wire(write_ask(ask, _IDENT)))
    rcode, *flags = rows[0][1].split()
    reply.set_rcode(dns.rcode.from_text(rcode))
    for flag in flags:
        reply.flags |= dns.flags.from_text(flag)
    sections = {"AN": reply.answer, "AU": reply.authority, "AD": reply.additional}
    for word, text in rows[1:]:
        sections[word].append(_rrset(text))
    return reply.to_wire()


def _rrset(line: str) -> dns.rrset.RRset:
    owner, ttl, rclass, rtype, rdata = line.split(" ", 4)
    return dns.rrset.from_text(owner, int(ttl), rclass, rtype, rdata)
