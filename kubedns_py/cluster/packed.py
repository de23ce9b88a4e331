"""Objects packed into octets, at a fifth to a tenth of their size.

Rules of this file:

- Equal objects have equal octets, and the other way round.
- Endpoints are packed as they are read, and for good: between changes nobody reads most of them.
  Other objects only are while they wait to enter the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kubedns_py.cluster.objects import (
    Address,
    Endpoints,
    Key,
    Namespace,
    Object,
    Pod,
    Port,
    Resource,
    Service,
    Subset,
)

PlainEndpoint = tuple[tuple[Address], str, bool, str, bool]
"""The fields of an ``Endpoint`` in their order: packed, both are the same octets."""

PlainSubset = tuple[tuple[PlainEndpoint, ...], tuple[Port, ...]]
"""The same of a ``Subset``."""


class Packed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An object, or the endpoints in one.

    Attributes:
        owner: key of the Service that it belongs to, or its own.
        octets: MessagePack: of endpoints the subsets alone, otherwise the whole object.
        endpoints: how many of them there are.
        changed_at: see ``Endpoints``.
        alike: the addresses of endpoints that only these tell apart: they have one port list, and
            each is ready, has no hostname and one address, which no other one has. None where it
            is otherwise.
    """

    owner: Key
    octets: bytes
    endpoints: int = 0
    changed_at: float = 0.0
    alike: tuple[Address, ...] | None = None


def pack(item: Object) -> Packed:
    """Return an object packed."""
    if isinstance(item, Endpoints):
        count = sum([len(subset.endpoints) for subset in item.subsets])
        alike = _alike(item.subsets)
        return pack_subsets(item.service, item.subsets, count, item.changed_at, alike)
    return Packed(item.key, _ENCODE(item))


def pack_subsets(
    owner: Key,
    subsets: Sequence[Subset | PlainSubset],
    endpoints: int,
    changed_at: float,
    alike: tuple[Address, ...] | None = None,
) -> Packed:
    """Return the subsets of one object packed; for the arguments see ``Packed``."""
    return Packed(owner, _ENCODE(subsets), endpoints, changed_at, alike)


def _alike(subsets: Sequence[Subset]) -> tuple[Address, ...] | None:
    if len(subsets) != 1:
        return None
    endpoints = subsets[0].endpoints
    if not all(each.ready and not each.hostname for each in endpoints):
        return None
    return distinct([address for each in endpoints for address in each.addresses], len(endpoints))


def distinct(addresses: Sequence[Address], endpoints: int) -> tuple[Address, ...] | None:
    """Return addresses if there are so many as endpoints, and all of them differ."""
    found = tuple(addresses)
    return found if len(found) == len(set(found)) == endpoints else None


def unpack_endpoints(key: Key, packed: Packed) -> Endpoints:
    """Return an EndpointSlice or v1 Endpoints."""
    return Endpoints(key, packed.owner, subsets_in(packed), packed.changed_at)


def unpack(resource: Resource, packed: Packed) -> Object:
    """Return an object of any other resource."""
    return _DECODERS[resource].decode(packed.octets)


def subsets_in(packed: Packed) -> tuple[Subset, ...]:
    """Return the subsets of packed endpoints."""
    return _SUBSETS.decode(packed.octets)


_ENCODE = msgspec.msgpack.Encoder().encode
_SUBSETS = msgspec.msgpack.Decoder(tuple[Subset, ...])
_DECODERS: Mapping[Resource, msgspec.msgpack.Decoder[Object]] = {
    Resource.SERVICES: msgspec.msgpack.Decoder(Service),
    Resource.NAMESPACES: msgspec.msgpack.Decoder(Namespace),
    Resource.PODS: msgspec.msgpack.Decoder(Pod),
}
