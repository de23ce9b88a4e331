"""Which services and endpoints get names, where the DNS specification leaves a choice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from kubedns_py.cluster.objects import Address, Key, Service, ServiceKind
from kubedns_py.cluster.parts import Choice, Part
from kubedns_py.structs import Struct


class Publishing(Struct, frozen=True):
    """The choices of the operator.

    Attributes:
        headless_empty: what a headless service without endpoints is: absent, or an empty name.
        terminating: whether endpoints that still serve stand in when none is ready (HDL-18).
        ignore_empty_service: a ClusterIP service without a ready endpoint is absent (CIP-10).
        address_as_external_name: an ExternalName that is an address is answered as one (EXT-10).
    """

    headless_empty: Literal["nxdomain", "nodata"] = "nxdomain"
    terminating: Literal["exclude", "include-if-none-ready"] = "exclude"
    ignore_empty_service: bool = False
    address_as_external_name: bool = False


def published(
    service: Service, parts: Callable[[Key, Choice], tuple[Part, ...]], publishing: Publishing
) -> tuple[Part, ...]:
    """Return the endpoints that get names, and no part without one.

    They are the ready ones, or all where the service says so. An address that is ready in one slice
    and not in another is ready (HDL-12).

    Args:
        service: whose endpoints they are.
        parts: returns the parts of the subsets of a service.
        publishing: what stands in for those that are ready.
    """
    if service.publish_not_ready:
        return _with_endpoints(parts(service.key, "all"))
    ready = _with_endpoints(parts(service.key, "ready"))
    if ready or publishing.terminating == "exclude":
        return ready
    return _with_endpoints(parts(service.key, "serving"))


def _with_endpoints(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple([each for each in parts if each.endpoints])


def held_addresses(service: Service, parts: tuple[Part, ...]) -> tuple[tuple[Address, ...], ...]:
    """Return the addresses that may have pointers to the service: all that its subtree has.

    Returns:
        Groups. Those of several parts are the parts' own, which have no duplicates and stay the
        same while other parts change; most services have one part, and one group of all.
    """
    if service.kind is ServiceKind.EXTERNAL_NAME:
        return ()
    if len(parts) == 1:
        return (held_with(service, parts[0].addresses),)
    own = service.cluster_ips
    groups = tuple([each.addresses for each in parts])
    return (own, *groups) if own else groups


def held_with(service: Service, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    """Return what a service holds with endpoints of these addresses: one group of all."""
    if service.kind is ServiceKind.EXTERNAL_NAME:
        return ()
    own = service.cluster_ips
    return (*own, *addresses) if own else addresses
