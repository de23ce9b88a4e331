"""Packed endpoints: by Service, and what stays read of the slices of wide ones."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.endpoint_objects import MOST_READ, EndpointObjects
from kubedns_py.cluster.objects import Endpoints, Key
from kubedns_py.cluster.packed import pack
from kubedns_py.cluster.parts import Choice, Part
from tests.helpers.objects import a_subset, an_endpoints
from tests.helpers.parts import endpoints_of

WEB, DB = Key("shop", "web"), Key("shop", "db")


def slices(count: int, endpoints: int = 100) -> list[Endpoints]:
    """Return the slices of a wide Service."""
    return [
        an_endpoints("web.shop", [f"10.1.{n}.{i}" for i in range(endpoints)], name=f"web-{n:03}")
        for n in range(count)
    ]


def held(items: list[Endpoints]) -> EndpointObjects:
    """Return them packed."""
    objects = EndpointObjects()
    for each in items:
        objects.write(each.key, pack(each))
    return objects


def addresses(objects: EndpointObjects, choice: Choice = "ready") -> list[tuple[bytes, ...]]:
    """Return those of each part of the Service."""
    return [part.addresses for part in objects.parts(WEB, choice)]


def expected(items: list[Endpoints]) -> list[tuple[bytes, ...]]:
    """Return the addresses in slices whose endpoints have one each."""
    return [tuple(each.addresses[0] for each in item.subsets[0].endpoints) for item in items]


def test_the_parts_of_slices_that_did_not_change_stay_the_very_same() -> None:
    """Reliability 5.4: nothing of them is read or made again."""
    items = slices(4, endpoints=2)
    objects = held(items)
    before = objects.parts(WEB, "ready")

    moved = an_endpoints("web.shop", ["10.2.0.1"], name="web-002")
    objects.write(moved.key, pack(moved))
    after = objects.parts(WEB, "ready")

    same = [one is other for one, other in zip(before, after, strict=True)]
    assert same == [True, True, False, True]
    assert addresses(objects) == expected([*items[:2], moved, items[3]])


def test_the_only_slice_of_a_service_may_be_known_by_its_addresses() -> None:
    """Where there are two, an address may be in both."""
    (item,) = slices(1, endpoints=2)
    objects = held([item])
    assert objects.plain([WEB, DB]) == {WEB: pack(item)}
    assert objects.plain([DB]) == {}

    objects = held(slices(2, endpoints=2))
    assert objects.plain([WEB]) == {}


@pytest.mark.parametrize("endpoints", [[], ["10.1.0.1 not-ready"], ["10.1.0.1,10.1.0.2"]])
def test_endpoints_that_are_not_plain_are_looked_at_by_parts(endpoints: list[str]) -> None:
    """Nor are none, which is what a slice without endpoints has."""
    objects = held([an_endpoints("web.shop", subsets=[a_subset(endpoints)], name="web-1")])

    assert objects.plain([WEB]) == {}


def test_slices_that_are_added_together_are_there_as_if_each_was_written() -> None:
    """In the order of their keys, whatever the order in which they came."""
    items = slices(3, endpoints=2)
    other = an_endpoints("db.shop", ["10.3.0.1"], name="db-1")
    objects = held(items[1:2])

    objects.add({each.key: pack(each) for each in (items[2], other, items[0])})

    assert addresses(objects) == expected(items)
    assert objects.plain([DB]) == {DB: pack(other)}
    assert objects.endpoints_in(WEB) == 6
    objects.write(items[0].key, None)
    assert addresses(objects) == expected(items[1:])


def test_each_choice_has_parts_of_its_own() -> None:
    """HDL-18, ``publishNotReadyAddresses``: a Service may go from one to the other."""
    objects = held(
        [
            an_endpoints("web.shop", ["10.1.0.1", "10.1.0.2 not-ready"], name="web-1"),
            an_endpoints("web.shop", ["10.1.0.3 serving"], name="web-2"),
        ]
    )

    def counts(choice: Choice) -> list[int]:
        return [len(each.endpoints) for each in objects.parts(WEB, choice)]

    for _ in range(2):
        assert (counts("ready"), counts("all"), counts("serving")) == ([1, 0], [2, 1], [0, 1])
    changed = an_endpoints("web.shop", ["10.1.0.3", "10.1.0.4"], name="web-2")
    objects.write(changed.key, pack(changed))
    assert (counts("ready"), counts("all"), counts("serving")) == ([1, 2], [2, 2], [0, 0])


def test_the_only_slice_of_a_service_is_not_kept_read() -> None:
    """Most Services have one: kept, they would take three times the memory."""
    objects = held(slices(1))

    (one,), (other,) = objects.parts(WEB, "ready"), objects.parts(WEB, "ready")

    assert one is not other
    assert one.addresses == other.addresses


def test_a_wide_service_is_read_anew_where_it_changed() -> None:
    """HDL-12: slices that stay read for the next change say what the octets say."""
    items = slices(250)
    objects = held(items)
    assert sum(len(each.subsets[0].endpoints) for each in items) > MOST_READ

    for index in (0, 249, 100):
        addresses(objects)
        items[index] = an_endpoints("web.shop", [f"10.2.0.{index}"], name=f"web-{index:03}")
        objects.write(items[index].key, pack(items[index]))
        assert addresses(objects) == expected(items)

    objects.write(items.pop(7).key, None)
    assert addresses(objects) == expected(items)
    for each in items:
        objects.write(each.key, None)
    assert addresses(objects) == []


def test_no_more_than_so_many_endpoints_stay_read() -> None:
    """F-41: the oldest go first."""
    objects = held(slices(201))
    first = objects.parts(WEB, "ready")

    def kept(before: tuple[Part, ...]) -> list[bool]:
        again = objects.parts(WEB, "ready")
        return [one is other for one, other in zip(before, again, strict=True)]

    assert MOST_READ == 200 * 100
    assert not any(kept(first))  # each took the place of the one that is read next
    objects.write(Key("shop", "web-200"), None)
    again = objects.parts(WEB, "ready")
    assert all(kept(again))


def test_a_slice_goes_to_another_service_with_its_endpoints() -> None:
    """F-26."""
    objects = held(slices(2, endpoints=1))
    moved = an_endpoints("db.shop", ["10.1.1.0"], name="web-001")

    objects.write(moved.key, pack(moved))

    assert [len(objects.parts(each, "ready")) for each in (WEB, DB)] == [1, 1]
    assert endpoints_of(objects, DB) == (a_subset(["10.1.1.0"]),)
    assert [objects.endpoints_in(each) for each in (WEB, DB, Key("shop", "x"))] == [1, 1, 0]


def test_those_of_a_service_are_told_in_the_order_of_their_keys() -> None:
    """F-18."""
    items = slices(2, endpoints=3)
    objects = held(items[::-1])

    assert objects.of(WEB) == tuple(map(pack, items))
    assert objects.of(DB) == ()
    assert objects.endpoints_in(WEB) == 6
    assert objects.write(items[0].key, pack(items[0])) == pack(items[0])
    assert objects.of(WEB) == tuple(map(pack, items))
