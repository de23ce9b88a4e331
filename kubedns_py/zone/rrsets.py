"""The RRsets of a name that services and endpoints have: of addresses, and of ports (SRV)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from kubedns_py.cluster.objects import Address, Port
from kubedns_py.cluster.parts import Part
from kubedns_py.dns.name import Name
from kubedns_py.dns.rrset import AAAA, SRV, A, RRset, address_type, srv

_WEIGHT_TOTAL = 100


def address_rrsets(owner: Name, ttl: int, addresses: Iterable[Address]) -> dict[int, RRset]:
    """Return the RRsets of addresses, each family in the order given."""
    once = tuple(dict.fromkeys(addresses))
    if len(once) == 1 or len(set(map(len, once))) == 1:  # as nearly always
        rtype = address_type(once[0])
        return {rtype: RRset(owner, rtype, ttl, once)}
    families: dict[int, list[bytes]] = {}
    for address in once:
        families.setdefault(address_type(address), []).append(address)
    return {rtype: RRset(owner, rtype, ttl, tuple(found)) for rtype, found in families.items()}


def part_rrsets(owner: Name, ttl: int, part: Part) -> dict[int, RRset]:
    """Return the RRsets of the addresses in one part, of which it has one at least."""
    if not part.size_octets:
        return address_rrsets(owner, ttl, part.addresses)
    rtype = address_type(part.addresses[0])
    return {rtype: RRset(owner, rtype, ttl, part.addresses)}


def joined_rrsets(
    owner: Name, ttl: int, parts: Sequence[Part], *, are_distinct: bool
) -> dict[int, Callable[[], RRset]]:
    """Return what makes the RRsets of the addresses in several parts, in the order of the parts.

    Args:
        owner: of all of them.
        ttl: seconds.
        parts: each of them has an address.
        are_distinct: whether it is known that no address is in two of them.
    """
    sizes = dict.fromkeys([each.size_octets for each in parts])
    if 0 in sizes:
        sizes = dict.fromkeys([len(address) for each in parts for address in each.addresses])

    def of_size(size: int) -> RRset:
        found: list[Address] = []
        for part in parts:
            found += part.addresses if part.size_octets == size else _of_size(part, size)
        once = tuple(found if are_distinct else dict.fromkeys(found))
        return RRset(owner, address_type(once[0]), ttl, once)

    return {address_type(bytes(size)): partial(of_size, size) for size in sizes}


def _of_size(part: Part, size: int) -> list[Address]:
    return [] if part.size_octets else [each for each in part.addresses if len(each) == size]


def in_order(rrsets: Mapping[int, RRset]) -> list[RRset]:
    """Return the A, then the AAAA RRset of a name, as far as it has them."""
    return [rrsets[rtype] for rtype in (A, AAAA) if rtype in rrsets]


def srv_weight(records: int) -> int:
    """Return the weight of each of one or more records; 0 would mean "never" (RFC 2782)."""
    return max(1, _WEIGHT_TOTAL // records)


def service_srv(
    owner: Name, ports: Iterable[Port], target: Name, addresses: Mapping[int, RRset]
) -> RRset:
    """Return the SRV RRset of a service's ports.

    Args:
        owner: the service's name, or one below it.
        ports: those that the records are for; one at least has a number.
        target: the service's name.
        addresses: its address RRsets, at least one.
    """
    numbers = dict.fromkeys([each.number for each in ports if each.number])
    weight = srv_weight(len(numbers))
    beside = tuple(in_order(addresses))
    rdatas = tuple([srv(weight, number, target) for number in numbers])
    return RRset(owner, SRV, beside[0].ttl, rdatas, beside)
