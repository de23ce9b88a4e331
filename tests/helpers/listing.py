"""Putting a complete list into a store, as a reflector does at the end of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kubedns_py.cluster.objects import Key, Object
from kubedns_py.cluster.replacement import apply, differences
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.snapshot import MANY, Snapshot
from kubedns_py.cluster.store import Store
from tests.helpers.objects import a_decoded


def replace_all(
    store: Store,
    resource: Resource,
    items: Mapping[Key, Object],
    *,
    keep: Collection[Key] = (),
    enter: bool = False,
) -> Iterator[None]:
    """Make a resource of a store equal to a list; yields between portions.

    Args:
        store: where it goes.
        resource: what was listed.
        items: the list.
        keep: keys of unreadable objects.
        enter: whether what is new enters the store at once, as of a first list.
    """
    snapshot = Snapshot(0.0)
    listed = map(a_decoded, items.values())
    snapshot.take(listed, store, resource, enter=enter and resource in MANY)
    changes = yield from differences(store, resource, snapshot.items, keep=keep)
    yield from apply(store, resource, changes)
