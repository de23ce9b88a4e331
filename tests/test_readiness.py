"""What the first sync misses, and how old the data is."""

from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.status import ResourceStatus
from kubedns_py.readiness import age_s, known, lists_many, missing
from kubedns_py.resolver.view import Known

FORBIDDEN = "list endpointslices.discovery.k8s.io is forbidden (403)"


def statuses(
    *, services: bool, slices: bool, refused: str | None = None, last_error: str = ""
) -> dict[Resource, ResourceStatus]:
    """Return the statuses of two resources, synced or not."""
    return {
        Resource.SERVICES: ResourceStatus(Resource.SERVICES, synced=services),
        Resource.ENDPOINTSLICES: ResourceStatus(
            Resource.ENDPOINTSLICES, synced=slices, refused=refused, last_error=last_error
        ),
    }


def test_everything_is_known_after_the_first_complete_lists() -> None:
    """T-60: and a refusal later does not take it back (F-12)."""
    assert known(statuses(services=True, slices=True), Known.NOTHING) is Known.ALL
    assert (
        known(statuses(services=True, slices=True, refused=FORBIDDEN), Known.NOTHING) is Known.ALL
    )


def test_late_endpoints_are_waited_for() -> None:
    """T-60: SERVFAIL until they are there."""
    assert known(statuses(services=True, slices=False), Known.NOTHING) is Known.NOTHING


def test_services_and_endpoints_are_taken_over_once_namespaces_are_there() -> None:
    """T-60: they come by thousands, and which of them are shown may depend on their namespaces."""
    assert lists_many(statuses(services=True, slices=False))
    assert lists_many(statuses(services=False, slices=False))
    assert not lists_many(statuses(services=True, slices=True))
    assert not lists_many({Resource.NAMESPACES: ResourceStatus(Resource.NAMESPACES)})


def test_refused_endpoints_do_not_hold_back_the_services() -> None:
    """F-12, F-15: they will not come by waiting."""
    assert known(statuses(services=True, slices=False, refused=FORBIDDEN), Known.NOTHING) is (
        Known.WITHOUT_ENDPOINTS
    )


def test_services_stay_known_while_endpoints_are_listed_that_were_refused() -> None:
    """F-12: rights are given at last; the list of 100,000 endpoints takes its time."""
    listing = statuses(services=True, slices=False)

    assert known(listing, Known.WITHOUT_ENDPOINTS) is Known.WITHOUT_ENDPOINTS
    assert known(statuses(services=True, slices=True), Known.WITHOUT_ENDPOINTS) is Known.ALL


def test_refused_endpoints_alone_do_not_make_services_known() -> None:
    """F-12: the services must have been synced themselves."""
    assert (
        known(statuses(services=False, slices=False, refused=FORBIDDEN), Known.NOTHING)
        is Known.NOTHING
    )


def test_each_missing_resource_is_a_line_with_its_reason() -> None:
    """F-01, F-12: what the readiness page says."""
    assert missing(statuses(services=False, slices=False, last_error="connection refused")) == [
        "services: not synced yet",
        "endpointslices: not synced yet: connection refused",
    ]
    assert missing(statuses(services=True, slices=False, refused=FORBIDDEN)) == [
        f"endpointslices: not synced yet: {FORBIDDEN}"
    ]
    assert missing(statuses(services=True, slices=True)) == []


def test_the_data_is_as_old_as_the_resource_heard_longest_ago() -> None:
    """T-61: one silent watch is enough."""
    found = statuses(services=True, slices=True)
    found[Resource.SERVICES].last_contact = 100.0
    found[Resource.ENDPOINTSLICES].last_contact = 40.0

    assert age_s(found, 105.0) == 65.0


def test_data_that_was_never_there_is_not_old() -> None:
    """T-61: before the first sync T-60 answers."""
    assert age_s(statuses(services=False, slices=False), 105.0) == 0.0
