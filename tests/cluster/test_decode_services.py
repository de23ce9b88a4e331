"""What Services become: how they are published, and what is left out of odd ones."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.decode import Decoded, decode
from kubedns_py.cluster.objects import Key, Port, Service, ServiceKind, ServicePort
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject
from tests.helpers.builders import Json, a_headless_service_json, a_service_json, octets
from tests.helpers.objects import address


def read(document: object) -> Decoded:
    """Return what a document decodes to."""
    return decode(Resource.SERVICES, octets(document))


def a_service(document: object) -> Service:
    """Return a document's Service."""
    item = read(document).item
    assert isinstance(item, Service)
    return item


def an_odd_service(version: str = "", **fields: object) -> Json:
    """Return a Service with fields of its specification as they are given."""
    document = a_service_json("web.shop", version=version)
    document["spec"] |= fields
    return document


def test_a_service_keeps_what_names_are_made_of() -> None:
    """Ecosystem 1.4: only the fields that DNS needs."""
    document = a_service_json(
        "Web.shop",
        cluster_ips=["10.96.0.7", "fd00::7"],
        ports=["https:443/tcp", "53/udp"],
        version="17",
        selector={"tier": "front", "app": "web"},
        sessionAffinity="None",
    )

    found = read(document)

    assert found.key == Key("shop", "web")
    assert found.version == "17"
    assert found.warnings == ()
    assert found.item == Service(
        key=Key("shop", "web"),
        kind=ServiceKind.CLUSTER_IP,
        cluster_ips=(address("10.96.0.7"), address("fd00::7")),
        ports=(
            ServicePort(Port("https", "tcp", 443), 443),
            ServicePort(Port("", "udp", 53), 53),
        ),
        selector=(("app", "web"), ("tier", "front")),
    )


def test_null_lists_and_maps_are_empty() -> None:
    """Ecosystem 1.4: Go sends null for nil slices and maps."""
    document = an_odd_service(selector=None, ports=None, clusterIPs=None, clusterIP=None)
    document["metadata"] |= {"labels": None, "annotations": None}

    found = read(document)

    assert found.item == Service(Key("shop", "web"), ServiceKind.CLUSTER_IP)
    assert found.warnings == ()


def test_the_single_cluster_ip_counts_where_the_list_is_missing() -> None:
    """Service API: clusterIPs came in 1.20; manifests often have only clusterIP."""
    service = a_service(a_service_json("web.shop", clusterIP="10.96.0.9", clusterIPs=None))

    assert service.cluster_ips == (address("10.96.0.9"),)


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"clusterIPs": ["None"], "clusterIP": ""}])
def test_a_cluster_ip_of_none_makes_a_service_headless(spec: Json) -> None:
    """HDL-28: decided by clusterIP and by nothing else."""
    service = a_service(a_service_json("db.shop", **spec))

    assert service.kind is ServiceKind.HEADLESS
    assert service.cluster_ips == ()


def test_external_name_wins_over_a_cluster_ip() -> None:
    """LIF-7: the type decides, whatever else is still set."""
    document = a_service_json("ext.shop", type="ExternalName", externalName="Example.COM")

    service = a_service(document)

    assert service.kind is ServiceKind.EXTERNAL_NAME
    assert service.external_name == "Example.COM"
    assert service.cluster_ips == ()


@pytest.mark.parametrize(
    ("name", "warnings"),
    [
        ("example.com", ()),
        ("192.0.2.7", ("external-name-address",)),
        ("192.0.2.7.", ("external-name-address",)),
        ("2001:db8::7", ("external-name-address",)),
        ("a..b", ("external-name-invalid",)),
        ("", ("external-name-invalid",)),
        (None, ("external-name-invalid",)),
    ],
)
def test_an_external_name_that_is_no_name_is_counted(
    name: str | None, warnings: tuple[str, ...]
) -> None:
    """EXT-10: a warning metric, for the API server takes all of these; the Service exists."""
    document = a_service_json("ext.shop", type="ExternalName", externalName=name)

    found = read(document)

    assert isinstance(found.item, Service)
    assert found.item.external_name == (name or "")
    assert found.warnings == warnings


def test_an_external_name_of_another_type_is_not_kept() -> None:
    """LIF-7: a Service that was of type ExternalName may still carry the name."""
    assert a_service(a_service_json("web.shop", externalName="example.com")).external_name == ""


def test_an_unreadable_cluster_ip_is_left_out_and_said() -> None:
    """CIP-12, BAD-7: garbage is skipped and counted, and is never a name."""
    ips = ["10.96.0.300", "fd00::7", "010.0.0.1", "fe80::1%eth0", "fd00:0::7"]

    found = read(a_service_json("web.shop", cluster_ips=ips))

    assert isinstance(found.item, Service)
    assert found.item.cluster_ips == (address("fd00::7"),)
    assert found.warnings == ("cluster-ip-invalid",) * 3


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (a_headless_service_json("db.shop", publishNotReadyAddresses=True), True),
        (a_headless_service_json("db.shop", publishNotReadyAddresses=None), False),
        (
            a_headless_service_json(
                "db.shop",
                meta={
                    "annotations": {
                        "service.alpha.kubernetes.io/tolerate-unready-endpoints": "true"
                    }
                },
            ),
            True,
        ),
    ],
    ids=["field", "null", "annotation"],
)
def test_not_ready_endpoints_are_published_on_request(document: Json, *, expected: bool) -> None:
    """HDL-15, HDL-16: the field, or the annotation that it replaced."""
    assert a_service(document).publish_not_ready is expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [(8443, 8443), ("web", "web"), (None, 443), ("", 443), (True, 443), ({"x": 1}, 443)],
)
def test_a_target_port_is_a_number_or_a_name(target: object, expected: int | str) -> None:
    """Ecosystem 1.4: targetPort may be either; anything else means the port itself."""
    port = {"port": 443, "targetPort": target}

    assert a_service(an_odd_service(ports=[port])).ports == (
        ServicePort(Port("", "tcp", 443), expected),
    )


@pytest.mark.parametrize(("target", "odd"), [(1, True), (0, False), (8443, 8443.0)])
def test_an_odd_target_port_is_not_taken_for_the_number_that_it_equals(
    target: int, *, odd: object
) -> None:
    """Ports are looked up by what Services list: there, these are one key."""
    plain, strange = [
        a_service(an_odd_service(ports=[{"port": 443, "targetPort": each}]))
        for each in (target, odd)
    ]

    assert plain.ports == (ServicePort(Port("", "tcp", 443), target or 443),)
    assert strange.ports == (ServicePort(Port("", "tcp", 443), 443),)


def test_services_that_list_the_same_ports_share_them() -> None:
    """Most of 10,000 Services have one of a few lists."""
    one, other = [
        a_service(a_service_json(name, ports=["https:443/tcp", "dns:53/udp"]))
        for name in ("web.shop", "api.shop")
    ]

    assert one.ports is other.ports


def test_a_null_among_ports_is_no_port() -> None:
    """Ecosystem 1.4: nothing is left out of the others, and nothing said."""
    found = read(an_odd_service(ports=[None, {"name": "dns", "port": 53, "protocol": "UDP"}]))

    assert isinstance(found.item, Service)
    assert found.item.ports == (ServicePort(Port("dns", "udp", 53), 53),)
    assert found.warnings == ()


def test_a_service_without_a_specification_is_refused() -> None:
    """F-17: nothing can be said of how it is published."""
    with pytest.raises(BadObject) as caught:
        read(a_service_json("web.shop") | {"spec": None})

    assert (caught.value.reason, caught.value.key) == ("no-spec", "shop/web")


def test_a_port_of_an_unknown_protocol_is_left_out() -> None:
    """F-17: everything else of the object is served."""
    document = a_service_json("web.shop", ports=["dns:53/udp", "odd:9/quic"])

    found = read(document)

    assert isinstance(found.item, Service)
    assert [each.port.name for each in found.item.ports] == ["dns"]
    assert found.warnings == ("port-protocol",)


@pytest.mark.parametrize(
    ("families", "lengths"),
    [(["IPv6"], (16,)), (["IPv4", "IPv6"], (4, 16)), (["IPv5", None], ()), (None, ())],
)
def test_the_families_of_a_headless_service_are_read(
    families: list[str | None] | None, lengths: tuple[int, ...]
) -> None:
    """HDL-4: what is unknown says nothing."""
    found = a_service(a_headless_service_json("db.shop", ipFamilies=families))

    assert found.families == lengths
