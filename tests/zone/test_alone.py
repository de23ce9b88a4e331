"""What is made alone, without a subtree: the same as the subtree has, and at what cost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Endpoints, Key, Service, Subset
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.dns.name import Name, from_text, to_text
from kubedns_py.dns.rrset import SRV, A, to_lines
from kubedns_py.zone.naming import Naming, dashed
from kubedns_py.zone.publishing import Publishing, held_addresses
from kubedns_py.zone.reverse import chosen_targets
from kubedns_py.zone.tree import Node
from kubedns_py.zone.zone import Visibility, Zone
from tests.helpers.namings import LONG, NAMINGS, PUBLISHING
from tests.helpers.objects import a_service, a_subset, address, an_endpoints
from tests.helpers.parts import parts_published, subtree_of
from tests.helpers.work import lines_run

OWN = ["10.3.0.1", "10.1.0.1", "fd00::a", "fd00::1"]
HOSTS = ["10.1.0.1", "10.1.0.2", "fd00::1", "::1", "fd00::a:0:0"]
PORTS = ["http:80/tcp", "http:80/udp", ":9090/tcp", "http:81/tcp", "dns:53/udp", "none:0/sctp"]
WORDS = ["", " not-ready", " serving", " hostname=db-0", " hostname=10-1-0-2", " pod=db-1"]
LABELS = [
    *("_tcp", "_udp", "_sctp", "_http._tcp", "_http._udp", "_none._sctp", "_._tcp", "_x._tcp"),
    *(
        "a._http._tcp",
        "_http.x._tcp",
        "db-0",
        "db-1",
        "x",
        "0--1",
        "--1",
        "10-1-0-3",
        "010-1-0-1",
        "x.10-1-0-1",
    ),
    *("fd00-0--1", "fd00--a-0-0", "fd00-0-0-0-0-a-0-0"),
    *(dashed(address(text)).decode() for text in {*OWN, *HOSTS}),
]
ADDRESSES = [address(text) for text in {*OWN, *HOSTS, "10.1.0.3"}]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    """Return a strategy of a few of the values."""
    return st.lists(st.sampled_from(values), unique=True, max_size=3)


ENDPOINTS = st.builds(str.__add__, st.sampled_from(HOSTS), st.sampled_from([*[""] * 6, *WORDS]))
SUBSETS = st.lists(
    st.builds(a_subset, st.lists(ENDPOINTS, max_size=3), some(PORTS)), max_size=2
).map(tuple)
SERVICES = st.builds(
    a_service,
    st.sampled_from(["web.shop", f"{'w' * 32}.shop", f"{'w' * 50}.shop"]),
    cluster_ips=some(OWN),
    ports=some(PORTS),
    publish_not_ready=st.booleans(),
) | st.builds(
    a_service, st.just("web.shop"), headless=st.just(value=True), publish_not_ready=st.booleans()
)


def a_zone(
    service: Service,
    subsets: tuple[Subset, ...],
    naming: Naming,
    publishing: Publishing = Publishing(),  # noqa: B008 - a value
) -> Zone:
    """Return a zone of one service."""
    store = Store(lambda: None)
    store.put(Resource.SERVICES, service)
    key = Key(service.key.namespace, "slice")
    store.put(Resource.ENDPOINTSLICES, Endpoints(key, service.key, subsets))
    zone = Zone(store, naming, publishing, Visibility())
    zone.commit(store.take_changes(), 1.0)
    return zone


def lines(node: Node | None) -> list[str] | None:
    """Return the records of a node, in their order; None if there is no node."""
    if node is None:
        return None
    return [line for rrset in node.rrsets.values() for line in to_lines(rrset)]


def below(node: Node | None, labels: Name) -> Node | None:
    """Return the node of labels left of a node's, in its subtree."""
    for label in reversed(labels):
        node = node.children.get(label) if node else None
    return node


@settings(max_examples=250)
@given(SERVICES, SUBSETS, NAMINGS, PUBLISHING)
def test_a_name_that_is_made_alone_is_that_of_the_subtree(
    service: Service, subsets: tuple[Subset, ...], naming: Naming, publishing: Publishing
) -> None:
    """Nothing that is quick may disagree with what it stands for; SRV with its additional too."""
    zone = a_zone(service, subsets, naming, publishing)
    subtree = subtree_of(service, subsets, naming, publishing)
    own = (service.key.name.encode(), service.key.namespace.encode())
    for labels in [(), *map(from_text, LABELS)]:
        found = zone.find((*labels, *own))
        whole = below(subtree.node if subtree else None, labels)
        assert lines(found) == lines(whole), labels
        if found is not None and whole is not None and SRV in whole.rrsets:
            assert found.rrsets[SRV] == whole.rrsets[SRV]


@settings(max_examples=250)
@given(SERVICES, SUBSETS, NAMINGS, PUBLISHING)
def test_a_pointer_that_is_made_alone_is_that_of_the_subtree(
    service: Service, subsets: tuple[Subset, ...], naming: Naming, publishing: Publishing
) -> None:
    """The same of addresses: published ones, the service's own, and others."""
    zone = a_zone(service, subsets, naming, publishing)
    subtree = subtree_of(service, subsets, naming, publishing)
    groups = held_addresses(service, parts_published(service, subsets, publishing))
    held = {each for group in groups for each in group}
    for each in ADDRESSES:
        kept = subtree.pointers.get(each, ()) if subtree and each in held else ()
        for policy in ("all", "hostname", "first"):
            assert zone.pointers(each, policy) == chosen_targets(kept, policy)


def test_an_endpoint_whose_name_would_be_too_long_has_none_and_no_pointer() -> None:
    """BAD-2: 256 octets are too many; others of the same service fit."""
    service = a_service(f"{'w' * 32}.shop", headless=True)
    hosts = ["10.1.0.1", "::1"]
    zone = a_zone(service, (a_subset(hosts),), Naming(from_text(LONG), 30))

    for label, host, count in [(b"10-1-0-1", "10.1.0.1", 0), (b"0--1", "::1", 1)]:
        assert (zone.find((label, b"w" * 32, b"shop")) is not None) == bool(count)
        assert len(zone.pointers(address(host), "all")) == count


def test_a_service_of_thousands_costs_a_name_no_more_than_one_of_one() -> None:
    """Reliability 5.4: neither the addresses nor the names of others are looked at."""
    hosts = [f"10.2.{number >> 8}.{number & 255}" for number in range(2_000)]
    naming = Naming(from_text("d"), 30)
    costs = set()
    for count in (1, 2_000):
        wide = a_service("db.shop", headless=True)
        zone = a_zone(wide, (a_subset(hosts[:count], ["pg:5432/tcp"]),), naming)

        def ask(zone: Zone = zone) -> None:
            node = zone.find((b"10-2-0-0", b"db", b"shop"))
            assert node is not None
            assert node.rrsets[A].rdatas == (address("10.2.0.0"),)
            target = zone.pointers(address("10.2.0.0"), "all")[0]
            assert to_text(target) == "10-2-0-0.db.shop.svc.d."

        costs.add(lines_run(ask))
    assert len(costs) == 1


def test_an_endpoint_that_loses_its_hostname_is_called_by_its_address() -> None:
    """LIF-8: and the other way round."""
    store = Store(lambda: None)
    store.put(Resource.SERVICES, a_service("db.shop", headless=True))
    zone = Zone(store, Naming(from_text("d"), 30), Publishing(), Visibility())
    for host, expected in [
        ("10.1.0.1", "10-1-0-1"),
        ("10.1.0.1 hostname=db-0", "db-0"),
        ("10.1.0.1", "10-1-0-1"),
    ]:
        store.put(Resource.ENDPOINTSLICES, an_endpoints("db.shop", [host]))
        zone.commit(store.take_changes(), 1.0)
        for label in ("10-1-0-1", "db-0"):
            found = zone.find((label.encode(), b"db", b"shop"))
            assert (found is not None) == (label == expected)
        assert list(map(to_text, zone.pointers(address("10.1.0.1"), "all"))) == [
            f"{expected}.db.shop.svc.d."
        ]


def test_a_service_without_its_last_hostname_costs_a_name_no_more_than_before() -> None:
    """Reliability 5.4: what is made alone is so again."""
    hosts = [f"10.2.{number >> 8}.{number & 255}" for number in range(500)]
    store = Store(lambda: None)
    store.put(Resource.SERVICES, a_service("db.shop", headless=True))
    zone = Zone(store, Naming(from_text("d"), 30), Publishing(), Visibility())
    costs = []
    for first in ("10.2.0.0", "10.2.0.0 hostname=db-0", "10.2.0.0"):
        store.put(Resource.ENDPOINTSLICES, an_endpoints("db.shop", [first, *hosts[1:]]))
        zone.commit(store.take_changes(), 1.0)
        costs.append(lines_run(lambda: zone.find((b"10-2-0-1", b"db", b"shop"))))

    assert costs[0] == costs[2] < costs[1]
