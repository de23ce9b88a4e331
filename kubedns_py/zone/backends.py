"""The endpoints of a service one by one, and the labels of the names that they have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from kubedns_py.cluster.objects import Address, Endpoint
from kubedns_py.cluster.parts import Part
from kubedns_py.dns.name import MAX_NAME, Name, wire_length
from kubedns_py.zone.naming import Naming, dashed, read_dashed


class Backend(NamedTuple):
    """A published endpoint, and one of its addresses."""

    endpoint: Endpoint
    address: Address


def backends(parts: Iterable[Part]) -> list[Backend]:
    """Return all that is in the parts, in their order."""
    return [
        Backend(endpoint, address)
        for part in parts
        for endpoint in part.endpoints
        for address in endpoint.addresses
    ]


def has_room(label: bytes, owner: Name) -> bool:
    """Tell whether a name directly below another one can be (BAD-2)."""
    return 1 + len(label) + wire_length(owner) <= MAX_NAME


def addresses_by_label(
    parts: Iterable[Part], naming: Naming, owner: Name
) -> dict[bytes, list[Address]]:
    """Return the addresses of the names below a service's that its endpoints have.

    Args:
        parts: the endpoints.
        naming: which labels they have.
        owner: the service's name; names that would be too long are left out (BAD-2).
    """
    found: dict[bytes, list[Address]] = {}
    room = MAX_NAME - wire_length(owner)
    for endpoint, address in backends(parts):
        own = naming.endpoint_label(endpoint, address)
        if len(own) < room:
            for label in {own: None} | dict.fromkeys(naming.endpoint_aliases(endpoint, address)):
                found.setdefault(label, []).append(address)
    return found


def addresses_called(label: bytes, parts: Iterable[Part]) -> list[Address]:
    """Return the addresses of endpoints with a label, where those without hostname have dashes."""
    address = read_dashed(label)
    if address is not None and dashed(address) != label:
        address = None  # another spelling is another name
    hostname = label.decode("ascii", "replace")
    return [at for part in parts for at in part.called(hostname, address)]
