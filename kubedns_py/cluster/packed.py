"""Objects packed into octets, at a fifth to a tenth of their size.

Rules of this file:

- Equal objects have equal octets, and the other way round.
- Endpoints are packed as they are read, and for good: between changes nobody reads most of them.
  Other objects only are while they wait to enter the store.
- What most slices hold is kept by fields: addresses, which the zone takes as they are, and octets
  with the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from kubedns_py.cluster.objects import (
    Address,
    Endpoint,
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


class Packed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An object, or the endpoints in one.

    Attributes:
        owner: key of the Service that it belongs to, or its own.
        octets: MessagePack: of endpoints the subsets alone, or what they have beside addresses that
            are ``alike``; otherwise the whole object.
        endpoints: how many of them there are.
        changed_at: see ``Endpoints``.
        alike: the addresses of endpoints that only these, and the names of Pods, tell apart: they
            have one port list, and each is ready, has no hostname and one address, which no other
            one has. None where it is otherwise.
    """

    owner: Key
    octets: bytes
    endpoints: int = 0
    changed_at: float = 0.0
    alike: tuple[Address, ...] | None = None

    def says(self, other: Packed) -> bool:
        """Tell whether answers are the same with another one in its place."""
        return (self.owner, self.octets, self.alike) == (other.owner, other.octets, other.alike)


def pack(item: Object) -> Packed:
    """Return an object packed."""
    if isinstance(item, Endpoints):
        return pack_subsets(item.service, item.subsets, item.changed_at)
    return Packed(item.key, _ENCODE(item))


def pack_subsets(owner: Key, subsets: tuple[Subset, ...], changed_at: float) -> Packed:
    """Return the endpoints of one object packed."""
    addresses = _alike(subsets)
    if addresses is not None:
        pod_names = [each.pod_name for each in subsets[0].endpoints]
        return pack_alike(owner, addresses, pod_names, subsets[0].ports, changed_at)
    count = sum([len(each.endpoints) for each in subsets])
    return Packed(owner, _ENCODE(subsets), count, changed_at)


def pack_alike(
    owner: Key,
    addresses: tuple[Address, ...],
    pod_names: Sequence[str],
    ports: tuple[Port, ...],
    changed_at: float,
) -> Packed:
    """Return endpoints packed that are ``Packed.alike``; each has a name, perhaps an empty one."""
    return Packed(owner, _ENCODE((ports, pod_names)), len(addresses), changed_at, addresses)


def _alike(subsets: Sequence[Subset]) -> tuple[Address, ...] | None:
    if len(subsets) != 1:
        return None
    endpoints = subsets[0].endpoints
    for each in endpoints:
        if not each.ready or each.hostname or each.serving or len(each.addresses) != 1:
            return None
    addresses = tuple([each.addresses[0] for each in endpoints])
    return addresses if are_distinct(addresses) else None


def are_distinct(addresses: Sequence[Address]) -> bool:
    """Tell whether no address stands twice."""
    return len(set(addresses)) == len(addresses)


def unpack_endpoints(key: Key, packed: Packed) -> Endpoints:
    """Return an EndpointSlice or v1 Endpoints."""
    return Endpoints(key, packed.owner, subsets_in(packed), packed.changed_at)


def unpack(resource: Resource, packed: Packed) -> Object:
    """Return an object of any other resource."""
    return _DECODERS[resource].decode(packed.octets)


def subsets_in(packed: Packed) -> tuple[Subset, ...]:
    """Return the subsets of packed endpoints."""
    if packed.alike is None:
        return _SUBSETS.decode(packed.octets)
    ports, pod_names = _BESIDE.decode(packed.octets)
    named = zip(packed.alike, pod_names, strict=True)
    endpoints = [Endpoint((address,), pod_name=pod_name) for address, pod_name in named]
    return (Subset(tuple(endpoints), ports),)


_ENCODE = msgspec.msgpack.Encoder().encode
_SUBSETS = msgspec.msgpack.Decoder(tuple[Subset, ...])
_BESIDE = msgspec.msgpack.Decoder(tuple[tuple[Port, ...], tuple[str, ...]])
_DECODERS: Mapping[Resource, msgspec.msgpack.Decoder[Object]] = {
    Resource.SERVICES: msgspec.msgpack.Decoder(Service),
    Resource.NAMESPACES: msgspec.msgpack.Decoder(Namespace),
    Resource.PODS: msgspec.msgpack.Decoder(Pod),
}
