"""Texts of API objects made canonical: addresses as packed octets, labels as lower case.

Rules of this file:

- Two spellings of one address give one value (behaviour rows HDL-10, HDL-26).
- What cannot be used is a reason to count, never an exception: one bad text spoils nothing else.
"""

from __future__ import annotations

import enum
import ipaddress
import re
import struct
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import msgspec

from kubedns_py.cluster.objects import Address

_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_LABELS = re.compile(r"(?:(?!-)[-a-z0-9]{1,63}+(?<!-)\.)*+")
_TARGET = re.compile(r"[^.]{1,63}(?:\.[^.]{1,63})*\.?")
_MAX_TARGET = 253
_PORT_NAME = re.compile(r"[-_a-z0-9]{1,62}")
_LINK_LOCAL = b"\xa9\xfe"
_OCTET = {str(value): value for value in range(256)}
_DIGITS = b"0123456789"
_NUMBERS = msgspec.json.Decoder(list[int])
_BY_FOUR = struct.Struct("4s")


class BadAddress(enum.Enum):
    """Why a text does not become an endpoint's address. The value is the word for a metric."""

    INVALID = "address-invalid"
    LINK_LOCAL = "address-link-local"
    IPV4_MAPPED = "address-ipv4-mapped"


def packed(text: object) -> Address | None:
    """Return an IPv4 or IPv6 address as 4 or 16 octets in network order, or None if it is none.

    Leading zeros in IPv4 and zone identifiers in IPv6 make a text invalid, as in Kubernetes.
    """
    if not isinstance(text, str):
        return None
    try:  # the common spelling, at a twentieth of the cost
        one, two, three, four = text.split(".", 4)
        return Address(bytes((_OCTET[one], _OCTET[two], _OCTET[three], _OCTET[four])))
    except (ValueError, KeyError):
        pass  # it may be an IPv6 address, which may have dots as well
    if ":" not in text:
        return None  # as of most names, which need not be looked at any closer
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return None
    return Address(address.packed) if address.scope_id is None else None


def endpoint_address(text: object) -> Address | BadAddress:
    """Return an endpoint's address, or why it is not served (behaviour row HDL-27)."""
    octets = packed(text)
    if octets is None:
        return BadAddress.INVALID
    if len(octets) == 4:
        return BadAddress.LINK_LOCAL if octets.startswith(_LINK_LOCAL) else octets
    if octets[0] == 0xFE and octets[1] & 0xC0 == 0x80:
        return BadAddress.LINK_LOCAL
    if octets.startswith(b"\0" * 10 + b"\xff\xff"):
        return BadAddress.IPV4_MAPPED
    return octets


def ipv4_addresses(texts: Sequence[Any]) -> tuple[Address, ...] | None:
    """Return the addresses of texts that all are IPv4, and none link-local; None if one is not.

    It is what ``endpoint_address`` says of each, at an eighth of the cost: once nothing is in each
    text but digits and three dots, its numbers are those of JSON, without leading zeros too.
    """
    try:
        joined = ",".join(texts).encode(errors="replace")
        if joined.translate(None, _DIGITS) != b",".join([b"..."] * len(texts)):
            return None
        octets = bytes(_NUMBERS.decode(b"[%b]" % joined.replace(b".", b",")))
    except (TypeError, ValueError, msgspec.DecodeError):
        return None  # no text, a number over 255, and no number or one with a leading zero
    found: tuple[Address, ...] = tuple(chain.from_iterable(_BY_FOUR.iter_unpack(octets)))
    if _LINK_LOCAL in octets and any(each.startswith(_LINK_LOCAL) for each in found):
        return None
    return found


def label(text: str) -> str | None:
    """Return a text in lower case if it is a DNS label of RFC 1123 (1 to 63 octets), or None."""
    folded = text.lower() if text.isascii() else text
    return folded if _LABEL.fullmatch(folded) else None


def are_labels(folded: Iterable[str]) -> bool:
    """Tell whether texts in lower case are DNS labels, each of them; see ``label``.

    They are looked at together: a hundred cost a third of what each alone would.
    """
    texts = list(folded)
    joined = ".".join([*texts, ""])
    return _LABELS.fullmatch(joined) is not None and joined.count(".") == len(texts)


def is_target(text: str) -> bool:
    """Tell whether a text has the form of a domain name, other than the root (RFC 1035, 2.3.4).

    Any ASCII character may stand in a label: the names of others are theirs to choose.
    """
    fits = len(text.removesuffix(".")) <= _MAX_TARGET
    return fits and text.isascii() and _TARGET.fullmatch(text) is not None


def port_name(text: str) -> str | None:
    """Return a port's name in lower case if an SRV owner name can carry it, or None.

    With its underscore it has to fit into one label; underscores inside are taken literally
    (behaviour row BAD-4).
    """
    folded = text.lower() if text.isascii() else text
    return folded if _PORT_NAME.fullmatch(folded) else None
