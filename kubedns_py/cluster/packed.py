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
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from typing import NamedTuple

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
    Service,
    Subset,
)
from kubedns_py.cluster.resources import Resource


class Packed(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """An object, or the endpoints in one.

    Attributes:
        owner: key of the Service that it belongs to, or its own.
        octets: MessagePack: of endpoints the subsets alone, or what they have beside ``addresses``;
            otherwise the whole object.
        endpoints: how many of them there are.
        changed_at: see ``Endpoints``.
        addresses: of plain endpoints: they have one list of ports, and each of them is ready and
            has one address, which no other one has. None where it is otherwise.
        are_named: whether one of these has a hostname.
    """

    owner: Key
    octets: bytes
    endpoints: int = 0
    changed_at: float = 0.0
    addresses: tuple[Address, ...] | None = None
    are_named: bool = False

    def says(self, other: Packed) -> bool:
        """Tell whether answers are the same with another one in its place."""
        same_octets = (self.owner, self.octets) == (other.owner, other.octets)
        return same_octets and self.addresses == other.addresses


def pack(item: Object) -> Packed:
    """Return an object packed."""
    if isinstance(item, Endpoints):
        return pack_subsets(item.service, item.subsets, item.changed_at)
    return Packed(item.key, _ENCODE(item))


def pack_subsets(owner: Key, subsets: tuple[Subset, ...], changed_at: float) -> Packed:
    """Return the endpoints of one object packed."""
    addresses = _of_plain(subsets)
    if addresses is not None:
        endpoints, ports = subsets[0].endpoints, subsets[0].ports
        pod_names, hostnames = list(map(_POD_NAME, endpoints)), list(map(_HOSTNAME, endpoints))
        return pack_plain(owner, Plain(addresses, pod_names, hostnames, ports), changed_at)
    count = sum([len(each.endpoints) for each in subsets])
    return Packed(owner, _ENCODE(subsets), count, changed_at)


class Plain(NamedTuple):
    """Plain endpoints by fields, each in the same order; see ``Packed.addresses``.

    Names of Pods, and hostnames, may be left out where all are empty.
    """

    addresses: tuple[Address, ...]
    pod_names: Sequence[str]
    hostnames: Sequence[str]
    ports: tuple[Port, ...]


def pack_plain(owner: Key, plain: Plain, changed_at: float) -> Packed:
    """Return plain endpoints packed."""
    addresses, pod_names, hostnames, ports = plain
    are_named, have_pods = any(hostnames), any(pod_names)
    if are_named or have_pods:
        octets = _ENCODE(
            (ports, pod_names if have_pods else (), hostnames if are_named else ()),
        )
    else:
        octets = _with_ports(ports)
    return Packed(owner, octets, len(addresses), changed_at, addresses, are_named)


@lru_cache(4096)
def _with_ports(ports: tuple[Port, ...]) -> bytes:
    """Return the octets of endpoints with nothing else, the same ones for all with such ports."""
    return _ENCODE((ports, (), ()))


def _of_plain(subsets: tuple[Subset, ...]) -> tuple[Address, ...] | None:
    """Return the addresses of endpoints if these are plain."""
    if len(subsets) != 1:
        return None
    endpoints = subsets[0].endpoints
    if not all(each.ready and not each.serving and len(each.addresses) == 1 for each in endpoints):
        return None
    found = tuple([each.addresses[0] for each in endpoints])
    return found if are_distinct(found) else None


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
    addresses = packed.addresses
    if addresses is None:
        return _SUBSETS.decode(packed.octets)
    ports, pod_names, hostnames = _BESIDE.decode(packed.octets)
    # without a line of Python for each: these are what a question of a headless Service waits for
    none = repeat("")
    endpoints = map(
        Endpoint, zip(addresses), hostnames or none, repeat(object=True), pod_names or none
    )
    return (Subset(tuple(endpoints), ports),)


_POD_NAME, _HOSTNAME = attrgetter("pod_name"), attrgetter("hostname")
_ENCODE = msgspec.msgpack.Encoder().encode
_SUBSETS = msgspec.msgpack.Decoder(tuple[Subset, ...])
_BESIDE = msgspec.msgpack.Decoder(tuple[tuple[Port, ...], tuple[str, ...], tuple[str, ...]])
_DECODERS: Mapping[Resource, msgspec.msgpack.Decoder[Object]] = {
    Resource.SERVICES: msgspec.msgpack.Decoder(Service),
    Resource.NAMESPACES: msgspec.msgpack.Decoder(Namespace),
    Resource.PODS: msgspec.msgpack.Decoder(Pod),
}
