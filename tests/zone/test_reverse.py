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
from tests.helpers.work import lines_run

WEB, DB, APP = Key("shop", "web"), Key("shop", "db"), Key("app", "web")
ONE, TWO, SIX = address("10.1.0.1"), address("10.1.0.2"), address("fd00::1")


def test_an_address_is_held_by_the_services_that_have_it_in_the_order_of_names() -> None:
    """PTR-6."""
    reverse = Reverse()
    reverse.replace(WEB, ((ONE, TWO),))
    reverse.replace(DB, ((ONE,),))
    reverse.replace(APP, ((ONE,),))

    assert reverse.services(ONE) == (APP, DB, WEB)
    assert reverse.services(TWO) == (WEB,)
    assert reverse.services(SIX) == ()


def test_a_services_addresses_are_replaced_as_a_whole() -> None:
    """LIF-4, CIP-6: what it no longer has is gone, of either family."""
    reverse = Reverse()
    reverse.replace(WEB, ((ONE, SIX),))

    reverse.replace(WEB, ((TWO,),))

    assert reverse.services(ONE) == ()
    assert reverse.services(SIX) == ()
    assert reverse.services(TWO) == (WEB,)


def test_one_service_leaves_an_address_to_the_others() -> None:
    """PTR-6: in kube-dns they delete each other's pointer."""
    reverse = Reverse()
    for key in (WEB, DB, APP):
        reverse.replace(key, ((ONE,),))

    reverse.remove(DB)
    assert reverse.services(ONE) == (APP, WEB)
    reverse.replace(APP, ((TWO,),))
    assert reverse.services(ONE) == (WEB,)
    reverse.remove(WEB)
    assert reverse.services(ONE) == ()


def test_repeated_addresses_and_repeated_events_count_once() -> None:
    """ENV-11, F-18."""
    reverse = Reverse()
    reverse.replace(WEB, ((ONE,), (ONE, TWO)))
    reverse.replace(WEB, ((ONE, TWO),))
    assert reverse.services(ONE) == (WEB,)

    reverse.replace(WEB, ((TWO, ONE),))
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

    assert list(reverse.replace(WEB, ((ONE, TWO),))) == [ONE, TWO]
    assert list(reverse.replace(WEB, ((ONE, TWO),))) == []
    assert list(reverse.replace(WEB, ((TWO, SIX),))) == [SIX]
    assert list(reverse.replace(DB, ((TWO,),))) == [TWO]
    assert list(reverse.replace(WEB, ())) == []


GROUPS = st.lists(
    st.lists(st.integers(0, 12), unique=True, min_size=1, max_size=4).map(tuple), max_size=5
)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.sampled_from([WEB, DB]), GROUPS), max_size=8))
def test_the_index_holds_what_the_last_groups_have_whatever_was_there_before(
    history: list[tuple[Key, list[tuple[int, ...]]]],
) -> None:
    """LIF-4, HDL-12: groups stay, come and go, and an address may be in several of them.

    A group that is the very same is passed over; its addresses may stand in others too.
    """
    made: dict[tuple[int, ...], tuple[Address, ...]] = {}
    reverse = Reverse()
    held: dict[Key, set[Address]] = {WEB: set(), DB: set()}
    for key, groups in history:
        once = dict.fromkeys(groups)
        new = tuple(made.setdefault(each, tuple(map(an_address, each))) for each in once)
        expected = {at for group in new for at in group}

        come = list(reverse.replace(key, new))

        assert len(come) == len(set(come))
        assert set(come) == expected - held[key]
        held[key] = expected
        for number in range(13):
            holders = tuple(sorted(of for of in held if an_address(number) in held[of]))
            assert reverse.services(an_address(number)) == holders
            assert all(reverse.holds(an_address(number), of) for of in holders)
        assert reverse.are_distinct(key, new) == (len(expected) == sum(map(len, new)))


MANY = st.dictionaries(
    st.sampled_from([WEB, DB, APP]),
    st.lists(st.integers(0, 12), min_size=1, max_size=3).map(
        lambda each: tuple(map(an_address, each))
    ),
)


@settings(max_examples=200)
@given(st.lists(st.one_of(MANY, st.tuples(st.sampled_from([WEB, DB]), GROUPS)), max_size=6))
def test_services_that_are_replaced_together_are_so_as_each_alone(
    history: list[dict[Key, tuple[Address, ...]] | tuple[Key, list[tuple[int, ...]]]],
) -> None:
    """LIF-4: many at once are only cheaper, whatever each of them had and has."""
    together, alone = Reverse(), Reverse()
    for each in history:
        if isinstance(each, tuple):
            key, numbers = each
            groups = tuple(tuple(map(an_address, group)) for group in dict.fromkeys(numbers))
            assert set(together.replace(key, groups)) == set(alone.replace(key, groups))
            continue

        come = together.replace_all(each)

        one_by_one = [set(alone.replace(key, (group,))) for key, group in each.items()]
        assert set(come) == set().union(*one_by_one)
        for number in range(13):
            at = an_address(number)
            assert together.services(at) == alone.services(at)


def test_services_that_come_together_cost_no_call_each() -> None:
    """Reliability 5.4: the first commit of 10,000 Services is a part of every start."""
    reverse = Reverse()
    many = {Key("shop", f"s{n}"): (address(f"10.1.{n}.1"),) for n in range(200)}

    lines = lines_run(lambda: reverse.replace_all(many))

    assert lines < len(many) // 4
    assert reverse.services(address("10.1.7.1")) == (Key("shop", "s7"),)


def an_address(number: int) -> Address:
    """Return one of a few addresses."""
    return Address(bytes((10, 1, 0, number)))


def test_nothing_is_known_of_groups_that_the_index_does_not_hold() -> None:
    """A slice that is not committed yet may have what another one has."""
    reverse = Reverse()
    reverse.replace(WEB, ((ONE,), (TWO,)))

    assert reverse.are_distinct(WEB, ((ONE,), (TWO,)))
    assert not reverse.are_distinct(WEB, ((ONE,), (TWO,), (ONE,)))
    assert not reverse.are_distinct(DB, ((ONE,), (TWO,)))
    assert reverse.are_distinct(DB, ((ONE, TWO),))


def test_a_changed_group_among_many_is_all_that_is_looked_at() -> None:
    """Reliability 5.4: one slice of a wide Service."""
    costs = []
    for count in (2, 100):
        groups = [tuple(Address(bytes((10, 1, n, i))) for i in range(100)) for n in range(count)]
        reverse = Reverse()
        reverse.replace(WEB, tuple(groups))
        moved = iter(range(100))

        def change(reverse: Reverse = reverse, groups: list[tuple[Address, ...]] = groups) -> None:
            groups[1] = (Address(bytes((10, 2, 0, next(moved)))), *groups[1][1:])  # noqa: B023 - at once
            assert len(list(reverse.replace(WEB, tuple(groups)))) == 1

        costs.append(lines_run(change))
    assert costs[1] < costs[0] + 300


def test_nothing_is_kept_of_a_service_that_is_gone() -> None:
    """F-41: whatever groups it had before, an address twice in one of them among them."""
    reverse = Reverse()
    reverse.replace(WEB, ((ONE,), (TWO,)))
    reverse.replace(WEB, ((ONE, ONE, TWO),))
    reverse.remove(WEB)

    assert not any(vars(reverse).values())
