"""The slim objects: what is compared, and how a key reads."""

from __future__ import annotations

import gc

import pytest

from kubedns_py.cluster.objects import Key, Object
from tests.helpers.objects import a_namespace, a_pod, a_service, an_endpoint, an_endpoints


@pytest.mark.parametrize(
    ("key", "expected"), [(Key("shop", "web"), "shop/web"), (Key("", "shop"), "shop")]
)
def test_a_key_reads_as_operators_write_it(key: Key, expected: str) -> None:
    """Without a slash where there is no namespace."""
    assert str(key) == expected


def test_two_spellings_of_an_endpoint_are_equal() -> None:
    """HDL-26: two equal objects make equal records."""
    assert an_endpoint("fd00::1 hostname=a") == an_endpoint("fd00:0::0001 hostname=a")
    assert an_endpoint("fd00::1") != an_endpoint("fd00::1 serving")


@pytest.mark.parametrize(
    "item",
    [
        a_service("web.shop", cluster_ips=["10.96.0.1"], ports=["http:80/tcp"]),
        an_endpoints("web.shop", ["10.1.0.1 hostname=web-0"], ["http:80/tcp"]),
        a_namespace("shop", labels={"dns": "on"}),
        a_pod("web-0.shop", ["10.1.0.1"], labels={"app": "web"}),
    ],
    ids=["service", "endpoints", "namespace", "pod"],
)
def test_the_garbage_collector_does_not_walk_through_objects(item: Object) -> None:
    """F-06: with 100,000 of them each of its rounds would hold the loop."""
    assert not gc.is_tracked(item)
