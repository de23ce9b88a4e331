"""AAAA questions that nobody is asked."""

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import ExtendedError
from kubedns_py.upstream.filters import AaaaFilter, Authority
from kubedns_py.upstream.routes import Group, Routes
from tests.helpers.fake_forwarder import DEFAULT
from tests.helpers.replies import lines_of

AUTHORITY = Authority(
    from_text("ns.dns.cluster.local"), from_text("hostmaster.cluster.local"), 1800
)
CORP = Group("corp.example.", (Nameserver("192.0.2.53", 5353), Nameserver("192.0.2.54")))
ROUTES = Routes(DEFAULT, {from_text("corp.example"): CORP})
SOA = "1800 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 1800"


def a_filter(*domains: str, servers: tuple[str, ...] = (), routes: Routes = ROUTES) -> AaaaFilter:
    """Return a filter that knows the routes."""
    made = AaaaFilter([from_text(domain) for domain in domains], servers, AUTHORITY)
    made.use(routes)
    return made


def soas(aaaa_filter: AaaaFilter, name: str, routes: Routes = ROUTES) -> tuple[str, ...] | None:
    """Return the authority section for a name, or None when it is not filtered."""
    reply = aaaa_filter.answer(from_text(name), routes)
    return None if reply is None else lines_of(reply.authority)


def test_a_filtered_name_has_no_data_and_the_reply_says_who_says_so() -> None:
    """RFC 2308, 2.2: NODATA with SOA; RFC 8914, 4.18: EDE 17."""
    reply = a_filter("example.org").answer(from_text("www.example.org"), ROUTES)

    assert reply is not None
    assert (reply.rcode, reply.answer, reply.authoritative) == (0, (), False)
    assert lines_of(reply.authority) == (f"example.org. {SOA}",)
    assert reply.ede == ExtendedError(17, "IPv6 addresses are not looked up here")


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("example.org", "example.org."),
        ("a.b.example.org", "example.org."),
        ("sub.example.org", "sub.example.org."),
        ("x.sub.example.org", "sub.example.org."),
        ("aexample.org", None),
        ("org", None),
        (".", None),
    ],
)
def test_the_longest_domain_by_labels_is_the_one_that_denies(name: str, domain: str | None) -> None:
    """CVE-2026-33489: suffixes are labels."""
    found = soas(a_filter("example.org", "sub.example.org"), name)

    assert found == (None if domain is None else (f"{domain} {SOA}",))


def test_the_root_filters_everything() -> None:
    """A cluster without IPv6 (behaviour 4.2)."""
    for name in (".", "www.example.org", "db.corp.example"):
        assert soas(a_filter("."), name) == (f". {SOA}",)


def test_a_route_is_filtered_if_all_its_upstreams_are_listed() -> None:
    """AAAA filter by upstream: whatever its port."""
    made = a_filter(servers=("192.0.2.53", "192.0.2.54", "192.0.2.1"))

    assert soas(made, "db.corp.example") == (f"corp.example. {SOA}",)
    assert soas(made, "www.example.org") is None


def test_the_default_route_is_filtered_as_the_root_is_but_not_a_stub_domain_in_it() -> None:
    """AAAA filter by upstream: names follow their route."""
    made = a_filter(servers=("192.0.2.1", "192.0.2.2"))

    assert soas(made, "www.example.org") == (f". {SOA}",)
    assert soas(made, "db.corp.example") is None


def test_a_route_without_upstreams_is_not_filtered() -> None:
    """Nothing is known of it, and whoever asks is told that (EDE 22)."""
    routes = Routes(None, {from_text("corp.example"): Group("corp.example.", ())})
    made = a_filter(servers=("192.0.2.1",), routes=routes)

    assert soas(made, "db.corp.example", routes) is None
    assert soas(made, "www.example.org", routes) is None


def test_other_routes_are_looked_at_anew() -> None:
    """A change of configuration, while serving."""
    made = a_filter(servers=("192.0.2.1", "192.0.2.2"))
    without = Routes(CORP, {})
    made.use(without)

    assert soas(made, "www.example.org", without) is None


def test_a_name_without_a_route_is_not_filtered_by_upstream() -> None:
    """No default: only stub domains are asked for."""
    routes = Routes(None, {from_text("corp.example"): CORP})
    made = a_filter(servers=("192.0.2.53", "192.0.2.54"), routes=routes)

    assert soas(made, "www.example.org", routes) is None
