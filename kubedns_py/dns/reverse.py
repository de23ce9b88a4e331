"""Addresses and their reverse names (RFC 1035, 3.5; RFC 3596, 2.5)."""

from __future__ import annotations

import enum
import ipaddress

from kubedns_py.dns.name import Name, is_below

IN_ADDR_ARPA: Name = (b"in-addr", b"arpa")
IP6_ARPA: Name = (b"ip6", b"arpa")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_IPV4 = 4
_IPV4_LABELS = 4
_IPV6_LABELS = 32
_IPV4_NAME = _IPV4_LABELS + len(IN_ADDR_ARPA)
_APEXES = {IN_ADDR_ARPA: IN_ADDR_ARPA, IP6_ARPA: IP6_ARPA}
_NIBBLES = {f"{value:x}".encode(): value for value in range(16)}
_OCTETS = {str(value).encode(): value for value in range(256)}


class NotAnAddress(enum.Enum):
    """Why a name below a reverse apex is no address."""

    PARTIAL = "fewer labels than an address has, each one well formed"
    FOREIGN = "other names live there too: classless delegations, service discovery"
    MALFORMED = "no name of this form can exist"


def reverse_apex(name: Name) -> Name | None:
    """Return ``in-addr.arpa`` or ``ip6.arpa`` when the name is it or stands under it."""
    return _APEXES.get(name[-2:])


def reverse_name(address: bytes) -> Name:
    """Return the reverse name of 4 or 16 octets."""
    if len(address) == _IPV4_LABELS:
        return (*(str(octet).encode() for octet in reversed(address)), *IN_ADDR_ARPA)
    return (*(digit.encode() for digit in reversed(address.hex())), *IP6_ARPA)


def reverse_zones(network: Network) -> list[Name]:
    """Return the reverse zones that a network consists of: one, or as many as it takes, to 128.

    A network is cut at the next octet or nibble boundary below its prefix, because that is where a
    reverse zone can begin: 10.96.0.0/12 becomes sixteen zones.
    """
    bits = 8 if network.version == _IPV4 else 4
    labels = -(-network.prefixlen // bits)
    parts = network.subnets(new_prefix=labels * bits)
    names = (reverse_name(part.network_address.packed) for part in parts)
    return [name[len(name) - len(IN_ADDR_ARPA) - labels :] for name in names]


def read_reverse(name: Name) -> bytes | NotAnAddress:
    """Return the address that a name under a reverse apex stands for, 4 or 16 octets.

    Under ip6.arpa each label must be one nibble, but for names that begin with an underscore
    somewhere (service discovery, RFC 6763). Under in-addr.arpa anything else may be a classless
    delegation (RFC 2317).
    """
    if len(name) == _IPV4_NAME and name[_IPV4_LABELS:] == IN_ADDR_ARPA:
        try:
            fourth, third, second, first = [_OCTETS[label] for label in name[:_IPV4_LABELS]]
        except KeyError:
            return NotAnAddress.FOREIGN
        return bytes((first, second, third, fourth))
    prefix = read_reverse_prefix(name)
    if isinstance(prefix, NotAnAddress):
        return prefix
    if len(prefix) < _IPV6_LABELS:  # or of fewer than four octets
        return NotAnAddress.PARTIAL
    return bytes.fromhex("".join(f"{nibble:x}" for nibble in prefix))


def read_reverse_prefix(name: Name) -> list[int] | NotAnAddress:
    """Return octets (IPv4) or nibbles (IPv6) of a reverse name, most significant first."""
    labels = name[-3::-1]
    if is_below(name, IN_ADDR_ARPA):
        octets = [_OCTETS.get(label, -1) for label in labels]
        whole = -1 not in octets and len(octets) <= _IPV4_LABELS
        return octets if whole else NotAnAddress.FOREIGN
    nibbles = [_NIBBLES.get(label, -1) for label in labels]
    if -1 not in nibbles and len(nibbles) <= _IPV6_LABELS:
        return nibbles
    if any(label.startswith(b"_") for label in labels):
        return NotAnAddress.FOREIGN
    return NotAnAddress.MALFORMED
