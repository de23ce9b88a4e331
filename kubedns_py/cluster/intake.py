"""Objects of one resource as they come in: read, counted, and complained about.

Rules of this file:

- What cannot be read is a value here: the reflector decides what becomes of it.
- A complaint is said again only when it changes, however often the object comes by (row F-17).
- Few are said at a time; the rest is a number. Texts of the API are cut and escaped.
- Many objects are typed by one call where all of them can be, at a third of the cost; where one of
  them cannot, each is read for itself.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from types import GenericAlias

import msgspec

from kubedns_py.cluster.decode import Decoded, Document, decode, document_type, identify, read_all
from kubedns_py.cluster.listing import PORTION_OCTETS
from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.reading import KINDS, USUAL, Octets, Wanted
from kubedns_py.cluster.status import ResourceStatus
from kubedns_py.errors import BadObject, excerpt

_AT_A_TIME = 20
_UNREMARKABLE = frozenset({"address-type", "no-service-label"})
"""Objects that are simply not for DNS (rows HDL-7, HDL-30): counted, not complained about."""

_UP_TO_OPTIONS = frozenset({"external-name-address"})
"""What is odd, and served or not as the operator wishes (row EXT-10)."""


class Complaints:
    """Remembers what was said about which object, and gathers what is to be said next."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}
        self._lines: list[str] = []
        self._more = 0

    def __bool__(self) -> bool:
        """Whether anything stands that was said."""
        return bool(self._said)

    def add(self, kind: str, key: str, text: str) -> None:
        """Complain about an object, unless just that was said of it."""
        if self._said.get(key) == text:
            return
        self._said[key] = text
        if len(self._lines) < _AT_A_TIME:
            self._lines.append(f"{kind} {excerpt(key) or '(no name)'}: {excerpt(text)}")
        else:
            self._more += 1

    def withdraw(self, key: str) -> None:
        """Forget what was said about an object: it is well, or gone."""
        self._said.pop(key, None)

    def keep_only(self, keys: Container[Key]) -> None:
        """Forget what was said about objects that are not there any more."""
        self._said = {text: said for text, said in self._said.items() if _key(text) in keys}

    def take(self) -> list[str]:
        """Return the lines to say, and start anew."""
        lines, self._lines = self._lines, []
        if self._more:
            lines.append(f"and {self._more} more objects")
            self._more = 0
        return lines


class Intake:
    """Reads the objects of one resource.

    Args:
        status: of the resource; objects that are bad, wholly or in part, are counted there.
        complaints: where it is said what is wrong with them.
        wanted: what is read of them.
    """

    def __init__(
        self, status: ResourceStatus, complaints: Complaints, wanted: Wanted = USUAL
    ) -> None:
        self._status = status
        self._complaints = complaints
        self._wanted = wanted
        self._typed: msgspec.json.Decoder[Sequence[Document]] = msgspec.json.Decoder(
            GenericAlias(list, document_type(status.resource, wanted))
        )

    def read(self, raw: Octets, *, deleted: bool) -> Decoded | BadObject:
        """Return what one object says; of a deleted one, only its name and version."""
        resource = self._status.resource
        found: Decoded | BadObject
        try:
            found = identify(resource, raw) if deleted else decode(resource, raw, self._wanted)
        except BadObject as bad:
            found = bad
        self._count(found)
        return found

    def read_portion(self, array: bytes) -> list[Decoded | BadObject] | None:
        """Return what the objects of a JSON array say; None if it is none."""
        try:
            return self._read_all(self._typed.decode(array))
        except _UNREADABLE:
            pass  # one of them is odd, and each has to be read for itself
        try:
            items = _UNTYPED.decode(array)
        except _UNREADABLE:
            return None
        return [self.read(each, deleted=False) for each in items]

    def read_items(self, items: Sequence[msgspec.Raw]) -> Iterator[list[Decoded | BadObject]]:
        """Yield what the objects of a list say, a portion at a time."""
        portion: list[msgspec.Raw] = []
        octets = 0
        for item in items:
            portion.append(item)
            octets += memoryview(item).nbytes
            if octets >= PORTION_OCTETS:
                yield self._read_items(portion)
                portion, octets = [], 0
        if portion:
            yield self._read_items(portion)

    def _read_items(self, items: list[msgspec.Raw]) -> list[Decoded | BadObject]:
        try:
            array = b"[" + b",".join(items) + b"]"
            return self._read_all(self._typed.decode(array))
        except _UNREADABLE:
            return [self.read(each, deleted=False) for each in items]

    def _read_all(self, documents: Sequence[Document]) -> list[Decoded | BadObject]:
        found = read_all(self._status.resource, documents, self._wanted)
        said = bool(self._complaints)
        for each in found:
            if said or isinstance(each, BadObject) or each.warnings:
                self._count(each)
                said = True
        return found

    def _count(self, found: Decoded | BadObject) -> None:
        """Count what is wrong with an object, and complain about it."""
        if isinstance(found, BadObject):
            kind = KINDS[self._status.resource]
            self._status.bad_objects[kind, found.reason] += 1
            self._complaints.add(kind, found.key, f"{found.reason}: {found.detail}")
        elif found.warnings or self._complaints:
            self._warn(KINDS[self._status.resource], found)

    def _warn(self, kind: str, found: Decoded) -> None:
        for word in found.warnings:
            self._status.bad_objects[kind, word] += 1
        remarkable = set(found.warnings) - _UNREMARKABLE
        left_out = ", ".join(sorted(remarkable - _UP_TO_OPTIONS))
        said = [f"left out: {left_out}"] * bool(left_out) + sorted(remarkable & _UP_TO_OPTIONS)
        if said:
            self._complaints.add(kind, str(found.key), "; ".join(said))
        else:
            self._complaints.withdraw(str(found.key))


def key_of(found: Decoded | BadObject) -> Key | None:
    """Return an object's key, or None if it could not be read so far."""
    if isinstance(found, Decoded):
        return found.key
    key = _key(found.key)
    named = key.name and (key.namespace or found.kind == "Namespace")
    return key if named else None


def _key(text: str) -> Key:
    namespace, _, name = text.rpartition("/")
    return Key(namespace, name)


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_UNTYPED = msgspec.json.Decoder(list[msgspec.Raw])
