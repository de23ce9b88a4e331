"""Reading one API object: its name, the small parts that several kinds share, and complaints.

Rules of this file:

- What makes the object useless raises ``BadObject`` with the object's name as far as it is known.
- What can be left out without harm is left out and noted as a warning: a word from a closed set.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol, TypeVar

import msgspec

from kubedns_py.cluster.addresses import (
    BadAddress,
    are_labels,
    endpoint_address,
    label,
    port_name,
)
from kubedns_py.cluster.apitypes import (
    ApiPort,
    ApiServicePort,
    ContainerPort,
    Identified,
    Meta,
    Salvaged,
    SalvagedMeta,
)
from kubedns_py.cluster.objects import Address, Key, Namespace, Pod, Port, Service, key_from
from kubedns_py.cluster.packed import Packed
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject

_T = TypeVar("_T")
Octets = bytes | msgspec.Raw
"""One JSON document."""

Item = Service | Packed | Namespace | Pod
"""An object as it is read: endpoints are kept packed, and are so from the beginning."""

KINDS = {
    Resource.SERVICES: "Service",
    Resource.ENDPOINTSLICES: "EndpointSlice",
    Resource.ENDPOINTS: "Endpoints",
    Resource.NAMESPACES: "Namespace",
    Resource.PODS: "Pod",
}
"""The kind of a resource's objects: also the label of its metrics."""

MAX_NAME = 253
"""Characters in an object's name: a DNS subdomain, as Kubernetes has it."""

_NAMESPACES = Resource.NAMESPACES  # a member costs more to look up than to compare
_NAMED_BY_LABEL = (Resource.SERVICES, Resource.NAMESPACES)
_RESOURCES = {kind: resource for resource, kind in KINDS.items()}
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_MAX_PORT = 65535
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Wanted(NamedTuple):
    """What is read of objects beside what every answer may need.

    Attributes:
        pod_specifications: labels, hostname and ports of Pods, of which endpoints are made.
        pod_names: the names of the Pods that endpoints in slices stand for.
    """

    pod_specifications: bool = False
    pod_names: bool = True


USUAL = Wanted()


class Named(Protocol):
    """Any typed object, as far as its name."""

    @property
    def kind(self) -> str | None:
        """Its kind; objects in a list need not say it."""
        ...

    @property
    def metadata(self) -> Meta | None:
        """Its name, namespace and version, among others."""
        ...


class Decoded(msgspec.Struct, frozen=True, gc=False):
    """What one API object says.

    Attributes:
        key: its name, in lower case.
        version: its resource version as text, empty when it has none.
        item: the slim object, packed if it holds endpoints, or None when it is none that DNS uses.
        warnings: one word for each part that was left out; a word may stand more than once.
    """

    key: Key
    version: str
    item: Item | None
    warnings: tuple[str, ...] = ()


class Reading(msgspec.Struct):
    """One object being read.

    Attributes:
        resource: what the object has to be.
        warnings: what was left out so far.
    """

    resource: Resource
    warnings: list[str] = msgspec.field(default_factory=list)

    def document(self, decoder: msgspec.json.Decoder[_T], raw: Octets) -> _T:
        """Return the typed document. Raises BadObject (``json`` or ``type``)."""
        try:
            return decoder.decode(raw)
        except msgspec.ValidationError as error:
            raise self._unreadable("type", raw, str(error)) from error
        except _UNREADABLE as error:
            raise self._unreadable("json", raw, type(error).__name__) from error

    def part(self, decoder: msgspec.json.Decoder[_T], raw: Octets, of: Named) -> _T:
        """Return a part that was left unread at first. Raises BadObject (``type``)."""
        try:
            return decoder.decode(raw)
        except _UNREADABLE as error:
            raise self.bad("type", of, type(error).__name__) from error

    def done(self, of: Named, key: Key, item: Item | None) -> Decoded:
        """Return the result."""
        return Decoded(key, _version(of), item, tuple(self.warnings) if self.warnings else ())

    def key(self, of: Named) -> Key:
        """Return the object's key.

        Raises:
            BadObject: ``kind``, ``no-name``, ``no-namespace``, or ``name``: what has to be a label
                of a domain name is none.
        """
        resource = self.resource
        key = _key(resource, of.metadata)
        if of.kind and _RESOURCES.get(of.kind) is not resource:
            raise self.bad("kind", of, "the object is of another kind")
        if not _fits(resource, key):
            raise self._badly_named(of, key)
        return key

    def _badly_named(self, of: Named, key: Key) -> BadObject:
        if not key.name:
            return self.bad("no-name", of, "metadata.name is missing")
        if not key.namespace and self.resource is not _NAMESPACES:
            return self.bad("no-namespace", of, "metadata.namespace is missing")
        return self.bad("name", of, "the name cannot be a label of a domain name")

    def bad(self, reason: str, of: Named, detail: str) -> BadObject:
        """Return the error for an object whose metadata could be read."""
        kind = KINDS[self.resource]
        key = _key(self.resource, of.metadata)
        named = str(key) if key.name else ""
        return BadObject(kind, reason, key=named, detail=detail, version=_version(of))

    def _unreadable(self, reason: str, raw: Octets, detail: str) -> BadObject:
        """Return the error for an object that could not be read, named as far as possible."""
        try:
            found = _SALVAGED.decode(raw).metadata or SalvagedMeta()
        except _UNREADABLE:
            found = SalvagedMeta()
        meta = Meta(
            name=_text(found.name),
            namespace=_text(found.namespace),
            resource_version=_text(found.resource_version),
        )
        return self.bad(reason, Identified(metadata=meta), detail)

    def port(self, name: str | None, protocol: str | None, number: int | None) -> Port:
        """Return a port: number 0 where there is none, no name where it cannot be one."""
        found = _port(name, protocol, number)
        if name and not found.name:
            self.warnings.append("port-name-invalid")
        if number and not found.number:
            self.warnings.append("port-number-invalid")
        return found

    def has_protocol(self, api: ApiServicePort | ApiPort | ContainerPort) -> bool:
        """Tell whether a port's protocol is one that DNS names; absent means TCP."""
        protocol = api.protocol
        known = protocol == "TCP" or (protocol or "tcp").lower() in _PROTOCOLS
        if not known:
            self.warnings.append("port-protocol")
        return known

    def addresses(self, texts: Sequence[object]) -> tuple[Address, ...]:
        """Return the usable endpoint addresses, without duplicates, in the order given."""
        if len(texts) == 1:  # as nearly always
            address = endpoint_address(texts[0])
            if isinstance(address, bytes):
                return (address,)
        found: dict[Address, None] = {}
        for text in texts:
            address = endpoint_address(text)
            if isinstance(address, BadAddress):
                self.warnings.append(address.value)
            else:
                found[address] = None
        return tuple(found)

    def hostname(self, text: str | None) -> str:
        """Return a hostname in lower case; empty when there is none or it is no label."""
        if not text:
            return ""
        lowered = label(text)
        if lowered is None:
            self.warnings.append("hostname-invalid")
        return lowered or ""


def present(items: Sequence[_T | None] | None) -> list[_T]:
    """Return the items without nulls; null is an empty list."""
    return [each for each in items if each is not None] if items else []


def folded(text: str | None) -> str:
    """Return an ASCII text in lower case, another as it is, and null as empty."""
    return text.lower() if text and text.isascii() else text or ""


def pairs(labels: dict[str, str | None] | None) -> tuple[tuple[str, str], ...]:
    """Return a map's pairs in the order of their names."""
    return tuple(sorted([(name, value or "") for name, value in labels.items()])) if labels else ()


@lru_cache(4096)
def namespace_label(text: str | None) -> str:
    """Return a namespace in lower case: one text for all objects in it; empty if it is no label."""
    found = _namespace(text)
    return found if are_labels((found,)) else ""


@lru_cache(4096)
def _namespace(text: str | None) -> str:
    return folded(text)


def _key(resource: Resource, meta: Meta | None) -> Key:
    if meta is None:
        return Key("", "")
    namespace = "" if resource is _NAMESPACES else _namespace(meta.namespace)
    return key_from((namespace, folded(meta.name)))


@lru_cache(4096)
def _port(name: str | None, protocol: str | None, number: int | None) -> Port:
    """Return a port, the same one for all objects that say so."""
    folded_name = port_name(name) if name else ""
    usable = number if number and 0 < number <= _MAX_PORT else 0
    return Port(folded_name or "", (protocol or "tcp").lower(), usable)


def _fits(resource: Resource, key: Key) -> bool:
    """Tell whether a key is whole, and what becomes labels of domain names can be such."""
    namespace, name = key
    fits = are_labels((name,)) if resource in _NAMED_BY_LABEL else 0 < len(name) <= MAX_NAME
    return fits and (resource is _NAMESPACES or namespace_label(namespace) != "")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _version(of: Named) -> str:
    return (of.metadata.resource_version if of.metadata else None) or ""


_SALVAGED = msgspec.json.Decoder(Salvaged)
