"""EndpointSlices as controllers write them: many are read together, and packed at once.

Rules of this file:

- Plain is a slice of IPv4 addresses, one in each endpoint, of which nothing has to be left out.
- What is not plain, or not certainly so, is declined, and ``decode_endpoints.py`` reads it. Both
  say the same of a slice, to the octet.
- Fields are read one after the other, each of all endpoints: a list has 100,000 of them, and a call
  for each would be dearer than what it does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice

import msgspec

from kubedns_py.cluster.addresses import are_labels, ipv4_addresses
from kubedns_py.cluster.apitypes import ApiEndpoint, ApiPort, ApiSlice
from kubedns_py.cluster.decode_endpoints import read_ports, trigger_time
from kubedns_py.cluster.objects import Address, Key, Port, Resource, key_from
from kubedns_py.cluster.packed import PlainEndpoint, distinct, pack_subsets
from kubedns_py.cluster.reading import MAX_NAME, Decoded, Reading, folded, namespace_label

_IPV4 = frozenset({"IPv4", "", None})
_KIND = frozenset({"EndpointSlice", "", None})


class _Draft(msgspec.Struct, frozen=True, gc=False):
    """A slice that is plain as far as can be told without a look at its endpoints."""

    key: Key
    version: str
    owner: Key
    endpoints: list[ApiEndpoint | None]
    ports: tuple[Port, ...]
    changed_at: float


def read_plain(slices: Sequence[ApiSlice]) -> list[Decoded | None]:
    """Return what each slice says that is plain, and None for each of the others.

    Endpoints are looked at together: where one is not plain, none of the slices is.
    """
    drafts = [_draft(each) for each in slices]
    listed = list(chain.from_iterable([each.endpoints for each in drafts if each is not None]))
    endpoints = _endpoints(listed)
    if endpoints is None:
        return [None] * len(slices)
    return [None if each is None else _decoded(each, *endpoints) for each in drafts]


def _draft(api: ApiSlice) -> _Draft | None:
    meta = api.metadata
    if meta is None or meta.labels is None or not meta.name:
        return None
    namespace = namespace_label(meta.namespace)
    name, service = folded(meta.name), folded(meta.labels.service_name)
    is_named = namespace and service and len(name) <= MAX_NAME
    if not is_named or api.address_type not in _IPV4 or api.kind not in _KIND:
        return None
    ports, changed_at = _ports(api), trigger_time(meta)
    if ports is None or changed_at is None:
        return None
    key, owner = key_from((namespace, name)), key_from((namespace, service))
    return _Draft(key, meta.resource_version or "", owner, api.endpoints or [], ports, changed_at)


def _ports(api: ApiSlice) -> tuple[Port, ...] | None:
    said = [(each.name, each.protocol, each.port) for each in api.ports or () if each is not None]
    return _plain_ports(tuple(said))


@lru_cache(4096)
def _plain_ports(
    said: tuple[tuple[str | None, str | None, int | None], ...],
) -> tuple[Port, ...] | None:
    """Return ports, the same for all slices that say so; None if something has to be left out."""
    reading = Reading(Resource.ENDPOINTSLICES)
    found = read_ports(reading, [ApiPort(*each) for each in said])
    return None if reading.warnings else found


def _endpoints(
    listed: list[ApiEndpoint | None],
) -> tuple[Iterator[PlainEndpoint], Iterator[Address | None]] | None:
    """Return endpoints, None if one is not plain. ``decode_endpoints.py`` says what fields mean.

    Beside each is its address if nothing else tells it from others, see ``Packed.alike``.
    """
    api = [each for each in listed if each is not None]
    addresses, pod_names = _addresses(api), _pod_names(api)
    hostnames = [each.hostname or "" for each in api]  # few have one
    if len(api) != len(listed) or addresses is None or pod_names is None:
        return None
    if not are_labels(filter(None, hostnames)):
        return None
    ready = [(said := each.conditions) is None or said.ready is not False for each in api]
    serving = _serving(api, ready)
    rows = zip(addresses, hostnames, ready, pod_names, serving, strict=False)
    alike = [
        at if now and not name else None
        for (at,), name, now in zip(addresses, hostnames, ready, strict=False)
    ]
    return rows, iter(alike)


def _addresses(api: list[ApiEndpoint]) -> list[tuple[Address]] | None:
    """Return the one address of each endpoint, or None if one has more, or none."""
    lists = [each.addresses for each in api if each.addresses]
    texts = list(chain.from_iterable(lists))
    return ipv4_addresses(texts) if len(texts) == len(lists) == len(api) else None


def _pod_names(api: list[ApiEndpoint]) -> list[str] | None:
    """Return the names of Pods, or None if they are not all in lower case and ASCII."""
    names = [
        target.name or ""
        if (target := each.target_ref) is not None and target.kind == "Pod"
        else ""
        for each in api
    ]
    joined = "".join(names)
    return names if joined.isascii() and joined == joined.lower() else None


def _serving(api: list[ApiEndpoint], ready: list[bool]) -> list[bool]:
    if all(ready):  # as in most portions
        return [False] * len(api)
    found = [(not now, each.conditions) for each, now in zip(api, ready, strict=True)]
    return [unready and bool(said and said.serving and said.terminating) for unready, said in found]


def _decoded(
    draft: _Draft, endpoints: Iterator[PlainEndpoint], alike: Iterator[Address | None]
) -> Decoded:
    """Return a draft with its endpoints, which are the next ones."""
    count = len(draft.endpoints)
    own = tuple(islice(endpoints, count))
    addresses = distinct(list(filter(None, islice(alike, count))), count)
    packed = pack_subsets(draft.owner, ((own, draft.ports),), count, draft.changed_at, addresses)
    return Decoded(draft.key, draft.version, packed)
