"""Whether an informer has listed everything."""

from __future__ import annotations

from kubedns_py.sources.watch import Informer


def all_synced(informer: Informer) -> bool:
    """Tell whether every resource has been listed completely at least once."""
    return all(each.synced for each in informer.statuses.values())
