"""Putting a complete list into a store, as a reflector does at the end of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kubedns_py.cluster.objects import Key, Object, Resource
from kubedns_py.cluster.replacement import apply, differences
from kubedns_py.cluster.snapshot import Snapshot
from kubedns_py.cluster.store import Store
from tests.helpers.objects import a_decoded


def replace_all(
    store: Store, resource: Resource, items: Mapping[Key, Object], *, keep: Collection[Key] = ()
) -> Iterator[None]:
    """Make a resource of a store equal to a list; yields between portions."""
    snapshot = Snapshot(0.0)
    snapshot.take(map(a_decoded, items.values()), store, resource)
    changes = yield from differences(store, resource, snapshot.items, keep=keep)
    yield from apply(store, resource, changes)
