"""The store: every object by key, endpoints by service, and which services are dirty.

Rules of this file:

- Events only mark services dirty. Work reads the current state, so duplicates, reordering and
  relists cannot corrupt a result (level, not edge).
- An equal object marks nothing: a relist of an unchanged cluster costs no work downstream.
- The store is never cleared: a list replaces in place by difference (``replacement.py``).
- Endpoints are kept packed (``packed.py``): they are most of a cluster, and mostly at rest.
- No ``await`` here: readers never see half a change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, KeysView, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeVar, cast

from kubedns_py.cluster.endpoint_objects import EndpointObjects
from kubedns_py.cluster.endpoints import endpoints_from_pods
from kubedns_py.cluster.objects import Address, Key, Namespace, Object, Pod, Service, Subset
from kubedns_py.cluster.packed import Packed, pack, unpack, unpack_endpoints
from kubedns_py.cluster.parts import Choice, Part, parts_of
from kubedns_py.cluster.resources import Resource
from kubedns_py.structs import Struct, field

_Kind = TypeVar("_Kind", Service, Packed, Namespace, Pod)


class Changes(Struct):
    """What became dirty since it was last taken.

    Attributes:
        services: in the order in which they did. Objects that came together are near each other in
            memory: in that order 10,000 Services are taken over in two thirds of the time.
    """

    services: dict[Key, None] = field(default_factory=dict)
    namespaces: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.services or self.namespaces)


class Store:
    """Objects by resource and key, with the services that wait to be derived anew.

    Args:
        on_dirty: called, with no argument, when something becomes dirty while nothing was.
        endpoints_from_pods: whether a Service with a selector and without endpoint objects gets
            its endpoints from Pods, as the endpoints controller would make them.
    """

    def __init__(self, on_dirty: Callable[[], None], *, endpoints_from_pods: bool = False) -> None:
        self._on_dirty = on_dirty
        self._from_pods = endpoints_from_pods
        self._services: dict[Key, Service] = {}
        self._services_in: dict[str, set[Key]] = {}
        self._slices = EndpointObjects()
        self._endpoints = EndpointObjects()
        self._namespaces: dict[Key, Namespace] = {}
        self._pods: dict[Key, Pod] = {}
        self._pods_in: dict[str, dict[Key, Pod]] = {}
        self._pods_at: dict[Address, Counter[str]] = {}
        self._changes = Changes()
        self._left: dict[Key, None] = {}  # what take_plain left, dirty for longer than _changes

    # -- writing: the reflector's side

    def put(self, resource: Resource, item: Object) -> bool:
        """Add or replace one object. Returns whether an answer can differ by it."""
        return self._write(resource, item.key, item)

    def put_packed(self, resource: Resource, key: Key, packed: Packed) -> bool:
        """Add or replace one object that is packed; see ``put``."""
        if resource in _OF_ENDPOINTS:
            return self._write_endpoints(resource, key, packed)
        return self._write(resource, key, unpack(resource, packed))

    def add(self, resource: Resource, items: Mapping[Key, Packed | Object]) -> None:
        """Add Services or endpoints, of which none is there: at a third of the cost of ``put``."""
        if resource in _OF_ENDPOINTS:
            endpoints = cast("Mapping[Key, Packed]", items)
            self._of(resource).add(endpoints)
            self._mark(services=[each.owner for each in endpoints.values()])
            return
        self._services.update(cast("Mapping[Key, Service]", items))
        for key in items:
            self._services_in.setdefault(key.namespace, set()).add(key)
        self._mark(services=items)

    def remove(self, resource: Resource, key: Key) -> bool:
        """Remove one object. Returns whether it was there."""
        return self._write(resource, key, None)

    def _write(self, resource: Resource, key: Key, item: Object | None) -> bool:
        match resource:
            case Resource.ENDPOINTSLICES | Resource.ENDPOINTS:
                return self._write_endpoints(resource, key, pack(item) if item else None)
            case Resource.SERVICES:
                return self._write_service(key, _expect(item, Service))
            case Resource.NAMESPACES:
                return self._write_namespace(key, _expect(item, Namespace))
            case Resource.PODS:
                return self._write_pod(key, _expect(item, Pod))

    def _write_service(self, key: Key, item: Service | None) -> bool:
        old = self._services.get(key)
        if old == item:
            return False
        _swap(self._services, key, item)
        if item is None:
            names = self._services_in[key.namespace]
            names.discard(key)
            if not names:
                del self._services_in[key.namespace]
        else:
            self._services_in.setdefault(key.namespace, set()).add(key)
        self._mark(services=(key,))
        return True

    def _write_endpoints(self, resource: Resource, key: Key, item: Packed | None) -> bool:
        objects = self._of(resource)
        old = objects.by_key.get(key)
        if old == item or (old and item and old.says(item)):
            return False  # or only the trigger time moved: of what is not published
        objects.write(key, item)
        self._mark(services=[each.owner for each in (old, item) if each is not None])
        return True

    def _write_namespace(self, key: Key, item: Namespace | None) -> bool:
        if self._namespaces.get(key) == item:
            return False
        _swap(self._namespaces, key, item)
        self._mark(namespaces=(key.name,))
        return True

    def _write_pod(self, key: Key, item: Pod | None) -> bool:
        old = self._pods.get(key)
        if old == item:
            return False
        _swap(self._pods, key, item)
        _swap(self._pods_in.setdefault(key.namespace, {}), key, item)
        for address in old.addresses if old else ():
            at = self._pods_at[address]
            at[key.namespace] -= 1
            if not at[key.namespace]:
                del at[key.namespace]
            if not at:
                del self._pods_at[address]
        for address in item.addresses if item else ():
            self._pods_at.setdefault(address, Counter())[key.namespace] += 1
        if not self._pods_in[key.namespace]:
            del self._pods_in[key.namespace]
        dirty = self.services_in(key.namespace) if self._from_pods else ()
        self._mark(services=[name for name in dirty if self._services[name].selector])
        # verified pod names change with the pod, whichever service selects it
        self._mark(namespaces=(key.namespace,))
        return True

    def _mark(self, services: Iterable[Key] = (), namespaces: Iterable[str] = ()) -> None:
        was_clean = not self._changes
        self._changes.services.update(dict.fromkeys(services))
        self._changes.namespaces.update(namespaces)
        if was_clean and self._changes:
            self._on_dirty()

    # -- reading: the zone's side

    @property
    def makes_endpoints(self) -> bool:
        """Whether a Service may get its endpoints from Pods."""
        return self._from_pods

    def take_changes(self) -> Changes:
        """Return what became dirty since the last call, and start anew."""
        changes, self._changes = self._changes, Changes()
        if self._left:
            changes.services = self._left | changes.services
            self._left = {}
        return changes

    def take_plain(self) -> Changes:
        """Return those dirty Services whose endpoints are plain; the others stay dirty.

        See ``plain``. Whatever comes of such a Service later makes it dirty again, and so does what
        makes endpoints of its own plain: none is looked at again before. Endpoints of a Service
        that is not there wait for it.
        """
        dirty, self._changes.services = self._changes.services, {}
        found = dict.fromkeys([each for each in self.plain(dirty) if each in self._services])
        self._left |= dirty
        for each in found:
            del self._left[each]
        return Changes(found)

    def is_dirty(self, service: Key) -> bool:
        """Tell whether a Service has changed and was not taken since."""
        return service in self._changes.services or service in self._left

    def keys(self, resource: Resource) -> KeysView[Key]:
        """Return the keys of a resource: a live view."""
        match resource:
            case Resource.SERVICES:
                return self._services.keys()
            case Resource.ENDPOINTSLICES | Resource.ENDPOINTS:
                return self._of(resource).by_key.keys()
            case Resource.NAMESPACES:
                return self._namespaces.keys()
            case Resource.PODS:
                return self._pods.keys()

    def get(self, resource: Resource, key: Key) -> Object | None:
        """Return an object of any resource, or None."""
        match resource:
            case Resource.SERVICES:
                return self._services.get(key)
            case Resource.ENDPOINTSLICES | Resource.ENDPOINTS:
                found = self._of(resource).by_key.get(key)
                return unpack_endpoints(key, found) if found else None
            case Resource.NAMESPACES:
                return self._namespaces.get(key)
            case Resource.PODS:
                return self._pods.get(key)

    def owner(self, resource: Resource, key: Key) -> Key | None:
        """Return the Service that an object belongs to, or its own key; None if it is not there."""
        if resource in _OF_ENDPOINTS:
            found = self._of(resource).by_key.get(key)
            return found.owner if found else None
        return key if key in self.keys(resource) else None

    def difference(
        self, resource: Resource, key: Key, item: Object | Packed
    ) -> Packed | Object | None:
        """Return an object for ``put``: None if the store says the same, packed if it does not.

        Where none is yet there is nothing that it could be beside; endpoints are packed already.
        """
        if isinstance(item, Packed):
            old = self._of(resource).by_key.get(key)
            return None if old is not None and old.says(item) else item
        known = self.get(resource, key)
        if known is None:
            return item
        return None if known == item else pack(item)

    def service(self, key: Key) -> Service | None:
        """Return a Service, or None."""
        return self._services.get(key)

    def services_in(self, namespace: str) -> AbstractSet[Key]:
        """Return the keys of the Services of a namespace: a live view."""
        return self._services_in.get(namespace, frozenset())

    def namespace(self, name: str) -> Namespace | None:
        """Return a Namespace object, or None. A namespace may exist without its object."""
        return self._namespaces.get(Key("", name))

    def pod_namespaces(self, address: Address) -> AbstractSet[str]:
        """Return the namespaces in which an unfinished Pod has the address."""
        return self._pods_at.get(address, Counter()).keys()

    def parts(self, key: Key, choice: Choice) -> tuple[Part, ...]:
        """Return what a Service's endpoints give it to publish, in an order without events.

        EndpointSlices win over v1 Endpoints, which the control plane mirrors from and to them;
        Pods are asked last, where the store was made for it. There is a part for each slice or
        subset, which may be without endpoints.

        What was made of a slice is kept for the next change of another, in wide Services.
        """
        chosen = self._slices.parts(key, choice) or self._endpoints.parts(key, choice)
        return chosen or parts_of(self._subsets_from_pods(key), choice)

    def plain(self, services: Iterable[Key]) -> dict[Key, Packed]:
        """Return all endpoints of those Services whose endpoints are plain (``Packed.addresses``).

        They are in one object, ready, and none of them is told by others: ``parts`` has one part,
        with these addresses, and all of them published. What is left out may be otherwise. Of v1
        Endpoints it is told where there are no slices, which would win over them.
        """
        chosen = self._slices if self._slices.by_key else self._endpoints
        return chosen.plain(services)

    def _subsets_from_pods(self, key: Key) -> tuple[Subset, ...]:
        service = self._services.get(key)
        if not self._from_pods or service is None or not service.selector:
            return ()
        return endpoints_from_pods(service, self._pods_in.get(key.namespace, {}).values())

    def endpoints_in(self, key: Key) -> int:
        """Return how many endpoints the objects of a Service have, Pods not counted."""
        return self._slices.endpoints_in(key) + self._endpoints.endpoints_in(key)

    def endpoints_changed_at(self, key: Key) -> float:
        """Return the newest trigger time of a Service's endpoints: epoch seconds, or 0."""
        found = (*self._slices.of(key), *self._endpoints.of(key))
        return max([each.changed_at for each in found], default=0.0)

    def endpoint_changes(self) -> dict[Key, float]:
        """Return ``endpoints_changed_at`` of each Service that has endpoints with such a time."""
        found: dict[Key, float] = {}
        for each in (*self._slices.by_key.values(), *self._endpoints.by_key.values()):
            if each.changed_at > found.get(each.owner, 0.0):
                found[each.owner] = each.changed_at
        return found

    def _of(self, resource: Resource) -> EndpointObjects:
        return self._slices if resource is Resource.ENDPOINTSLICES else self._endpoints


_OF_ENDPOINTS = frozenset({Resource.ENDPOINTSLICES, Resource.ENDPOINTS})


def _expect(item: Object | None, kind: type[_Kind]) -> _Kind | None:
    assert item is None or isinstance(item, kind)  # noqa: S101 - decode() pairs kind and resource
    return item


def _swap(objects: dict[Key, _Kind], key: Key, item: _Kind | None) -> None:
    if item is None:
        del objects[key]
    else:
        objects[key] = item
