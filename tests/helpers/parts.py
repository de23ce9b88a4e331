"""What a Service publishes of endpoints that stand in no store."""

from __future__ import annotations

from collections.abc import Iterable

from kubedns_py.cluster.objects import Service, Subset
from kubedns_py.cluster.parts import Part, parts_of
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
