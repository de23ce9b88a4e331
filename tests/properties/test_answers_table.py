"""The answer table may decline, it may never disagree (house rule 12).

Rules of this file:

- Two responders stand before the same cache: one with a table, one that gets every question anew.
  Whatever is asked, in whatever order and at whatever time, they say the same, but for the order of
  addresses.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import dns.message
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.config.arguments import load
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.render import Reply
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.arrival import Arrival, Deferred
from kubedns_py.server.respond import Chances
from kubedns_py.upstream.cache import Age, Cache
from tests.helpers import oracle
from tests.helpers.asking import TCP, UDP
from tests.helpers.fake_forwarder import DEFAULT, a_reply, no_such_name

REPLIES = {
    "one.example.": a_reply("one.example. 30 IN A 192.0.2.1"),
    "two.example.": a_reply("two.example. 7 IN A 192.0.2.1", "two.example. 7 IN A 192.0.2.2"),
    "alias.example.": a_reply(
        "alias.example. 20 IN CNAME one.example.", "one.example. 9 IN A 192.0.2.1"
    ),
    "none.example.": no_such_name("example.", ttl=15, minimum=15),
    "brief.example.": a_reply("brief.example. 1 IN A 192.0.2.1"),
}
NAMES = [*REPLIES, "ONE.example.", "unknown.example."]


class Cached:
    """A cache that never needs an upstream, and a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.generation = 0
        self.credited = 0
        self._cache = Cache(1 << 20)

    def learn(self) -> None:
        """Fetch everything anew."""
        for name, reply in REPLIES.items():
            self._cache.put(Ask(from_text(name), 1, 1), reply, self.now, origin=DEFAULT)

    def find(self, ask: Ask) -> Reply | None:
        """Return what is fresh."""
        found = self._cache.get(ask, self.now)
        return found.reply if found and found.age is not Age.STALE else None

    def counted(self, ask: Ask) -> tuple[float, int]:
        """Return since when TTLs count down."""
        return self._cache.counted(ask)

    def fetch(self, ask: Ask, client: str, done: Callable[[Reply], None]) -> Reply | None:
        """Refuse."""
        del ask, client, done
        return Reply(2)

    def credit(self, ask: Ask, hits: int) -> None:
        """Count."""
        del ask
        self.credited += hits


def a_core(cached: Cached) -> Core:
    """Return a program without cluster before a cache."""
    chances = Chances(lambda: cached.now, itertools.count().__next__)

    def upstreams(_: View) -> Cached:
        return cached

    core = assemble(
        load([], {}, program="test").config,
        chances,
        identity=Identity("1", "a"),
        upstreams=upstreams,
    )
    core.view.known = Known.ALL
    return core


def said(
    core: Core, message: bytes, arrival: Arrival, *, repeats: bool = True
) -> tuple[bytes, list[str]]:
    """Return the head of the reply, and its records in an order that does not matter."""
    table = core.responder.repeats(arrival.family) if repeats and arrival.proto == "udp" else None
    reply: bytes | Deferred | None = None
    if table is not None:
        table.begin()
        known = table.repeat(message[2:])
        reply = message[:2] + known if known is not None else None
    reply = reply or core.responder.respond(message, arrival)
    if reply is not None and not isinstance(reply, bytes):
        replies: list[bytes | None] = []
        reply.begin("192.0.2.9", replies.append)
        (reply,) = replies
    assert reply is not None
    read = dns.message.from_wire(reply)
    sections = (read.answer, read.authority, read.additional)
    lines = [line for part in sections for rrset in part for line in rrset.to_text().split("\n")]
    return reply[:12], sorted([*lines, str(read.question), str(read.opt)])


steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("ask"),
            st.sampled_from(NAMES),
            st.sampled_from([None, 512, 1232]),
            st.booleans(),
            st.integers(0, 65535),
            st.sampled_from([UDP, UDP, UDP, TCP]),
        ),
        st.tuples(st.just("wait"), st.floats(0, 12)),
        st.tuples(st.just("learn")),
        st.tuples(st.just("change")),
    ),
    max_size=60,
)


WITHIN_A_SECOND = [
    ("wait", 0.9),
    ("ask", "two.example.", None, False, 0, UDP),
    ("wait", 0.5),
    ("ask", "two.example.", None, False, 0, UDP),
]
"""The table knows it when it is 0.9 s old, and a TTL is one less 0.1 s later."""


UNTIL_THE_END = [
    ("wait", 0.95),
    ("ask", "two.example.", None, False, 0, UDP),
    ("ask", "two.example.", None, False, 0, UDP),
    ("wait", 6.15),
    ("ask", "two.example.", None, False, 0, UDP),
]
"""A TTL of 7 s that the table learns when it is almost 6 s: it ends with the cache's."""


@given(steps)
@example(WITHIN_A_SECOND)
@example(UNTIL_THE_END)
@settings(max_examples=200)
def test_whatever_is_asked_in_whatever_order_the_table_agrees(
    history: list[tuple[object, ...]],
) -> None:
    """TTLs, spellings, sizes, IDs, both transports, new upstreams."""
    cached = Cached()
    cached.learn()
    with_table = a_core(cached)
    for step in history:
        match step:
            case (
                "ask",
                str(name),
                int() | None as size,
                bool(do),
                int(ident),
                Arrival() as arrival,
            ):
                query = oracle.query(name, "A", edns=size, dnssec_ok=do)
                message = ident.to_bytes(2) + query[2:]
                assert said(with_table, message, arrival) == said(
                    a_core(cached), message, arrival, repeats=False
                )
            case ("wait", float(seconds)):
                cached.now += seconds
            case ("learn",):  # as soon as everything has ended, and not before
                cached.now += 40
                cached.learn()
            case _:
                cached.generation += 1


def test_a_repeated_question_is_answered_from_the_table() -> None:
    """Otherwise the property above would say nothing."""
    cached = Cached()
    cached.learn()
    core = a_core(cached)
    message = oracle.query("one.example.", "A", edns=1232)
    for _ in range(10):
        said(core, message, UDP)

    cached.now += 100
    said(core, message, UDP)

    assert cached.credited == 9
