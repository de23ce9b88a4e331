"""Objects as octets, and back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Endpoints, Key, Object, Subset
from kubedns_py.cluster.packed import Packed, pack, subsets_in, unpack, unpack_endpoints
from kubedns_py.cluster.parts import CHOICES, Choice, parts_of
from kubedns_py.cluster.resources import Resource
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
        (["10.1.0.1 hostname=web-0", "10.1.0.2"], ["10.1.0.1", "10.1.0.2"]),
        ([], None),
        (["10.1.0.1", "10.1.0.1"], None),
        (["10.1.0.1", "10.1.0.2 not-ready"], None),
        (["10.1.0.1,10.1.0.2"], None),
    ],
)
def test_plain_endpoints_are_known_by_their_addresses(
    endpoints: list[str], expected: list[str] | None
) -> None:
    """Ready, one address each: whatever is published, it is these."""
    item = an_endpoints("web.shop", endpoints)
    packed = pack(item)

    assert packed.addresses == (None if expected is None else tuple(map(address, expected)))
    assert packed.are_named == ("hostname" in " ".join(endpoints))
    assert subsets_in(packed) == item.subsets


def test_endpoints_at_different_ports_are_not_plain() -> None:
    """v1 Endpoints may have subsets; each is a part of its own."""
    item = an_endpoints("web.shop", ["10.1.0.1"])
    subsets = (*item.subsets, a_subset(["10.1.0.2"], ["http:80/tcp"]))

    assert pack(Endpoints(item.key, item.service, subsets)).addresses is None


def test_an_endpoint_that_is_ready_and_terminating_is_not_plain() -> None:
    """No slice says so (EndpointSlice API); what is packed comes back all the same."""
    item = an_endpoints("web.shop", ["10.1.0.1"])
    (subset,) = item.subsets
    odd = msgspec.structs.replace(subset.endpoints[0], serving=True)
    subsets = (Subset((odd,), subset.ports),)

    packed = pack(Endpoints(item.key, item.service, subsets))

    assert packed.addresses is None
    assert subsets_in(packed) == subsets


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (an_endpoints("web.shop", ["10.1.0.1"], name="b", changed_at=2.5), True),
        (an_endpoints("web.shop", ["10.1.0.2"]), False),
        (an_endpoints("db.shop", ["10.1.0.1"]), False),
        (an_endpoints("web.shop", ["10.1.0.1 hostname=a"]), False),
        (an_endpoints("web.shop", ["10.1.0.1 not-ready"]), False),
    ],
)
def test_endpoints_say_the_same_whenever_they_changed(other: Endpoints, *, same: bool) -> None:
    """No answer depends on the trigger time."""
    packed = pack(an_endpoints("web.shop", ["10.1.0.1"], changed_at=1.5))

    assert packed.says(pack(other)) == same


_ENDPOINT = st.builds(
    "{}{}{}".format,
    st.sampled_from(["10.1.0.1", "10.1.0.2", "10.1.0.3", "fd00::1", "10.1.0.1,10.1.0.2"]),
    st.sampled_from(["", "", " hostname=web-0"]),
    st.sampled_from(["", "", " not-ready", " serving"]),
)


@given(st.lists(_ENDPOINT, min_size=1, max_size=4), st.sampled_from(CHOICES))
def test_addresses_of_plain_endpoints_are_all_that_is_published(
    endpoints: list[str], choice: Choice
) -> None:
    """A fast way may decline, and never disagree with the parts."""
    packed = pack(an_endpoints("web.shop", endpoints))
    (part,) = parts_of(subsets_in(packed), choice)

    if packed.addresses and choice != "serving":  # which nobody asks for beside those ready
        assert packed.addresses == part.addresses
        assert len(part.endpoints) == packed.endpoints
        assert bool(part.by_hostname) == packed.are_named
