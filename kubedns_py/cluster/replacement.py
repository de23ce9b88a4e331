"""A complete list put into the store by difference, a portion at a time.

Rules of this file:

- Only what differs is touched; nothing is ever cleared (rows F-07, F-25).
- What an answer is made of changes in one portion: all slices of a Service, an object that moved
  from one Service to another with everything of both. So no reader sees half a Service.
- A portion is a bounded amount of work, counted and not timed, unless one Service is more (F-06).
- What waits in the place of something else is packed: the old state and the new one are never
  there together.
- Nobody else writes objects of the resource until all portions are done.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Generator, Iterable, Iterator, Mapping
from typing import NamedTuple

from kubedns_py.cluster.objects import Key, Object, Resource
from kubedns_py.cluster.packed import Packed
from kubedns_py.cluster.store import Store

PORTION = 1_000
"""How many endpoints, before and after the change, make a portion: one or two milliseconds of work
here and in the zone that takes it over."""

SERVICE = 10
"""How many endpoints a Service without any counts for."""

_LOOKED_AT = 500
"""How many objects are looked at in one portion before any is changed."""


class Change(NamedTuple):
    """What a list says differently from the store about one object; None is that there is none."""

    key: Key
    after: Packed | Object | None


def differences(
    store: Store,
    resource: Resource,
    items: Mapping[Key, Packed | Object | None],
    *,
    keep: Container[Key] = (),
) -> Generator[None, None, list[Change]]:
    """Yield between portions of work and return what a complete list changes.

    Args:
        store: what the list is compared with.
        resource: what was listed.
        items: the list, complete but for unreadable objects; None where the store has the same.
        keep: keys of listed objects that could not be read; their last good version stays.
    """
    found = []
    for count, key in enumerate(tuple(store.keys(resource)), 1):
        if key not in items and key not in keep:
            found.append(Change(key, None))
        if not count % _LOOKED_AT:
            yield
    for count, (key, item) in enumerate(items.items(), 1):
        if item is not None:
            found.append(Change(key, item))
        if not count % _LOOKED_AT:
            yield
    return found


def apply(store: Store, resource: Resource, changes: Iterable[Change]) -> Iterator[None]:
    """Make changes in the store; yields between portions of work."""
    groups = yield from _groups(store, resource, changes)
    done = 0
    for group in groups:
        done += _work(store, group.owners)
        for key, after in group.changes:
            if after is None:
                store.remove(resource, key)
            elif isinstance(after, Packed):
                store.put_packed(resource, key, after)
            else:
                store.put(resource, after)
        done += _work(store, group.owners)
        if done >= PORTION:
            done = 0
            yield


class _Group(NamedTuple):
    """Changes that have to be seen together, and the Services or namespaces that they are of."""

    owners: set[Key]
    changes: list[Change]


def _groups(
    store: Store, resource: Resource, changes: Iterable[Change]
) -> Generator[None, None, Collection[_Group]]:
    """Yield between portions of work and return groups without a common owner."""
    of: dict[Key, _Group] = {}
    for count, change in enumerate(changes, 1):
        owners = _owners(store, resource, change)
        if len(owners) == 1 and (known := of.get(owners[0])):
            known.changes.append(change)
        else:
            group = _joined([of[each] for each in owners if each in of])
            group.changes.append(change)
            group.owners.update(owners)
            of.update(dict.fromkeys(group.owners, group))
        if not count % _LOOKED_AT:
            yield
    return {id(group): group for group in of.values()}.values()


def _joined(groups: list[_Group]) -> _Group:
    """Return one group: an object has moved from one to the other, or there was none."""
    made = _Group(set(), [])
    for each in {id(group): group for group in groups}.values():
        made.owners.update(each.owners)
        made.changes.extend(each.changes)
    return made


def _owners(store: Store, resource: Resource, change: Change) -> tuple[Key, ...]:
    """Return the keys of the Services, or of the namespace, whose answers a change is about."""
    if resource is Resource.PODS and store.makes_endpoints:
        return (Key("", change.key.namespace),)
    before = store.owner(resource, change.key)
    if isinstance(change.after, Packed):
        after = change.after.owner
        return (after,) if before is None or before == after else (before, after)
    return (change.key,) if before is None else (before,)


def _work(store: Store, owners: Iterable[Key]) -> int:
    """Return what it takes to derive Services, or all of a namespace, anew: in endpoints."""
    done = 0
    for owner in owners:
        done += SERVICE + store.endpoints_in(owner)
        if not owner.namespace:
            for each in store.services_in(owner.name):
                done += SERVICE + store.endpoints_in(each)
    return done
