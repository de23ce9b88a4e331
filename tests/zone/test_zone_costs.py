"""What a change costs: its Service, and no other; and of that, what is asked for."""

from __future__ import annotations

from kubedns_py.cluster.objects import Endpoints, Key
from kubedns_py.cluster.packed import pack
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rrset import SRV, A
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.zone import Visibility, Zone
from tests.helpers.objects import a_service, an_endpoints
from tests.helpers.work import lines_run

WIDE = 5_000
_IN_SLICE = 100


def a_zone(services: int, wide: int = WIDE) -> tuple[Zone, Store]:
    """Return a zone of so many Services, one endpoint each, and a wide headless one."""
    store = Store(lambda: None)
    for number in range(services):
        name = f"s{number}.shop"
        store.put(Resource.SERVICES, a_service(name, cluster_ips=[_address("10.96", number)]))
        store.put(Resource.ENDPOINTSLICES, an_endpoints(name, [_address("10.1", number)]))
    store.put(Resource.SERVICES, a_service("wide.shop", headless=True))
    for start in range(0, wide, _IN_SLICE):
        move(store, start, "10.2")
    zone = Zone(store, Naming(from_text("d"), ttl=30), Publishing(), Visibility())
    zone.commit(store.take_changes(), 1.0)
    return zone, store


def move(store: Store, start: int, network: str) -> None:
    """Put a slice of the wide Service, with its endpoints in a network."""
    store.put(Resource.ENDPOINTSLICES, a_slice(start, network))


def a_slice(start: int, network: str) -> Endpoints:
    """Return a slice of the wide Service; its first endpoint has a hostname."""
    hosts = [_address(network, number) for number in range(start, start + _IN_SLICE)]
    hosts[0] += f" hostname=host-{start}"
    return an_endpoints("wide.shop", hosts, ["http:80/tcp"], name=f"wide-{start:05}")


def _address(network: str, number: int) -> str:
    return f"{network}.{number >> 8}.{number & 255}"


def test_a_change_costs_the_same_in_a_cluster_of_any_size() -> None:
    """Reliability 5.4: a change is O(that Service)."""
    costs = set()
    for services in (10, 1_000):
        zone, store = a_zone(services)
        addresses = iter(range(1, 100))

        def change(zone: Zone = zone, store: Store = store) -> None:
            moved = an_endpoints("s7.shop", [f"10.3.0.{next(addresses)}"])  # noqa: B023 - at once
            store.put(Resource.ENDPOINTSLICES, moved)
            zone.commit(store.take_changes(), 2.0)
            assert zone.find((b"s7", b"shop")) is not None

        change()
        costs.add(lines_run(change))

    assert len(costs) == 1


def test_a_change_among_thousands_of_endpoints_costs_what_one_among_a_hundred_does() -> None:
    """Reliability 5.4: one slice is derived anew, 49 others are only joined to it."""
    costs = {}
    for width in (_IN_SLICE, 10 * _IN_SLICE, WIDE):
        zone, store = a_zone(1, width)
        start = width - _IN_SLICE
        label = b"host-%d" % start
        slices = iter([a_slice(start, f"10.{number}") for number in range(100, 110)])

        def change_and_ask(width: int = width, zone: Zone = zone, store: Store = store) -> None:
            slice_ = next(slices)  # noqa: B023 - at once
            store.put(Resource.ENDPOINTSLICES, slice_)
            zone.commit(store.take_changes(), 2.0)
            for labels, count in [((), width), ((label,), 1)]:  # noqa: B023 - at once
                node = zone.find((*labels, b"wide", b"shop"))
                assert node is not None
                assert len(node.rrsets[A].rdatas) == count
            pointers = zone.pointers(slice_.subsets[0].endpoints[0].addresses[0], "all")
            assert [name[0] for name in pointers] == [label]  # noqa: B023 - at once

        change_and_ask()
        costs[width] = lines_run(change_and_ask)
    assert costs[10 * _IN_SLICE] < 1.5 * costs[_IN_SLICE]
    assert costs[WIDE] < 2 * costs[_IN_SLICE]


def test_endpoints_that_only_addresses_tell_apart_are_not_read() -> None:
    """A first sync has 100,000 of them."""
    costs = set()
    for count in (2, 100):
        zone, store = a_zone(10, wide=0)
        moved = an_endpoints("s7.shop", [_address("10.3", each) for each in range(count)])
        store.put_packed(Resource.ENDPOINTSLICES, moved.key, pack(moved))
        changes = store.take_changes()
        costs.add(lines_run(lambda: zone.commit(changes, 2.0)))  # noqa: B023 - at once

    assert len(costs) == 1


def test_one_change_among_thousands_makes_no_record_that_nobody_asks_for() -> None:
    """Reliability 5.4: addresses do not wait for SRV records, nor those for what nobody is sent."""
    zone, store = a_zone(1)
    slices = iter([a_slice(4_900, f"10.{number}") for number in range(100, 110)])

    def change_and_ask(*rtypes: int) -> None:
        store.put(Resource.ENDPOINTSLICES, next(slices))
        zone.commit(store.take_changes(), 2.0)
        node = zone.find((b"wide", b"shop"))
        assert node is not None
        for rtype in rtypes:
            assert len(node.rrsets[rtype].rdatas) == WIDE

    change_and_ask(A)
    for_addresses = lines_run(lambda: change_and_ask(A))
    for_names = lines_run(lambda: change_and_ask(A, SRV))

    assert for_addresses < WIDE
    assert for_addresses + WIDE < for_names < 5 * WIDE  # where they point; none is written
    assert zone.service(b"shop", b"wide") == Key("shop", "wide")
