"""What is kept of a reply."""

import itertools
from math import inf

import pytest

from kubedns_py.dns.name import from_text
from kubedns_py.dns.query import Query, read_query
from kubedns_py.dns.render import Reply, Shape
from kubedns_py.dns.rrset import SRV, A, RRset, srv
from kubedns_py.resolver.answers import nxdomain
from kubedns_py.server.contents import MOST_ORDERS, MOST_RECORDS, Contents
from kubedns_py.server.entry import Content, Facts
from tests.helpers import oracle
from tests.helpers.views import a_view

NAME = from_text("web.shop.svc.d")
FACTS = Facts("d.", 1, do=False, rcode=0, rule="test", family=1)
VIEW = a_view(domains=("d", "other.d"))


def a_query(name: str = "web.shop.svc.d.", edns: int | None = 1232) -> Query:
    """Return a question."""
    query = read_query(oracle.query(name, "A", edns=edns))
    assert isinstance(query, Query)
    return query


def own(reply: Reply, *, is_stable: bool = False, max_answers: int = 0) -> Content | None:
    """Return what is kept at second 100."""
    turn = itertools.count().__next__
    contents = Contents(VIEW, Shape(max_answers=max_answers), turn, is_stable=is_stable)
    return contents.own(a_query(), reply, FACTS, 100.0)


def addresses(count: int) -> Reply:
    """Return a reply with so many addresses."""
    rdatas = tuple((0x0A000000 + number).to_bytes(4) for number in range(count))
    return Reply(0, authoritative=True, answer=(RRset(NAME, A, 30, rdatas),))


def services(count: int) -> Reply:
    """Return a reply with so many SRV records."""
    rdatas = tuple(srv(1, 80, (b"%d" % (number + 100), *NAME)) for number in range(count))
    return Reply(0, authoritative=True, answer=(RRset(NAME, SRV, 30, rdatas),))


def test_one_record_has_one_order_and_no_end() -> None:
    """Own TTLs do not count down."""
    content = own(addresses(1))

    assert content is not None
    assert (len(content.texts), content.until, content.ttls) == (1, inf, ())
    assert content.facts.asked_octets == 12 + 16 + 4 + 11
    assert content.facts.replied_octets == len(content.texts[0]) + 2


def test_few_records_have_all_their_orders() -> None:
    """ENV-10."""
    content = own(addresses(MOST_ORDERS))

    assert content is not None
    assert (len(content.texts), content.until) == (MOST_ORDERS, inf)


def test_many_addresses_are_a_ring() -> None:
    """Every one comes first in its turn."""
    content = own(addresses(40))

    assert content is not None
    assert content.ring is not None
    assert (len(content.ring), content.until) == (40, inf)
    assert content.texts == (content.ring[0],)


def test_of_very_many_addresses_a_part_is_kept_for_a_while() -> None:
    """5,000 endpoints."""
    content = own(addresses(5000))

    assert content is not None
    assert content.ring is not None
    assert len(content.ring.records) == MOST_RECORDS * 16
    assert content.until < 200
    assert content.facts.is_cut


def test_many_other_records_have_some_orders_for_a_while() -> None:
    """They have no fixed size, so they are not cut out of a ring."""
    content = own(services(20))

    assert content is not None
    assert 1 < len(content.texts) <= MOST_ORDERS
    assert content.until < 200


def test_where_some_of_such_records_are_left_out_nothing_is_kept() -> None:
    """They are others each time (A-04)."""
    assert own(services(200)) is None
    assert own(services(20), max_answers=3) is None
    assert own(services(20), max_answers=3, is_stable=True) is not None


@pytest.mark.parametrize(("apex", "number"), [("d", 0), ("other.d", 1), ("10.in-addr.arpa", 0)])
def test_a_denial_knows_where_which_serial_stands(apex: str, number: int) -> None:
    """Reverse zones share the first zone's."""
    zone = VIEW.zones[number]

    content = own(nxdomain(from_text(apex), zone, VIEW))

    assert content is not None
    (at,) = content.serials
    assert content.zone == number
    assert int.from_bytes(content.texts[0][at : at + 4]) == zone.serial


def test_what_others_said_ends_before_its_ttl_does() -> None:
    """Then the cache may fetch anew in time; what hardly lives is not kept."""
    contents = Contents(VIEW, Shape(), lambda: 0, is_stable=False)

    def foreign(ttl: int, off: int = 0) -> Content | None:
        reply = Reply(0, answer=(RRset(NAME, A, ttl, (b"\1\2\3\4", b"\4\3\2\1")),))
        return contents.foreign(a_query(), reply, FACTS, (100.0, off))

    kept = foreign(60)
    assert kept is not None
    assert (kept.made, kept.until, len(kept.texts)) == (100.0, 154.0, 2)
    assert [ttl for _, ttl in kept.ttls[0]] == [60, 60]
    assert kept.ttls[0] is kept.ttls[1]
    assert foreign(1) is None
    assert contents.foreign(a_query(), Reply(0), FACTS, (100.0, 0)) is None
    later = foreign(50, off=10)
    assert later is not None
    assert (later.made, later.until) == (100.0, 110.0 + 45)
    assert [ttl for _, ttl in later.ttls[0]] == [60, 60]  # as they were at 100.0
    assert foreign(1, off=58) is None
