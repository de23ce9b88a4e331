"""What one EndpointSlice, or one subset of v1 Endpoints, gives its Service to publish.

Rules of this file:

- A part is made of one subset and of nothing else, and never changes. So when one slice of a
  Service changes, what was made of the others is what would be made of them anew.
- Names and addresses are looked up; what only some questions need is made when one needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, Literal

from kubedns_py.cluster.objects import Address, Endpoint, Port, Subset

_HOSTNAME = attrgetter("hostname")


Choice = Literal["all", "ready", "serving"]
"""Which endpoints are published."""

CHOICES: Final[tuple[Choice, ...]] = ("all", "ready", "serving")


class Part:
    """The published endpoints of one subset.

    Args:
        endpoints: as they are in the subset, perhaps none.
        ports: of all of them.

    Attributes:
        addresses: theirs, in their order, without duplicates.
    """

    __slots__ = ("_by_address", "_by_hostname", "_size", "addresses", "endpoints", "ports")

    def __init__(self, endpoints: Sequence[Endpoint], ports: tuple[Port, ...]) -> None:
        self.endpoints = endpoints
        self.ports = ports
        addresses = [address for each in endpoints for address in each.addresses]
        self.addresses: tuple[Address, ...] = tuple(dict.fromkeys(addresses))
        self._size: int | None = None
        self._by_hostname: dict[str, tuple[Address, ...]] | None = None
        self._by_address: dict[Address, tuple[Endpoint, ...]] | None = None

    @property
    def size_octets(self) -> int:
        """4 or 16 where all addresses are of one family, as in a slice; else 0."""
        if self._size is None:
            sizes = set(map(len, self.addresses))
            self._size = sizes.pop() if len(sizes) == 1 else 0
        return self._size

    @property
    def by_hostname(self) -> Mapping[str, tuple[Address, ...]]:
        """The addresses of endpoints that have a hostname."""
        if self._by_hostname is None:
            found: dict[str, tuple[Address, ...]] = {}
            for each in filter(_HOSTNAME, self.endpoints):
                found[each.hostname] = (*found.get(each.hostname, ()), *each.addresses)
            self._by_hostname = found
        return self._by_hostname

    @property
    def by_address(self) -> Mapping[Address, tuple[Endpoint, ...]]:
        """The endpoints that have an address."""
        if self._by_address is None:
            found: dict[Address, tuple[Endpoint, ...]] = {}
            for each in self.endpoints:
                for address in each.addresses:
                    found[address] = (*found.get(address, ()), each)
            self._by_address = found
        return self._by_address

    def called(self, hostname: str, address: Address | None) -> Iterable[Address]:
        """Return the addresses of endpoints by what they are called by, in the endpoints' order.

        Args:
            hostname: of endpoints that have one.
            address: what endpoints without a hostname are called by; None for none of them.
        """
        named = self.by_hostname.get(hostname, ())
        if address is None or all(map(_HOSTNAME, self.by_address.get(address, ()))):
            return named
        if not named:
            return (address,)
        return [
            at
            for each in self.endpoints
            for at in each.addresses
            if (each.hostname == hostname if each.hostname else at == address)
        ]


def parts_of(subsets: Iterable[Subset], choice: Choice) -> tuple[Part, ...]:
    """Return the part of each subset, which may be without endpoints."""
    if choice == "ready":  # as nearly always
        return tuple(
            [Part([one for one in each.endpoints if one.ready], each.ports) for each in subsets]
        )
    if choice == "all":
        return tuple([Part(each.endpoints, each.ports) for each in subsets])
    return tuple(
        [Part([one for one in each.endpoints if one.serving], each.ports) for each in subsets]
    )
