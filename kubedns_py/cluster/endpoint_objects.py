"""EndpointSlices or v1 Endpoints, packed, by key and by Service.

Rules of this file:

- Most Services have one: its key stands alone, for a tuple around it would cost 48 octets.
- Of the others, what was read lately stays as it was read, whatever becomes of the rest: when one
  slice of a Service changes, no other one of it is read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.packed import Packed, subsets_in
from kubedns_py.cluster.parts import CHOICES, Choice, Part, parts_of

MOST_READ: Final = 20_000
"""Endpoints in the slices that stay read, at about 0.4 KB each: of some wide Services."""


class EndpointObjects:
    """Those of one resource."""

    def __init__(self) -> None:
        self.by_key: dict[Key, Packed] = {}
        self._keys_of: dict[Key, Key | tuple[Key, ...]] = {}
        self._read: dict[tuple[Key, Choice], tuple[Part, ...]] = {}
        self._endpoints_read = 0

    def write(self, key: Key, item: Packed | None) -> Packed | None:
        """Add, replace or remove one. Returns what was there."""
        old = self.by_key.get(key)
        if old == item:
            return old
        if item is None:
            del self.by_key[key]
        else:
            self.by_key[key] = item
        if old is not None:
            for choice in CHOICES:
                self._forget(key, choice, old)
        if old is None or item is None or old.owner != item.owner:
            if old is not None:
                self._untie(old.owner, key)
            if item is not None:
                found = self._keys(item.owner)
                self._keys_of[item.owner] = tuple(sorted((*found, key))) if found else key
        return old

    def add(self, items: Mapping[Key, Packed]) -> None:
        """Add objects of which none is there."""
        self.by_key.update(items)
        keys_of = self._keys_of
        for key, item in items.items():
            owner = item.owner
            if owner in keys_of:
                keys_of[owner] = tuple(sorted((*self._keys(owner), key)))
            else:
                keys_of[owner] = key

    def of(self, service: Key) -> tuple[Packed, ...]:
        """Return those of a Service, in the order of their keys."""
        found = self._keys_of.get(service)
        if found is None:
            return ()
        if isinstance(found, Key):
            return (self.by_key[found],)
        return tuple([self.by_key[key] for key in found])

    def parts(self, service: Key, choice: Choice) -> tuple[Part, ...]:
        """Return the part of each subset in those of a Service, in the same order."""
        found = self._keys_of.get(service)
        if found is None:
            return ()
        if isinstance(found, Key):
            return parts_of(subsets_in(self.by_key[found]), choice)
        known = self._read.get
        made = [known((key, choice)) or self._made(key, choice) for key in found]
        return tuple([part for parts in made for part in parts])

    def plain(self, services: Iterable[Key]) -> dict[Key, Packed]:
        """Return the only one of each Service that has one, whose endpoints are plain, and some."""
        keys_of, by_key = self._keys_of, self.by_key
        found: dict[Key, Packed] = {}
        for service in services:
            key = keys_of.get(service)
            if isinstance(key, Key) and (packed := by_key[key]).addresses:
                found[service] = packed
        return found

    def _made(self, key: Key, choice: Choice) -> tuple[Part, ...]:
        packed = self.by_key[key]
        self._endpoints_read += packed.endpoints
        while self._read and self._endpoints_read > MOST_READ:
            oldest = next(iter(self._read))
            self._forget(*oldest, self.by_key[oldest[0]])
        found = self._read[key, choice] = parts_of(subsets_in(packed), choice)
        return found

    def _forget(self, key: Key, choice: Choice, packed: Packed) -> None:
        if self._read.pop((key, choice), None) is not None:
            self._endpoints_read -= packed.endpoints

    def endpoints_in(self, service: Key) -> int:
        """Return how many endpoints those of a Service have."""
        found = self._keys_of.get(service)
        if found is None:
            return 0
        if isinstance(found, Key):
            return self.by_key[found].endpoints
        return sum([self.by_key[key].endpoints for key in found])

    def _keys(self, service: Key) -> tuple[Key, ...]:
        found = self._keys_of.get(service, ())
        return (found,) if isinstance(found, Key) else found

    def _untie(self, service: Key, key: Key) -> None:
        left = tuple([each for each in self._keys(service) if each != key])
        if left:
            self._keys_of[service] = left if len(left) > 1 else left[0]
        else:
            del self._keys_of[service]
