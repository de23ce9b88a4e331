"""The SRV records of a headless service (DNS specification 1.1.0, 2.4.2).

Rules of this file:

- Of thousands of records no message has room for all, so they are made when they are looked at;
  what is known before is how many there are, by which they weigh.
- Nothing here refers to the subtree that has the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from typing import Final

from kubedns_py.cluster.objects import Address, Port
from kubedns_py.cluster.parts import Part
from kubedns_py.dns.made import Later, Made
from kubedns_py.dns.name import MAX_LABEL, MAX_NAME, Name, wire_length
from kubedns_py.dns.rrset import SRV, RRset, srv
from kubedns_py.zone.backends import addresses_by_label, addresses_called
from kubedns_py.zone.naming import Naming, dashed, read_dashed
from kubedns_py.zone.rrsets import address_rrsets, in_order, srv_weight

_FEW: Final = 64
"""Records that are made at once, as a reply may have them all."""

_Caller = str | Address
"""What an endpoint is called by: a label as text, or its address, to be written with dashes."""
_Target = tuple[_Caller, int]
"""And the number of a port."""


class Offers:
    """Where the records point.

    Args:
        parts: the endpoints, and their ports.
        naming: how they are called.
        service: the service's name.
    """

    def __init__(self, parts: Sequence[Part], naming: Naming, service: Name) -> None:
        self._parts = parts
        self._naming = naming
        self._service = service
        self._room = MAX_NAME - wire_length(service)

    def are_any(self, labels: Name = ()) -> bool:
        """Tell whether there are records; see ``rrset``."""
        for part in self._parts:
            for port in part.ports:
                if port.number and (not labels or _is_meant(port, labels)):
                    # some endpoints may have no name (BAD-2)
                    return self._room > MAX_LABEL or bool(self._targets(labels))
        return False

    def rrset(self, owner: Name, labels: Name = ()) -> RRset:
        """Return the RRset of a name, where ``are_any``.

        Args:
            owner: the service's name, or one below it.
            labels: those of a named port (``_http``, ``_tcp``), which the records are for; none for
                all ports, unnamed ones too (SRV-9, SRV-12).
        """
        targets = self._targets(labels)
        ttl = self._naming.ttl
        rdatas = Made(targets, partial(_rdata, srv_weight(len(targets)), self._service))
        beside = Later(
            partial(_beside, self._parts, self._naming, self._service, targets),
            partial(_beside_some, self._parts, self._naming, self._service),
        )
        if len(targets) <= _FEW:
            return RRset(owner, SRV, ttl, tuple(rdatas), tuple(beside))
        return RRset(owner, SRV, ttl, rdatas, beside)

    def _targets(self, labels: Name) -> list[_Target]:
        """Return where records point, each once, so that dual stack does not halve their weight."""
        found: list[_Target] = []
        for part, callers in zip(self._parts, self._callers, strict=True):
            numbers = [each.number for each in part.ports if _is_meant(each, labels)]
            found += [(caller, number) for caller in callers for number in numbers]
        return list(dict.fromkeys(found))

    @cached_property
    def _callers(self) -> list[Sequence[_Caller]]:
        """What the endpoints in each part are called by, but for those without a name (BAD-2)."""
        found = _callers(self._parts, self._naming)
        if self._room > MAX_LABEL:
            return found
        return [[each for each in callers if len(_label(each)) < self._room] for callers in found]


def port_labels(port: Port) -> Name:
    """Return the labels of a named port, leftmost first: ``_http``, ``_tcp`` (2.3.2)."""
    return f"_{port.name}".encode(), f"_{port.protocol}".encode()


def _is_meant(port: Port, labels: Name) -> bool:
    return bool(port.number) and (not labels or (bool(port.name) and port_labels(port) == labels))


def _callers(parts: Iterable[Part], naming: Naming) -> list[Sequence[_Caller]]:
    """Return what endpoints are called by, two of them by the same only if their label is."""
    is_plain = naming.endpoint_names != "hash" and not naming.pod_names
    hostnames = [hostname.encode() for part in parts for hostname in part.by_hostname]
    if is_plain and not any(map(read_dashed, hostnames)):
        return [
            [each.hostname or at for each in part.endpoints for at in each.addresses]
            if part.by_hostname
            else part.addresses
            for part in parts
        ]
    called = naming.endpoint_label
    return [
        [called(each, at).decode() for each in part.endpoints for at in each.addresses]
        for part in parts
    ]


def _label(caller: _Caller) -> bytes:
    return caller.encode() if isinstance(caller, str) else dashed(caller)


def _rdata(weight: int, service: Name, target: _Target) -> bytes:
    caller, number = target
    return srv(weight, number, (_label(caller), *service))


def _beside(
    parts: Sequence[Part], naming: Naming, service: Name, targets: Iterable[_Target]
) -> tuple[RRset, ...]:
    """Return the A, then the AAAA RRset of each target."""
    by_label = addresses_by_label(parts, naming, service)
    labels = [_label(caller) for caller in dict.fromkeys([caller for caller, _ in targets])]
    sets = [address_rrsets((each, *service), naming.ttl, by_label[each]) for each in labels]
    return tuple([rrset for rrsets in sets for rrset in in_order(rrsets)])


def _beside_some(
    parts: Sequence[Part], naming: Naming, service: Name, names: Iterable[Name]
) -> tuple[RRset, ...]:
    """Return the A, then the AAAA RRset of these targets; nothing is made of the others."""
    if naming.endpoint_names == "dashed" and not naming.pod_names:
        by_label = {name[0]: addresses_called(name[0], parts) for name in names}
    else:
        by_label = addresses_by_label(parts, naming, service)
    sets = [address_rrsets(name, naming.ttl, by_label[name[0]]) for name in names]
    return tuple([rrset for rrsets in sets for rrset in in_order(rrsets)])
