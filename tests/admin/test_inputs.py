"""The Protocols fit what the program really has."""

from kubedns_py.admin.inputs import Counts, ResourceStatus
from kubedns_py.cluster import status
from kubedns_py.cluster.resources import Resource
from kubedns_py.server.tally import Tally
from tests.admin.numbers import FakeStatus


def test_a_tallys_snapshot_is_what_the_metrics_are_made_from() -> None:
    """The types are for mypy to check; this checks that the attributes are there."""
    counts: Counts = Tally().snapshot()

    for name in vars(Counts):
        if not name.startswith("_"):
            getattr(counts, name)


def test_the_reflectors_status_is_what_the_metrics_are_made_from() -> None:
    """House rule 11: the fake and the real thing fit the same Protocol."""
    statuses: list[ResourceStatus] = [status.ResourceStatus(Resource.PODS), FakeStatus()]

    for each in statuses:
        for name in vars(ResourceStatus):
            if not name.startswith("_"):
                getattr(each, name)
