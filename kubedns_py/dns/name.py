r"""Domain names (RFC 1035, 2.3; RFC 4343).

Rules of this file:

- Inside the program a name is a tuple of labels, folded to lower case, leftmost first, absolute:
  ``(b"web", b"shop", b"svc", b"cluster", b"local")``; the root is ``()``. Labels are octets, so a
  dot inside a label is no separator and two different names never look alike.
- A name as received stays octets (``Query.question``), because its spelling is echoed.
- Text is for people: it is made with escapes (``\.``, ``\DDD``) and never compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, NewType, TypeVar

from kubedns_py.errors import BadName

_Found = TypeVar("_Found")

Name = tuple[bytes, ...]
WireName = NewType("WireName", bytes)
"""A name in uncompressed wire form, 1 to 255 octets, with its root label."""

MAX_LABEL = 63
MAX_NAME = 255
ROOT: Name = ()

_LENGTHS = [bytes((length,)) for length in range(MAX_LABEL + 1)]
_SPECIAL = frozenset(b'"().;@$\\')


def from_text(text: str) -> Name:
    r"""Return the folded name of a text in presentation format (RFC 1035, 5.1).

    Args:
        text: absolute with or without the last dot; ``\.`` and ``\DDD`` stand for octets.

    Raises:
        BadName: an empty label, a label over 63 or a name over 255 octets, a broken escape, or a
            character that is not ASCII.
    """
    if text in {"", "."}:
        return ROOT
    if not text.isascii():
        raise BadName(f"{text[:80]!r} is not ASCII; write the octets as \\DDD, or use punycode")
    labels: list[bytes] = []
    label = bytearray()
    at = 0
    while at < len(text):
        if text[at] == ".":
            labels.append(_checked(label, text))
            label = bytearray()
            at += 1
        elif text[at] == "\\":
            octet, at = _escape(text, at)
            label.append(octet)
        else:
            label += text[at].encode()
            at += 1
    if label or not text.endswith("."):
        labels.append(_checked(label, text))
    name = tuple(labels)
    if wire_length(name) > MAX_NAME:
        raise BadName(f"{text[:80]!r} is longer than {MAX_NAME} octets")
    return name


def _checked(label: bytearray, text: str) -> bytes:
    if not label:
        raise BadName(f"{text[:80]!r} has an empty label")
    if len(label) > MAX_LABEL:
        raise BadName(f"{text[:80]!r} has a label longer than {MAX_LABEL} octets")
    return bytes(label).lower()


def _escape(text: str, at: int) -> tuple[int, int]:
    digits = text[at + 1 : at + 4]
    if len(digits) == 3 and digits.isascii() and digits.isdigit() and int(digits) < 256:
        return int(digits), at + 4
    following = digits[:1]
    if not following or following.isdigit() or not following.isascii():
        raise BadName(f"{text[:80]!r} has a broken escape at {text[at : at + 4]!r}")
    return ord(following), at + 2


def to_text(name: Name) -> str:
    """Return the presentation format, absolute, with every odd octet escaped: safe to log."""
    return "".join(f"{_label_text(label)}." for label in name) or "."


def _label_text(label: bytes) -> str:
    return "".join(
        f"\\{chr(octet)}"
        if octet in _SPECIAL
        else chr(octet)
        if 0x21 <= octet <= 0x7E
        else f"\\{octet:03d}"
        for octet in label
    )


def to_wire(name: Name) -> WireName:
    """Return the uncompressed wire form with the root label."""
    return WireName(b"".join([_LENGTHS[len(label)] + label for label in name]) + b"\0")


def from_wire(octets: bytes, start: int = 0) -> Name:
    """Return the folded name at an offset of octets that we made ourselves.

    Args:
        octets: holds a whole uncompressed name from ``start`` on. Not for received datagrams;
            those are read by ``query.py``, which trusts nothing.
        start: offset in octets.
    """
    labels = []
    while length := octets[start]:
        labels.append(octets[start + 1 : start + 1 + length])
        start += 1 + length
    return tuple(labels)


def folded(name: Name) -> Name:
    """Return a name whose labels were kept as somebody else spelled them, in lower case."""
    return tuple(label.lower() for label in name)


def wire_length(name: Name) -> int:
    """Return the octets that the uncompressed wire form takes (RFC 1035, 3.1)."""
    return sum(map(len, name)) + len(name) + 1


class Suffixes(Generic[_Found]):
    """What stands at some names, found by the longest of them that a name is or stands under.

    Args:
        found: by name, folded; what stands at the root is found for all that is in no other.
    """

    __slots__ = ("_at_root", "_depths", "_found")

    def __init__(self, found: Mapping[Name, _Found]) -> None:
        self._found = dict(found)
        self._at_root = found.get(ROOT)
        self._depths = tuple(sorted({len(name) for name in found if name}, reverse=True))

    def longest(self, name: Name) -> _Found | None:
        """Return what stands at the longest of them, by labels, or None.

        It costs one look-up for each length that they have, in labels.
        """
        for depth in self._depths:
            found = self._found.get(name[-depth:])
            if found is not None:
                return found
        return self._at_root


def is_below(name: Name, ancestor: Name) -> bool:
    """Tell whether a name is the ancestor or stands under it, by labels."""
    return len(name) >= len(ancestor) and name[len(name) - len(ancestor) :] == ancestor
