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

from collections.abc import (
    Collection,
    Container,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import chain, islice
from typing import TypeVar

from kubedns_py.cluster.objects import Key, Object
from kubedns_py.cluster.packed import Packed
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store

_T = TypeVar("_T")

PORTION = 1_000
"""How many endpoints make a portion: those that are there, which may go and stay, twice, and those
that come. It is one or two milliseconds of work here and in the zone that takes it over."""

SERVICE = 10
"""How many endpoints a Service without any counts for."""

_LOOKED_AT = 500
"""How many objects are looked at in one portion before any is changed."""


_OF_ENDPOINTS = (Resource.ENDPOINTSLICES, Resource.ENDPOINTS)
Change = tuple[Key, Packed | Object | None]
"""What a list says differently from the store about one object; None is that there is none."""

_Group = tuple[Collection[Key], Sequence[Change]]
"""Services or namespaces, and the changes of them that have to be seen together."""


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
    found: list[Change] = []
    for known in _portions(tuple(store.keys(resource))):
        found += [(key, None) for key in known if key not in items and key not in keep]
        if len(known) == _LOOKED_AT:
            yield
    for listed in _portions(items.items()):
        found += [change for change in listed if change[1] is not None]
        if len(listed) == _LOOKED_AT:
            yield
    return found


def apply(store: Store, resource: Resource, changes: Sequence[Change]) -> Iterator[None]:
    """Make changes in the store; yields between portions of work."""
    groups = yield from _groups(store, resource, changes)
    done = 0
    for owners, together in groups:
        done += 2 * _work(store, owners)
        for key, after in together:
            if after is None:
                store.remove(resource, key)
            elif isinstance(after, Packed):
                done += after.endpoints
                store.put_packed(resource, key, after)
            else:
                store.put(resource, after)
        if done >= PORTION:
            done = 0
            yield


def _groups(
    store: Store, resource: Resource, changes: Sequence[Change]
) -> Generator[None, None, Iterable[_Group]]:
    """Yield between portions of work and return groups without a common owner."""
    if resource in _OF_ENDPOINTS:
        return (yield from _by_service(store, resource, changes))
    if resource is Resource.PODS and store.makes_endpoints:
        return (yield from _by_namespace(changes))
    return (((change[0],), (change,)) for change in changes)


def _by_namespace(changes: Sequence[Change]) -> Generator[None, None, Iterable[_Group]]:
    of: dict[str, list[Change]] = {}
    for portion in _portions(changes):
        for change in portion:
            of.setdefault(change[0].namespace, []).append(change)
        if len(portion) == _LOOKED_AT:
            yield
    return (((Key("", namespace),), found) for namespace, found in of.items())


def _by_service(
    store: Store, resource: Resource, changes: Sequence[Change]
) -> Generator[None, None, Iterable[_Group]]:
    known = store.keys(resource)
    of: dict[Key, list[Change]] = {}
    tied = _Tied()
    for portion in _portions(changes):
        for change in portion:
            key, after = change
            before = store.owner(resource, key) if key in known else None
            owner = after.owner if isinstance(after, Packed) else before or key
            if before is not None and before != owner:
                tied.tie(before, owner)
            of.setdefault(owner, []).append(change)
        if len(portion) == _LOOKED_AT:
            yield
    joined = [
        (each, [change for owner in each for change in of.pop(owner, ())]) for each in tied.groups()
    ]
    return chain(joined, (((owner,), found) for owner, found in of.items()))


class _Tied:
    """Services tied to each other: an object has moved from one to the other."""

    def __init__(self) -> None:
        self._with: dict[Key, set[Key]] = {}

    def tie(self, one: Key, other: Key) -> None:
        """Tie two Services, and all that each of them is tied to."""
        few, many = sorted([self._with.get(each) or {each} for each in (one, other)], key=len)
        many |= few
        self._with.update(dict.fromkeys(few | {one, other}, many))

    def groups(self) -> Collection[set[Key]]:
        """Return each set of Services that are tied."""
        return {id(each): each for each in self._with.values()}.values()


def _portions(items: Iterable[_T]) -> Iterator[list[_T]]:
    left = iter(items)
    while portion := list(islice(left, _LOOKED_AT)):
        yield portion


def _work(store: Store, owners: Iterable[Key]) -> int:
    """Return what it takes to derive Services, or all of a namespace, anew: in endpoints."""
    done = 0
    for owner in owners:
        done += SERVICE + store.endpoints_in(owner)
        if not owner.namespace:
            for each in store.services_in(owner.name):
                done += SERVICE + store.endpoints_in(each)
    return done
