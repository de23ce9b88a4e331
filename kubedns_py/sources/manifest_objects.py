"""One manifest as API objects: which documents are meant for DNS, and what a cluster would add.

Rules of this file:

- Objects leave as JSON octets, so that manifests take the same decode path as an API server's.
- Lists, as ``kubectl get -o yaml`` prints them, are taken apart. What DNS does not use is passed
  over.
- Only what decoding cannot know is filled in: the namespace. Every other default is decode's.
- What is wrong with one object is said of that object; the others are not touched.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping

from kubedns_py.cluster.decode import identify
from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject
from kubedns_py.sources.manifest_text import Fault, read_documents
from kubedns_py.structs import Struct, field

_RESOURCES = {
    ("v1", "Service"): Resource.SERVICES,
    ("v1", "Endpoints"): Resource.ENDPOINTS,
    ("v1", "Pod"): Resource.PODS,
    ("v1", "Namespace"): Resource.NAMESPACES,
    ("discovery.k8s.io/v1", "EndpointSlice"): Resource.ENDPOINTSLICES,
}
_HAS_ADDRESS = ("ClusterIP", "NodePort", "LoadBalancer")

_Mapping = dict[str, object]


class ManifestObject(Struct, frozen=True):
    """One API object of a file.

    Attributes:
        key: its name, or None if it has none that can be used; decoding says why.
        labels: as far as they are text.
        octets: JSON without a resource version; ``metadata`` comes first in it.
    """

    resource: Resource
    key: Key | None
    labels: Mapping[str, str]
    octets: bytes


class Manifest(Struct):
    """What one version of a file says.

    Attributes:
        documents: how many it has, those that are passed over included.
        warnings: one line for each thing that a person should know of.
        passed_over: what was not used, in words, for a debug line.
    """

    documents: int
    objects: list[ManifestObject] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)


def read_manifest(content: bytes, *, is_json: bool) -> Manifest | Fault:
    """Return the objects of a file, or why the file as a whole cannot be read.

    Raises:
        Nothing, for any octets.
    """
    documents = read_documents(content, is_json=is_json)
    if isinstance(documents, Fault):
        return documents
    manifest = Manifest(len(documents))
    for document in documents:
        if not isinstance(document.value, dict):
            shown = type(document.value).__name__
            reason = f"an object with apiVersion and kind is expected, not a value of type {shown}"
            return Fault(reason, document.line)
        for value in _objects(document.value):
            _add(manifest, value, f"line {document.line}")
    return manifest


def _objects(document: _Mapping) -> Iterator[_Mapping]:
    """Yield the objects of a document: itself, or a list's items, whose kind the list may say."""
    waiting = deque([document])
    while waiting:
        value = waiting.popleft()
        kind = value.get("kind")
        if not isinstance(kind, str) or not kind.endswith("List"):
            yield value
            continue
        items = value.get("items")
        of_items = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List")}
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                waiting.append(of_items | item)


def _add(manifest: Manifest, value: _Mapping, where: str) -> None:
    """Add one object to a manifest, or one line that says why not."""
    version, kind = _text(value.get("apiVersion") or "v1"), _text(value.get("kind"))
    resource = _RESOURCES.get((version, kind))
    if resource is None:
        manifest.passed_over.append(f"{where}: {version} {kind}")
        return
    metadata = _metadata(resource, value.get("metadata"))
    rest = {name: part for name, part in value.items() if name != "metadata"}
    try:
        octets = _json({"metadata": metadata, **rest})
    except (TypeError, ValueError, RecursionError) as error:
        manifest.warnings.append(f"{where}: this {kind} is not served: not JSON: {error}")
        return
    key = _key(resource, octets)
    named = None if isinstance(key, BadObject) else key
    manifest.objects.append(ManifestObject(resource, named, _labels(metadata), octets))
    if isinstance(key, BadObject):
        # decoding counts it, but has no name to say it of, and knows no file
        manifest.warnings.append(f"{where}: this {kind} is not served: {key.detail}")
    elif resource is Resource.SERVICES and _lacks_address(value.get("spec")):
        manifest.warnings.append(
            f"{where}: Service {key} has no address: a directory of manifests has no "
            "allocator; write spec.clusterIP, or None there for a headless Service"
        )


def _json(value: object) -> bytes:
    """Return a value as compact JSON; what YAML knows and JSON does not, a date, becomes text.

    Raises:
        TypeError, ValueError, RecursionError: it has no form in JSON.
    """
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=str).encode()


def _metadata(resource: Resource, metadata: object) -> object:
    """Return metadata with a namespace, as the API server stores it, and without its version."""
    if not isinstance(metadata, dict):
        return metadata
    kept = {name: part for name, part in metadata.items() if name != "resourceVersion"}
    if resource is not Resource.NAMESPACES:
        kept["namespace"] = kept.get("namespace") or "default"
    return kept


def _labels(metadata: object) -> Mapping[str, str]:
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(labels, dict):
        return {}
    return {name: text for name, text in labels.items() if _are_text(name, text)}


def _key(resource: Resource, octets: bytes) -> Key | BadObject:
    try:
        return identify(resource, octets).key
    except BadObject as bad:
        return bad


def _lacks_address(spec: object) -> bool:
    """Tell whether a Service waits for an address that no one will allocate."""
    if not isinstance(spec, dict) or (spec.get("type") or "ClusterIP") not in _HAS_ADDRESS:
        return False
    return not spec.get("clusterIP") and not spec.get("clusterIPs")


def _text(value: object) -> str:
    """Return a text as it is; other values are only named: there are numbers without decimals."""
    return value if isinstance(value, str) else f"a value of type {type(value).__name__}"


def _are_text(*values: object) -> bool:
    return all(isinstance(each, str) for each in values)
