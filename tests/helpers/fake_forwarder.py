"""A forwarder that answers when a test says so, the clock it is tested with, and replies for it.

Rules of this file:

- Time stands until a test moves it; what was to happen until then happens in its order.
- Records are presentation lines, ``owner ttl class type rdata``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import (
    EDE_NETWORK_ERROR,
    EDE_OTHER,
    NOERROR,
    NXDOMAIN,
    SERVFAIL,
    ExtendedError,
)
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import RRset
from kubedns_py.upstream.routes import Group
from tests.helpers.replies import rrset_of

DEFAULT = Group(".", (Nameserver("192.0.2.1"), Nameserver("192.0.2.2")))
SILENCE = Reply(SERVFAIL, ede=ExtendedError(EDE_NETWORK_ERROR, "192.0.2.1:53 did not answer"))
FULL = Reply(SERVFAIL, ede=ExtendedError(EDE_OTHER, "too many questions are waiting"))


def a_reply(
    *answer: str, authority: Sequence[str] = (), rcode: int = NOERROR, **facts: Any
) -> Reply:
    """Return a reply as the forwarder hands it out: nothing but what belongs to the question."""
    return Reply(rcode, answer=_rrsets(answer), authority=_rrsets(authority), **facts)


def no_such_name(zone: str = "example.", *, ttl: int = 900, minimum: int = 900) -> Reply:
    """Return NXDOMAIN with its proof."""
    return a_reply(authority=[an_soa(zone, ttl=ttl, minimum=minimum)], rcode=NXDOMAIN)


def an_soa(zone: str = "example.", *, ttl: int = 900, minimum: int = 900) -> str:
    """Return an SOA as a line."""
    return f"{zone} {ttl} IN SOA ns.{zone} root.{zone} 1 7200 1800 86400 {minimum}"


def _rrsets(lines: Sequence[str]) -> tuple[RRset, ...]:
    merged: dict[tuple[str, int], RRset] = {}
    for line in lines:
        record = rrset_of(line)
        owner, rtype = str(record.name), int(record.rdtype)
        rdata = record[0].to_wire()
        assert rdata is not None
        known = merged.get((owner, rtype))
        rdatas = (*known.rdatas, rdata) if known else (rdata,)
        merged[owner, rtype] = RRset(from_text(owner), rtype, record.ttl, rdatas)
    return tuple(merged.values())


@dataclass
class Asking:
    """A question that waits for its reply."""

    ask: Ask
    group: Group
    client: str
    done: Callable[[Reply], None]


@dataclass
class FakeForwarder:
    """Keeps questions until ``answer`` is called.

    Attributes:
        load: what it says of itself.
        refusal: what it says at once, if anything.
        waiting: questions without a reply.
        count: questions ever, refused ones too.
    """

    load: float = 0.0
    refusal: Reply | None = None
    waiting: list[Asking] = field(default_factory=list)
    count: int = 0

    def ask(
        self, ask: Ask, group: Group, client: str, done: Callable[[Reply], None]
    ) -> Reply | None:
        """Keep a question."""
        self.count += 1
        if self.refusal is None:
            self.waiting.append(Asking(ask, group, client, done))
        return self.refusal

    def answer(self, reply: Reply) -> None:
        """Answer the question that waits longest."""
        self.waiting.pop(0).done(reply)


class Timer:
    """Something that will happen."""

    def __init__(self, when: float, callback: Callable[[], None]) -> None:
        self.when = when
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        """Let it not happen."""
        self.is_cancelled = True


class ManualLoop:
    """A loop whose time a test moves.

    Attributes:
        timers: what is to happen.
    """

    def __init__(self) -> None:
        self.timers: list[Timer] = []
        self._now = 1000.0

    def time(self) -> float:
        """Return seconds."""
        return self._now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Note what is to happen."""
        timer = Timer(self._now + delay, callback)
        self.timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self._now + seconds
        while due := [timer for timer in self.timers if timer.when <= end]:
            timer = min(due, key=lambda each: each.when)
            self.timers.remove(timer)
            self._now = timer.when
            if not timer.is_cancelled:
                timer.callback()
        self._now = end
