"""What API objects become: fields, defaults, and what is left out of odd ones."""

from __future__ import annotations

import msgspec
import pytest

from kubedns_py.cluster.apitypes import (
    ApiEndpoints,
    ApiNamespace,
    ApiPod,
    ApiPodSlice,
    ApiService,
)
from kubedns_py.cluster.decode import Decoded, Document, decode, identify, read_all
from kubedns_py.cluster.objects import Key, Namespace, Pod, Port
from kubedns_py.cluster.reading import USUAL, Wanted
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject
from tests.helpers.builders import (
    Json,
    a_namespace_json,
    a_pod_json,
    a_service_json,
    a_slice_json,
    an_endpoints_json,
    octets,
)
from tests.helpers.objects import address, an_endpoints, item_of


def read(resource: Resource, document: object, wanted: Wanted = USUAL) -> Decoded:
    """Return what a document decodes to."""
    return decode(resource, octets(document), wanted)


def an_odd_service(version: str = "", **fields: object) -> Json:
    """Return a Service with fields of its specification as they are given."""
    document = a_service_json("web.shop", version=version)
    document["spec"] |= fields
    return document


def refused(resource: Resource, raw: bytes) -> BadObject:
    """Return the error that octets decode to."""
    with pytest.raises(BadObject) as caught:
        decode(resource, raw)
    return caught.value


# -- Namespaces and Pods


def test_a_namespace_keeps_its_labels() -> None:
    """--namespace-labels selects by them."""
    found = read(Resource.NAMESPACES, a_namespace_json("shop", version="3", team="a", env="prod"))

    assert found.item == Namespace(Key("", "shop"), labels=(("env", "prod"), ("team", "a")))


def test_a_pod_has_its_addresses_and_its_state() -> None:
    """Behaviour 1.9: verified pod names."""
    document = a_pod_json("web-0.shop", addresses=["10.1.0.1", "fd00::1"], ready=False)

    assert read(Resource.PODS, document).item == Pod(
        Key("shop", "web-0"), addresses=(address("10.1.0.1"), address("fd00::1"))
    )


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_finished_pod_has_no_address(phase: str) -> None:
    """Its address may be another Pod's by now."""
    item = read(Resource.PODS, a_pod_json("job.shop", phase=phase)).item

    assert isinstance(item, Pod)
    assert (item.terminal, item.addresses) == (True, ())


def test_a_pod_without_addresses_yet_is_a_pod() -> None:
    """F-17: status may be missing, and podIPs null."""
    item = read(Resource.PODS, {"metadata": {"name": "a", "namespace": "b"}}).item

    assert item == Pod(Key("b", "a"))


def test_the_single_pod_ip_counts_where_the_list_is_missing() -> None:
    """Manifests of a status may have only podIP."""
    document = a_pod_json("web-0.shop") | {"status": {"podIP": "10.1.0.9"}}

    item = read(Resource.PODS, document).item

    assert isinstance(item, Pod)
    assert item.addresses == (address("10.1.0.9"),)


def test_labels_and_ports_of_pods_are_read_only_where_endpoints_are_made_from_them() -> None:
    """A field costs memory for every Pod of the cluster."""
    document = a_pod_json(
        "db-0.shop",
        meta={"labels": {"app": "db"}, "deletionTimestamp": "2024-05-01T10:00:00Z"},
        hostname="Db-0",
        subdomain="db",
        containers=[
            {"ports": [{"name": "pg", "containerPort": 5432}, {"containerPort": 9}]},
            {"ports": None},
            None,
        ],
        initContainers=[
            {"restartPolicy": "Always", "ports": [{"name": "m", "containerPort": 9187}]},
            {"ports": [{"name": "gone", "containerPort": 1}]},
        ],
    )

    plain = read(Resource.PODS, document).item
    full = read(Resource.PODS, document, Wanted(pod_specifications=True)).item

    assert isinstance(plain, Pod)
    assert (plain.labels, plain.hostname, plain.ports) == ((), "", ())
    assert isinstance(full, Pod)
    assert full.deleting
    assert (full.labels, full.hostname, full.subdomain) == ((("app", "db"),), "db-0", "db")
    assert full.ports == (Port("pg", "tcp", 5432), Port("m", "tcp", 9187))


def test_a_pod_whose_specification_is_odd_is_one_bad_object() -> None:
    """F-17: the part that is read later is guarded like the rest."""
    document = a_pod_json("db-0.shop", version="4", containers="none")

    with pytest.raises(BadObject) as caught:
        read(Resource.PODS, document, Wanted(pod_specifications=True))

    assert (caught.value.reason, caught.value.key, caught.value.version) == (
        "type",
        "shop/db-0",
        "4",
    )


# -- objects that cannot be read


@pytest.mark.parametrize(
    ("document", "reason", "key"),
    [
        ({}, "no-name", ""),
        ({"metadata": None}, "no-name", ""),
        ({"metadata": {"namespace": "shop"}}, "no-name", ""),
        ({"metadata": {"name": "web"}}, "no-namespace", "web"),
        ({"metadata": {"name": "web", "namespace": "shop"}}, "no-spec", "shop/web"),
        (a_service_json("web.shop") | {"kind": "Pod"}, "kind", "shop/web"),
        ({"kind": "Status", "status": "Failure"}, "kind", ""),
        ({"kind": "Table", "rows": []}, "kind", ""),
        (a_service_json("a_b.shop"), "name", "shop/a_b"),
        (a_service_json("x" * 64 + ".shop"), "name", "shop/" + "x" * 64),
        (an_odd_service(ports="many"), "type", "shop/web"),
        (a_service_json("web.shop", clusterIPs=7), "type", "shop/web"),
        ([1, 2], "type", ""),
        ({"metadata": {"name": 7, "namespace": ["x"], "resourceVersion": 3}}, "type", ""),
    ],
)
def test_a_useless_object_is_refused_with_its_name(document: object, reason: str, key: str) -> None:
    """F-17, F-21: the kinds of nonsense, each with a word for a metric."""
    bad = refused(Resource.SERVICES, octets(document))

    assert (bad.kind, bad.reason, bad.key) == ("Service", reason, key)


def test_the_version_of_an_unreadable_object_is_told() -> None:
    """F-21: the watch goes on from there."""
    document = an_odd_service("42", ports="many")

    assert refused(Resource.SERVICES, octets(document)).version == "42"


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"\xff", b'{"metadata":{"name":"\xff\xfe"}}', b'{"x":' + b"[" * 100_000],
    ids=["empty", "cut", "no text", "broken UTF-8", "deep"],
)
@pytest.mark.parametrize("resource", list(Resource))
def test_octets_that_are_no_document_are_refused(resource: Resource, raw: bytes) -> None:
    """F-16: never another exception."""
    assert refused(resource, raw).reason == "json"


def test_names_of_pods_need_not_be_labels() -> None:
    """They are DNS subdomains and stand in no owner name."""
    assert read(Resource.PODS, a_pod_json("a.b.shop")).key == Key("shop", "a.b")
    assert refused(Resource.PODS, octets(a_pod_json("x" * 254 + ".shop"))).reason == "name"


def test_a_namespace_needs_no_namespace() -> None:
    """Namespaces are not namespaced."""
    bad = refused(Resource.NAMESPACES, octets(a_namespace_json("a_b")))

    assert (bad.kind, bad.reason, bad.key) == ("Namespace", "name", "a_b")


def test_a_deleted_object_needs_only_its_name() -> None:
    """LIF-10: the last state of a deleted object may be anything."""
    document = an_odd_service("9", ports="many")

    found = identify(Resource.SERVICES, octets(document))

    assert (found.key, found.version, found.item) == (Key("shop", "web"), "9", None)


@pytest.mark.parametrize(
    ("resource", "type_", "good", "bad"),
    [
        (Resource.SERVICES, ApiService, a_service_json("web.shop"), a_service_json("a_b.shop")),
        (Resource.ENDPOINTSLICES, ApiPodSlice, a_slice_json("a-1.b"), a_slice_json("a-1.a_b")),
        (Resource.ENDPOINTS, ApiEndpoints, an_endpoints_json("web.shop"), {"kind": "Service"}),
        (Resource.NAMESPACES, ApiNamespace, a_namespace_json("shop"), {"metadata": None}),
        (Resource.PODS, ApiPod, a_pod_json("web-0.shop"), a_pod_json("web-0.a_b")),
    ],
)
def test_objects_that_are_typed_are_read_together(
    resource: Resource, type_: type[Document], good: Json, bad: Json
) -> None:
    """F-17: a bad object is one among the others."""
    documents = [msgspec.json.decode(octets(each), type=type_) for each in (good, bad, good)]

    first, second, third = read_all(resource, documents)

    assert first == third == read(resource, good)
    assert isinstance(second, BadObject)


def test_a_slice_is_read_alone_where_it_is_not_plain() -> None:
    """HDL-10: addresses of IPv6 are not looked at together."""
    slices = [a_slice_json("web-1.shop", endpoints=[text]) for text in ("10.1.0.1", "fd00::1")]

    items = [item_of(read(Resource.ENDPOINTSLICES, each)) for each in slices]

    assert items == [
        an_endpoints("web.shop", [text], name="web-1") for text in ("10.1.0.1", "fd00::1")
    ]
