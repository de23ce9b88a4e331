"""Queries whose answer somebody else has: at once, later, in several steps, never twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.dns.query import Query, read_query
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import IN
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Policy, Resolution
from kubedns_py.server.elsewhere import Pending, ask_of, is_plain, look_up
from tests.helpers import oracle
from tests.helpers.fake_forwarder import a_reply, no_such_name
from tests.helpers.objects import a_service
from tests.helpers.views import ASKED, a_view

VIEW = a_view(
    a_service("web.prod", cluster_ips=["10.96.0.10"]),
    a_service("ext.prod", external_name="example.org"),
    policy=Policy(forwards=True),
)
VIEW.stub_domains = frozenset({from_text("corp.example")})
ANSWER = a_reply("example.org. 60 IN A 192.0.2.1")
TO_CORP = a_reply("example.org. 60 IN CNAME db.corp.example.")
CORP = a_reply("db.corp.example. 60 IN A 10.9.9.9")
REFUSAL = Reply(2)


class FakeUpstreams:
    """Knows some things, is told others, and refuses the rest."""

    generation = 0

    def __init__(self, **known: Reply) -> None:
        self.known = known
        self.refuses = False
        self.waiting: list[tuple[Ask, str, Callable[[Reply], None]]] = []

    def find(self, ask: Ask) -> Reply | None:
        """Return what is known, by the first label."""
        return self.known.get(ask.name[0].decode())

    def counted(self, ask: Ask) -> tuple[float, int]:
        """No table is in use here."""
        raise AssertionError(ask)

    def credit(self, ask: Ask, hits: int) -> None:
        """No table is in use here."""
        raise AssertionError(f"{ask} {hits}")

    def fetch(self, ask: Ask, client: str, done: Callable[[Reply], None]) -> Reply | None:
        """Keep the question."""
        if self.refuses:
            return REFUSAL
        self.waiting.append((ask, client, done))
        return None


def a_query(name: str, *, do: bool = False, cd: bool = False) -> Query:
    """Return a query as it is read."""
    octets = oracle.query(
        name, "A", edns=1232 if do else None, dnssec_ok=do, flags=0x0100 | cd << 4
    )
    query = read_query(octets)
    assert isinstance(query, Query)
    return query


def found_for(query: Query) -> Resolution:
    """Return what is known before anybody is asked."""
    return resolve(query.name, query.qtype, IN, VIEW, asked=ASKED)


def a_pending(
    name: str, upstreams: FakeUpstreams, finish: Callable[[Resolution | Exception], bytes]
) -> Pending:
    """Return a query that waits."""
    query = a_query(name)
    found = found_for(query)
    return Pending(query, ask_of(query, found), found, VIEW, upstreams, finish)


def as_text(found: Resolution | Exception) -> bytes:
    """Stand for the making of a reply: its rcode and how many RRsets the answer has."""
    if isinstance(found, Exception):
        return f"fault: {found}".encode()
    return f"{found.reply.rcode} {len(found.reply.answer)}".encode()


def test_what_is_asked_has_the_bits_that_change_the_answer() -> None:
    """C-18, C-24: DO and CD, and nothing else of the client's packet."""
    for do, cd in itertools.product([False, True], repeat=2):
        query = a_query("ext.prod.svc.d.", do=do, cd=cd)

        assert ask_of(query, found_for(query)) == Ask(from_text("example.org"), 1, IN, do, cd)


def test_what_is_known_at_once_is_answered_at_once() -> None:
    """Also over several steps."""
    upstreams = FakeUpstreams(example=TO_CORP, db=CORP)
    query = a_query("ext.prod.svc.d.")

    found = look_up(query, found_for(query), VIEW, upstreams)

    assert found.onward is None
    assert len(found.reply.answer) == 3


def test_what_is_not_known_is_left_to_be_asked() -> None:
    """The first step is known, the second is not."""
    query = a_query("example.org.")

    found = look_up(query, found_for(query), VIEW, FakeUpstreams(example=TO_CORP))

    assert found.onward is not None
    assert to_text(found.onward.name) == "db.corp.example."


def test_a_reply_comes_when_the_upstream_has_said_it() -> None:
    """And the client is named, so that its share is bounded."""
    upstreams, got = FakeUpstreams(), list[bytes | None]()
    a_pending("example.org.", upstreams, as_text).begin("192.0.2.9", got.append)
    ((ask, client, done),) = upstreams.waiting

    assert (ask.name, client, got) == (from_text("example.org"), "192.0.2.9", [])
    done(ANSWER)
    assert got == [b"0 1"]


def test_the_next_step_is_asked_for_when_the_first_is_known() -> None:
    """C-07: out of one route and into another."""
    upstreams, got = FakeUpstreams(), list[bytes | None]()
    a_pending("example.org.", upstreams, as_text).begin("192.0.2.9", got.append)

    upstreams.waiting.pop()[2](TO_CORP)
    ((ask, _, done),) = upstreams.waiting
    assert (to_text(ask.name), got) == ("db.corp.example.", [])
    done(CORP)

    assert got == [b"0 2"]


def test_a_query_is_passed_on_four_times_at_most() -> None:
    """EXT-8: each step may take 4.5 s."""
    view = a_view(policy=Policy(forwards=True))
    view.stub_domains = frozenset({from_text("corp.example"), from_text("lab.example")})
    upstreams, got = FakeUpstreams(), list[bytes | None]()
    query = a_query("c0.corp.example.")
    found = resolve(query.name, query.qtype, IN, view, asked=ASKED)
    pending = Pending(query, ask_of(query, found), found, view, upstreams, as_text)
    pending.begin("192.0.2.9", got.append)

    for number in range(4):
        ends = ["lab.example." if each % 2 else "corp.example." for each in (number, number + 1)]
        said = a_reply(f"c{number}.{ends[0]} 60 IN CNAME c{number + 1}.{ends[1]}")
        upstreams.waiting.pop()[2](said)

    assert got == [b"2 0"]
    assert upstreams.waiting == []


def test_a_refusal_is_the_reply() -> None:
    """L-04: at once, from begin itself."""
    upstreams, got = FakeUpstreams(), list[bytes | None]()
    upstreams.refuses = True

    a_pending("example.org.", upstreams, as_text).begin("192.0.2.9", got.append)

    assert got == [b"2 0"]


def test_whoever_is_gone_gets_nothing() -> None:
    """T-09: the upstream's word is for the cache alone then."""
    upstreams, got = FakeUpstreams(), list[bytes | None]()
    pending = a_pending("example.org.", upstreams, as_text)
    pending.begin("192.0.2.9", got.append)

    pending.abandon()
    pending.abandon()
    upstreams.waiting.pop()[2](TO_CORP)

    assert got == []
    assert upstreams.waiting == []


def test_a_fault_of_ours_is_answered() -> None:
    """ENV-28c: whatever goes wrong, the client hears of it."""
    upstreams, got = FakeUpstreams(), list[bytes | None]()

    def finish(found: Resolution | Exception) -> bytes:
        if isinstance(found, Exception):
            return as_text(found)
        raise RuntimeError("no reply can be made")

    a_pending("example.org.", upstreams, finish).begin("192.0.2.9", got.append)
    upstreams.waiting.pop()[2](ANSWER)

    assert got == [b"fault: no reply can be made"]


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("example.org.", ANSWER, True),
        ("example.org.", no_such_name("org."), True),
        ("db.corp.example.", CORP, True),
        ("example.org.", REFUSAL, False),  # for a moment only
        ("example.org.", TO_CORP, False),  # not at its end
        ("example.org.", a_reply("example.org. 9 IN CNAME web.prod.svc.d."), False),
        ("example.org.", a_reply("example.org. 9 IN CNAME none.prod.svc.d."), False),
        ("ext.prod.svc.d.", ANSWER, False),
        ("1.0.200.10.in-addr.arpa.", no_such_name("10.in-addr.arpa."), False),
        ("example.org.", a_reply("example.org. 30 IN A 192.0.2.1", truncated=True), False),
    ],
)
def test_only_what_is_an_upstreams_alone_may_be_repeated(
    name: str,
    said: Reply,
    expected: bool,  # noqa: FBT001 - a column
) -> None:
    """The answer table must not know better than the cluster."""
    query = a_query(name)
    before = found_for(query)

    found = look_up(query, before, VIEW, FakeUpstreams(**{query.name[0].decode(): said}))
    if before.rule == "alias":
        found = look_up(query, before, VIEW, FakeUpstreams(example=said))

    assert is_plain(before, found, said) is expected
