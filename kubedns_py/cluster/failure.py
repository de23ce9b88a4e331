"""What a refusal of the API server means, and what a person can do about it."""

from __future__ import annotations

import enum

from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError


class Failure(enum.Enum):
    """What an ``ApiError`` means for a list or a watch."""

    GONE = "the resource version or continue token is too old: list again"
    TOO_LARGE = "the server does not know the resource version yet, or no more: list again"
    OVERLOADED = "the server asks us to wait"
    REFUSED = "we are not let in, or the resource is not served"
    NO_ANSWER = "no connection, or it broke"
    BROKEN = "anything else"


_BY_STATUS = {
    0: Failure.NO_ANSWER,
    401: Failure.REFUSED,
    403: Failure.REFUSED,
    404: Failure.REFUSED,
    410: Failure.GONE,
    429: Failure.OVERLOADED,
    503: Failure.OVERLOADED,
}
_API_GROUP = {Resource.ENDPOINTSLICES: "discovery.k8s.io"}


def classify(error: ApiError) -> Failure:
    """Return what an error means. The cause of a too large version is only told in words."""
    if "too large resource version" in error.detail.lower():
        return Failure.TOO_LARGE
    return _BY_STATUS.get(error.status, Failure.BROKEN)


def remedy(error: ApiError, verb: str, resource: Resource) -> str | None:
    """Return what is refused for good and what to do, or None if waiting may help."""
    group = _API_GROUP.get(resource)
    name = f"{resource.value}.{group}" if group else resource.value
    if error.status == 403:
        return (
            f"{verb} {name} is forbidden (403): let the service account list and watch {name}"
            f" (ClusterRole); the API server says: {error.detail}"
        )
    if error.status == 404 and group:
        return (
            f"{verb} {name}: the API server does not serve it (404): use Kubernetes 1.21 or later"
            f" or start with --endpoints-api=endpoints; the API server says: {error.detail}"
        )
    if error.status == 404:
        return (
            f"{verb} {name}: not found (404): every API server has them; is this the URL of one?"
            f" It says: {error.detail}"
        )
    return None
