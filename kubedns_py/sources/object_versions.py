"""What an API server keeps for its clients: objects with resource versions, and what changed since.

Rules of this file:

- A state is never altered; the next one is made from it. So the event loop reads one state while
  a thread makes the next.
- Each change takes the next number of one counter, so that a watch that breaks off after any event
  goes on with the one after it.
- Deletions are remembered up to a number. Who asks for changes from before that has to list again,
  as with an API server (410 Gone).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError
from kubedns_py.structs import Struct, field

_MAX_DELETIONS = 4096
_GONE = 410
_METADATA = b'{"metadata":{'


class Identity(NamedTuple):
    """What makes two objects of one resource the same one.

    An object without a usable name is known by its file and its place in it.
    """

    namespace: str
    name: str
    file: str = ""
    place: int = 0


Wanted = Mapping[Resource, Mapping[Identity, bytes]]
"""A whole state: every resource's objects as JSON without a resource version."""


class _Stored(NamedTuple):
    octets: bytes
    created: int
    version: int


class _Collection(Struct, frozen=True):
    """One resource: objects in the order of identity; deletions, oldest first."""

    objects: Mapping[Identity, _Stored] = field(default_factory=dict)
    deleted: Mapping[Identity, _Stored] = field(default_factory=dict)
    forgotten: int = 0

    def advanced(self, wanted: Mapping[Identity, bytes], version: int) -> tuple[_Collection, int]:
        """Return the collection with exactly the wanted objects, and the last version given."""
        first = version
        objects: dict[Identity, _Stored] = {}
        for identity in sorted(wanted):
            octets, old = wanted[identity], self.objects.get(identity)
            if old is None or old.octets != octets:
                version += 1
                old = _Stored(octets, old.created if old else version, version)
            objects[identity] = old
        deleted = {each: old for each, old in self.deleted.items() if each not in objects}
        for identity, old in self.objects.items():
            if identity not in objects:
                version += 1
                if not identity.file:  # without a name it was never anything to a client
                    deleted[identity] = old._replace(version=version)
        if version == first:
            return self, version
        forgotten = self.forgotten
        while len(deleted) > _MAX_DELETIONS:
            forgotten = deleted.pop(next(iter(deleted))).version
        return _Collection(objects, deleted, forgotten), version


class ObjectVersions(Struct, frozen=True):
    """Every resource's objects at one version of the whole; version 0 is before anything."""

    version: int = 0
    _of: Mapping[Resource, _Collection] = field(default_factory=dict)

    def advanced(self, wanted: Wanted) -> ObjectVersions:
        """Return the state with exactly the wanted objects; this one if it has just those."""
        version = self.version or 1
        of: dict[Resource, _Collection] = {}
        for resource in Resource:
            before = self._of.get(resource, _Collection())
            of[resource], version = before.advanced(wanted.get(resource, {}), version)
        return self if version == self.version else ObjectVersions(version, of)

    def page(self, resource: Resource, *, limit: int, continue_token: str) -> bytes:
        """Return a page of a list, with at most ``limit`` objects; 0 is no limit.

        Raises:
            ApiError: 410 if the state has changed since the page before.
        """
        version, _, start = continue_token.partition(":")
        if continue_token and version != str(self.version):
            raise ApiError(_GONE, "the continue token has expired: a manifest has changed")
        stored = list(self._of.get(resource, _Collection()).objects.values())
        begin = int(start or 0)
        end = begin + limit if limit else len(stored)
        token = f"{self.version}:{end}" if end < len(stored) else ""
        items = b",".join(_stamped(each) for each in stored[begin:end])
        head = f'{{"metadata":{{"resourceVersion":"{self.version}","continue":"{token}"}},"items":['
        return head.encode() + items + b"]}"

    def events(self, resource: Resource, *, since: int) -> Iterator[bytes]:
        """Yield watch events for what changed after a version, in order; from 0, everything there.

        Raises:
            ApiError: 410 if deletions of that time are no longer remembered.
        """
        collection = self._of.get(resource, _Collection())
        if since and not collection.forgotten <= since <= self.version:
            raise ApiError(_GONE, f"the resource version {since} is too old")
        changes = [
            (each, b"ADDED" if each.created > since else b"MODIFIED")
            for each in collection.objects.values()
            if each.version > since
        ]
        if since:
            gone = collection.deleted.values()
            changes += [(each, b"DELETED") for each in gone if each.version > since]
        for each, kind in sorted(changes, key=lambda change: change[0].version):
            yield b'{"type":"' + kind + b'","object":' + _stamped(each) + b"}"

    def bookmark(self) -> bytes:
        """Return a BOOKMARK event: how far a watch has come (KEP-956)."""
        metadata = f'{{"resourceVersion":"{self.version}"}}'
        return f'{{"type":"BOOKMARK","object":{{"metadata":{metadata}}}}}'.encode()


def _stamped(stored: _Stored) -> bytes:
    """Return an object's JSON with its resource version, unless it has no place for one."""
    rest = stored.octets.removeprefix(_METADATA)
    if rest == stored.octets:
        return stored.octets
    separator = b"" if rest.startswith(b"}") else b","
    return b'%s"resourceVersion":"%d"%s%s' % (_METADATA, stored.version, separator, rest)
