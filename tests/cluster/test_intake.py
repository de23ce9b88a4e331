"""Objects as they come in, counted and complained about."""

from __future__ import annotations

from kubedns_py.cluster.decode import Decoded
from kubedns_py.cluster.intake import Complaints, Intake, key_of
from kubedns_py.cluster.objects import Key, Pod, Resource
from kubedns_py.cluster.status import ResourceStatus
from kubedns_py.errors import BadObject
from tests.helpers.builders import a_pod_json, a_service_json, a_slice_json, octets


def an_intake(resource: Resource, *, for_endpoints: bool = False) -> tuple[Intake, Complaints]:
    """Return an intake of a resource, and its complaints."""
    complaints = Complaints()
    status = ResourceStatus(resource)
    return Intake(status, complaints, for_endpoints=for_endpoints), complaints


def test_a_deleted_object_need_not_be_whole() -> None:
    """LIF-10: its name is enough."""
    intake, complaints = an_intake(Resource.PODS)

    found = intake.read(b'{"metadata":{"name":"a","namespace":"b"},"status":7}', deleted=True)

    assert found == Decoded(Key("b", "a"), "", None)
    assert complaints.take() == []


def test_labels_of_pods_are_kept_where_endpoints_are_made_from_them() -> None:
    """They are the input of endpoints_from_pods."""
    raw = octets(a_pod_json("a.b", meta={"labels": {"x": "y"}}))
    for for_endpoints, expected in ((False, ()), (True, (("x", "y"),))):
        found = an_intake(Resource.PODS, for_endpoints=for_endpoints)[0].read(raw, deleted=False)

        assert isinstance(found, Decoded)
        assert isinstance(found.item, Pod)
        assert found.item.labels == expected


def test_an_object_that_is_well_again_may_be_complained_about_anew() -> None:
    """F-17: each complaint is about a state, said once."""
    intake, complaints = an_intake(Resource.ENDPOINTSLICES)
    bad = octets(a_slice_json("a-1.b", endpoints=["nonsense"]))
    good = octets(a_slice_json("a-1.b", endpoints=["10.1.0.1"]))
    for raw in (bad, bad, good, bad):
        intake.read(raw, deleted=False)

    assert complaints.take() == ["EndpointSlice b/a-1: left out: address-invalid"] * 2


def test_what_an_option_may_let_be_served_is_not_said_to_be_left_out() -> None:
    """EXT-10: said and counted with its own word."""
    intake, complaints = an_intake(Resource.SERVICES)
    document = a_service_json("a.b", type="ExternalName", externalName="192.0.2.7")
    document["spec"]["ports"] = [{"protocol": "x"}]
    intake.read(octets(document), deleted=False)

    assert complaints.take() == ["Service b/a: left out: port-protocol; external-name-address"]


def test_objects_that_are_gone_are_forgotten() -> None:
    """The memory of complaints is no larger than the cluster."""
    complaints = Complaints()
    for key in ("b/a", "b/b", "b/c"):
        complaints.add("Pod", key, "bad")
    complaints.withdraw("b/a")
    complaints.withdraw("b/a")
    complaints.keep_only({Key("b", "b")})
    complaints.take()

    for key in ("b/a", "b/b", "b/c"):
        complaints.add("Pod", key, "bad")
    assert complaints.take() == ["Pod b/a: bad", "Pod b/c: bad"]


def test_a_key_is_known_as_far_as_it_could_be_read() -> None:
    """F-17: an object without a name keeps nothing."""
    assert key_of(Decoded(Key("b", "a"), "", None)) == Key("b", "a")
    assert key_of(BadObject("Pod", "type", key="b/a")) == Key("b", "a")
    assert key_of(BadObject("Pod", "no-namespace", key="a")) is None
    assert key_of(BadObject("Pod", "no-name")) is None
    assert key_of(BadObject("Namespace", "type", key="a")) == Key("", "a")
