"""A complete state of one resource being gathered, from a list or from the pages of one.

Rules of this file:

- The store is not touched before the state is complete; how it changes then, ``replacement.py``
  says. It is otherwise before the first sync: nobody answers from the store yet, and what is new
  enters it at once. What a list that broke off has left there goes when one is complete.
- An object equal to the one in the store is not kept, and another in its place is packed: a relist
  costs little memory, whatever changed.
- The last good version of an object that cannot be read stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kubedns_py.cluster.intake import key_of
from kubedns_py.cluster.objects import Key, Object
from kubedns_py.cluster.packed import Packed
from kubedns_py.cluster.reading import Decoded
from kubedns_py.cluster.replacement import Change
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.cluster.versions import is_older
from kubedns_py.errors import BadObject
from kubedns_py.structs import Struct, field

MANY: Final = frozenset({Resource.SERVICES, Resource.ENDPOINTSLICES, Resource.ENDPOINTS})
"""Of these a first list has thousands, which are worth being taken over as they come."""


class Snapshot(Struct):
    """What was gathered so far.

    Attributes:
        started_at: monotonic seconds.
        octets: size of everything read.
        continue_token: where the next page begins; empty before the first one.
        items: readable objects by key; None where the store has the same.
        keep: keys of unreadable objects.
        versions: of both, by key.
    """

    started_at: float
    octets: int = 0
    continue_token: str = ""
    items: dict[Key, Packed | Object | None] = field(default_factory=dict)
    keep: set[Key] = field(default_factory=set)
    versions: dict[Key, str] = field(default_factory=dict)

    def take(
        self,
        portion: Iterable[Decoded | BadObject],
        store: Store,
        resource: Resource,
        *,
        enter: bool = False,
    ) -> None:
        """Take objects, readable or not; one that is not meant for DNS leaves no item.

        Args:
            portion: the objects.
            store: what they are compared with.
            resource: what they are.
            enter: whether those that are not in the store enter it at once; one of ``MANY``.
        """
        known = store.keys(resource)
        new: dict[Key, Packed | Object] = {}
        versions, items = self.versions, self.items
        for found in portion:
            if not isinstance(found, Decoded):
                self._take_unreadable(found)
                continue
            key, item = found.key, found.item
            if key in versions:
                self._forget(key)
            versions[key] = found.version
            if item is None:
                continue
            if key in known:
                items[key] = store.difference(resource, key, item)
            elif enter:
                new[key], items[key] = item, None
            else:
                items[key] = item
        if new:
            store.add(resource, new)

    def _take_unreadable(self, found: BadObject) -> None:
        """Remember that an object exists of which nothing more can be said."""
        key = key_of(found)
        if key is not None:
            self._forget(key)
            self.keep.add(key)
            self.versions[key] = found.version

    def _forget(self, key: Key) -> None:
        """Drop what was said before of an object: it is in two pages of the list."""
        self.items.pop(key, None)
        self.keep.discard(key)
        self.versions.pop(key, None)

    def drift(self, changes: Iterable[Change], reached: str) -> int:
        """Return how many objects differ though every change up to ``reached`` was seen."""
        return sum(
            after is None or not is_older(reached, self.versions[key]) for key, after in changes
        )
