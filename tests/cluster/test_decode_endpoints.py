"""What EndpointSlices and v1 Endpoints become: one form, and what is left out of odd ones."""

from __future__ import annotations

from typing import Any

import pytest

from kubedns_py.cluster.decode import Decoded, decode
from kubedns_py.cluster.objects import Endpoint, Endpoints, Key, Port
from kubedns_py.cluster.resources import Resource
from tests.helpers.builders import Json, a_slice_json, an_endpoint_json, an_endpoints_json, octets
from tests.helpers.objects import address, item_of


def read(resource: Resource, document: object) -> Decoded:
    """Return what a document decodes to."""
    return decode(resource, octets(document))


def endpoints(document: object, resource: Resource = Resource.ENDPOINTSLICES) -> Endpoints:
    """Return a document's endpoints."""
    item = item_of(read(resource, document))
    assert isinstance(item, Endpoints)
    return item


@pytest.mark.parametrize(
    ("port", "expected", "warnings"),
    [
        ({"name": "http"}, Port("http", "tcp", 0), ()),
        ({"name": None, "port": None, "protocol": None}, Port("", "tcp", 0), ()),
        ({"name": "http", "port": 0}, Port("http", "tcp", 0), ()),
        ({"name": "http", "port": 65536}, Port("http", "tcp", 0), ("port-number-invalid",)),
        ({"name": "http", "port": -1}, Port("http", "tcp", 0), ("port-number-invalid",)),
        ({"name": "HTTP", "port": 80, "protocol": "SCTP"}, Port("http", "sctp", 80), ()),
        ({"name": "my_port", "port": 80}, Port("my_port", "tcp", 80), ()),
        ({"name": "a.b", "port": 80}, Port("", "tcp", 80), ("port-name-invalid",)),
        ({"name": "x" * 63, "port": 80}, Port("", "tcp", 80), ("port-name-invalid",)),
        ({"name": "\u212a", "port": 80}, Port("", "tcp", 80), ("port-name-invalid",)),
    ],
)
def test_a_port_without_number_or_usable_name_is_kept(
    port: Json, expected: Port, warnings: tuple[str, ...]
) -> None:
    """BAD-4, BAD-5: no number means 0; a name that cannot be a label is no name."""
    document = a_slice_json("web-1.shop", endpoints=["10.1.0.1"]) | {"ports": [port]}

    found = read(Resource.ENDPOINTSLICES, document)

    item = item_of(found)
    assert isinstance(item, Endpoints)
    assert item.subsets[0].ports == (expected,)
    assert found.warnings == warnings


# -- EndpointSlices


def test_a_slice_belongs_to_the_service_of_its_label() -> None:
    """EndpointSlice API: kubernetes.io/service-name, whatever the slice is called."""
    document = a_slice_json(
        "x7k2f.shop",
        service="Web",
        endpoints=[an_endpoint_json("10.1.0.1", hostname="DB-0", pod="web-abc")],
        ports=["http:8080/tcp"],
        version="5",
    )

    found = endpoints(document)

    assert found.key == Key("shop", "x7k2f")
    assert found.service == Key("shop", "web")
    assert found.subsets[0].endpoints == (
        Endpoint((address("10.1.0.1"),), hostname="db-0", pod_name="web-abc"),
    )
    assert found.subsets[0].ports == (Port("http", "tcp", 8080),)


@pytest.mark.parametrize(
    ("conditions", "ready", "serving"),
    [
        (None, True, False),
        ({}, True, False),
        ({"ready": None}, True, False),
        ({"ready": True, "serving": True, "terminating": False}, True, False),
        ({"ready": False}, False, False),
        ({"ready": False, "serving": True, "terminating": True}, False, True),
        ({"ready": False, "serving": True, "terminating": None}, False, False),
        ({"ready": False, "serving": False, "terminating": True}, False, False),
        ({"ready": False, "serving": None, "terminating": True}, False, False),
    ],
)
def test_an_endpoint_without_a_condition_is_ready(
    conditions: Any, *, ready: bool, serving: bool
) -> None:
    """HDL-17: ready nil counts as ready. HDL-18: serving while it terminates is kept apart."""
    document = a_slice_json("web-1.shop", endpoints=[{"addresses": ["10.1.0.1"]}])
    document["endpoints"][0]["conditions"] = conditions

    (found,) = endpoints(document).subsets[0].endpoints

    assert (found.ready, found.serving) == (ready, serving)


def test_two_spellings_of_an_address_are_one() -> None:
    """HDL-10, HDL-26: addresses are canonical octets from here on."""
    one = a_slice_json("web-1.shop", endpoints=["fd00:0:0::0001"], address_type="IPv6")
    two = a_slice_json("web-1.shop", endpoints=["FD00::1"], address_type="IPv6")

    assert endpoints(one) == endpoints(two)


def test_addresses_that_cannot_be_served_are_left_out_and_said() -> None:
    """HDL-27: link-local, IPv4-mapped and unreadable addresses go; an empty endpoint too."""
    document = a_slice_json(
        "web-1.shop",
        endpoints=[
            an_endpoint_json("10.1.0.1", "169.254.1.1", "10.1.0.1"),
            an_endpoint_json("fe80::1"),
            an_endpoint_json("::ffff:10.1.0.2"),
            an_endpoint_json("web.example.com", "", "1.2.3.4.5"),
            {"addresses": [], "conditions": {}},
            {"addresses": None},
        ],
    )
    document["endpoints"].append(None)

    found = read(Resource.ENDPOINTSLICES, document)

    item = item_of(found)
    assert isinstance(item, Endpoints)
    assert item.subsets[0].endpoints == (Endpoint((address("10.1.0.1"),)),)
    assert sorted(found.warnings) == [
        "address-invalid",
        "address-invalid",
        "address-invalid",
        "address-ipv4-mapped",
        "address-link-local",
        "address-link-local",
    ]


@pytest.mark.parametrize("hostname", ["a.b", "-a", "a_b", "x" * 64, "b\u00fccher", "a b"])
def test_an_invalid_hostname_goes_and_its_address_stays(hostname: str) -> None:
    """BAD-2, RFC 1123 2.1: no label, no name of its own."""
    document = a_slice_json("web-1.shop", endpoints=[an_endpoint_json("10.1.0.1")])
    document["endpoints"][0]["hostname"] = hostname

    found = read(Resource.ENDPOINTSLICES, document)

    item = item_of(found)
    assert isinstance(item, Endpoints)
    assert item.subsets[0].endpoints == (Endpoint((address("10.1.0.1"),)),)
    assert found.warnings == ("hostname-invalid",)


@pytest.mark.parametrize("address_type", ["FQDN", "Something"])
def test_a_slice_of_names_is_none_for_us(address_type: str) -> None:
    """HDL-7: ignored and counted; a slice of addresses that was there before goes."""
    document = a_slice_json("web-1.shop", endpoints=["a.example"], address_type=address_type)

    found = read(Resource.ENDPOINTSLICES, document)

    assert (found.key, found.item) == (Key("shop", "web-1"), None)
    assert found.warnings == ("address-type",)


@pytest.mark.parametrize("labels", [None, {}, {"kubernetes.io/service-name": ""}, {"app": "web"}])
def test_a_slice_without_its_service_label_is_none_for_us(labels: object) -> None:
    """HDL-30: it belongs to no Service; counted."""
    document = a_slice_json("web-1.shop", service=None, endpoints=["10.1.0.1"])
    document["metadata"]["labels"] = labels

    found = read(Resource.ENDPOINTSLICES, document)

    assert found.item is None
    assert found.warnings == ("no-service-label",)


def test_a_slice_may_be_null_all_over() -> None:
    """F-17: endpoints, ports and conditions may be null."""
    document = a_slice_json("web-1.shop") | {"endpoints": None, "ports": None, "addressType": None}

    assert endpoints(document).subsets[0].endpoints == ()


@pytest.mark.parametrize(
    ("text", "expected", "warnings"),
    [
        ("2024-05-01T10:00:00.123456789Z", 1714557600.123456, ()),
        ("2024-05-01T12:00:00+02:00", 1714557600.0, ()),
        ("yesterday", 0.0, ("trigger-time-invalid",)),
        ("2024-05-01T12:00:00", 0.0, ("trigger-time-invalid",)),
        ("", 0.0, ()),
    ],
)
def test_the_trigger_time_is_read_as_go_writes_it(
    text: str, expected: float, warnings: tuple[str, ...]
) -> None:
    """LIF-20: RFC 3339 with nanoseconds."""
    annotations = {"endpoints.kubernetes.io/last-change-trigger-time": text}
    document = a_slice_json("web-1.shop", meta={"annotations": annotations})

    found = read(Resource.ENDPOINTSLICES, document)

    item = item_of(found)
    assert isinstance(item, Endpoints)
    assert item.changed_at == pytest.approx(expected, abs=1e-5)
    assert found.warnings == warnings


# -- v1 Endpoints


def test_v1_endpoints_become_the_same_endpoints() -> None:
    """architecture: both APIs are decoded to one form. BAD-1: hostnames in upper case."""
    document = an_endpoints_json(
        "Db.shop",
        {
            "addresses": [{"ip": "10.1.0.1", "hostname": "DB-0", "targetRef": None}],
            "notReadyAddresses": [
                {"ip": "10.1.0.2", "targetRef": {"kind": "Pod", "name": "db-1"}},
                {"ip": "nonsense"},
            ],
            "ports": [{"name": "pg", "port": 5432, "protocol": "TCP"}],
        },
        {"addresses": None, "notReadyAddresses": None, "ports": None},
    )

    found = read(Resource.ENDPOINTS, document)

    item = item_of(found)
    assert isinstance(item, Endpoints)
    assert item.service == item.key == Key("shop", "db")
    first, second = item.subsets
    assert first.endpoints == (
        Endpoint((address("10.1.0.1"),), hostname="db-0"),
        Endpoint((address("10.1.0.2"),), ready=False, pod_name="db-1"),
    )
    assert first.ports == (Port("pg", "tcp", 5432),)
    assert (second.endpoints, second.ports) == ((), ())
    assert found.warnings == ("address-invalid",)


def test_a_target_that_is_no_pod_has_no_pod_name() -> None:
    """HDL-20: only Pods give names."""
    target = {"kind": "Node", "name": "node-1"}
    document = a_slice_json("web-1.shop", endpoints=[an_endpoint_json("10.1.0.1")])
    document["endpoints"][0]["targetRef"] = target

    assert endpoints(document).subsets[0].endpoints[0].pod_name == ""


def test_the_name_of_a_slice_need_not_be_a_label() -> None:
    """It is a DNS subdomain and stands in no owner name."""
    assert endpoints(a_slice_json("a.b-1.shop", service="web")).key == Key("shop", "a.b-1")
