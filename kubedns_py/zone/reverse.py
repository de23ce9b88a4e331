"""Addresses to the names that their pointers give (DNS specification 1.1.0, 2.3.3 and 2.4.3).

Rules of this file:

- The index only says which services hold an address; the names are made when a pointer is asked.
  So 100,000 endpoints cost one dictionary entry each.
- A service's addresses are replaced as a whole: dropping a family, a type or a service drops its
  pointers too, whatever the order of events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, Literal

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.dns.name import Name
from kubedns_py.zone.tree import Pointer, PointerKind

MOST_POINTERS: Final = 8
"""PTR-6: an address in more services than this has its first names only."""


_STEP = 256


class Reverse:
    """Which services hold an address."""

    def __init__(self) -> None:
        self._keys: dict[Address, Key | tuple[Key, ...]] = {}
        self._addresses: dict[Key, tuple[Address, ...]] = {}

    def replace(self, key: Key, addresses: Iterable[Address]) -> Collection[Address]:
        """Make exactly these addresses point at the service; return those that did not before."""
        new = tuple(dict.fromkeys(addresses))
        old = self._addresses.get(key, ())
        if new == old:
            return ()
        gone, come = _difference(old, new) if old else ((), new)
        for address in gone:
            self._drop(address, key)
        if self._keys.keys().isdisjoint(come):
            self._keys.update(dict.fromkeys(come, key))  # as nearly always, and all at once
        else:
            for address in come:
                self._keys[address] = (*self._of(address), key) if address in self._keys else key
        if new:
            self._addresses[key] = new
        else:
            del self._addresses[key]
        return come

    def remove(self, key: Key) -> None:
        """Make no address point at the service."""
        self.replace(key, ())

    def services(self, address: Address) -> tuple[Key, ...]:
        """Return the services that hold the address, by namespace and name."""
        found = self._of(address)
        return found if len(found) < 2 else tuple(sorted(found))

    def holds(self, address: Address, key: Key) -> bool:
        """Tell whether a service holds the address."""
        return key in self._of(address)

    def _of(self, address: Address) -> tuple[Key, ...]:
        # One key stands alone: the tuple around it would cost 48 octets an endpoint.
        found = self._keys.get(address, ())
        return (found,) if isinstance(found, Key) else found

    def _drop(self, address: Address, key: Key) -> None:
        left = tuple(each for each in self._of(address) if each != key)
        if not left:
            del self._keys[address]
        else:
            self._keys[address] = left if len(left) > 1 else left[0]


def _difference(
    old: tuple[Address, ...], new: tuple[Address, ...]
) -> tuple[set[Address], set[Address]]:
    """Return what is in the first alone and in the second alone; neither has duplicates.

    What is alike at the beginning is passed over in long steps: one endpoint among 5,000 changes.
    """
    start = 0
    while old[start : start + _STEP] == new[start : start + _STEP] and start < len(new):
        start += _STEP
    before, after = set(old[start:]), set(new[start:])
    return before - after, after - before


def chosen_targets(
    pointers: Iterable[Pointer], policy: Literal["all", "hostname", "first"]
) -> tuple[Name, ...]:
    """Return the targets that an address answers with, in order (PTR-6, PTR-7).

    Hostnames of headless services come first, because certificates carry them; then by name.
    ``hostname`` leaves out endpoints that are only called by their address.
    """
    kept = [
        each for each in pointers if policy != "hostname" or each.kind is not PointerKind.ADDRESS
    ]
    kept.sort(key=lambda each: (each.kind is not PointerKind.HEADLESS_HOSTNAME, each.target))
    targets = tuple(dict.fromkeys(each.target for each in kept))
    return targets[: 1 if policy == "first" else MOST_POINTERS]
