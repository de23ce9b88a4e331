"""One cluster domain: its tree, its pointers, its serial, brought up to date from the store.

Rules of this file:

- ``commit`` is synchronous: no reader sees half a change.
- Only what changed is touched: the cost is that of the dirty services, not of the cluster.
- A namespace exists when its object does, or when a service stands in it (LIF-3), and only as far
  as it is visible; a hidden one is treated as missing, its pointers included (ENT-16, PTR-13).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.cluster.selector import Selector
from kubedns_py.cluster.store import Changes, Store
from kubedns_py.dns.name import MAX_LABEL, MAX_NAME, Name, wire_length
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.records import (
    Publishing,
    names_too_long,
    service_addresses,
    service_subtree,
)
from kubedns_py.zone.reverse import Reverse, chosen_targets
from kubedns_py.zone.tree import Node, Subtree, Tree


@dataclass(frozen=True, slots=True)
class Visibility:
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


@dataclass(frozen=True, slots=True)
class Committed:
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
        committed = committed or Committed()
        dirty = set(changes.services)
        for namespace in changes.namespaces | {key.namespace for key in changes.services}:
            if self._commit_namespace(namespace):
                committed.namespaces.add(namespace)
                dirty.update(self._store.services_in(namespace))
        committed.services.update(dirty)
        for key in dirty:
            committed.addresses.update(self._commit_service(key))
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

    def _commit_service(self, key: Key) -> Collection[Address]:
        """Make a service's names and pointers anew; return addresses that are new to it."""
        service = self._store.service(key)
        if service is None or not self._visibility.shows(self._store, key.namespace):
            self._tree.remove(key)
            self._reverse.remove(key)
            self._count_too_long(key, 0)
            return ()
        self._tree.replace(key)
        subsets = self._store.subsets(key)
        if self._is_narrow:
            count = names_too_long(service, subsets, self.naming, self._publishing)
            self._count_too_long(key, count)
        return self._reverse.replace(key, service_addresses(service, subsets, self._publishing))

    def _count_too_long(self, key: Key, count: int) -> None:
        self.names_too_long += count - self._too_long.pop(key, 0)
        if count:
            self._too_long[key] = count

    def _grow(self, key: Key) -> Subtree | None:
        service = self._store.service(key)
        if service is None:
            return None
        subsets = self._store.subsets(key)
        return service_subtree(service, subsets, self.naming, self._publishing)

    # -- reading

    def has_namespace(self, label: bytes) -> bool:
        """Tell whether a namespace exists in this zone."""
        return self._tree.has_namespace(label)

    def find(self, path: Name) -> Node | None:
        """Return the node of a name below ``svc.D``; see ``Tree.find``."""
        return self._tree.find(path)

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
        found = [
            pointer
            for key in self._reverse.services(address)
            if (subtree := self._tree.subtree(key)) is not None
            for pointer in subtree.pointers.get(address, ())
        ]
        if len(found) == 1 and policy != "hostname":
            return (found[0].target,)
        return chosen_targets(found, policy)
