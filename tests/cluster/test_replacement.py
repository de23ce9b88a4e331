"""A complete list entering the store, a portion at a time."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.objects import (
    Endpoint,
    Endpoints,
    Key,
    Namespace,
    Object,
    Pod,
    Port,
    Service,
    ServiceKind,
    ServicePort,
    Subset,
)
from kubedns_py.cluster.replacement import PORTION
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from tests.helpers.listing import replace_all
from tests.helpers.objects import a_namespace, a_pod, a_service, address, an_endpoints
from tests.helpers.parts import endpoints_of

WEB = Key("shop", "web")
SLICES = Resource.ENDPOINTSLICES
AN_ENDPOINTS = Endpoints(
    WEB,
    Key("shop", "db"),
    (
        Subset(
            (
                Endpoint((address("10.1.0.1"), address("fd00::1")), "web-0", pod_name="p"),
                Endpoint((), ready=False, serving=True),
            ),
            (Port("http", "tcp", 80), Port("", "udp", 0)),
        ),
        Subset(()),
    ),
    changed_at=1.5,
)
WHOLE: dict[Resource, Object] = {
    Resource.SERVICES: Service(
        WEB,
        ServiceKind.HEADLESS,
        (address("10.96.0.1"),),
        (ServicePort(Port("a", "tcp", 1), "http"), ServicePort(Port("b", "sctp", 2), 8080)),
        external_name="é.example",
        publish_not_ready=True,
        selector=(("app", "web"), ("tier", "")),
        families=(4, 16),
    ),
    Resource.ENDPOINTSLICES: AN_ENDPOINTS,
    Resource.ENDPOINTS: AN_ENDPOINTS,
    Resource.NAMESPACES: Namespace(Key("", "shop"), labels=(("dns", "on"),)),
    Resource.PODS: Pod(
        WEB,
        (address("10.1.0.1"),),
        ready=True,
        terminal=True,
        deleting=True,
        labels=(("app", "web"),),
        hostname="web-0",
        subdomain="web",
        ports=(Port("http", "tcp", 80),),
    ),
}
"""One of each, with every field said."""


def a_store(resource: Resource, items: Iterable[Object], *, from_pods: bool = False) -> Store:
    """Return a store with objects, of which none is dirty."""
    store = Store(lambda: None, endpoints_from_pods=from_pods)
    for item in items:
        store.put(resource, item)
    store.take_changes()
    return store


def by_key(*items: Object) -> dict[Key, Object]:
    """Return objects by key, as a list gives them."""
    return {item.key: item for item in items}


def dirty_by_portion(
    store: Store, resource: Resource, items: Iterable[Object]
) -> list[tuple[set[Key], set[str]]]:
    """Replace all, and return the services and namespaces that each portion made dirty."""
    found = []
    for _ in replace_all(store, resource, by_key(*items)):
        changes = store.take_changes()
        found.append((set(changes.services), changes.namespaces))
    changes = store.take_changes()
    return [*found, (set(changes.services), changes.namespaces)]


# -- what changes


def test_a_list_replaces_by_difference() -> None:
    """F-07, F-25: what is equal stays as it is, what is not in the list goes."""
    same = a_service("same.shop", cluster_ips=["10.96.0.1"])
    old, gone = a_service("old.shop"), a_service("gone.shop")
    changed, new = a_service("old.shop", cluster_ips=["10.96.0.2"]), a_service("new.shop")
    store = a_store(Resource.SERVICES, [same, old, gone])
    listed = by_key(a_service("same.shop", cluster_ips=["10.96.0.1"]), changed, new)

    for _ in replace_all(store, Resource.SERVICES, listed):
        pass
    assert set(store.take_changes().services) == {old.key, gone.key, new.key}
    assert store.get(Resource.SERVICES, same.key) is same
    assert set(store.keys(Resource.SERVICES)) == listed.keys()


def test_a_list_of_one_resource_leaves_the_others() -> None:
    """An empty list of slices removes no v1 Endpoints."""
    store = a_store(SLICES, [an_endpoints("web.shop", ["10.1.0.1"])])
    store.put(Resource.ENDPOINTS, an_endpoints("web.shop", ["10.1.0.9"]))

    assert list(replace_all(store, SLICES, {})) == []

    assert (len(store.keys(SLICES)), len(store.keys(Resource.ENDPOINTS))) == (0, 1)


@pytest.mark.parametrize("resource", list(Resource))
def test_an_object_enters_as_it_was_listed(resource: Resource) -> None:
    """F-06: it was packed meanwhile, with everything that it says."""
    item = WHOLE[resource]
    store = a_store(resource, [])

    for _ in replace_all(store, resource, by_key(item)):
        pass

    assert store.get(resource, item.key) == item


def test_an_unreadable_object_of_a_list_keeps_its_last_version() -> None:
    """F-17: it is still there; what it says now is not known."""
    store = a_store(Resource.SERVICES, [a_service("web.shop"), a_service("db.shop")])

    for _ in replace_all(store, Resource.SERVICES, {}, keep=[WEB, Key("shop", "never-seen")]):
        pass

    assert set(store.keys(Resource.SERVICES)) == {WEB}


# -- how much of it at a time


def test_ten_thousand_services_change_a_few_at_a_time() -> None:
    """F-06: others run after each portion; the first list, an equal one, and one that is empty."""
    services = [a_service(f"s{n}.n{n % 100}") for n in range(10_000)]
    store = a_store(Resource.SERVICES, [])

    first = dirty_by_portion(store, Resource.SERVICES, services)
    assert max(len(portion) for portion, _ in first) <= 50
    assert len(set().union(*(portion for portion, _ in first))) == 10_000

    equal = dirty_by_portion(store, Resource.SERVICES, services)
    assert not any(portion for portion, _ in equal)

    gone = dirty_by_portion(store, Resource.SERVICES, [])
    assert max(len(portion) for portion, _ in gone) <= 50
    assert not store.keys(Resource.SERVICES)


@pytest.mark.parametrize("resource", [SLICES, Resource.PODS])
def test_changes_are_looked_at_a_few_at_a_time_before_they_are_made(resource: Resource) -> None:
    """F-06: what belongs together is only known when all have been looked at."""
    items: list[Object] = [
        an_endpoints(f"s{n}.shop", ["10.1.0.1"]) if resource is SLICES else a_pod(f"p{n}.shop")
        for n in range(1_200)
    ]
    store = a_store(resource, [], from_pods=True)

    portions = dirty_by_portion(store, resource, items)

    assert len(list(takewhile(lambda portion: not any(portion), portions))) == 4


def test_endpoints_change_a_thousand_at_a_time() -> None:
    """F-06: 150,000 endpoints were 300 ms of work in one turn of the loop."""
    slices = [
        an_endpoints(f"s{n}.shop", [f"10.{own}.{n}.{last}" for last in range(100)])
        for own in (1, 2)
        for n in range(60)
    ]
    store = a_store(SLICES, [])
    first = dirty_by_portion(store, SLICES, slices[:60])
    changed = dirty_by_portion(store, SLICES, slices[60:])
    unready = dirty_by_portion(store, SLICES, [])

    for portions in (first, changed, unready):
        assert max(len(services) for services, _ in portions) * 100 <= PORTION
        assert sum(len(services) for services, _ in portions) == 60


def test_a_large_service_counts_with_all_its_endpoints_when_one_of_them_changes() -> None:
    """F-06: all of them are looked at when it is derived anew."""
    large = [
        an_endpoints(f"s{n}.shop", [f"10.{part}.{n}.{last}" for last in range(100)], name=name)
        for n in range(5)
        for part, name in ((1, f"s{n}-a"), (2, f"s{n}-b"), (3, f"s{n}-c"))
    ]
    store = a_store(SLICES, large)
    changed = [
        an_endpoints(f"s{n}.shop", ["10.9.0.1"], name=f"s{n}-c") if index % 3 == 2 else large[index]
        for index, n in ((index, index // 3) for index in range(len(large)))
    ]

    portions = dirty_by_portion(store, SLICES, changed)

    assert max(len(services) for services, _ in portions) <= 2


def test_a_first_list_of_services_counts_the_endpoints_that_are_there_already() -> None:
    """F-06: slices may be listed sooner, and each Service is derived with its own."""
    store = a_store(
        SLICES,
        [
            an_endpoints(
                f"s{n}.shop", [f"10.{n}.{last // 200}.{last % 200}" for last in range(400)]
            )
            for n in range(10)
        ],
    )

    portions = dirty_by_portion(
        store, Resource.SERVICES, [a_service(f"s{n}.shop") for n in range(10)]
    )

    assert max(len(services) for services, _ in portions) == 2


def test_a_namespace_counts_with_all_its_services() -> None:
    """F-06, ENT-16: a label may show or hide them all."""
    store = a_store(Resource.SERVICES, [a_service(f"s{n}.n{n % 20}") for n in range(2000)])

    portions = dirty_by_portion(
        store, Resource.NAMESPACES, [a_namespace(f"n{n}") for n in range(20)]
    )

    assert max(len(namespaces) for _, namespaces in portions) == 1


# -- what changes together


SLICE = st.builds(
    lambda owner, hosts, name: an_endpoints(
        owner, [f"10.1.0.{each}" for each in sorted(hosts)], name=name
    ),
    owner=st.sampled_from(["a.shop", "b.shop", "c.shop"]),
    hosts=st.sets(st.integers(1, 4), max_size=3),
    name=st.sampled_from([f"slice-{n}" for n in range(6)]),
)
STATE = st.lists(SLICE, max_size=8)


@settings(max_examples=200)
@given(before=STATE, after=STATE)
def test_nobody_sees_half_a_service(before: list[Endpoints], after: list[Endpoints]) -> None:
    """House rule 6: each Service is as it was, or as it will be, though a slice may move."""
    listed = by_key(*after)
    store = a_store(SLICES, before)
    services = [Key("shop", name) for name in "abc"]
    old = {key: endpoints_of(store, key) for key in services}
    fresh = a_store(SLICES, after)
    new = {key: endpoints_of(fresh, key) for key in services}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kubedns_py.cluster.replacement.PORTION", 1)  # a portion for each group
        for _ in replace_all(store, SLICES, listed):
            now = {key: endpoints_of(store, key) for key in services}
            assert all(now[key] in {old[key], new[key]} for key in services)

    assert {key: endpoints_of(store, key) for key in services} == new


@pytest.mark.parametrize(("from_pods", "portions"), [(True, 2), (False, 5)])
def test_pods_that_make_endpoints_change_together_in_a_namespace(
    monkeypatch: pytest.MonkeyPatch, *, from_pods: bool, portions: int
) -> None:
    """House rule 6: a Service selects any of them. Verified names stand each for itself."""
    monkeypatch.setattr("kubedns_py.cluster.replacement.PORTION", 1)
    store = a_store(Resource.PODS, [], from_pods=from_pods)
    pods = [a_pod(name, ["10.1.0.1"]) for name in ("a.one", "b.one", "c.one", "a.two", "b.two")]

    assert len(list(replace_all(store, Resource.PODS, by_key(*pods)))) == portions
