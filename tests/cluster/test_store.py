"""The store: what is in it, and which services wait to be derived anew."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from kubedns_py.cluster.objects import Key, Object
from kubedns_py.cluster.packed import pack
from kubedns_py.cluster.parts import Choice
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Changes, Store
from tests.helpers.objects import (
    a_key,
    a_namespace,
    a_pod,
    a_service,
    a_subset,
    address,
    an_endpoints,
)
from tests.helpers.parts import endpoints_of
from tests.helpers.work import lines_run

WEB = Key("shop", "web")
DB = Key("shop", "db")


@dataclass
class Watched:
    """A store, and how often it said that something became dirty."""

    from_pods: bool = False
    calls: int = 0
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self._called, endpoints_from_pods=self.from_pods)

    def _called(self) -> None:
        self.calls += 1

    def dirty(self) -> tuple[set[str], set[str]]:
        """Return the services, as text, and namespaces that became dirty, and start anew."""
        changes = self.store.take_changes()
        return {str(key) for key in changes.services}, changes.namespaces


def filled(store: Store) -> None:
    """Put a small cluster into a store."""
    store.put(Resource.SERVICES, a_service("web.shop", cluster_ips=["10.96.0.1"]))
    store.put(Resource.SERVICES, a_service("db.shop", headless=True))
    store.put(Resource.ENDPOINTSLICES, an_endpoints("db.shop", ["10.1.0.1"], name="db-1"))
    store.put(Resource.NAMESPACES, a_namespace("shop"))


def test_an_object_can_be_read_back() -> None:
    """Each resource by its key."""
    store = Store(lambda: None)
    items: dict[Resource, Object] = {
        Resource.SERVICES: a_service("web.shop"),
        Resource.ENDPOINTSLICES: an_endpoints("web.shop", name="web-1"),
        Resource.ENDPOINTS: an_endpoints("web.shop"),
        Resource.NAMESPACES: a_namespace("shop"),
        Resource.PODS: a_pod("web-0.shop"),
    }
    for resource, item in items.items():
        assert store.put(resource, item)

    for resource, item in items.items():
        assert store.get(resource, item.key) == item
        assert set(store.keys(resource)) == {item.key}
        assert store.get(resource, Key("no", "thing")) is None
    assert store.service(WEB) == items[Resource.SERVICES]
    assert store.namespace("shop") == items[Resource.NAMESPACES]
    assert store.namespace("other") is None
    assert set(store.services_in("shop")) == {WEB}
    assert set(store.services_in("other")) == set()


@pytest.mark.parametrize(
    ("resource", "items"),
    [
        (Resource.SERVICES, [a_service("web.shop"), a_service("db.shop"), a_service("web.app")]),
        (
            Resource.ENDPOINTSLICES,
            [
                an_endpoints("web.shop", ["10.1.0.2"], name="web-2"),
                an_endpoints("web.shop", ["10.1.0.1 hostname=a"], name="web-1"),
                an_endpoints("db.shop", ["10.1.0.3"], name="db-1"),
            ],
        ),
        (Resource.ENDPOINTS, [an_endpoints("web.shop", ["10.1.0.1"]), an_endpoints("db.shop")]),
    ],
)
def test_objects_that_are_added_together_are_there_as_if_each_was_put(
    resource: Resource, items: list[Object]
) -> None:
    """A first list, in portions."""
    each_put, added = Watched(), Watched()
    for item in items:
        each_put.store.put(resource, item)

    for some in (items[:2], items[2:]):
        whole = resource is Resource.SERVICES
        added.store.add(resource, {item.key: item if whole else pack(item) for item in some})

    assert added.calls == 1
    assert added.dirty() == each_put.dirty()
    for item in items:
        assert added.store.get(resource, item.key) == item
    assert added.store.keys(resource) == each_put.store.keys(resource)
    for namespace in ("shop", "app"):
        assert added.store.services_in(namespace) == each_put.store.services_in(namespace)
    assert endpoints_of(added.store, WEB) == endpoints_of(each_put.store, WEB)


def test_what_became_dirty_is_told_in_its_order() -> None:
    """Neighbours in a list are neighbours in memory."""
    store = Store(lambda: None)
    names = [f"s{n}" for n in range(50)]
    store.add(Resource.SERVICES, {a_key(f"{name}.n"): a_service(f"{name}.n") for name in names})
    store.put(Resource.SERVICES, a_service("s7.n", cluster_ips=["10.96.0.1"]))

    assert [key.name for key in store.take_changes().services] == names


@pytest.mark.parametrize("resource", list(Resource))
def test_an_object_that_is_removed_leaves_nothing(resource: Resource) -> None:
    """No key, no index entry; removing it again is no change (F-18)."""
    items: dict[Resource, Object] = {
        Resource.SERVICES: a_service("web.shop"),
        Resource.ENDPOINTSLICES: an_endpoints("web.shop", ["10.1.0.1"]),
        Resource.ENDPOINTS: an_endpoints("web.shop", ["10.1.0.1"]),
        Resource.NAMESPACES: a_namespace("shop"),
        Resource.PODS: a_pod("web-0.shop", addresses=["10.1.0.1"]),
    }
    item = items[resource]
    store = Store(lambda: None)
    store.put(resource, item)
    assert store.remove(resource, item.key)

    assert not store.keys(resource)
    assert not store.services_in("shop")
    assert endpoints_of(store, WEB) == ()
    assert not store.pod_namespaces(address("10.1.0.1"))
    store.take_changes()
    assert not store.remove(resource, item.key)
    assert not store.take_changes()


def test_an_equal_object_marks_nothing() -> None:
    """A relist of an unchanged cluster costs nothing downstream."""
    watched = Watched()
    filled(watched.store)
    watched.dirty()
    calls = watched.calls

    filled(watched.store)

    assert watched.dirty() == (set(), set())
    assert watched.calls == calls


def test_a_change_is_announced_once_until_it_is_taken() -> None:
    """Level, not edge: the callback says that there is something, not what."""
    watched = Watched()
    filled(watched.store)
    assert watched.calls == 1

    assert watched.dirty() == ({"shop/web", "shop/db"}, {"shop"})
    watched.store.remove(Resource.SERVICES, WEB)
    assert watched.calls == 2


def test_changes_are_true_when_something_is_dirty() -> None:
    """Either kind counts."""
    assert not Changes()
    assert Changes(services={WEB: None})
    assert Changes(namespaces={"shop"})


def taken(changes: Changes) -> list[str]:
    """Return the services that were taken, in their order."""
    return [str(each) for each in changes.services]


def test_services_are_taken_once_they_and_their_endpoints_are_there() -> None:
    """T-60: while lists come in, whichever comes first; the others stay dirty."""
    store = Store(lambda: None)
    store.put(Resource.SERVICES, a_service("web.shop"))
    store.put(Resource.SERVICES, a_service("late.shop"))
    store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.1"], name="web-1"))
    store.put(Resource.ENDPOINTSLICES, an_endpoints("later.shop", ["10.1.0.2"], name="later-1"))

    assert taken(store.take_plain()) == ["shop/web"]
    assert taken(store.take_plain()) == []
    assert [store.is_dirty(a_key(each)) for each in ("web.shop", "late.shop", "later.shop")] == [
        False,
        True,
        True,
    ]

    store.put(Resource.SERVICES, a_service("later.shop"))
    assert taken(store.take_plain()) == ["shop/later"]
    store.put(Resource.ENDPOINTSLICES, an_endpoints("late.shop", ["10.1.0.3"], name="late-1"))
    assert taken(store.take_plain()) == ["shop/late"]


def test_what_is_not_plain_is_left_and_told_with_all_that_is_dirty() -> None:
    """In the order in which it became so; and what was taken is not told again."""
    store = Store(lambda: None)
    for name in ("web", "db"):
        store.put(Resource.SERVICES, a_service(f"{name}.shop"))
        for number in (1, 2):
            each = an_endpoints(f"{name}.shop", [f"10.1.0.{number}"], name=f"{name}-{number}")
            store.put(Resource.ENDPOINTSLICES, each)
    store.put(Resource.SERVICES, a_service("one.shop"))
    store.put(Resource.ENDPOINTSLICES, an_endpoints("one.shop", ["10.1.0.3"], name="one-1"))

    assert taken(store.take_plain()) == ["shop/one"]
    store.put(Resource.SERVICES, a_service("new.shop"))
    store.put(Resource.SERVICES, a_service("web.shop", headless=True))

    assert taken(store.take_changes()) == ["shop/web", "shop/db", "shop/new"]
    assert taken(store.take_changes()) == []
    assert not store.is_dirty(a_key("db.shop"))


def test_services_with_v1_endpoints_are_taken_where_there_are_no_slices() -> None:
    """``--endpoints-api=endpoints``; a slice would win over them."""
    store = Store(lambda: None)
    for name in ("web", "db"):
        store.put(Resource.SERVICES, a_service(f"{name}.shop"))
        store.put(Resource.ENDPOINTS, an_endpoints(f"{name}.shop", ["10.1.0.1"]))
    assert taken(store.take_plain()) == ["shop/web", "shop/db"]

    store.put(Resource.ENDPOINTSLICES, an_endpoints("db.shop", ["10.1.0.2"], name="db-1"))
    store.put(Resource.ENDPOINTS, an_endpoints("web.shop", ["10.1.0.3"]))

    assert {str(key): each.addresses for key, each in store.plain([WEB, DB]).items()} == {
        "shop/db": (address("10.1.0.2"),)
    }
    assert taken(store.take_plain()) == ["shop/db"]
    assert taken(store.take_changes()) == ["shop/web"]


def test_namespaces_stay_dirty_when_services_are_taken() -> None:
    """ENT-5: one without Services exists all the same, once all is taken."""
    store = Store(lambda: None)
    store.put(Resource.NAMESPACES, a_namespace("void"))
    store.put(Resource.SERVICES, a_service("web.shop"))
    assert store.is_dirty(WEB)
    store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.1"], name="web-1"))

    assert taken(store.take_plain()) == ["shop/web"]
    assert store.take_changes().namespaces == {"void"}


def test_what_was_left_is_not_looked_at_again() -> None:
    """Issue 4, first sync: thousands wait for their endpoints, and each look would go over them."""

    def second_look(waiting: int) -> int:
        store = Store(lambda: None)
        for number in range(waiting):
            store.put(Resource.SERVICES, a_service(f"s{number}.shop"))
        store.take_plain()
        return lines_run(store.take_plain)

    assert second_look(200) == second_look(2)


def test_endpoints_dirty_their_service_and_nothing_else() -> None:
    """Whether the service is there or not (LIF-1)."""
    watched = Watched()
    watched.store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.1"]))

    assert watched.dirty() == ({"shop/web"}, set())


def test_endpoints_that_change_their_service_dirty_both() -> None:
    """The label of a slice may be edited."""
    watched = Watched()
    watched.store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.1"], name="x"))
    watched.dirty()

    watched.store.put(Resource.ENDPOINTSLICES, an_endpoints("db.shop", ["10.1.0.1"], name="x"))

    assert watched.dirty() == ({"shop/web", "shop/db"}, set())
    assert endpoints_of(watched.store, WEB) == ()
    assert endpoints_of(watched.store, Key("shop", "db")) == (a_subset(["10.1.0.1"]),)


def test_a_new_trigger_time_alone_dirties_nothing() -> None:
    """No answer depends on it: it is of what is not published, such as another Pod."""
    watched = Watched()
    watched.store.put(Resource.ENDPOINTS, an_endpoints("web.shop", ["10.1.0.1"], changed_at=5.0))
    watched.dirty()

    again = an_endpoints("web.shop", ["10.1.0.1"], changed_at=9.0)
    assert not watched.store.put(Resource.ENDPOINTS, again)

    assert watched.dirty() == (set(), set())
    assert watched.store.endpoints_changed_at(WEB) == pytest.approx(5.0)


def test_the_newest_trigger_time_of_a_service_is_told() -> None:
    """LIF-20; 0 when nothing says one."""
    store = Store(lambda: None)
    assert store.endpoints_changed_at(WEB) == 0.0
    for name, at in (("web-1", 5.0), ("web-2", 7.0), ("web-3", 0.0)):
        store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", name=name, changed_at=at))

    assert store.endpoints_changed_at(WEB) == pytest.approx(7.0)


def test_the_endpoints_of_a_service_are_counted_over_all_its_objects() -> None:
    """F-06: what it takes to derive it; Pods are not counted."""
    store = Store(lambda: None, endpoints_from_pods=True)
    store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.1", "10.1.0.2"], name="a"))
    store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.3"], name="b"))
    store.put(Resource.ENDPOINTS, an_endpoints("web.shop", ["10.1.0.1"]))
    store.put(Resource.PODS, a_pod("web-0.shop", addresses=["10.1.0.1"]))

    assert store.endpoints_in(WEB) == 4
    assert store.endpoints_in(Key("shop", "db")) == 0


def test_the_order_of_slices_does_not_depend_on_events() -> None:
    """F-18: two stores with the same objects give the same answers."""
    one = an_endpoints("web.shop", ["10.1.0.1"], name="web-1")
    two = an_endpoints("web.shop", ["10.1.0.2"], name="web-2")
    stores = [Store(lambda: None), Store(lambda: None)]
    for store, items in zip(stores, ([one, two], [two, one]), strict=True):
        for item in items:
            store.put(Resource.ENDPOINTSLICES, item)

    assert (
        endpoints_of(stores[0], WEB) == endpoints_of(stores[1], WEB) == (*one.subsets, *two.subsets)
    )


def test_slices_win_over_v1_endpoints() -> None:
    """The control plane mirrors one to the other: counting both would double everything."""
    store = Store(lambda: None)
    store.put(Resource.ENDPOINTS, an_endpoints("web.shop", ["10.1.0.9"]))
    assert endpoints_of(store, WEB) == (a_subset(["10.1.0.9"]),)

    store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.1"], name="web-1"))

    assert endpoints_of(store, WEB) == (a_subset(["10.1.0.1"]),)


# -- pods


def test_the_namespaces_of_an_address_are_told() -> None:
    """Verified pod names: an address may be in several namespaces, and on several Pods of one."""
    store = Store(lambda: None)
    for name in ("a.shop", "b.shop", "c.other"):
        store.put(Resource.PODS, a_pod(name, addresses=["10.1.0.1"]))
    at = address("10.1.0.1")
    assert set(store.pod_namespaces(at)) == {"shop", "other"}

    store.remove(Resource.PODS, a_key("a.shop"))
    assert set(store.pod_namespaces(at)) == {"shop", "other"}
    store.put(Resource.PODS, a_pod("b.shop", addresses=["10.1.0.2"]))
    assert set(store.pod_namespaces(at)) == {"other"}
    assert set(store.pod_namespaces(address("10.1.0.2"))) == {"shop"}


def test_a_pod_dirties_its_namespace() -> None:
    """Verified pod names change with it."""
    watched = Watched()
    watched.store.put(Resource.SERVICES, a_service("web.shop", selector={"app": "web"}))
    watched.dirty()

    watched.store.put(Resource.PODS, a_pod("web-0.shop", addresses=["10.1.0.1"]))

    assert watched.dirty() == (set(), {"shop"})


def test_pods_make_endpoints_where_nothing_else_does() -> None:
    """architecture: a directory of manifests with neither slices nor Endpoints."""
    watched = Watched(from_pods=True)
    store = watched.store
    store.put(Resource.SERVICES, a_service("web.shop", headless=True, selector={"app": "web"}))
    store.put(Resource.SERVICES, a_service("by-hand.shop", headless=True))
    watched.dirty()

    pod = a_pod("web-0.shop", addresses=["10.1.0.1"], labels={"app": "web"})
    store.put(Resource.PODS, pod)

    assert watched.dirty() == ({"shop/web"}, {"shop"})
    (subset,) = endpoints_of(store, WEB)
    assert [each.addresses for each in subset.endpoints] == [(address("10.1.0.1"),)]
    assert endpoints_of(store, Key("shop", "by-hand")) == ()
    assert endpoints_of(store, Key("shop", "unknown")) == ()

    store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", ["10.1.0.9"], name="web-1"))
    assert endpoints_of(store, WEB) == (a_subset(["10.1.0.9"]),)


def test_the_parts_of_a_service_are_those_of_its_subsets() -> None:
    """HDL-12: of slices, else of v1 Endpoints, else of Pods; also those without an endpoint."""
    store = Store(lambda: None, endpoints_from_pods=True)
    store.put(Resource.SERVICES, a_service("web.shop", headless=True, selector={"app": "web"}))
    store.put(Resource.PODS, a_pod("a.shop", ["10.1.0.1"], labels={"app": "web"}))

    def addresses(choice: Choice) -> list[tuple[bytes, ...]]:
        return [each.addresses for each in store.parts(WEB, choice)]

    assert addresses("ready") == [(address("10.1.0.1"),)]
    store.put(Resource.ENDPOINTS, an_endpoints("web.shop", ["10.1.0.9", "10.1.0.8 not-ready"]))
    assert addresses("ready") == [(address("10.1.0.9"),)]
    assert addresses("all") == [(address("10.1.0.9"), address("10.1.0.8"))]
    slice_ = an_endpoints("web.shop", ["10.1.0.7 not-ready"], name="web-1")
    store.put(Resource.ENDPOINTSLICES, slice_)
    assert addresses("ready") == [()]
    assert store.parts(Key("shop", "unknown"), "all") == ()


def test_what_differs_from_the_store_is_told() -> None:
    """F-25, F-06: nothing where it is equal; packed where it would stand beside an older one."""
    store = Store(lambda: None)
    service, changed = a_service("web.shop"), a_service("web.shop", cluster_ips=["10.96.0.1"])
    slice_key, slice_ = Key("shop", "web-1"), pack(an_endpoints("web.shop", ["10.1.0.1"]))
    web = service.key

    assert store.difference(Resource.SERVICES, web, service) is service
    assert store.difference(Resource.ENDPOINTSLICES, slice_key, slice_) is slice_
    store.put(Resource.SERVICES, service)
    store.put_packed(Resource.ENDPOINTSLICES, slice_key, slice_)
    assert store.difference(Resource.SERVICES, web, service) is None
    assert store.difference(Resource.ENDPOINTSLICES, slice_key, slice_) is None
    assert store.difference(Resource.SERVICES, web, changed) == pack(changed)

    store.put_packed(Resource.SERVICES, changed.key, pack(changed))
    assert store.service(changed.key) == changed


def test_whose_an_object_is_is_told() -> None:
    """Changes of one owner are seen together."""
    store = Store(lambda: None)
    store.put(Resource.SERVICES, a_service("web.shop"))
    store.put(Resource.ENDPOINTSLICES, an_endpoints("web.shop", name="web-1"))
    web = Key("shop", "web")

    assert store.owner(Resource.SERVICES, web) == web
    assert store.owner(Resource.ENDPOINTSLICES, Key("shop", "web-1")) == web
    assert store.owner(Resource.ENDPOINTSLICES, web) is None
    assert store.owner(Resource.PODS, web) is None
