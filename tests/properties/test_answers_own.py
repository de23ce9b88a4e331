"""Answers of ours in the answer table: whatever changes, they are those of a server without one.

Rules of this file:

- Two cores get the same objects and the same questions; one has a table, the other has none. They
  say the same to the last octet, but for the order of records of one set.
- Each question is asked four times after each change: the first is remembered, the second kept,
  the third is found by what queries have in common, the fourth by its octets.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dns.flags
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.cluster.objects import Address, Key, Object
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name, from_text, to_wire
from kubedns_py.dns.query import AD, CD, RD
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import RRset
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.arrival import IPV4, IPV6, Arrival
from kubedns_py.server.respond import Chances
from tests.helpers.asked import asked
from tests.helpers.asking import LOOPBACK
from tests.helpers.objects import a_namespace, a_pod, a_service, an_endpoints

LOCALS = (LOOPBACK, Address(b"\x0a\x60\0\x0a"))
"""Addresses of ours: ``ns.dns`` without a Service has the one that was asked."""
FLAGS = (
    (),
    ("--pods=verified", "--ptr-pods=true", "--answer-order=stable"),
    ("--pods=verified", "--ptr=first", "--namespace-labels=dns=on"),
    ("--pods=disabled", "--namespaces=shop,void", "--endpoint-names=both"),
    ("--dns-service=shop/web", "--domain=cluster.local,other.test", "--ignore-empty-service=true"),
    ("--local-cidrs=10.0.0.0/8", "--headless-empty=nodata", "--endpoint-pod-names=true"),
    ("--max-answers=1", "--dns-service=shop/web", "--private-reverse=nxdomain"),
)
FORWARDING = ((), ("--search-completion=true",), ("--pods=verified", "--ptr-pods=true"))

# A small world, so that changes meet the questions: one address in several services and pods,
# aliases to everything that an answer may depend on, a namespace that comes, goes and is hidden.
ASKS = {"kubedns-py/search-completion": "enabled", "dns": "on"}
TARGETS = (
    "db.shop.svc",
    "web.dark.svc",
    "ns.dns",
    "10-1-0-1.shop.pod",
    "void.svc",
    "nope.shop.svc",
)
OBJECTS: list[tuple[Resource, Object]] = [
    *(
        (Resource.SERVICES, each)
        for each in (
            a_service("web.shop", cluster_ips=["10.96.0.10"], ports=["http:80/tcp"]),
            a_service("web.shop", cluster_ips=["10.96.0.11", "fd00::b"], ports=["http:80/tcp"]),
            a_service("web.shop", headless=True, ports=["http:80/tcp"]),
            *(a_service("web.shop", external_name=f"{each}.cluster.local") for each in TARGETS),
            a_service("web.shop", external_name="1.0.1.10.in-addr.arpa"),
            a_service("web.shop", external_name="example.org"),
            a_service("db.shop", headless=True),
            a_service("db.shop", cluster_ips=["10.96.0.10"]),
            a_service("web.dark", cluster_ips=["10.96.0.20"]),
            a_service("web.dark", external_name="web.shop.svc.cluster.local"),
            a_service("com.shop", cluster_ips=["10.96.0.77"]),
            a_service("kube-dns.kube-system", cluster_ips=["10.96.0.53"]),
            a_service("kube-dns.kube-system", cluster_ips=["10.96.0.54", "fd00::54"]),
        )
    ),
    *(
        (Resource.ENDPOINTSLICES, each)
        for each in (
            an_endpoints("web.shop", ["10.1.0.1", "10.1.0.2 hostname=web-0"], ["http:80/tcp"]),
            an_endpoints("web.shop", [f"10.2.0.{n}" for n in range(1, 41)], ["http:80/tcp"]),
            an_endpoints("web.shop", [f"10.2.0.{n}" for n in range(1, 120)]),
            an_endpoints("db.shop", ["10.1.0.1 hostname=db-0"]),
            an_endpoints("db.shop", ["10.1.0.1", "10.1.0.2"]),
        )
    ),
    *(
        (Resource.NAMESPACES, each)
        for each in (
            a_namespace("shop", labels=ASKS),
            a_namespace("shop"),
            a_namespace("dark", labels={"dns": "on"}),
            a_namespace("dark", labels={"dns": "off"}),
            a_namespace("void", labels={"dns": "on"}),
        )
    ),
    (Resource.PODS, a_pod("p.shop", ["10.1.0.1"])),
    (Resource.PODS, a_pod("p.shop", ["10.1.0.2"])),
    (Resource.PODS, a_pod("q.dark", ["10.1.0.1"])),
]
KEYS = sorted({(resource, each.key) for resource, each in OBJECTS}, key=str)
OURS = (
    *("web.shop.svc", "db.shop.svc", "web.dark.svc", "com.shop.svc", "nope.shop.svc"),
    *("api.com.shop.svc", "_http._tcp.web.shop.svc", "web-0.web.shop.svc", "10-1-0-1.web.shop.svc"),
    *("shop.svc", "dark.svc", "void.svc", "dark.pod", "10-1-0-1.shop.pod", "10-1-0-1.dark.pod"),
    *("ns.dns", "dns-version", "svc", "api.com.svc", "nope", "api.com", "example.org.shop.svc"),
)
ASKED = [
    from_text(text)
    for text in (
        *(f"{each}.cluster.local" for each in OURS),
        *("cluster.local", "web.shop.svc.other.test", "nope.other.test", "other.test", "."),
        *("1.0.1.10.in-addr.arpa", "10.0.96.10.in-addr.arpa", "53.0.96.10.in-addr.arpa"),
        *("2.0.1.10.in-addr.arpa", "10.in-addr.arpa", "in-addr.arpa", "x.ip6.arpa"),
        *("b.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa", "ip6.arpa"),
        *("example.org", "stub.test", "web.stub.test"),
    )
]
EXAMPLE = from_text("example.org")
TYPES = (1, 1, 1, 28, 33, 12, 12, 2, 6, 5, 255, 65, 252)


@dataclass(frozen=True)
class Question:
    """A query but for its ID. ``capitals`` picks the letters that are capitals."""

    name: Name
    qtype: int
    qclass: int = 1
    flags: int = RD
    payload: int | None = None
    do: bool = False
    cookie: bool = False
    capitals: int = 0

    def octets(self, ident: int) -> bytes:
        """Return the message."""
        wire = bytearray(to_wire(self.name))
        at = 0
        while wire[at]:
            for place in range(at + 1, at + 1 + wire[at]):
                if self.capitals >> place % 16 & 1:
                    wire[place : place + 1] = wire[place : place + 1].upper()
            at += 1 + wire[at]
        opt = b""
        if self.payload is not None:
            option = struct.pack("!HH4s", 10, 4, ident.to_bytes(4, "big")) if self.cookie else b""
            fixed = (0, 41, self.payload, 0x8000 if self.do else 0, len(option))
            opt = struct.pack("!BHHIH", *fixed) + option
        header = struct.pack("!6H", ident, self.flags, 1, 0, 0, bool(opt))
        return header + wire + struct.pack("!HH", self.qtype, self.qclass) + opt


class Others:
    """Upstreams that know one name, and no other exists."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.generation = 0
        self._clock = clock

    def counted(self, ask: Ask) -> tuple[float, int]:
        """Return that all was said now."""
        del ask
        return self._clock(), 0

    def find(self, ask: Ask) -> Reply | None:
        """Return what is known."""
        if ask.name != EXAMPLE or ask.qtype != 1:
            return Reply(3 * (ask.name != EXAMPLE))
        address = RRset(EXAMPLE, ask.qtype, 3600, (b"\xc0\0\2\1",))
        return Reply(0, answer=(address,), authenticated=not ask.cd)

    def fetch(self, ask: Ask, client: str, done: object) -> Reply | None:
        """Refuse."""
        del ask, client, done
        return Reply(2)

    def credit(self, ask: Ask, hits: int) -> None:
        """Learn nothing."""


@dataclass
class Pair:
    """A core with a table, and one without."""

    flags: tuple[str, ...] = ()
    forwards: bool = False
    now: float = 1.0
    asked: int = 0

    def __post_init__(self) -> None:
        self.cores = (self._core(), self._core())
        self.cores[1].responder.keeper = None

    def _core(self) -> Core:
        def upstreams(_: View) -> Others:
            return Others(lambda: self.now)

        core = assemble(
            load(list(self.flags), {}, program="test").config,
            Chances(lambda: self.now, itertools.count().__next__),
            identity=Identity("1", "a"),
            upstreams=upstreams if self.forwards else None,
        )
        core.view.known = Known.ALL
        return core

    def change(self, puts: Iterable[tuple[Resource, Object | Key]]) -> None:
        """Change both clusters alike, in one commit."""
        for core in self.cores:
            for resource, what in puts:
                if isinstance(what, Key):
                    if core.store.get(resource, what) is not None:
                        core.store.remove(resource, what)
                else:
                    core.store.put(resource, what)
            core.commit(self.now)

    def set(self, fact: str, value: object) -> None:
        """Change what both views know."""
        for core in self.cores:
            setattr(core.view, fact, value)

    def agree(self, question: Question, family: int = IPV4) -> None:
        """Ask both, four times."""
        for turn in range(4):
            self._agree(question, family, ident=(turn * 7919 + 13) & 0xFFFF)

    def agree_once(self, questions: Iterable[Question]) -> None:
        """Ask both, each question once."""
        for question in questions:
            self._agree(question, IPV4, ident=1)

    def kept(self) -> int:
        """Return how many answers are in the table."""
        keeper = self.cores[0].responder.keeper
        return len(keeper) if keeper is not None else 0

    def _agree(self, question: Question, family: int, ident: int) -> None:
        self.asked += 1
        arrival = Arrival("udp", family, LOCALS[self.asked % len(LOCALS)])
        kept, anew = (asked(core, question.octets(ident), arrival) for core in self.cores)
        if kept != anew:
            by_chance = "--max-answers=1" in self.flags
            assert read(kept, by_chance=by_chance) == read(anew, by_chance=by_chance), question


def read(reply: bytes, *, by_chance: bool) -> tuple[object, ...]:
    """Return a reply in a form that does not depend on the order of records of a set.

    ``by_chance``: nor on which of them are there, where some are left out.
    """
    message = dns.message.from_wire(reply)
    question = reply[12 : 12 + reply[12:].index(b"\0") + 5]
    if by_chance or message.flags & dns.flags.TC:
        return reply[:6], question, len(message.answer), str(message.opt)
    sections = [sorted(str(each).split("\n")) for part in message.sections[1:] for each in part]
    return reply[:12], question, len(reply), sections, str(message.opt)


def questions_about(names: list[Name]) -> st.SearchStrategy[list[Question]]:
    """Draw questions about a few names, in all variants."""
    one = st.builds(
        Question,
        st.sampled_from(names),
        st.sampled_from(TYPES),
        st.sampled_from([1] * 9 + [3]),
        st.sampled_from([RD, RD, 0, RD | AD, RD | CD, RD | 0x40]),
        st.sampled_from([None, 1232, 1232, 512, 4096, 800]),
        st.booleans(),
        st.booleans(),
        st.sampled_from([0, 0, 0, 0x5A5A, 0xFFFF]),
    )
    return st.lists(one, min_size=2, max_size=8)


questions = st.lists(st.sampled_from(ASKED), min_size=1, max_size=3).flatmap(questions_about)
changes = st.lists(
    st.one_of(st.sampled_from(OBJECTS), st.sampled_from(KEYS)), min_size=1, max_size=3
)
facts = st.sampled_from(
    [
        ("known", Known.NOTHING),
        ("known", Known.WITHOUT_ENDPOINTS),
        ("known", Known.ALL),
        ("stale", True),
        ("stale", False),
        ("stub_domains", frozenset({from_text("stub.test"), from_text("shop.svc.cluster.local")})),
        ("stub_domains", frozenset[Name]()),
    ]
)


@dataclass(frozen=True)
class History:
    """A beginning, a few questions that are asked again and again, and what happens between."""

    objects: list[tuple[Resource, Object]]
    questions: list[Question]
    happens: list[list[tuple[Resource, Object | Key]] | tuple[str, object]]
    family: int


histories = st.builds(
    History,
    st.lists(st.sampled_from(OBJECTS), max_size=12),
    questions,
    st.lists(st.one_of(changes, changes, changes, facts), max_size=8),
    st.sampled_from([IPV4, IPV6]),
)


def run(pair: Pair, history: History) -> None:
    """Ask, change, and ask the same again."""
    pair.change(history.objects)
    for each in (None, *history.happens):
        if isinstance(each, list):
            pair.change(each)
        elif each is not None:
            pair.set(*each)
        for question in history.questions:
            pair.agree(question, history.family)


@given(st.sampled_from(FLAGS), histories)
@settings(max_examples=100)
def test_without_forwarding_the_table_agrees(flags: tuple[str, ...], history: History) -> None:
    """Every kind of name of ours, whatever it depends on."""
    run(Pair(flags), history)


@given(st.sampled_from(FORWARDING), histories)
@settings(max_examples=100)
def test_with_forwarding_the_table_agrees(flags: tuple[str, ...], history: History) -> None:
    """Unknown reverse names are somebody else's until a service has the address."""
    run(Pair(flags, forwards=True), history)


WORLDS = tuple(
    list({(resource, each.key): (resource, each) for resource, each in objects}.values())
    for objects in (OBJECTS[::-1], OBJECTS[:3])
)
"""The first state of each object, and hardly any object."""
VARIANTS = [
    Question(from_text(name), 1, flags=flags, payload=payload, capitals=capitals)
    for name in ("web.shop.svc.cluster.local", "api.com.shop.svc.cluster.local", "example.org")
    for flags in (RD, 0, RD | CD, RD | AD)
    for payload in (512, 1232)
    for capitals in (0, 0xFFFF)
]


@pytest.mark.parametrize("world", WORLDS, ids=["first", "few"])
@pytest.mark.parametrize(
    ("flags", "forwards"),
    [*((flags, False) for flags in FLAGS), *((flags, True) for flags in FORWARDING)],
    ids=str,
)
def test_no_single_change_leaves_an_answer_that_is_not_true_any_more(
    flags: tuple[str, ...], *, forwards: bool, world: list[tuple[Resource, Object]]
) -> None:
    """Every object comes, goes and changes, while every name was asked before."""
    pair = Pair(flags, forwards=forwards)
    pair.change(world)
    everything = [Question(name, qtype) for name in ASKED for qtype in (1, 12, 2)] + VARIANTS
    for _ in range(2):
        pair.agree_once(everything)
    assert pair.kept() > len(everything) / 3
    before = {(resource, each.key): (resource, each) for resource, each in world}
    for resource, what in (*OBJECTS, *KEYS):
        key = what if isinstance(what, Key) else what.key
        back = before.get((resource, key), (resource, key))
        for change in ((resource, what), back):
            pair.change([change])
            pair.agree_once(everything)
