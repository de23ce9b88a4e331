"""What the first sync still misses, as a value for the resolver and as text for a person.

Readiness means that a complete list of every resource was taken once. It is not lost again: an API
server that goes away makes the data old, which is said elsewhere, and not wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.snapshot import MANY
from kubedns_py.cluster.status import ResourceStatus
from kubedns_py.resolver.view import Known

_ENDPOINTS = frozenset({Resource.ENDPOINTSLICES, Resource.ENDPOINTS})


def known(statuses: Mapping[Resource, ResourceStatus], so_far: Known) -> Known:
    """Return how much of the cluster was synced at least once.

    Endpoints that the API server refuses (403, 404) will not come by waiting, so Services are
    served without them (F-12); endpoints that are only late are waited for.

    Args:
        statuses: of all resources.
        so_far: what this returned before. It is not taken back: endpoints that are listed at last,
            because they are not refused any more, are late for a moment.
    """
    waited_for = [each for each in statuses.values() if not each.synced]
    if not waited_for:
        return Known.ALL
    if all(each.resource in _ENDPOINTS and each.refused for each in waited_for):
        return Known.WITHOUT_ENDPOINTS
    return so_far


def lists_many(statuses: Mapping[Resource, ResourceStatus]) -> bool:
    """Tell whether what is still waited for is of those alone that enter the store as they come."""
    waited_for = {each.resource for each in statuses.values() if not each.synced}
    return bool(waited_for) and waited_for <= MANY


def age_s(statuses: Mapping[Resource, ResourceStatus], now: float) -> float:
    """Return how long ago the source was last heard for the resource it is quietest about.

    Args:
        statuses: of all resources; those never heard are not counted.
        now: monotonic seconds, on the clock of ``last_contact``.
    """
    heard = [each.last_contact for each in statuses.values() if each.last_contact is not None]
    return max(0.0, now - min(heard)) if heard else 0.0


def missing(statuses: Mapping[Resource, ResourceStatus]) -> list[str]:
    """Return one line for each resource that was not synced yet, with the reason where known."""
    return [
        f"{each.resource.value}: not synced yet"
        + (f": {each.refused or each.last_error}" if each.refused or each.last_error else "")
        for each in statuses.values()
        if not each.synced
    ]
