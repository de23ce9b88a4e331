"""Objects as they come in, counted and complained about."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.cluster.decode import Decoded
from kubedns_py.cluster.intake import Complaints, Intake, key_of
from kubedns_py.cluster.listing import PORTION_OCTETS
from kubedns_py.cluster.objects import Key, Pod
from kubedns_py.cluster.reading import USUAL, Wanted
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.status import ResourceStatus
from kubedns_py.errors import BadObject
from tests.helpers.builders import a_pod_json, a_service_json, a_slice_json, octets
from tests.helpers.work import lines_run


def an_intake(resource: Resource, wanted: Wanted = USUAL) -> tuple[Intake, Complaints]:
    """Return an intake of a resource, and its complaints."""
    complaints = Complaints()
    status = ResourceStatus(resource)
    return Intake(status, complaints, wanted), complaints


def test_a_deleted_object_need_not_be_whole() -> None:
    """LIF-10: its name is enough."""
    intake, complaints = an_intake(Resource.PODS)

    found = intake.read(b'{"metadata":{"name":"a","namespace":"b"},"status":7}', deleted=True)

    assert found == Decoded(Key("b", "a"), "", None)
    assert complaints.take() == []


def test_labels_of_pods_are_kept_where_endpoints_are_made_from_them() -> None:
    """They are the input of endpoints_from_pods."""
    raw = octets(a_pod_json("a.b", meta={"labels": {"x": "y"}}))
    for whole, expected in ((False, ()), (True, (("x", "y"),))):
        wanted = Wanted(pod_specifications=whole)
        found = an_intake(Resource.PODS, wanted)[0].read(raw, deleted=False)

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


def test_few_complaints_are_said_at_a_time() -> None:
    """F-17: a list in which everything is bad does not flood the log; each is said once."""
    complaints = Complaints()
    for _ in range(2):
        for n in range(22):
            complaints.add("Pod", f"b/a-{n}", "bad")

    assert complaints.take() == [*(f"Pod b/a-{n}: bad" for n in range(20)), "and 2 more objects"]


def test_a_key_is_known_as_far_as_it_could_be_read() -> None:
    """F-17: an object without a name keeps nothing."""
    assert key_of(Decoded(Key("b", "a"), "", None)) == Key("b", "a")
    assert key_of(BadObject("Pod", "type", key="b/a")) == Key("b", "a")
    assert key_of(BadObject("Pod", "no-namespace", key="a")) is None
    assert key_of(BadObject("Pod", "no-name")) is None
    assert key_of(BadObject("Namespace", "type", key="a")) == Key("", "a")


_ITEMS: list[object] = [
    a_slice_json("a-1.b", endpoints=["10.1.0.1", "10.1.0.2"], version="7"),
    a_slice_json("a-2.b", endpoints=["fd00::1", "nonsense"]),
    a_slice_json("a_3.B_", endpoints=["10.1.0.1"]),
    a_slice_json("a-4.b") | {"metadata": {"name": "a-4", "namespace": "b", "labels": None}},
    a_slice_json("a-5.b") | {"metadata": {"name": "a-5", "namespace": "b", "labels": 7}},
    a_service_json("a.b"),
    {"metadata": 7},
    7,
]


@given(st.lists(st.sampled_from(_ITEMS), max_size=6), st.booleans())
def test_objects_read_together_are_those_read_one_by_one(items: list[object], cut: bool) -> None:  # noqa: FBT001 - drawn
    """F-17: a fast way may decline, and never disagree, in what it counts and says either."""
    raws = [octets(each) for each in items]
    one_by_one, said = an_intake(Resource.ENDPOINTSLICES)
    expected = [one_by_one.read(each, deleted=False) for each in raws]
    together, also_said = an_intake(Resource.ENDPOINTSLICES)

    if cut:
        found = together.read_portion(b"[" + b",".join(raws) + b"]")
    else:
        portions = together.read_items([msgspec.Raw(each) for each in raws])
        found = [each for portion in portions for each in portion]

    assert found is not None
    assert list(map(_told, found)) == list(map(_told, expected))
    assert also_said.take() == said.take()


def _told(found: Decoded | BadObject) -> object:
    """Return what can be compared of an error."""
    return found if isinstance(found, Decoded) else (found.reason, found.key, found.version)


def test_good_objects_are_read_together() -> None:
    """The test before this one would pass if all were declined."""
    intake, _ = an_intake(Resource.ENDPOINTSLICES)
    good = octets(_ITEMS[0])

    def together() -> object:
        return intake.read_portion(b"[" + b",".join([good] * 50) + b"]")

    def one_by_one() -> object:
        return [intake.read(good, deleted=False) for _ in range(50)]

    assert lines_run(together) < lines_run(one_by_one) - 5 * 50


def test_what_is_no_array_is_no_portion() -> None:
    """A cut in the middle of an object is seen, whatever stands beside it."""
    intake, complaints = an_intake(Resource.ENDPOINTSLICES)
    raw = octets(_ITEMS[0])

    assert intake.read_portion(b"[" + raw + b"]") == [intake.read(raw, deleted=False)]
    for broken in (raw[:-1], raw + b"," + raw[:-9], raw + b"}", raw + b",", b'"\xff'):
        assert intake.read_portion(b"[" + broken + b"]") is None
    assert complaints.take() == []


def test_a_list_is_read_in_portions() -> None:
    """F-06: one or two milliseconds of work each."""
    intake, _ = an_intake(Resource.ENDPOINTSLICES)
    raw = msgspec.Raw(octets(_ITEMS[0]))
    each = PORTION_OCTETS // memoryview(raw).nbytes + 1

    assert [len(portion) for portion in intake.read_items([raw] * (2 * each))] == [each, each]
    assert list(intake.read_items([])) == []
