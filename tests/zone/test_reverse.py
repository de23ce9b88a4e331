"""Which services hold an address, and which of their names it points at (PTR-6, PTR-7)."""

from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.zone.reverse import MOST_POINTERS, Reverse, chosen_targets
from kubedns_py.zone.tree import Pointer, PointerKind
from tests.helpers.objects import address

WEB, DB, APP = Key("shop", "web"), Key("shop", "db"), Key("app", "web")
ONE, TWO, SIX = address("10.1.0.1"), address("10.1.0.2"), address("fd00::1")


def test_an_address_is_held_by_the_services_that_have_it_in_the_order_of_names() -> None:
    """PTR-6."""
    reverse = Reverse()
    reverse.replace(WEB, [ONE, TWO])
    reverse.replace(DB, [ONE])
    reverse.replace(APP, [ONE])

    assert reverse.services(ONE) == (APP, DB, WEB)
    assert reverse.services(TWO) == (WEB,)
    assert reverse.services(SIX) == ()


def test_a_services_addresses_are_replaced_as_a_whole() -> None:
    """LIF-4, CIP-6: what it no longer has is gone, of either family."""
    reverse = Reverse()
    reverse.replace(WEB, [ONE, SIX])

    reverse.replace(WEB, [TWO])

    assert reverse.services(ONE) == ()
    assert reverse.services(SIX) == ()
    assert reverse.services(TWO) == (WEB,)


def test_one_service_leaves_an_address_to_the_others() -> None:
    """PTR-6: in kube-dns they delete each other's pointer."""
    reverse = Reverse()
    for key in (WEB, DB, APP):
        reverse.replace(key, [ONE])

    reverse.remove(DB)
    assert reverse.services(ONE) == (APP, WEB)
    reverse.replace(APP, [TWO])
    assert reverse.services(ONE) == (WEB,)
    reverse.remove(WEB)
    assert reverse.services(ONE) == ()


def test_repeated_addresses_and_repeated_events_count_once() -> None:
    """ENV-11, F-18."""
    reverse = Reverse()
    reverse.replace(WEB, [ONE, ONE, TWO])
    reverse.replace(WEB, [ONE, TWO])
    assert reverse.services(ONE) == (WEB,)

    reverse.replace(WEB, [TWO, ONE])
    reverse.remove(WEB)
    reverse.remove(WEB)

    assert reverse.services(ONE) == ()
    assert reverse.services(TWO) == ()


def pointers(*texts: str) -> list[Pointer]:
    """Return pointers written ``KIND target``."""
    return [
        Pointer(PointerKind[kind], from_text(target))
        for kind, target in (text.split() for text in texts)
    ]


FOUR = pointers(
    "ADDRESS 10-1-0-1.a.shop",
    "HOSTNAME z.web.shop",
    "SERVICE web.shop",
    "HEADLESS_HOSTNAME z.db.shop",
)


@pytest.mark.parametrize(
    ("policy", "targets"),
    [
        ("all", ["z.db.shop.", "10-1-0-1.a.shop.", "web.shop.", "z.web.shop."]),
        ("hostname", ["z.db.shop.", "web.shop.", "z.web.shop."]),
        ("first", ["z.db.shop."]),
    ],
)
def test_hostnames_of_headless_services_come_first_then_names(
    policy: Literal["all", "hostname", "first"], targets: list[str]
) -> None:
    """PTR-6, PTR-7: ``--ptr``."""
    assert [to_text(each) for each in chosen_targets(FOUR, policy)] == targets
    assert chosen_targets(FOUR[::-1], policy) == chosen_targets(FOUR, policy)


def test_an_address_without_a_hostname_may_have_no_pointer_at_all() -> None:
    """PTR-7: ``--ptr hostname``."""
    assert chosen_targets(FOUR[:1], "hostname") == ()
    assert chosen_targets([], "first") == ()


def test_a_target_is_given_once() -> None:
    """ENV-11."""
    twice = pointers("HOSTNAME a.web.shop", "ADDRESS a.web.shop")

    assert chosen_targets(twice, "all") == (from_text("a.web.shop"),)


def test_an_address_in_many_services_has_its_first_names_only() -> None:
    """PTR-6: eight."""
    many = pointers(*(f"ADDRESS {n}.web.shop" for n in range(9, -1, -1)))

    targets = chosen_targets(many, "all")

    assert MOST_POINTERS == 8
    assert [to_text(each) for each in targets] == [f"{n}.web.shop." for n in range(8)]


def test_the_addresses_that_are_new_to_a_service_are_told() -> None:
    """What was asked about them before may be answered otherwise now."""
    reverse = Reverse()

    assert list(reverse.replace(WEB, [ONE, TWO])) == [ONE, TWO]
    assert list(reverse.replace(WEB, [ONE, TWO])) == []
    assert list(reverse.replace(WEB, [TWO, SIX])) == [SIX]
    assert list(reverse.replace(DB, [TWO])) == [TWO]
    assert list(reverse.replace(WEB, [])) == []


@settings(max_examples=50)
@given(
    st.lists(st.integers(0, 2000), unique=True, max_size=1500),
    st.lists(st.integers(0, 2000), unique=True, max_size=1500),
    st.integers(0, 1500),
)
def test_a_difference_does_not_depend_on_what_is_alike(
    one: list[int], other: list[int], alike: int
) -> None:
    """LIF-4: long beginnings are passed over, and nothing else."""
    old = tuple(Address(each.to_bytes(4, "big")) for each in one)
    first = dict.fromkeys(old[:alike])
    rest = [Address(each.to_bytes(4, "big")) for each in other]
    new = (*first, *(each for each in rest if each not in first))
    reverse = Reverse()
    reverse.replace(WEB, old)

    assert set(reverse.replace(WEB, new)) == set(new) - set(old)
    assert all(reverse.services(each) == (WEB,) for each in new)
    assert not any(reverse.services(each) for each in set(old) - set(new))
