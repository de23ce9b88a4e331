"""Denials as octets: those that ``render`` makes, or none."""

from __future__ import annotations

import itertools

import pytest

from kubedns_py.dns.name import from_text
from kubedns_py.dns.query import Query, read_query
from kubedns_py.dns.rcode import REFUSED
from kubedns_py.dns.render import Reply, Shape, render
from kubedns_py.dns.rrset import A, RRset
from kubedns_py.resolver.answers import nodata, nxdomain
from kubedns_py.resolver.staleness import aged
from kubedns_py.server.denials import Denials
from tests.helpers import oracle
from tests.helpers.views import a_view

VIEW = a_view(domains=("cluster.local",))
(ZONE,) = VIEW.zones
SHAPE = Shape(recursion_available=True)
NAMES = {
    "cluster.local.": [
        *("web.shop.svc.cluster.local.", "abc.shop.svc.cluster.local.", "a.cluster.local."),
        *("cluster.local.", "dns.cluster.local.", "x.dns.cluster.local.", "ns.dns.cluster.local."),
        *("hostmaster.cluster.local.", "a.hostmaster.cluster.local.", "local.cluster.local."),
        *("WEB.shop.svc.cluster.local.", "web.shop.svc.cluster.LOCAL.", "ns.cluster.local."),
        *("cluster.local.cluster.local.", "1.2.cluster.local."),
    ],
    "10.in-addr.arpa.": ["1.2.3.10.in-addr.arpa.", "10.in-addr.arpa.", "dns.10.in-addr.arpa."],
}


def a_query(name: str, *, edns: int | None = 1232, do: bool = False, flags: int = 0x100) -> Query:
    """Return a question."""
    query = read_query(oracle.query(name, "AAAA", edns=edns, dnssec_ok=do, flags=flags))
    assert isinstance(query, Query)
    return query


def test_they_are_those_of_render_or_none() -> None:
    """Whatever was said before: other lengths, other labels, other forms of a query."""
    denials = Denials(SHAPE)
    said = 0
    for apex, names in NAMES.items():
        replies = [make(from_text(apex), ZONE, VIEW) for make in (nodata, nxdomain)]
        forms = itertools.product(names, replies, [None, 1232], [False, True], [0, 0x100, 0x130])
        for name, reply, edns, do, flags in [*forms] * 2:
            query = a_query(name, edns=edns, do=do, flags=flags)
            octets = denials.octets(query, reply, 512)
            if octets is not None:
                said += 1
                assert octets == render(query, reply, 512, shape=SHAPE, turn=0).octets, name
    assert said > 200


@pytest.mark.parametrize(
    "reply",
    [
        Reply(REFUSED),
        Reply(0, authoritative=True),
        Reply(
            0, authoritative=True, answer=(RRset(from_text("a.cluster.local"), A, 5, (b"1234",)),)
        ),
        aged(nodata(ZONE.apex, ZONE, VIEW)),
    ],
    ids=["refused", "nothing", "data", "stale"],
)
def test_what_is_no_simple_denial_is_rendered(reply: Reply) -> None:
    """Errors with words of their own, and what has records."""
    assert Denials(SHAPE).octets(a_query("a.cluster.local."), reply, 512) is None


def test_a_new_serial_is_another_denial() -> None:
    """ENV-6: what was said is not said again."""
    denials = Denials(SHAPE)
    query = a_query("web.shop.svc.cluster.local.")
    view = a_view(domains=("cluster.local",))
    (zone,) = view.zones
    before = denials.octets(query, nxdomain(zone.apex, zone, view), 512)
    zone.serial += 1

    reply = nxdomain(zone.apex, zone, view)
    after = denials.octets(query, reply, 512)

    assert before != after == render(query, reply, 512, shape=SHAPE, turn=0).octets


def test_what_does_not_fit_is_rendered() -> None:
    """It would have to say that something is missing."""
    query = a_query("web.shop.svc.cluster.local.", edns=None)
    reply = nxdomain(ZONE.apex, ZONE, VIEW)
    denials = Denials(SHAPE)
    octets = denials.octets(query, reply, 512)
    assert octets is not None

    assert denials.octets(query, reply, len(octets)) == octets
    assert denials.octets(query, reply, len(octets) - 1) is None


def test_memory_is_bounded() -> None:
    """Each change makes another value of each denial."""
    denials = Denials(SHAPE)
    query = a_query("web.shop.svc.cluster.local.")
    for serial in range(10_000):
        ZONE.serial = serial
        assert denials.octets(query, nxdomain(ZONE.apex, ZONE, VIEW), 512) is not None

    assert len(denials) <= 1024
