"""Slices read together: what the reader of each says, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.apitypes import ApiPodSlice, ApiSlice
from kubedns_py.cluster.decode_endpoints import read_slice
from kubedns_py.cluster.objects import Endpoint, Endpoints, Key, Port
from kubedns_py.cluster.packed import Packed
from kubedns_py.cluster.plain_slices import read_plain
from kubedns_py.cluster.reading import Decoded, Reading
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject
from tests.helpers.builders import Json, a_slice_json, an_endpoint_json, octets
from tests.helpers.objects import address, item_of

PLAIN = a_slice_json(
    "web-1.shop",
    service="web",
    endpoints=[an_endpoint_json("10.1.0.1", pod="web-a"), an_endpoint_json("10.1.0.2")],
    ports=["http:8080/tcp"],
    version="7",
)


def typed(document: object, kind: type[ApiSlice] = ApiPodSlice) -> ApiSlice:
    """Return a slice as it comes from the decoder."""
    return msgspec.json.decode(octets(document), type=kind)


def one_by_one(api: ApiSlice) -> Decoded | str:
    """Return what the reader of one slice says, or why it cannot be read."""
    try:
        return read_slice(Reading(Resource.ENDPOINTSLICES), api)
    except BadObject as bad:
        return bad.reason


def with_endpoint(**fields: Any) -> Json:
    """Return a plain slice with a third endpoint that has these fields."""
    third = {"addresses": ["10.1.0.3"], **fields}
    return PLAIN | {"endpoints": [*PLAIN["endpoints"], third]}


def with_meta(**fields: Any) -> Json:
    """Return a plain slice with other metadata."""
    return PLAIN | {"metadata": {**PLAIN["metadata"], **fields}}


def test_a_plain_slice_is_read_at_once() -> None:
    """The property below would hold if all were declined."""
    (found,) = read_plain([typed(PLAIN)])

    assert found is not None
    assert (found.key, found.version, found.warnings) == (Key("shop", "web-1"), "7", ())
    item = item_of(found)
    assert isinstance(item, Endpoints)
    assert item.service == Key("shop", "web")
    (subset,) = item.subsets
    assert subset.ports == (Port("http", "tcp", 8080),)
    assert subset.endpoints == (
        Endpoint((address("10.1.0.1"),), pod_name="web-a"),
        Endpoint((address("10.1.0.2"),)),
    )


def test_names_of_pods_that_nobody_wants_are_not_kept() -> None:
    """All slices with the same ports hold the same octets then."""
    other = with_meta(name="db-1", labels={"kubernetes.io/service-name": "db"})
    apis = [typed(each, ApiSlice) for each in (PLAIN, other)]
    found, another = read_plain(apis)

    assert [found, another] == [one_by_one(each) for each in apis]
    assert found is not None
    assert another is not None
    assert isinstance(found.item, Packed)
    assert isinstance(another.item, Packed)
    assert found.item.octets is another.item.octets
    item = item_of(found)
    assert isinstance(item, Endpoints)
    (subset,) = item.subsets
    assert [each.pod_name for each in subset.endpoints] == ["", ""]


NOT_READY = {"ready": False, "serving": True, "terminating": True}


@pytest.mark.parametrize(
    "document",
    [
        PLAIN | {"endpoints": None, "ports": None, "addressType": None},
        PLAIN | {"kind": "EndpointSlice"},
        with_endpoint(addresses=["10.1.0.1"]),
        with_endpoint(hostname="db-0"),
        with_endpoint(conditions=None),
        with_endpoint(conditions=NOT_READY),
        with_endpoint(conditions=NOT_READY | {"terminating": None}),
        with_endpoint(targetRef={"kind": "Node", "name": "Node-1"}),
        with_endpoint(targetRef={"kind": "Pod", "name": None}),
        with_meta(name="Web-1", labels={"kubernetes.io/service-name": "WEB"}),
    ],
)
def test_plain_slices_say_what_each_says_alone(document: Json) -> None:
    """Each of these is plain, with endpoints of other slices around it."""
    apis = [typed(PLAIN), typed(document), typed(PLAIN)]

    assert read_plain(apis) == [one_by_one(each) for each in apis]


@pytest.mark.parametrize(
    "document",
    [
        PLAIN | {"metadata": None},
        with_meta(name=""),
        with_meta(name="x" * 254),
        with_meta(namespace="a_b"),
        with_meta(labels=None),
        with_meta(labels={}),
        with_meta(annotations={"endpoints.kubernetes.io/last-change-trigger-time": "yesterday"}),
        PLAIN | {"kind": "Endpoints"},
        PLAIN | {"addressType": "IPv6"},
        PLAIN | {"addressType": "FQDN"},
        PLAIN | {"ports": [{"name": "a.b"}]},
        PLAIN | {"ports": [{"protocol": "QUIC"}]},
    ],
)
def test_a_slice_that_is_odd_is_left_to_the_reader_of_one(document: Json) -> None:
    """It alone knows what to leave out, and what to say of it; the others are read all the same."""
    found = read_plain([typed(PLAIN), typed(document), typed(PLAIN)])

    assert found == [one_by_one(typed(PLAIN)), None, one_by_one(typed(PLAIN))]


@pytest.mark.parametrize(
    "document",
    [
        PLAIN | {"endpoints": [*PLAIN["endpoints"], None]},
        with_endpoint(addresses=None),
        with_endpoint(addresses=[]),
        with_endpoint(addresses=["10.1.0.3", "10.1.0.4"]),
        with_endpoint(addresses=["fd00::1"]),
        with_endpoint(addresses=["169.254.1.1"]),
        with_endpoint(hostname="a.b"),
        with_endpoint(hostname="Db-0"),
        with_endpoint(targetRef={"kind": "Pod", "name": "Web-C"}),
        with_endpoint(targetRef={"kind": "Pod", "name": "b\u00fccher"}),
        PLAIN | {"endpoints": [{"addresses": ["10.1.0.1", "10.1.0.2"]}, {"addresses": []}]},
    ],
)
def test_a_slice_with_an_odd_endpoint_is_left_to_the_reader_of_one(document: Json) -> None:
    """The others are looked at again, each alone."""
    found = read_plain([typed(PLAIN), typed(document), typed(PLAIN)])

    assert found == [one_by_one(typed(PLAIN)), None, one_by_one(typed(PLAIN))]


ENDPOINT = st.fixed_dictionaries(
    {
        "addresses": st.sampled_from(
            [
                ["10.1.0.1"],
                ["10.1.0.2"],
                ["10.1.0.1"] * 2,
                ["fd00::1"],
                ["x"],
                [7],
                [None],
                [],
                None,
            ]
        )
    },
    optional={
        "conditions": st.none()
        | st.dictionaries(
            st.sampled_from(["ready", "serving", "terminating"]), st.none() | st.booleans()
        ),
        "hostname": st.sampled_from([None, "", "db-0", "Db-1", "a.b"]),
        "targetRef": st.none()
        | st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["Pod", "Pod", "Node", None]),
                "name": st.sampled_from(["web-a", "Web-B", "\u212a", "", None]),
            }
        ),
    },
)
USUAL = st.fixed_dictionaries(
    {"addresses": st.ip_addresses(v=4).map(lambda at: [str(at)])},
    optional={
        "conditions": st.fixed_dictionaries({"ready": st.booleans(), "serving": st.booleans()}),
        "hostname": st.sampled_from(["db-0", "db-1"]),
        "targetRef": st.just({"kind": "Pod", "name": "web-a"}),
    },
)
PORT = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([None, "", "http", "HTTP", "a.b"]),
        "protocol": st.sampled_from([None, "TCP", "udp", "QUIC"]),
        "port": st.sampled_from([None, 0, 80, -1, 65536]),
    },
)
META = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["web-1", "Web-2", "a.b", "", None]),
        "namespace": st.sampled_from(["shop", "Shop", "a_b", "", None]),
        "labels": st.none()
        | st.fixed_dictionaries(
            {"kubernetes.io/service-name": st.sampled_from(["web", "Web", "", None])}
        ),
    },
    optional={
        "resourceVersion": st.sampled_from(["7", None]),
        "annotations": st.fixed_dictionaries(
            {
                "endpoints.kubernetes.io/last-change-trigger-time": st.sampled_from(
                    [None, "", "2024-05-01T10:00:00Z", "2024-05-01T10:00:00", "yesterday"]
                )
            }
        ),
    },
)
SLICE = st.fixed_dictionaries(
    {
        "metadata": st.just(PLAIN["metadata"]) | META | st.none(),
        "endpoints": st.lists(USUAL, max_size=4)
        | st.lists(st.none() | USUAL | ENDPOINT, max_size=4)
        | st.none(),
    },
    optional={
        "kind": st.sampled_from([None, "", "EndpointSlice", "Service"]),
        "addressType": st.sampled_from([None, "", "IPv4", "IPv4", "IPv6", "FQDN"]),
        "ports": st.none() | st.lists(st.none() | PORT, max_size=2),
    },
)


@settings(deadline=None, max_examples=300)
@given(st.lists(SLICE, max_size=4), st.sampled_from([ApiSlice, ApiPodSlice]))
def test_slices_read_together_are_those_read_one_by_one(
    documents: list[Json], kind: type[ApiSlice]
) -> None:
    """The fast way may decline, and never disagree, to the octet of what is packed."""
    apis = [typed(each, kind) for each in documents]

    for found, expected in zip(read_plain(apis), map(one_by_one, apis), strict=True):
        assert found is None or found == expected
