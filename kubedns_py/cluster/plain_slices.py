"""EndpointSlices as controllers write them: many are read together, and packed at once.

Rules of this file:

- Plain is a slice of IPv4 addresses, one in each endpoint, of which nothing has to be left out.
- What is not plain, or not certainly so, is declined, and ``decode_endpoints.py`` reads it. Both
  say the same of a slice, to the octet.
- Endpoints are looked at together, those of all slices: a list has 100,000 of them, and a call for
  each would be dearer than what it does. What few slices have is looked at by slice.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import cast

from kubedns_py.cluster.addresses import are_labels, ipv4_addresses
from kubedns_py.cluster.apitypes import ApiEndpoint, ApiPodEndpoint, ApiPort, ApiSlice
from kubedns_py.cluster.decode_endpoints import read_conditions, read_ports, trigger_time
from kubedns_py.cluster.objects import Address, Endpoint, Key, Port, Subset, key_from
from kubedns_py.cluster.packed import Packed, Plain, are_distinct, pack_plain, pack_subsets
from kubedns_py.cluster.reading import MAX_NAME, Decoded, Reading, folded, namespace_label
from kubedns_py.cluster.resources import Resource
from kubedns_py.structs import Struct

_IPV4 = frozenset({"IPv4", "", None})
_KIND = frozenset({"EndpointSlice", "", None})


class _Listed(Struct):
    """The endpoints of some slices, one after the other, and fields of theirs in the same order.

    Attributes:
        pod_names, hostnames: empty where no endpoint has one.
        are_plain: whether all are ready, and no address stands twice.
    """

    endpoints: Sequence[ApiEndpoint]
    addresses: tuple[Address, ...]
    pod_names: Sequence[str]
    hostnames: Sequence[str]
    are_ready: Sequence[bool]
    are_plain: bool


def read_plain(slices: Sequence[ApiSlice]) -> list[Decoded | None]:
    """Return what each slice says that is plain, and None for each of the others."""
    lists = [each.endpoints or () if each.address_type in _IPV4 else () for each in slices]
    listed = _listed(list(chain.from_iterable(lists)))
    if listed is None:  # one of the endpoints is not plain
        return [None] if len(slices) == 1 else [read_plain((each,))[0] for each in slices]
    found: list[Decoded | None] = []
    start = 0
    for api, endpoints in zip(slices, lists, strict=True):
        end = start + len(endpoints)
        found.append(_decoded(api, listed, slice(start, end)))
        start = end
    return found


def _listed(api: list[ApiEndpoint | None]) -> _Listed | None:
    """Return endpoints with what is asked of each; None if one is not plain."""
    texts = [
        each.addresses[0]
        for each in api
        if each is not None and each.addresses and len(each.addresses) == 1
    ]
    addresses = ipv4_addresses(texts)
    if addresses is None or len(addresses) != len(api):
        return None
    endpoints = cast("list[ApiEndpoint]", api)
    pod_names = _pod_names(endpoints)
    hostnames = [each.hostname or "" for each in endpoints]
    if not any(hostnames):
        hostnames = []
    if pod_names is None or not are_labels(filter(None, hostnames)):
        return None
    are_ready = [(said := each.conditions) is None or said.ready is not False for each in endpoints]
    are_plain = all(are_ready) and are_distinct(addresses)
    return _Listed(endpoints, addresses, pod_names, hostnames, are_ready, are_plain)


def _pod_names(api: list[ApiEndpoint]) -> list[str] | None:
    """Return the names of Pods, or None if they are not all in lower case and ASCII.

    There are none where nobody wants them (``Wanted``).
    """
    if not api or not isinstance(api[0], ApiPodEndpoint):
        return []
    names = [
        target.name or ""
        if (target := each.target_ref) is not None and target.kind == "Pod"
        else ""
        for each in cast("list[ApiPodEndpoint]", api)
    ]
    joined = "".join(names)
    return names if joined.isascii() and joined == joined.lower() else None


def _decoded(api: ApiSlice, listed: _Listed, at: slice) -> Decoded | None:
    """Return what a slice says whose endpoints stand there; None if it is not plain."""
    meta = api.metadata
    if meta is None or meta.labels is None or not meta.name:
        return None
    namespace = namespace_label(meta.namespace)
    name, service = folded(meta.name), folded(meta.labels.service_name)
    is_named = namespace and service and len(name) <= MAX_NAME
    if not is_named or api.address_type not in _IPV4 or api.kind not in _KIND:
        return None
    ports, changed_at = _ports(tuple(api.ports or ())), trigger_time(meta)
    if ports is None or changed_at is None:
        return None
    owner = key_from((namespace, service))
    packed = _packed(owner, listed, at, ports, changed_at)
    return Decoded(key_from((namespace, name)), meta.resource_version or "", packed)


def _packed(
    owner: Key, listed: _Listed, at: slice, ports: tuple[Port, ...], changed_at: float
) -> Packed:
    addresses = listed.addresses[at]
    pod_names, hostnames = listed.pod_names[at], listed.hostnames[at]
    if listed.are_plain or (all(listed.are_ready[at]) and are_distinct(addresses)):
        return pack_plain(owner, Plain(addresses, pod_names, hostnames, ports), changed_at)
    none = [""] * len(addresses)
    conditions = [read_conditions(each.conditions) for each in listed.endpoints[at]]
    found = [
        Endpoint((address,), hostname, ready, pod_name, serving)
        for address, hostname, pod_name, (ready, serving) in zip(
            addresses, hostnames or none, pod_names or none, conditions, strict=True
        )
    ]
    return pack_subsets(owner, (Subset(tuple(found), ports),), changed_at)


@lru_cache(4096)
def _ports(api: tuple[ApiPort | None, ...]) -> tuple[Port, ...] | None:
    """Return ports, the same for all slices that say so; None if something has to be left out."""
    reading = Reading(Resource.ENDPOINTSLICES)
    found = read_ports(reading, list(api))
    return None if reading.warnings else found
