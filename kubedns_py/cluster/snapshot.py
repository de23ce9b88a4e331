"""A complete state of one resource being gathered, from pages of a list or from initial events.

Rules of this file:

- The store is not touched before the state is complete; then it changes in one step.
- An object equal to the one in the store is not kept twice: a relist costs little memory.
- The last good version of an object that cannot be read stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kubedns_py.cluster.objects import Key, Object, Resource
from kubedns_py.cluster.reading import Decoded
from kubedns_py.cluster.store import Store
from kubedns_py.cluster.versions import Versions, is_older


@dataclass(slots=True)
class Snapshot:
    """What was gathered so far.

    Attributes:
        started_at: monotonic seconds.
        octets: size of everything read.
        continue_token: where the next page begins; empty before the first one.
        items, keep, versions: by key: readable objects, unreadable ones, and versions of both.
    """

    started_at: float
    octets: int = 0
    continue_token: str = ""
    items: dict[Key, Object] = field(default_factory=dict)
    keep: set[Key] = field(default_factory=set)
    versions: dict[Key, str] = field(default_factory=dict)

    def add(self, decoded: Decoded, store: Store, resource: Resource) -> None:
        """Take a readable object; one that is not meant for DNS leaves no item."""
        self.forget(decoded.key)
        self.versions[decoded.key] = decoded.version
        if decoded.item is not None:
            known = store.get(resource, decoded.key)
            self.items[decoded.key] = known if known == decoded.item else decoded.item

    def add_unreadable(self, key: Key, version: str) -> None:
        """Remember that an object exists of which nothing more can be said."""
        self.forget(key)
        self.keep.add(key)
        self.versions[key] = version

    def forget(self, key: Key) -> None:
        """Drop an object: it was deleted while the state was gathered."""
        self.items.pop(key, None)
        self.keep.discard(key)
        self.versions.pop(key, None)

    def drift(self, store: Store, resource: Resource, reached: str) -> int:
        """Return how many objects differ though every change up to ``reached`` was seen."""
        gone = store.keys(resource) - self.items.keys() - self.keep
        late = sum(
            not is_older(reached, self.versions[key])
            for key, item in self.items.items()
            if store.get(resource, key) is not item
        )
        return len(gone) + late

    def replace_in(self, store: Store, resource: Resource, version: str) -> Versions:
        """Make the store equal to this state, which ``version`` stands for."""
        store.replace(resource, self.items, keep=self.keep)
        return Versions(version, self.versions)
