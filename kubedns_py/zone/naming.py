"""Which names a service, an endpoint, a port and a pod have (DNS specification 1.1.0, 2.2 to 2.4).

Label rules, all from behaviour rows HDL-8 to HDL-11, HDL-20 and section 1.16:

- an endpoint is called by its hostname, else (by option) its pod's name where that is a label (pods
  may have dots in their names), else its address;
- an address is written with dashes; one that would begin or end with a dash gains a ``0`` there;
- kube-dns's hash of an address is understood, or used, by option.
"""

from __future__ import annotations

import ipaddress
from typing import Final, Literal

from kubedns_py.cluster.addresses import label
from kubedns_py.cluster.objects import Address, Endpoint, Key
from kubedns_py.dns.name import Name
from kubedns_py.structs import Struct

SVC: Final = b"svc"
POD: Final = b"pod"
DNS: Final = b"dns"
NS_DNS: Final = (b"ns", DNS)
DNS_VERSION: Final = b"dns-version"

_FNV_OFFSET = 0x811C9DC5
_FNV_PRIME = 0x01000193
_DASHED_OCTETS = frozenset(b"0123456789abcdef-")
_IPV4_PARTS = 4
_FEWEST_IPV6_PARTS = 3
_TEXTS = [str(value).encode() for value in range(256)]
_OCTETS = {text: value for value, text in enumerate(_TEXTS)}


class Naming(Struct, frozen=True):
    """How one zone spells its names.

    Attributes:
        apex: the cluster domain.
        ttl: seconds of positive answers, 0 to 3600.
        endpoint_names: which labels endpoints without a hostname have.
        pod_names: whether an endpoint without a hostname is called by its pod's name.
    """

    apex: Name
    ttl: int
    endpoint_names: Literal["dashed", "hash", "both"] = "dashed"
    pod_names: bool = False

    def service(self, key: Key) -> Name:
        """Return ``S.N.svc.D`` (2.3.1)."""
        return (key.name.encode(), key.namespace.encode(), SVC, *self.apex)

    def endpoint_label(self, endpoint: Endpoint, address: Address) -> bytes:
        """Return the label that SRV and PTR records use for an endpoint (2.4.1)."""
        if endpoint.hostname:
            return endpoint.hostname.encode()
        if self.pod_names and label(endpoint.pod_name) is not None:
            return endpoint.pod_name.encode()
        return hash_label(address) if self.endpoint_names == "hash" else dashed(address)

    def endpoint_aliases(self, endpoint: Endpoint, address: Address) -> tuple[bytes, ...]:
        """Return further labels that answer with the same address; none beside a hostname."""
        if endpoint.hostname:
            return ()
        aliases = []
        if self.endpoint_names != "hash":
            aliases.append(dashed(address))
        if self.endpoint_names != "dashed":
            aliases.append(hash_label(address))
        return tuple(aliases)


def dashed(address: bytes) -> bytes:
    """Return an address as a label: ``10-1-0-1``, ``fd00--5``, ``0--1``."""
    if len(address) == _IPV4_PARTS:
        first, second, third, fourth = address
        return b"-".join((_TEXTS[first], _TEXTS[second], _TEXTS[third], _TEXTS[fourth]))
    text = str(ipaddress.ip_address(address)).replace(":", "-")
    return f"{'0' * text.startswith('-')}{text}{'0' * text.endswith('-')}".encode()


def read_dashed(label: bytes) -> Address | None:
    """Return the address of a dashed label in any spelling that parses, or None.

    A label counts as IPv4 only with exactly three dashes and no two in a row (POD-4).
    """
    parts = label.split(b"-")
    if len(parts) == _IPV4_PARTS and b"" not in parts:
        first, second, third, fourth = parts
        try:
            return Address(
                bytes((_OCTETS[first], _OCTETS[second], _OCTETS[third], _OCTETS[fourth]))
            )
        except KeyError:
            return None
    if len(parts) < _FEWEST_IPV6_PARTS or not _DASHED_OCTETS.issuperset(label):
        return None
    try:
        return Address(ipaddress.IPv6Address(label.decode().replace("-", ":")).packed)
    except ValueError:
        return None


def hash_label(address: bytes) -> bytes:
    """Return kube-dns's label of an address (section 1.16): FNV-1a 32 of its record, twice hex."""
    record = f"&{{{ipaddress.ip_address(address)} 0 10 10  false 30 0  }}"
    value = _FNV_OFFSET
    for octet in record.encode():
        value = (value ^ octet) * _FNV_PRIME & 0xFFFFFFFF
    return f"{value:x}".encode().hex().encode()
