"""Questions that are asked again: answered from the tables, counted as if they were not."""

from __future__ import annotations

from collections import Counter

import pytest

from kubedns_py.assembly import Core
from kubedns_py.cluster.resources import Resource
from kubedns_py.dns.query import Query, read_query
from kubedns_py.server.arrival import IPV4, IPV6, Arrival
from kubedns_py.server.contents import MOST_RECORDS
from kubedns_py.server.folding import folded
from tests.helpers import oracle
from tests.helpers.asked import asked
from tests.helpers.asking import LOOPBACK, TCP, UDP
from tests.helpers.objects import a_service, an_endpoints
from tests.server.test_respond import a_core

UDP6 = Arrival("udp", IPV6, LOOPBACK)
WEB = oracle.query("web.prod.svc.cluster.local.", "A", edns=1232)
MIXED = oracle.query("wEB.prod.svc.CLUSTER.local.", "A", edns=1232)
MISSING = oracle.query("api.example.com.prod.svc.cluster.local.", "A", edns=1232, dnssec_ok=True)
EMPTY = oracle.query("web.prod.svc.cluster.local.", "AAAA")
OUTSIDE = oracle.query("example.org.", "A", edns=4096)
MANY = oracle.query("many.prod.svc.cluster.local.", "A", edns=1232)
POINTER = oracle.query("10.0.96.10.in-addr.arpa.", "PTR", edns=1232)
ALL = (WEB, MIXED, MISSING, EMPTY, OUTSIDE, MANY, POINTER)


def ask(core: Core, message: bytes, arrival: Arrival = UDP) -> bytes:
    """Return the reply, from the table where it has one."""
    return asked(core, message, arrival)


def known(core: Core, message: bytes) -> bool:
    """Tell whether a query is answered by its octets."""
    table = core.responder.repeats(IPV4)
    assert table is not None
    return table.repeat(message[2:]) is not None


def addresses(reply: bytes) -> tuple[str, ...]:
    """Return the answer."""
    return oracle.read(reply).answer


@pytest.mark.parametrize("message", [WEB, MISSING, EMPTY, OUTSIDE, MANY, POINTER])
def test_the_third_time_a_question_is_answered_by_its_octets(message: bytes) -> None:
    """Data, denials, refusals; what is cut; what is reverse."""
    core = a_core()

    asked = []
    for _ in range(3):
        asked.append(known(core, message))
        ask(core, message)

    assert asked == [False, False, True]


def test_capitals_are_found_by_what_they_share() -> None:
    """0x20: never twice the same octets; each in its own spelling."""
    core = a_core()
    for _ in range(2):
        ask(core, MIXED)
    keeper = core.responder.keeper
    assert keeper is not None
    assert len(keeper) == 1

    again = oracle.query("WEB.prod.SVC.cluster.local.", "A", edns=1232)
    reply = ask(core, again)

    assert reply[12 : 12 + 29] == again[12 : 12 + 29]
    assert addresses(reply) == ("WEB.prod.SVC.cluster.local. 30 IN A 10.96.0.10",)
    assert not known(core, again)


def test_what_was_repeated_is_counted_as_if_it_was_not() -> None:
    """Requests, responses, sizes, DO and truncation; both families and both transports."""
    kept, anew = a_core(), a_core()
    anew.responder.keeper = None
    for core in (kept, anew):
        for number in range(70):
            ask(core, ALL[number % len(ALL)], (UDP, UDP6, UDP, TCP)[number // 7 % 4])
            if number == 30:
                core.commit(2.0)
                core.view.stale = not core.view.stale
                core.view.stale = not core.view.stale
    for family in (IPV4, IPV6):
        table = kept.responder.repeats(family)
        assert table is not None
        assert not table.is_settled
        table.settle()

    one, other = kept.tally.snapshot(), anew.tally.snapshot()

    assert one.requests == other.requests
    assert one.do_requests == other.do_requests
    assert one.responses == other.responses
    assert one.truncated == other.truncated == {"udp": 8, "tcp": 2}
    for mine, theirs in (
        (one.request_sizes, other.request_sizes),
        (one.response_sizes, other.response_sizes),
    ):
        assert {key: (each.counts, each.total) for key, each in mine.items()} == {
            key: (each.counts, each.total) for key, each in theirs.items()
        }
    assert {zone: sum(each.counts) for zone, each in one.durations.items()} == {
        zone: sum(each.counts) for zone, each in other.durations.items()
    }


def test_where_all_queries_are_logged_none_is_repeated() -> None:
    """--log-queries all: each has a line."""
    assert a_core("--log-queries=all").responder.repeats(IPV4) is None
    assert a_core("--log-queries=1s").responder.repeats(IPV4) is not None


def of_size(count: int, *flags: str) -> Core:
    """Return a core with a headless service of so many endpoints."""
    core = a_core(*flags)
    core.store.put(Resource.SERVICES, a_service("some.prod", headless=True))
    listed = [f"10.2.{index // 250}.{index % 250 + 1}" for index in range(count)]
    core.store.put(Resource.ENDPOINTSLICES, an_endpoints("some.prod", listed))
    core.commit(1.0)
    return core


def first_address(reply: bytes) -> bytes:
    """Return the first record's, which stands behind pointer, type, class, TTL and size."""
    at = len(SOME) - len(OPT) + 12
    return reply[at : at + 4]


OPT = bytes(11)
SOME = oracle.query("some.prod.svc.cluster.local.", "A", edns=1232)


@pytest.mark.parametrize("count", [3, 8, 9, 40, 250])
def test_each_address_comes_first_as_often_as_any_other(count: int) -> None:
    """ENV-10, A-04: also where a reply has no room for all; settling begins nothing anew."""
    core = of_size(count)
    firsts: Counter[bytes] = Counter()
    for number in range(20 * count):
        firsts[first_address(ask(core, SOME))] += 1
        if not number % 7:
            core.responder.keeper.tables[IPV4].settle()  # type: ignore[union-attr] # it has one

    assert known(core, SOME)
    assert len(firsts) == count
    assert max(firsts.values()) <= 24


def test_of_a_very_large_service_a_part_is_kept_for_a_while() -> None:
    """5,000 endpoints: what is kept is bounded, and in time all have their turn."""
    core = a_core()
    keeper = core.responder.keeper
    assert keeper is not None
    for _ in range(3):
        ask(core, MANY)
    query = read_query(MANY)
    assert isinstance(query, Query)
    entry = keeper.find(folded(query, IPV4, 1232), 0.0)
    assert entry is not None

    assert entry.size_octets < 20_000
    assert len(entry.texts) < MOST_RECORDS
    assert entry.content.until < 1e6
    assert len(addresses(ask(core, MANY))) > 60


def test_with_a_stable_order_there_is_one_reply() -> None:
    """--answer-order stable."""
    core = of_size(40, "--answer-order=stable")

    assert len({addresses(ask(core, SOME)) for _ in range(20)}) == 1
    assert known(core, SOME)


def test_with_few_of_many_answers_all_have_their_turn() -> None:
    """--max-answers."""
    core = of_size(40, "--max-answers=2")

    shown = Counter(row for _ in range(400) for row in addresses(ask(core, SOME)))

    assert known(core, SOME)
    assert len(shown) == 40
    assert set(shown.values()) <= set(range(15, 26))
