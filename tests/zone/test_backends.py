"""The endpoints of a service one by one, and their labels."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.parts import parts_of
from kubedns_py.dns.name import MAX_NAME, from_text, wire_length
from kubedns_py.zone.backends import addresses_by_label, backends, has_room
from kubedns_py.zone.naming import Naming
from tests.helpers.objects import a_subset, address

PARTS = parts_of(
    [a_subset(["10.1.0.1 hostname=a", "10.1.0.2 pod=p-1"]), a_subset(["fd00::1 hostname=a"])], "all"
)
OWNER = from_text("db.shop.svc.d")
ONE, TWO, SIX = address("10.1.0.1"), address("10.1.0.2"), address("fd00::1")


def test_endpoints_stand_in_the_order_of_their_parts() -> None:
    """HDL-5."""
    assert [(each.endpoint.hostname, each.address) for each in backends(PARTS)] == [
        ("a", ONE),
        ("", TWO),
        ("a", SIX),
    ]


def test_the_addresses_of_a_label_are_those_of_all_endpoints_that_have_it() -> None:
    """HDL-8, HDL-11: aliases are for endpoints without a hostname."""
    naming = Naming(from_text("d"), 30, pod_names=True)

    found = addresses_by_label(PARTS, naming, OWNER)

    assert found == {b"a": [ONE, SIX], b"p-1": [TWO], b"10-1-0-2": [TWO]}


@pytest.mark.parametrize("room", [1, 2, 9])
def test_a_name_that_would_be_too_long_is_left_out(room: int) -> None:
    """BAD-2."""
    filler = MAX_NAME - wire_length(OWNER) - room
    owner = (*[b"x" * 62] * (filler // 63), b"x" * (filler % 63 - 1), *OWNER)
    assert wire_length(owner) == MAX_NAME - room

    found = addresses_by_label(PARTS, Naming(from_text("d"), 30), owner)

    kept = {b"a": [ONE, SIX], b"10-1-0-2": [TWO]}
    assert found == {label: at for label, at in kept.items() if 1 + len(label) <= room}
    assert [has_room(label, owner) for label in kept] == [label in found for label in kept]
