"""Addresses to the names that their pointers give (DNS specification 1.1.0, 2.3.3 and 2.4.3).

Rules of this file:

- The index only says which services hold an address; the names are made when a pointer is asked.
  So 100,000 endpoints cost one dictionary entry each.
- A service's addresses are replaced as a whole: dropping a family, a type or a service drops its
  pointers too, whatever the order of events.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain, repeat
from typing import Final, Literal

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.dns.name import Name
from kubedns_py.zone.tree import Pointer, PointerKind

MOST_POINTERS: Final = 8
"""PTR-6: an address in more services than this has its first names only."""


Group = tuple[Address, ...]
"""Addresses of one slice, without duplicates; or all that a service has."""


class Reverse:
    """Which services hold an address."""

    def __init__(self) -> None:
        self._keys: dict[Address, Key | tuple[Key, ...]] = {}
        self._alone: dict[Key, Group] = {}  # a tuple around it would cost 48 octets a service
        self._several: dict[Key, tuple[Group, ...]] = {}
        self._overlapping: set[Key] = set()

    def replace(self, key: Key, groups: tuple[Group, ...]) -> Collection[Address]:
        """Make exactly these addresses point at the service; return those that did not before.

        Groups that are the very same as before are not looked at: where one slice of many changes,
        only its addresses are.

        Args:
            key: of the service.
            groups: none of them empty, and no object twice; each without duplicates if there are
                several.
        """
        if key not in self._several and len(groups) < 2:  # as nearly always
            return self._replace_one(key, groups[0] if groups else ())
        old = self._held(key)
        if old == groups:
            return ()
        kept: set[int] = set()
        if len(old) > 1 and len(groups) > 1 and key not in self._overlapping:
            kept = set(map(id, old)) & set(map(id, groups))
        gone, come = self._difference(key, old, groups, kept)
        self._move(key, gone, come)
        self._keep(key, groups)
        return come

    def _replace_one(self, key: Key, new: Group) -> Collection[Address]:
        old = self._alone.get(key, ())
        if old == new:
            return ()
        come = set(new).difference(old) if old else new
        self._move(key, set(old).difference(new) if old else (), come)
        if new:
            self._alone[key] = new
        else:
            del self._alone[key]
        return come

    def replace_all(self, groups: Mapping[Key, Group]) -> Collection[Address]:
        """Make exactly these addresses point at each service; see ``replace``.

        Args:
            groups: the one group of each service, not empty.
        """
        addresses = list(chain.from_iterable(groups.values()))
        owners = chain.from_iterable(map(repeat, groups, map(len, groups.values())))
        come: dict[Address, Key | tuple[Key, ...]] = dict(zip(addresses, owners, strict=True))
        are_new = self._alone.keys().isdisjoint(groups) and self._several.keys().isdisjoint(groups)
        are_distinct = len(come) == len(addresses)
        if are_new and are_distinct and not self._keys:  # the first ones
            self._alone, self._keys = dict(groups), come
            return addresses
        if are_new and are_distinct and self._keys.keys().isdisjoint(come):
            self._alone.update(groups)
            self._keys.update(come)
            return addresses
        return {at for key, group in groups.items() for at in self.replace(key, (group,))}

    def _move(self, key: Key, gone: Iterable[Address], come: Collection[Address]) -> None:
        for address in gone:
            self._drop(address, key)
        if self._keys.keys().isdisjoint(come):
            self._keys.update(dict.fromkeys(come, key))  # as nearly always, and all at once
            return
        for address in set(come):
            self._keys[address] = (*self._of(address), key) if address in self._keys else key

    def _difference(
        self, key: Key, old: tuple[Group, ...], new: tuple[Group, ...], kept: set[int]
    ) -> tuple[Collection[Address], Collection[Address]]:
        """Return the addresses that no group has any more, and those that none had.

        Args:
            key: of the service; also noted is whether an address is in two of its new groups.
            old: before.
            new: after.
            kept: ids of groups that are in both. No address was in two groups then, so none that
                is gone from the others is in them.
        """
        after = [each for each in new if id(each) not in kept]
        before = dict.fromkeys([at for each in old if id(each) not in kept for at in each])
        found = dict.fromkeys([at for each in after for at in each])
        beside = {at for at in found if at not in before and self.holds(at, key)} if kept else set()
        if len(new) > 1 and (beside or len(found) < sum(map(len, after))):
            self._overlapping.add(key)
        else:
            self._overlapping.discard(key)
        if not before and not beside:
            return (), found  # without a copy: at first it is all that there is
        return before.keys() - found.keys(), found.keys() - before.keys() - beside

    def are_distinct(self, key: Key, groups: tuple[Group, ...]) -> bool:
        """Tell whether it is known that no address is in two of these groups of a service."""
        if len(groups) < 2:
            return True
        return key not in self._overlapping and self._held(key) == groups

    def _held(self, key: Key) -> tuple[Group, ...]:
        alone = self._alone.get(key)
        return (alone,) if alone is not None else self._several.get(key, ())

    def _keep(self, key: Key, groups: tuple[Group, ...]) -> None:
        self._alone.pop(key, None)
        self._several.pop(key, None)
        if len(groups) > 1:
            self._several[key] = groups
        elif groups:
            self._alone[key] = groups[0]

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
