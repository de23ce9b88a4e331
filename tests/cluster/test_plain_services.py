"""Services read together: what the reader of each says, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.apitypes import ApiService
from kubedns_py.cluster.decode import decode, read_all
from kubedns_py.cluster.objects import Key, Port, Service, ServiceKind, ServicePort
from kubedns_py.cluster.plain_services import read_plain
from kubedns_py.cluster.reading import Decoded
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import BadObject
from tests.helpers.builders import Json, a_headless_service_json, a_service_json, octets
from tests.helpers.objects import address

PLAIN = a_service_json(
    "web.shop",
    cluster_ips=["10.96.0.7"],
    ports=["https:443/tcp", "dns:53/udp"],
    version="7",
    selector={"tier": "front", "app": "web"},
)
HEADLESS = a_headless_service_json("db.shop", ipFamilies=["IPv6", "IPv4"])
TOLERATE = "service.alpha.kubernetes.io/tolerate-unready-endpoints"

Outcome = Decoded | tuple[str, str, str, str, str]
"""What a Service says, or the fields of its ``BadObject``: two of these are never equal."""


def typed(document: object) -> ApiService:
    """Return a Service as it comes from the decoder."""
    return msgspec.json.decode(octets(document), type=ApiService)


def outcome(found: Decoded | BadObject) -> Outcome:
    """Return what can be compared."""
    if isinstance(found, Decoded):
        return found
    return (found.kind, found.reason, found.key, found.detail, found.version)


def alone(document: object) -> Outcome:
    """Return what a Service says when it is read alone."""
    try:
        return decode(Resource.SERVICES, octets(document))
    except BadObject as bad:
        return outcome(bad)


def with_spec(**fields: Any) -> Json:
    """Return a plain Service with other fields in its specification."""
    return PLAIN | {"spec": {**PLAIN["spec"], **fields}}


def with_meta(**fields: Any) -> Json:
    """Return a plain Service with other metadata."""
    return PLAIN | {"metadata": {**PLAIN["metadata"], **fields}}


def test_plain_services_are_read_at_once() -> None:
    """The property below would hold if all were declined."""
    web, db = read_plain([typed(PLAIN), typed(HEADLESS)])

    assert web == Decoded(
        Key("shop", "web"),
        "7",
        Service(
            Key("shop", "web"),
            ServiceKind.CLUSTER_IP,
            cluster_ips=(address("10.96.0.7"),),
            ports=(
                ServicePort(Port("https", "tcp", 443), 443),
                ServicePort(Port("dns", "udp", 53), 53),
            ),
            selector=(("app", "web"), ("tier", "front")),
        ),
    )
    assert db == Decoded(
        Key("shop", "db"), "", Service(Key("shop", "db"), ServiceKind.HEADLESS, families=(16, 4))
    )


@pytest.mark.parametrize(
    "document",
    [
        HEADLESS,
        PLAIN | {"kind": "Service"},
        with_spec(clusterIPs=None),
        with_spec(clusterIPs=[]),
        with_spec(clusterIP="None"),
        with_spec(type=None),
        with_spec(ports=None, selector=None),
        with_spec(ports=[], selector={}),
        with_spec(selector={"app": None}),
        with_spec(publishNotReadyAddresses=True),
        with_spec(ipFamilies=["IPv4"]),
        with_meta(annotations={TOLERATE: "true"}),
        with_meta(annotations={TOLERATE: "false"}),
        with_meta(name="x" * 63, namespace="Shop", resourceVersion=None),
    ],
)
def test_plain_services_say_what_each_says_alone(document: Json) -> None:
    """Each of these is plain, with other Services around it."""
    documents = [PLAIN, document, HEADLESS]

    assert read_plain([typed(each) for each in documents]) == [alone(each) for each in documents]


@pytest.mark.parametrize(
    "document",
    [
        PLAIN | {"spec": None},
        with_meta(namespace=None),
        with_meta(namespace="a_b"),
        with_spec(type="ExternalName", externalName="example.com"),
        with_spec(clusterIP=None, clusterIPs=None),
        with_spec(clusterIP=None),
        with_spec(clusterIP="", clusterIPs=["None"]),
        with_spec(clusterIP="fd00::7", clusterIPs=["fd00::7"]),
        with_spec(clusterIPs=["10.96.0.7", "fd00::7"]),
        with_spec(clusterIPs=["10.96.0.7", "10.96.0.7"]),
        with_spec(clusterIPs=["10.96.0.8"]),
        with_spec(clusterIPs=["None"]),
        with_spec(clusterIPs=[None]),
        with_spec(ports=[{"name": "a.b", "port": 80}]),
        with_spec(ports=[{"port": 80, "protocol": "QUIC"}]),
        with_spec(ports=[{"port": 80, "targetPort": True}]),
        with_spec(ports=[{"port": 80, "targetPort": {"x": 1}}]),
        with_spec(ports=[{"port": 80}, None]),
    ],
)
def test_a_service_that_is_odd_is_left_to_the_reader_of_one(document: Json) -> None:
    """It alone knows what to leave out, and what to say of it; the others are read all the same."""
    found = read_plain([typed(PLAIN), typed(document), typed(HEADLESS)])

    assert found == [alone(PLAIN), None, alone(HEADLESS)]


@pytest.mark.parametrize(
    "document",
    [
        PLAIN | {"metadata": None},
        PLAIN | {"kind": "Pod"},
        with_meta(name=None),
        with_meta(name="Web"),
        with_meta(name="a.b"),
        with_meta(name="b\u00fccher"),
        with_meta(name="x" * 64),
        with_spec(clusterIP="10.96.0.300"),
        with_spec(clusterIP="10.96.0.07"),
        with_spec(clusterIP="169.254.20.10"),
        with_spec(clusterIP="::ffff:10.96.0.7"),
    ],
)
def test_what_is_looked_at_together_leaves_all_to_the_reader_of_one(document: Json) -> None:
    """Names, kinds and cluster IPs."""
    assert read_plain([typed(PLAIN), typed(document)]) == [None, None]


def one_of(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Json]:
    """Return one of some fields: of what is odd in two ways, one may hide the other."""
    return st.one_of([st.fixed_dictionaries({name: odd}) for name, odd in fields.items()])


USUAL_IP = st.sampled_from(["10.96.0.7", "10.96.0.8", "None"])
ODD_IP = st.sampled_from([None, "", "fd00::7", "fd00:0::7", "169.254.1.1", "10.0.0.256", "x"])
SELECTOR = st.dictionaries(
    st.sampled_from(["app", "tier", ""]), st.sampled_from(["web", "", None]), max_size=2
)
USUAL_PORT = st.fixed_dictionaries(
    {"port": st.sampled_from([80, 443])},
    optional={
        "name": st.sampled_from(["http", "https"]),
        "protocol": st.sampled_from(["TCP", "UDP"]),
        "targetPort": st.sampled_from([1, 8080, "web"]),
    },
)
USUAL = st.builds(
    lambda meta, addresses, spec: {"metadata": meta, "spec": {**addresses, **spec}},
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["web", "db", "x" * 63]),
            "namespace": st.sampled_from(["shop", "Shop", "default"]),
        },
        optional={
            "resourceVersion": st.just("7"),
            "annotations": st.sampled_from([{}, {TOLERATE: "true"}]),
        },
    ),
    USUAL_IP.map(lambda at: {"clusterIP": at, "clusterIPs": [at]}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["ClusterIP", "NodePort"])},
        optional={
            "ports": st.lists(USUAL_PORT, max_size=2),
            "selector": SELECTOR,
            "publishNotReadyAddresses": st.booleans(),
            "ipFamilies": st.sampled_from([["IPv4"], ["IPv4", "IPv6"]]),
        },
    ),
)
ODD_PORT = one_of(
    {
        "name": st.sampled_from([None, "", "HTTP", "a.b", "x" * 63, "\u212a"]),
        "protocol": st.sampled_from([None, "", "udp", "QUIC"]),
        "port": st.sampled_from([None, 0, -1, 65536]),
        "targetPort": st.sampled_from([None, "", 0, True, False, 1.0, 1.5, [], {}]),
    }
).map(lambda odd: {"port": 80, **odd})
ODD_SPEC = {
    "type": st.sampled_from([None, "", "ExternalName", "Odd"]),
    "clusterIP": USUAL_IP | ODD_IP,
    "clusterIPs": st.none() | st.lists(USUAL_IP | ODD_IP, max_size=2),
    "ports": st.none() | st.lists(st.none() | ODD_PORT, max_size=2),
    "externalName": st.sampled_from([None, "", "example.com", "192.0.2.7.", "a..b"]),
    "publishNotReadyAddresses": st.none(),
    "selector": st.none(),
    "ipFamilies": st.none() | st.lists(st.sampled_from(["IPv4", "IPv6", "IPv5", None])),
}
ODD_META = {
    "name": st.sampled_from([None, "", "Web", "a_b", "a.b", "-a", "a-", "x" * 64, "b\u00fccher"]),
    "namespace": st.sampled_from([None, "", "a_b", "x" * 64, "\u212a"]),
    "resourceVersion": st.sampled_from([None, ""]),
    "annotations": st.sampled_from([None, {TOLERATE: "True"}, {TOLERATE: None}]),
}
ODD = {
    "kind": st.sampled_from([None, "", "Service", "Pod"]),
    "metadata": st.none(),
    "spec": st.none(),
}


def changed(part: str, fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Json]:
    """Return usual Services with an odd field in one part."""
    return st.builds(
        lambda usual, odd: {**usual, part: {**usual[part], **odd}}, USUAL, one_of(fields)
    )


CHANGED = (
    changed("spec", ODD_SPEC)
    | changed("metadata", ODD_META)
    | st.builds(lambda usual, odd: {**usual, **odd}, USUAL, one_of(ODD))
)
STRANGE = st.builds(
    lambda usual, odd: {**usual, "spec": odd},
    USUAL,
    st.fixed_dictionaries({}, optional=ODD_SPEC),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(USUAL, max_size=2), CHANGED | STRANGE, st.lists(USUAL | CHANGED, max_size=1))
def test_services_read_together_are_those_read_one_by_one(
    before: list[Json], odd: Json, after: list[Json]
) -> None:
    """The fast way may decline, and never disagree in what is served, left out or complained of."""
    documents = [*before, odd, *after]
    apis = [typed(each) for each in documents]
    expected = [alone(each) for each in documents]

    assert [outcome(each) for each in read_all(Resource.SERVICES, apis)] == expected
    for found, one in zip(read_plain(apis), expected, strict=True):
        assert found is None or found == one
