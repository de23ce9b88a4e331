"""Objects as octets, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Endpoints, Key, Object, Resource
from kubedns_py.cluster.packed import Packed, pack, subsets_in, unpack, unpack_endpoints
from kubedns_py.cluster.parts import CHOICES, Choice, parts_of
from tests.cluster.test_replacement import WHOLE
from tests.helpers.objects import a_service, a_subset, address, an_endpoints


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


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        (["10.1.0.1", "10.1.0.2"], ["10.1.0.1", "10.1.0.2"]),
        (["fd00::1"], ["fd00::1"]),
        (["10.1.0.1", "10.1.0.1"], None),
        (["10.1.0.1", "10.1.0.2 not-ready"], None),
        (["10.1.0.1 hostname=web-0", "10.1.0.2"], None),
        (["10.1.0.1,10.1.0.2"], None),
    ],
)
def test_endpoints_that_only_addresses_tell_apart_are_known_by_these(
    endpoints: list[str], expected: list[str] | None
) -> None:
    """Ready, without hostnames, one address each: whatever is published, it is these."""
    alike = pack(an_endpoints("web.shop", endpoints)).alike

    assert alike == (None if expected is None else tuple(map(address, expected)))


def test_endpoints_at_different_ports_are_not_alike() -> None:
    """v1 Endpoints may have subsets; each is a part of its own."""
    item = an_endpoints("web.shop", ["10.1.0.1"])
    subsets = (*item.subsets, a_subset(["10.1.0.2"], ["http:80/tcp"]))

    assert pack(Endpoints(item.key, item.service, subsets)).alike is None


_ENDPOINT = st.builds(
    "{}{}{}".format,
    st.sampled_from(["10.1.0.1", "10.1.0.2", "10.1.0.3", "fd00::1", "10.1.0.1,10.1.0.2"]),
    st.sampled_from(["", "", " hostname=web-0"]),
    st.sampled_from(["", "", " not-ready", " serving"]),
)


@given(st.lists(_ENDPOINT, min_size=1, max_size=4), st.sampled_from(CHOICES))
def test_addresses_that_tell_endpoints_apart_are_all_that_is_published(
    endpoints: list[str], choice: Choice
) -> None:
    """A fast way may decline, and never disagree with the parts."""
    packed = pack(an_endpoints("web.shop", endpoints))
    (part,) = parts_of(subsets_in(packed), choice)

    if packed.alike and choice != "serving":  # which nobody asks for beside those that are ready
        assert packed.alike == part.addresses
        assert len(part.endpoints) == packed.endpoints
        assert not part.by_hostname
