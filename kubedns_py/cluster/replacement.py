"""A complete list put into the store by difference, a portion at a time.

Rules of this file:

- Only what differs is touched; nothing is ever cleared (rows F-07, F-25).
- What an answer is made of changes in one portion: all slices of a Service, an object that moved
  from one Service to another with everything of both. So no reader sees half a Service.
- A portion is a bounded amount of work, counted and not timed, unless one Service is more (F-06).
- What waits to enter the store is packed, at a fifth to a tenth of its size: the old state and the
  new one are never there together.
- Nobody else writes objects of the resource until all portions are done.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Generator, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from kubedns_py.cluster.objects import Endpoints, Key, Namespace, Object, Pod, Resource, Service
from kubedns_py.cluster.store import Store

PORTION = 1_000
"""How many endpoints, before and after the change, make a portion: one or two milliseconds of work
here and in the zone that takes it over."""

SERVICE = 10
"""How many endpoints a Service without any counts for."""

_LOOKED_AT = 2_000
"""How many objects are looked at in one portion before any is changed."""


class Packed(NamedTuple):
    """An object as MessagePack, and the key of the Service that it belongs to, or its own."""

    owner: Key
    octets: bytes


class Change(NamedTuple):
    """What a list says differently from the store about one object; None is that there is none."""

    key: Key
    after: Packed | None


def pack(item: Object) -> Packed:
    """Return an object packed."""
    return Packed(_owner(item), _ENCODER.encode(item))


def differences(
    store: Store,
    resource: Resource,
    items: Mapping[Key, Packed | None],
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
    decoder = _DECODERS[resource]
    done = 0
    for group in groups:
        done += _work(store, group.owners)
        for key, after in group.changes:
            if after is None:
                store.remove(resource, key)
            else:
                store.put(resource, decoder.decode(after.octets))
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
        group, *others = {id(of[each]): of[each] for each in owners if each in of}.values() or (
            _Group(set(), []),
        )
        for other in others:  # an object has moved from one to the other
            owners |= other.owners
            group.changes.extend(other.changes)
        group.changes.append(change)
        group.owners.update(owners)
        of.update(dict.fromkeys(owners, group))
        if not count % _LOOKED_AT:
            yield
    return {id(group): group for group in of.values()}.values()


def _owners(store: Store, resource: Resource, change: Change) -> set[Key]:
    """Return the keys of the Services, or of the namespace, whose answers a change is about."""
    if resource is Resource.PODS and store.makes_endpoints:
        return {Key("", change.key.namespace)}
    before = store.get(resource, change.key)
    owners = {_owner(before)} if before is not None else set()
    return owners | {change.after.owner} if change.after is not None else owners


def _owner(item: Object) -> Key:
    return item.service if isinstance(item, Endpoints) else item.key


def _work(store: Store, owners: Iterable[Key]) -> int:
    """Return what it takes to derive Services, or all of a namespace, anew: in endpoints."""
    return sum(
        SERVICE + store.endpoints_in(each)
        for owner in owners
        for each in ((owner,) if owner.namespace else (owner, *store.services_in(owner.name)))
    )


_ENCODER = msgspec.msgpack.Encoder()
_DECODERS: dict[Resource, msgspec.msgpack.Decoder[Object]] = {
    Resource.SERVICES: msgspec.msgpack.Decoder(Service),
    Resource.ENDPOINTSLICES: msgspec.msgpack.Decoder(Endpoints),
    Resource.ENDPOINTS: msgspec.msgpack.Decoder(Endpoints),
    Resource.NAMESPACES: msgspec.msgpack.Decoder(Namespace),
    Resource.PODS: msgspec.msgpack.Decoder(Pod),
}
