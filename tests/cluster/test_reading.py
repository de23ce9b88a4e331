"""Names, and the small parts that several kinds of objects share."""

from __future__ import annotations

import msgspec
import pytest

from kubedns_py.cluster.apitypes import ApiPort, Identified, Meta
from kubedns_py.cluster.objects import Key, Port
from kubedns_py.cluster.reading import Decoded, Reading, folded, pairs, present
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject
from tests.helpers.objects import address

ANY = msgspec.json.Decoder(Identified)


def named(
    name: str | None = "web", namespace: str | None = "shop", *, kind: str = "", version: str = ""
) -> Identified:
    """Return an object of which only the metadata is known."""
    return Identified(kind, Meta(name=name, namespace=namespace, resource_version=version))


@pytest.mark.parametrize(
    ("resource", "of", "expected"),
    [
        (Resource.SERVICES, named("Web", "Shop"), Key("shop", "web")),
        (Resource.SERVICES, named(kind="Service"), Key("shop", "web")),
        (Resource.NAMESPACES, named("Shop", "ignored"), Key("", "shop")),
        (Resource.ENDPOINTSLICES, named("a.b_c"), Key("shop", "a.b_c")),
        (Resource.PODS, named("x" * 253), Key("shop", "x" * 253)),
    ],
)
def test_a_key_is_in_lower_case(resource: Resource, of: Identified, expected: Key) -> None:
    """Objects: names are lower case from here on."""
    assert Reading(resource).key(of) == expected


@pytest.mark.parametrize(
    ("resource", "of", "reason", "key"),
    [
        (Resource.SERVICES, Identified(), "no-name", ""),
        (Resource.SERVICES, named(""), "no-name", ""),
        (Resource.SERVICES, named("web", None), "no-namespace", "web"),
        (Resource.SERVICES, named("web", kind="Pod"), "kind", "shop/web"),
        (Resource.SERVICES, named("a.b"), "name", "shop/a.b"),
        (Resource.SERVICES, named("web", "a.b"), "name", "a.b/web"),
        (Resource.ENDPOINTS, named("web", "a_b"), "name", "a_b/web"),
        (Resource.NAMESPACES, named("a.b"), "name", "a.b"),
        (Resource.PODS, named("x" * 254), "name", "shop/" + "x" * 254),
    ],
)
def test_an_object_without_a_usable_name_is_bad(
    resource: Resource, of: Identified, reason: str, key: str
) -> None:
    """F-17: what becomes a label of a domain name has to be one (RFC 1123, 2.1)."""
    with pytest.raises(BadObject) as caught:
        Reading(resource).key(of)

    assert (caught.value.reason, caught.value.key) == (reason, key)


@pytest.mark.parametrize(
    ("raw", "reason", "key", "version"),
    [
        (
            b'{"kind":7,"metadata":{"name":"A","namespace":"b","resourceVersion":"9"}}',
            "type",
            "b/a",
            "9",
        ),
        (b'{"kind":7,"metadata":{"name":"a"}}', "type", "a", ""),
        (b'{"kind":7,"metadata":{"name":5,"namespace":"b"}}', "type", "", ""),
        (b'{"kind":7,"metadata":null}', "type", "", ""),
        (b'{"kind":7,"metadata":[]}', "type", "", ""),
        (b'{"kind":"\xff"}', "json", "", ""),
        (b"{", "json", "", ""),
    ],
)
def test_an_unreadable_object_is_named_as_far_as_possible(
    raw: bytes, reason: str, key: str, version: str
) -> None:
    """F-17: so that its last good version can stay."""
    with pytest.raises(BadObject) as caught:
        Reading(Resource.SERVICES).document(ANY, raw)

    bad = caught.value
    assert (bad.reason, bad.key, bad.version) == (reason, key, version)


def test_a_part_that_cannot_be_read_is_its_objects_fault() -> None:
    """F-17: labels are read later than the rest."""
    decoder = msgspec.json.Decoder(dict[str, str])
    with pytest.raises(BadObject) as caught:
        Reading(Resource.PODS).part(decoder, b'{"a":7}', named(version="3"))

    assert (caught.value.reason, caught.value.key) == ("type", "shop/web")
    assert caught.value.version == "3"


def test_the_result_carries_what_was_left_out() -> None:
    """House rule: noted, not raised."""
    reading = Reading(Resource.SERVICES)

    assert reading.port("a.b", "SCTP", 70_000) == Port("", "sctp", 0)
    assert not reading.has_protocol(ApiPort(protocol="QUIC"))
    assert reading.has_protocol(ApiPort())
    assert reading.addresses(["10.1.0.1", "x", "10.1.0.1", "fe80::1"]) == (address("10.1.0.1"),)
    assert reading.addresses(["10.1.0.2"]) == (address("10.1.0.2"),)
    assert reading.addresses(["169.254.1.1"]) == ()
    assert [reading.hostname(text) for text in (None, "", "Db-0", "a_b")] == ["", "", "db-0", ""]

    assert reading.done(named(version="4"), Key("shop", "web"), None) == Decoded(
        Key("shop", "web"),
        "4",
        None,
        (
            *("port-name-invalid", "port-number-invalid", "port-protocol", "address-invalid"),
            *("address-link-local", "address-link-local", "hostname-invalid"),
        ),
    )


def test_null_is_nothing() -> None:
    """Ecosystem 1.4: lists, maps and texts may all be null."""
    assert present(None) == []
    assert present([1, None, 2]) == [1, 2]
    assert pairs(None) == ()
    assert pairs({"b": None, "a": "x"}) == (("a", "x"), ("b", ""))
    assert folded(None) == ""
    assert folded("\u212aA") == "\u212aA"


def test_equal_ports_are_one_object() -> None:
    """Most of a cluster's ports are the same few."""
    readings = [Reading(Resource.SERVICES), Reading(Resource.SERVICES)]
    first, second = (each.port("http", "TCP", 80) for each in readings)

    assert first is second
    assert [each.port("a.b", "TCP", 0) for each in readings] == [Port("", "tcp", 0)] * 2
    assert [each.warnings for each in readings] == [["port-name-invalid"]] * 2
