"""Objects as octets, and back."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.objects import Endpoints, Key, Object, Resource
from kubedns_py.cluster.packed import Packed, pack, subsets_in, unpack, unpack_endpoints
from tests.cluster.test_replacement import WHOLE
from tests.helpers.objects import a_service, an_endpoints


@pytest.mark.parametrize("resource", list(WHOLE))
def test_an_object_comes_back_with_every_field(resource: Resource) -> None:
    """What is lost here is lost for good: an answer would lack it."""
    item = WHOLE[resource]
    packed = pack(item)

    back: Object
    if isinstance(item, Endpoints):
        back = unpack_endpoints(item.key, packed)
    else:
        back = unpack(resource, packed)
    assert back == item
    assert pack(back) == packed


def test_endpoints_are_counted_and_owned_without_unpacking() -> None:
    """The store ties them to their Service, and portions of work are counted in them."""
    item = an_endpoints("web.shop", ["10.1.0.1", "10.1.0.2"], name="web-1", changed_at=1.5)

    packed = pack(item)

    assert (packed.owner, packed.endpoints, packed.changed_at) == (Key("shop", "web"), 2, 1.5)
    assert subsets_in(packed) == item.subsets
    assert packed.octets == pack(an_endpoints("a.b", ["10.1.0.1", "10.1.0.2"])).octets


def test_other_objects_own_themselves() -> None:
    """Each is about its own answers."""
    packed = pack(a_service("web.shop"))

    assert packed == Packed(Key("shop", "web"), packed.octets)
    assert packed != pack(a_service("web.shop", cluster_ips=["10.96.0.1"]))
