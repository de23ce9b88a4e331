"""A list cut into whole objects while it comes in."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.cluster.listing import PORTION_OCTETS, Listing
from tests.helpers.builders import Json, a_page, a_service_json

SIZE = PORTION_OCTETS // 4 - 500
"""With what else is in an object, four of them fit into a portion."""


def an_object(name: str, octets: int = SIZE) -> Json:
    """Return an object of about so many octets, with text in it that looks like a border."""
    return a_service_json(f"{name}.shop", status={"text": '},{"metadata":{' + "x" * octets})


def taken(listing: Listing, *parts: bytes) -> list[list[Json]]:
    """Return the objects of each portion of a list."""
    return [json.loads(portion) for part in parts for portion in listing.feed(part)]


def names(objects: Sequence[Json]) -> list[str]:
    """Return what the objects are called."""
    return [each["metadata"]["name"] for each in objects]


def test_a_list_comes_in_portions_of_whole_objects() -> None:
    """F-06: a portion is as many as fit into it."""
    listing = Listing()

    portions = taken(listing, a_page(*(an_object(f"a{n}") for n in range(10)), version="7"))

    assert [names(each) for each in portions] == [
        ["a0", "a1", "a2", "a3"],
        ["a4", "a5", "a6", "a7"],
    ]
    rest = json.loads(listing.end())
    assert names(rest["items"]) == ["a8", "a9"]
    assert rest["metadata"]["resourceVersion"] == "7"


def test_a_small_list_is_left_whole() -> None:
    """Nothing is gained by cutting it."""
    listing = Listing()
    page = a_page(an_object("a"), an_object("b"))

    assert taken(listing, page[:50], page[50:]) == []
    assert listing.end() == page


def test_an_object_of_any_size_is_a_portion() -> None:
    """One that is larger than a portion is waited for."""
    listing = Listing()
    sizes = (10, 200_000, 10, 10)
    page = a_page(*(an_object(f"a{n}", size) for n, size in enumerate(sizes)))

    portions = taken(listing, *(page[at : at + 10_000] for at in range(0, len(page), 10_000)))

    assert [names(each) for each in portions] == [["a0"], ["a1"]]
    assert names(json.loads(listing.end())["items"]) == ["a2", "a3"]


def test_a_portion_that_is_taken_back_is_the_last_one() -> None:
    """What was guessed wrong once is left whole, and nothing of it is lost."""
    listing = Listing()
    page = a_page(*(an_object(f"a{n}") for n in range(20)))
    first, second = page[: len(page) // 2], page[len(page) // 2 :]
    found = []
    for portion in listing.feed(first):
        found.append(portion)
        if len(found) == 2:
            listing.take_back()

    assert (len(found), taken(listing, second)) == (2, [])
    assert names(json.loads(listing.end())["items"]) == [f"a{n}" for n in range(4, 20)]


def test_a_list_of_another_form_is_left_whole() -> None:
    """With spaces, with another order, or no list at all: its reader decides about it."""
    objects = [an_object(f"a{n}") for n in range(10)]
    for page in (
        json.dumps({"metadata": {}, "items": objects}).encode(),
        b"x" * 200_000,
        b"",
    ):
        listing = Listing()
        assert taken(listing, page[:50_000], page[50_000:]) == []
        assert listing.end() == page


def test_objects_that_are_divided_otherwise_are_left_whole() -> None:
    """After 4 MiB without a border none is looked for any more: each look would cost the more."""
    objects = [{"kind": "Service"} | an_object(f"a{n}", 100_000) for n in range(60)]
    plain = an_object("b", 100_000)
    page = a_page(*objects, plain, plain)
    listing = Listing()

    assert taken(listing, *(page[at : at + 50_000] for at in range(0, len(page), 50_000))) == []
    assert listing.end() == page


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3 * PORTION_OCTETS), max_size=8),
    st.lists(st.integers(1, 2 * PORTION_OCTETS), max_size=8),
)
def test_nothing_is_lost_or_told_twice(sizes: list[int], parts: list[int]) -> None:
    """Whatever the objects and whatever the packets: their order is that of the list."""
    page = a_page(*(an_object(f"a{n}", size) for n, size in enumerate(sizes)), continue_token="x")
    listing = Listing()
    found: list[str] = []
    start = 0
    for length in (*parts, len(page)):
        for portion in taken(listing, page[start : start + length]):
            found += names(portion)
        start += length
    rest = json.loads(listing.end())

    assert found + names(rest["items"]) == [f"a{n}" for n in range(len(sizes))]
    assert rest["metadata"]["continue"] == "x"
