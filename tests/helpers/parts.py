"""Endpoints in a store, and what a Service publishes of others that stand in none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from kubedns_py.cluster.objects import Key, Service, Subset
from kubedns_py.cluster.parts import Choice, Part, parts_of
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing, published
from kubedns_py.zone.records import service_subtree
from kubedns_py.zone.tree import Subtree


def parts_published(
    service: Service, subsets: Iterable[Subset], publishing: Publishing
) -> tuple[Part, ...]:
    """Return the parts of endpoints that get names."""
    found = tuple(subsets)
    return published(service, lambda _, choice: parts_of(found, choice), publishing)


def subtree_of(
    service: Service, subsets: Iterable[Subset], naming: Naming, publishing: Publishing
) -> Subtree | None:
    """Return what a Service makes with these endpoints."""
    parts = parts_published(service, subsets, publishing)
    return service_subtree(service, parts, naming, publishing)


class HasParts(Protocol):
    """A store, or what it keeps of one resource."""

    def parts(self, key: Key, choice: Choice, /) -> tuple[Part, ...]:
        """Return the parts of a Service."""
        ...


def endpoints_of(store: HasParts, key: Key) -> tuple[Subset, ...]:
    """Return all endpoints of a Service as the subsets that they came in."""
    return tuple(Subset(tuple(each.endpoints), each.ports) for each in store.parts(key, "all"))
