"""One cluster domain: its tree, its pointers, its serial, brought up to date from the store.

Rules of this file:

- ``commit`` is synchronous: no reader sees half a change.
- Only what changed is touched: the cost is that of the dirty services, not of the cluster.
- A namespace exists when its object does, or when a service stands in it (LIF-3), and only as far
  as it is visible; a hidden one is treated as missing, its pointers included (ENT-16, PTR-13).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Literal

from kubedns_py.cluster.objects import Address, Key, Service
from kubedns_py.cluster.parts import Part
from kubedns_py.cluster.selector import Selector
from kubedns_py.cluster.store import Changes, Store
from kubedns_py.dns.name import MAX_LABEL, MAX_NAME, Name, wire_length
from kubedns_py.structs import Struct, field
from kubedns_py.zone.alone import (
    endpoint_node,
    endpoint_pointers,
    is_own_alone,
    own_node,
    own_pointers,
)
from kubedns_py.zone.naming import SVC, Naming, dashed, read_dashed
from kubedns_py.zone.publishing import Publishing, held_addresses, held_with, published
from kubedns_py.zone.records import names_too_long, service_subtree
from kubedns_py.zone.reverse import Group, Reverse, chosen_targets
from kubedns_py.zone.tree import Node, Pointer, Subtree, Tree

_IPV4_OCTETS = 4  # of which there is one spelling


class Visibility(Struct, frozen=True):
    """Which namespaces are published: those named, if any, that match the selector, if any."""

    names: frozenset[str] = frozenset()
    labels: Selector | None = None

    def shows(self, store: Store, namespace: str) -> bool:
        """Tell whether a namespace may be seen, whether or not it exists."""
        if self.names and namespace not in self.names:
            return False
        if self.labels is None:
            return True
        found = store.namespace(namespace)
        return found is not None and self.labels.matches(dict(found.labels))


class Committed(Struct, frozen=True):
    """What an answer may differ by after commits.

    Attributes:
        services: those that were derived anew, and those that are gone.
        namespaces: those that exist, and are shown, since then or no longer.
        addresses: what those services hold and did not hold before; who asked for an address that
            they held depends on them.
    """

    services: set[Key] = field(default_factory=set)
    namespaces: set[str] = field(default_factory=set)
    addresses: set[Address] = field(default_factory=set)


class Zone:
    """The names of one cluster domain.

    Args:
        store: where the objects are.
        naming: the domain, and how its names are spelled.
        publishing: which services and endpoints get names.
        visibility: which namespaces do.

    Attributes:
        serial: of the SOA record.
        names_too_long: how many names of services and endpoints there are not, because they would
            be longer than 255 octets (BAD-2).
    """

    def __init__(
        self, store: Store, naming: Naming, publishing: Publishing, visibility: Visibility
    ) -> None:
        self.naming = naming
        self.serial = 1
        self.names_too_long = 0
        self._store = store
        self._publishing = publishing
        self._visibility = visibility
        self._too_long: dict[Key, int] = {}
        # most domains leave room for the longest of each label, and nothing has to be looked at
        longest = (bytes(MAX_LABEL), *naming.service(Key("n" * MAX_LABEL, "s" * MAX_LABEL)))
        self._is_narrow = wire_length(longest) > MAX_NAME
        self._are_dashed = naming.endpoint_names == "dashed" and not naming.pod_names
        self._with_hostnames: set[Key] = set()
        self._tree = Tree(self._grow)
        self._reverse = Reverse()

    @property
    def apex(self) -> Name:
        """The cluster domain."""
        return self.naming.apex

    # -- writing

    def commit(self, changes: Changes, now: float, committed: Committed | None = None) -> None:
        """Bring the zone up to date.

        Args:
            changes: what became dirty in the store.
            now: seconds since the epoch; the serial is this or one more than the last (ENV-6).
            committed: where to add what an answer may differ by; None where nobody keeps answers.
        """
        dirty = dict(changes.services)
        namespaces = changes.namespaces | {key.namespace for key in changes.services}
        changed = [each for each in namespaces if self._commit_namespace(each)]
        for namespace in changed:
            # what is still dirty comes with its own commit
            is_dirty = self._store.is_dirty
            others = [each for each in self._store.services_in(namespace) if not is_dirty(each)]
            dirty.update(dict.fromkeys(others))
        for come in self._commit_services(dirty):
            if committed is not None:
                committed.addresses.update(come)
        if committed is not None:
            committed.namespaces.update(changed)
            committed.services.update(dirty)
        self.serial = max(self.serial + 1, int(now))

    def _commit_namespace(self, namespace: str) -> bool:
        """Make a namespace exist or not. Returns whether its services must be looked at."""
        shown = self._visibility.shows(self._store, namespace)
        known = self._store.namespace(namespace) or self._store.services_in(namespace)
        exists = bool(shown and known)
        if exists == self._tree.has_namespace(namespace.encode()):
            return False
        if exists:
            self._tree.add_namespace(namespace)
        else:
            self._tree.remove_namespace(namespace)
        return True

    def _commit_services(self, keys: Collection[Key]) -> Iterator[Collection[Address]]:
        """Make names and pointers of services anew; yield addresses that are new to them."""
        plain = {} if self._is_narrow else self._plain(keys)
        self._tree.replace_all(plain)
        yield self._reverse.replace_all(plain)
        for key in keys:
            if key not in plain:
                yield self._commit_service(key)

    def _plain(self, keys: Iterable[Key]) -> dict[Key, Group]:
        """Return what those services hold of which no part has to be made: nearly all.

        Noted is whether their endpoints have hostnames.
        """
        store, with_hostnames = self._store, self._with_hostnames
        shown: dict[str, bool] = {}
        found: dict[Key, Group] = {}
        for key, endpoints in store.plain(keys).items():
            service = store.service(key)
            namespace = key.namespace
            if namespace not in shown:
                shown[namespace] = self._visibility.shows(store, namespace)
            if service is None or not shown[namespace]:
                continue
            group = held_with(service, endpoints.addresses or ())
            if not group:
                continue
            found[key] = group
            if endpoints.are_named:
                with_hostnames.add(key)
            else:
                with_hostnames.discard(key)
        return found

    def _commit_service(self, key: Key) -> Collection[Address]:
        """Make a service's names and pointers anew; return addresses that are new to it."""
        service = self._store.service(key)
        if service is None or not self._visibility.shows(self._store, key.namespace):
            self._tree.remove(key)
            self._reverse.remove(key)
            self._with_hostnames.discard(key)
            self._count_too_long(key, 0)
            return ()
        self._tree.replace_all((key,))
        parts = self._published(service)
        if any(each.by_hostname for each in parts):
            self._with_hostnames.add(key)
        else:
            self._with_hostnames.discard(key)
        if self._is_narrow:
            self._count_too_long(key, names_too_long(service, parts, self.naming))
        return self._reverse.replace(key, held_addresses(service, parts))

    def _published(self, service: Service) -> tuple[Part, ...]:
        return published(service, self._store.parts, self._publishing)

    def _count_too_long(self, key: Key, count: int) -> None:
        self.names_too_long += count - self._too_long.pop(key, 0)
        if count:
            self._too_long[key] = count

    def _grow(self, key: Key) -> Subtree | None:
        service = self._store.service(key)
        return self._subtree(service) if service else None

    def _subtree(self, service: Service) -> Subtree | None:
        parts, known = self._published(service), True
        if len(parts) > 1:  # what is in the store may not be committed yet: then nothing is known
            known = self._reverse.are_distinct(service.key, held_addresses(service, parts))
        return service_subtree(service, parts, self.naming, self._publishing, are_distinct=known)

    # -- reading

    def has_namespace(self, label: bytes) -> bool:
        """Tell whether a namespace exists in this zone."""
        return self._tree.has_namespace(label)

    def find(self, path: Name) -> Node | None:
        """Return the node of a name below ``svc.D``, perhaps without the names below it.

        See ``Tree.find``. What can be made alone is, and not kept: most names that are not in the
        answer table are asked for once.
        """
        key = self._tree.service(path[-1], path[-2])
        service = self._store.service(key) if key else None
        if key is None or service is None:
            return None
        below = path[:-2]
        if not below or below[-1].startswith(b"_"):
            if is_own_alone(service, self._publishing):
                return own_node(service, below, self.naming)
        elif len(below) == 1 and self._are_called_by_address(key):
            return self._endpoint(path, key, service)
        return self._tree.find(path)

    def _endpoint(self, path: Name, key: Key, service: Service) -> Node | None:
        """Return the node of an endpoint where all are called by their address."""
        address = read_dashed(path[0])
        if address is None or not self._reverse.holds(address, key):
            return None
        if address in service.cluster_ips:
            return self._tree.find(path)  # the service holds it, and perhaps an endpoint does too
        if len(address) != _IPV4_OCTETS and dashed(address) != path[0]:
            return None  # another spelling is another name
        return endpoint_node(address, (*path, SVC, *self.apex), service, self.naming.ttl)

    def _are_called_by_address(self, key: Key) -> bool:
        """Tell whether all endpoints of a service are called by their dashed address alone."""
        return self._are_dashed and key not in self._with_hostnames

    def service(self, namespace: bytes, name: bytes) -> Key | None:
        """Return a visible service's key, whether or not it publishes a name."""
        return self._tree.service(namespace, name)

    def pointer_services(self, address: Address) -> tuple[Key, ...]:
        """Return the visible services that hold an address."""
        return self._reverse.services(address)

    def pointers(
        self, address: Address, policy: Literal["all", "hostname", "first"]
    ) -> tuple[Name, ...]:
        """Return the targets of an address's PTR records, at most eight, in order."""
        keys = self._reverse.services(address)
        if not keys:
            return ()
        found = [pointer for key in keys for pointer in self._pointers(key, address)]
        if len(found) == 1 and policy != "hostname":
            return (found[0].target,)
        return chosen_targets(found, policy)

    def _pointers(self, key: Key, address: Address) -> tuple[Pointer, ...]:
        service = self._store.service(key)
        if service is None:
            return ()
        if address in service.cluster_ips:
            if is_own_alone(service, self._publishing):
                return own_pointers(service, self.naming)
        elif self._are_called_by_address(key):
            return endpoint_pointers(address, service, self.naming)
        subtree = self._tree.subtree(key)
        return subtree.pointers.get(address, ()) if subtree else ()
