"""A complete state being gathered."""

from __future__ import annotations

from kubedns_py.cluster.objects import Key, Object
from kubedns_py.cluster.packed import Packed
from kubedns_py.cluster.reading import Decoded
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.snapshot import Snapshot
from kubedns_py.cluster.store import Store
from kubedns_py.errors import BadObject
from tests.helpers.objects import a_decoded, a_service, an_endpoints

SERVICES = Resource.SERVICES


def a_store(*items: Object) -> Store:
    """Return a store with Services."""
    store = Store(lambda: None)
    for item in items:
        store.put(SERVICES, item)
    return store


def test_an_equal_object_is_not_kept_twice() -> None:
    """F-06, LIF-14: a relist of a large cluster costs little memory."""
    known = a_service("web.shop", cluster_ips=["10.96.0.1"])
    store = a_store(known)
    snapshot = Snapshot(0.0)

    listed = a_service("web.shop", cluster_ips=["10.96.0.1"])
    snapshot.take([a_decoded(listed)], store, SERVICES)

    assert snapshot.items == {known.key: None}


def test_another_object_is_kept_packed() -> None:
    """F-06: where everything changed, the old state and the new one are not there together."""
    hosts = [f"10.1.{n // 250}.{n % 250}" for n in range(1000)]
    new = an_endpoints("web.shop", hosts, ["http:80/tcp"], name="web-1")
    snapshot = Snapshot(0.0)

    snapshot.take([a_decoded(new)], Store(lambda: None), Resource.ENDPOINTSLICES)

    packed = snapshot.items[new.key]
    assert isinstance(packed, Packed)
    assert packed.owner == Key("shop", "web")
    assert len(packed.octets) < 15 * len(hosts)


def test_an_object_in_the_place_of_another_is_kept_packed() -> None:
    """F-06: and so is one of which there is no older version only if it stays packed for good."""
    store = a_store(a_service("old.shop"))
    changed, new = a_service("old.shop", cluster_ips=["10.96.0.1"]), a_service("new.shop")
    snapshot = Snapshot(0.0)

    snapshot.take([a_decoded(changed), a_decoded(new)], store, SERVICES)

    assert isinstance(snapshot.items[changed.key], Packed)
    assert snapshot.items[new.key] is new


def test_the_last_word_about_an_object_counts() -> None:
    """F-18: an object may stand in two pages, and be unreadable, or none of ours, in one."""
    key = Key("shop", "web")
    store = a_store(a_service("web.shop"))
    snapshot = Snapshot(0.0)

    bad = BadObject("Service", "type", key="shop/web", version="6")
    nameless = BadObject("Service", "no-name")
    snapshot.take([a_decoded(a_service("web.shop")), bad, nameless], store, SERVICES)
    assert (snapshot.items, snapshot.keep, snapshot.versions) == ({}, {key}, {key: "6"})

    snapshot.take([Decoded(key, "7", None)], store, SERVICES)
    assert (snapshot.items, snapshot.keep, snapshot.versions) == ({}, set(), {key: "7"})


def test_drift_is_what_differs_without_a_reason() -> None:
    """LIF-11: newer objects changed after the last event; the others were missed."""
    store = a_store(a_service("same.shop"), a_service("gone.shop"), a_service("bad.shop"))
    snapshot = Snapshot(0.0)
    listed: list[Decoded | BadObject] = [
        a_decoded(a_service("same.shop"), "5"),
        a_decoded(a_service("missed.shop"), "10"),
        a_decoded(a_service("new.shop"), "11"),
        BadObject("Service", "type", key="shop/bad", version="5"),
    ]
    snapshot.take(listed, store, SERVICES)

    changes = [
        (key, snapshot.items.get(key))
        for key in (Key("shop", name) for name in ("gone", "missed", "new"))
    ]

    assert snapshot.drift(changes, "10") == 2
