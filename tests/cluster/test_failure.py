"""What refusals mean."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.failure import Failure, classify, remedy
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError


@pytest.mark.parametrize(
    ("status", "detail", "expected"),
    [
        (0, "https://a: Connection refused (errno 111)", Failure.NO_ANSWER),
        (401, "Unauthorized", Failure.REFUSED),
        (403, "Forbidden", Failure.REFUSED),
        (404, "", Failure.REFUSED),
        (410, "Expired", Failure.GONE),
        (422, "Invalid", Failure.BROKEN),
        (429, "", Failure.OVERLOADED),
        (500, "etcd", Failure.BROKEN),
        (503, "", Failure.OVERLOADED),
        (504, "https://a: Timeout: Too large resource version: 9, current: 5", Failure.TOO_LARGE),
        (299, "", Failure.BROKEN),
    ],
)
def test_every_status_has_a_meaning(status: int, detail: str, expected: Failure) -> None:
    """F-07 to F-12, F-15, F-23."""
    assert classify(ApiError(status, detail)) is expected


@pytest.mark.parametrize("status", [0, 401, 410, 429, 500])
def test_what_may_pass_has_no_remedy(status: int) -> None:
    """F-12: only 403 and 404 need a person."""
    assert remedy(ApiError(status, "x"), "list", Resource.SERVICES) is None


@pytest.mark.parametrize(
    "resource", [Resource.SERVICES, Resource.NAMESPACES, Resource.ENDPOINTS, Resource.PODS]
)
def test_a_server_without_the_core_group_is_no_api_server(resource: Resource) -> None:
    """F-15: such as a web server; no version of Kubernetes would help."""
    assert remedy(ApiError(404, "http://a: Not Found"), "list", resource) == (
        f"list {resource.value}: not found (404): every API server has them; is this the URL of"
        " one? It says: http://a: Not Found"
    )


def test_a_missing_discovery_group_has_another_api() -> None:
    """F-15: --endpoints-api helps with EndpointSlices only."""
    assert remedy(ApiError(404, "x"), "list", Resource.ENDPOINTSLICES) == (
        "list endpointslices.discovery.k8s.io: the API server does not serve it (404): use"
        " Kubernetes 1.21 or later or start with --endpoints-api=endpoints; the API server says: x"
    )
