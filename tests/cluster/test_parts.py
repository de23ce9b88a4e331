"""What one slice gives its Service to publish."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.parts import CHOICES, Part, parts_of
from tests.helpers.objects import a_subset, address, an_endpoint

ONE, TWO, SIX = address("10.1.0.1"), address("10.1.0.2"), address("fd00::1")


def a_part(*endpoints: str) -> Part:
    """Return the part of endpoints, ready or not."""
    (part,) = parts_of([a_subset(endpoints, ["http:80/tcp"])], "all")
    return part


def test_endpoints_are_chosen_by_what_they_say_of_themselves() -> None:
    """HDL-12, HDL-18: ready ones, all of them, or those that still serve."""
    subset = a_subset(["10.1.0.1", "10.1.0.2 not-ready", "fd00::1 serving"], ["http:80/tcp"])
    empty = a_subset([])
    chosen = {choice: parts_of([subset, empty], choice) for choice in CHOICES}

    assert {choice: parts[0].addresses for choice, parts in chosen.items()} == {
        "all": (ONE, TWO, SIX),
        "ready": (ONE,),
        "serving": (SIX,),
    }
    assert all(parts[0].ports == subset.ports for parts in chosen.values())
    assert all(parts[1].addresses == () for parts in chosen.values())


def test_an_address_that_is_given_twice_counts_once() -> None:
    """ENV-11."""
    part = a_part("10.1.0.2", "10.1.0.1", "10.1.0.2 hostname=a")

    assert part.addresses == (TWO, ONE)
    assert len(part.endpoints) == 3


@pytest.mark.parametrize(
    ("endpoints", "size"),
    [(["10.1.0.1", "10.1.0.2"], 4), (["fd00::1"], 16), (["10.1.0.1", "fd00::1"], 0), ([], 0)],
    ids=["IPv4", "IPv6", "both", "none"],
)
def test_the_family_of_a_slice_is_known_by_the_size_of_its_addresses(
    endpoints: list[str], size: int
) -> None:
    """HDL-5: a subset of v1 Endpoints may have both."""
    part = a_part(*endpoints)

    assert part.size_octets == size
    assert part.size_octets == size


def test_endpoints_are_found_by_hostname_and_by_address() -> None:
    """HDL-8: several may share either."""
    part = a_part("10.1.0.1 hostname=a", "10.1.0.2", "fd00::1 hostname=a", "10.1.0.1 pod=p")

    assert part.by_hostname == {"a": (ONE, SIX)}
    assert part.by_address == {
        ONE: (an_endpoint("10.1.0.1 hostname=a"), an_endpoint("10.1.0.1 pod=p")),
        TWO: (an_endpoint("10.1.0.2"),),
        SIX: (an_endpoint("fd00::1 hostname=a"),),
    }
    assert part.by_hostname is part.by_hostname
    assert part.by_address is part.by_address


def test_an_endpoint_is_called_by_its_hostname_or_else_by_its_address() -> None:
    """HDL-8, HDL-10: a hostname may look like the address of another."""
    part = a_part("10.1.0.2", "10.1.0.1 hostname=a", "fd00::1 hostname=10-1-0-2")

    assert list(part.called("a", None)) == [ONE]
    assert list(part.called("x", TWO)) == [TWO]
    assert list(part.called("10-1-0-2", TWO)) == [TWO, SIX]
    assert list(part.called("10-1-0-2", None)) == [SIX]
    assert list(part.called("10-1-0-1", ONE)) == []
    assert list(part.called("10-1-0-9", address("10.1.0.9"))) == []
