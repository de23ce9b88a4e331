"""One manifest to API objects, checked as the decoder reads them."""

from __future__ import annotations

import textwrap

import pytest

from kubedns_py.cluster.decode import decode
from kubedns_py.cluster.objects import Key, Object
from kubedns_py.cluster.reading import Wanted
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject
from kubedns_py.sources.manifest_objects import Manifest, read_manifest
from kubedns_py.sources.manifest_text import Fault
from tests.helpers.objects import a_namespace, a_pod, a_service, an_endpoints, item_of


def a_manifest(text: str) -> Manifest:
    """Read a YAML text that can be read."""
    manifest = read_manifest(textwrap.dedent(text).encode(), is_json=False)
    assert isinstance(manifest, Manifest)
    return manifest


def decoded(manifest: Manifest) -> list[Object | None]:
    """What DNS sees of a manifest."""
    return [
        item_of(decode(each.resource, each.octets, Wanted(pod_specifications=True)))
        for each in manifest.objects
    ]


def test_the_five_kinds_that_dns_uses_are_taken() -> None:
    """Everything takes the decode path of the API."""
    manifest = a_manifest("""\
        {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec: {clusterIP: 10.3.0.1, ports: [{name: http, port: 80}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web-0, namespace: shop, labels: {app: web}}
        status: {podIP: 10.1.0.1, conditions: [{type: Ready, status: "True"}]}
        ---
        apiVersion: v1
        kind: Endpoints
        metadata: {name: web, namespace: shop}
        subsets: [{addresses: [{ip: 10.1.0.1}], ports: [{name: http, port: 8080}]}]
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: web-x, namespace: shop, labels: {kubernetes.io/service-name: web}}
        addressType: IPv4
        ports: [{name: http, port: 8080}]
        endpoints: [{addresses: [10.1.0.1]}]
        """)

    assert [each.resource for each in manifest.objects] == [
        Resource.NAMESPACES,
        Resource.SERVICES,
        Resource.PODS,
        Resource.ENDPOINTS,
        Resource.ENDPOINTSLICES,
    ]
    assert decoded(manifest) == [
        a_namespace("shop", labels={"team": "a"}),
        a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["http:80/tcp"]),
        a_pod("web-0.shop", ["10.1.0.1"], labels={"app": "web"}),
        an_endpoints("web.shop", ["10.1.0.1"], ["http:8080/tcp"]),
        an_endpoints("web.shop", ["10.1.0.1"], ["http:8080/tcp"], name="web-x"),
    ]


def test_a_namespace_that_is_left_out_is_default() -> None:
    """As kubectl does; protocol, target and type are the decoder's defaults."""
    manifest = a_manifest("""\
        kind: Service
        metadata: {name: web}
        spec: {clusterIP: 10.3.0.1, ports: [{port: 80}]}
        """)

    assert decoded(manifest) == [
        a_service("web.default", cluster_ips=["10.3.0.1"], ports=["80/tcp->80"])
    ]


def test_a_namespace_object_has_no_namespace() -> None:
    """It is not namespaced."""
    (found,) = a_manifest("{kind: Namespace, metadata: {name: shop}}").objects

    assert found.key == Key("", "shop")
    assert b"default" not in found.octets


@pytest.mark.parametrize("kind", ["List", "ServiceList"])
def test_lists_are_taken_apart(kind: str) -> None:
    """``kubectl get -o yaml`` prints kind List; the API's own lists leave the items' kind out."""
    own = "apiVersion: v1, kind: Service, " if kind == "List" else ""
    manifest = a_manifest(f"""\
        apiVersion: v1
        kind: {kind}
        items:
        - {{{own}metadata: {{name: a}}, spec: {{clusterIP: 10.3.0.1}}}}
        - {{{own}metadata: {{name: b}}, spec: {{clusterIP: 10.3.0.2}}}}
        """)

    assert [each.key for each in manifest.objects] == [Key("default", "a"), Key("default", "b")]


def test_the_items_of_an_endpointslice_list_have_its_api_group() -> None:
    """``kubectl get --raw`` prints it so."""
    manifest = a_manifest("""\
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSliceList
        items:
        - metadata: {name: web-x, labels: {kubernetes.io/service-name: web}}
          addressType: IPv4
          endpoints: [{addresses: [10.1.0.1]}]
        """)

    assert decoded(manifest) == [an_endpoints("web.default", ["10.1.0.1"], name="web-x")]


def test_a_broken_file_has_no_objects_at_all() -> None:
    """F-30: half a file is no file."""
    fault = read_manifest(b"kind: Service\n---\na: b: c", is_json=False)

    assert fault == Fault("mapping values are not allowed in this context", 3)


@pytest.mark.parametrize("items", ["null", "[]", "[null, 7]", "{}"])
def test_a_list_without_items_has_no_objects(items: str) -> None:
    """Go writes null for an empty list."""
    assert a_manifest(f"{{apiVersion: v1, kind: List, items: {items}}}").objects == []


@pytest.mark.parametrize(
    "document",
    [
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}",
        "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: web}}",
        "{apiVersion: discovery.k8s.io/v1beta1, kind: EndpointSlice, metadata: {name: web}}",
        "{resources: [web.yaml]}",
        "{apiVersion: [v1], kind: {Service: 1}}",
        f"{{apiVersion: 0x{'f' * 6000}, kind: Service}}",
        f"{{apiVersion: v1, kind: 0x{'f' * 6000}}}",
    ],
)
def test_what_dns_does_not_use_is_passed_over(document: str) -> None:
    """A directory of manifests holds other things too; another group's Service is another thing."""
    manifest = a_manifest(document)

    assert manifest.objects == []
    assert manifest.warnings == []
    assert len(manifest.passed_over) == 1


@pytest.mark.parametrize("document", ["- kind: Service", "apiVer", "7"])
def test_a_document_that_is_no_object_makes_the_file_a_broken_one(document: str) -> None:
    """Half of a file is often a lone word, which is valid YAML."""
    fault = read_manifest(f"kind: Pod\n---\n{document}\n".encode(), is_json=False)

    assert isinstance(fault, Fault)
    assert fault.line == 3
    assert fault.reason.startswith("an object with apiVersion and kind is expected")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("metadata: {namespace: shop}", "no-name"),
        ("metadata: null", "no-name"),
        ("metadata: [a]", "type"),
        ("metadata: {name: 7}", "type"),
        ("metadata: {name: web, labels: [a]}", "no-spec"),
        ("metadata: {name: web}, spec: {ports: 80}", "type"),
        ("metadata: {name: -web-}, spec: {}", "name"),
    ],
)
def test_a_malformed_object_is_left_to_the_decoder_and_the_others_are_served(
    fields: str, reason: str
) -> None:
    """F-17: one BadObject, and nothing else is touched."""
    manifest = a_manifest(f"""\
        {{kind: Service, {fields}}}
        ---
        {{kind: Service, metadata: {{name: good}}, spec: {{clusterIP: 10.3.0.1}}}}
        """)

    bad, good = manifest.objects
    with pytest.raises(BadObject) as caught:
        decode(bad.resource, bad.octets)
    assert caught.value.reason == reason
    assert good.key == Key("default", "good")


def test_an_object_without_a_usable_name_is_said_with_its_place() -> None:
    """Bad input: a line of the log names the file, and no Service None."""
    manifest = a_manifest("""\
        {kind: Service, metadata: {name: 1234}, spec: {}}
        ---
        {kind: Pod, metadata: {}}
        """)

    number, missing = manifest.warnings
    assert number == (
        "line 1: this Service is not served: Expected `str | null`, got `int` - at"
        " `$.metadata.name`"
    )
    assert missing == "line 3: this Pod is not served: metadata.name is missing"


def test_an_object_that_json_cannot_say_is_left_out_with_a_warning() -> None:
    """A key of YAML may be anything; there is nothing to hand to the decoder."""
    manifest = a_manifest("""\
        kind: Service
        metadata: {name: bad}
        spec: {2024-01-01: x}
        ---
        {kind: Service, metadata: {name: worse}, spec: {a: .nan}}
        ---
        {kind: Service, metadata: {name: good}, spec: {clusterIP: 10.3.0.1}}
        """)

    assert [each.key for each in manifest.objects] == [Key("default", "good")]
    assert [line.partition(": not JSON")[0] for line in manifest.warnings] == [
        "line 1: this Service is not served",
        "line 5: this Service is not served",
    ]


def test_dates_of_yaml_become_text() -> None:
    """An unquoted creationTimestamp is a date to YAML."""
    manifest = a_manifest("""\
        kind: Service
        metadata: {name: web, creationTimestamp: 2024-01-01T00:00:00Z}
        spec: {clusterIP: 10.3.0.1}
        """)

    assert decoded(manifest) == [a_service("web.default", cluster_ips=["10.3.0.1"])]


def test_labels_that_are_text_are_kept_beside_the_octets() -> None:
    """For ``--labels``, which an API server would apply."""
    (found,) = a_manifest(
        "{kind: Service, metadata: {name: web, labels: {app: web, 7: x, y: 8}}, spec: {}}"
    ).objects

    assert found.labels == {"app": "web"}


def test_a_resource_version_of_the_file_is_dropped() -> None:
    """It is another server's; ours are given by the source."""
    (found,) = a_manifest(
        "{kind: Service, metadata: {name: web, resourceVersion: '99'}, spec: {}}"
    ).objects

    assert decode(found.resource, found.octets).version == ""


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        ("{}", True),
        ("{type: NodePort}", True),
        ("{clusterIP: ''}", True),
        ("{clusterIP: 10.3.0.1}", False),
        ("{clusterIPs: [10.3.0.1]}", False),
        ("{clusterIP: None}", False),
        ("{type: ExternalName, externalName: a.example.org}", False),
        ("{type: [odd]}", False),
        ("null", False),
    ],
)
def test_a_service_that_waits_for_an_address_is_warned_about(spec: str, *, warned: bool) -> None:
    """CIP-11: in a directory no one allocates addresses, so its name would never exist."""
    manifest = a_manifest(f"{{kind: Service, metadata: {{name: web}}, spec: {spec}}}")

    expected = (
        "line 1: Service default/web has no address: a directory of manifests has no allocator; "
        "write spec.clusterIP, or None there for a headless Service"
    )
    assert manifest.warnings == ([expected] if warned else [])


def test_json_manifests_are_read_alike() -> None:
    """``kubectl get -o json``."""
    manifest = read_manifest(
        b'{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Service",'
        b'"metadata":{"name":"web"},"spec":{"clusterIP":"10.3.0.1"}}]}',
        is_json=True,
    )

    assert isinstance(manifest, Manifest)
    assert decoded(manifest) == [a_service("web.default", cluster_ips=["10.3.0.1"])]
