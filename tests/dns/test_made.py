"""Sequences whose values are made when somebody looks at them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from kubedns_py.dns.made import Later, Made


def test_only_the_values_that_are_looked_at_are_made() -> None:
    """HDL-14: of 5,000 records a datagram has room for a few."""
    made: list[int] = []

    def make(key: int) -> bytes:
        made.append(key)
        return bytes((key,))

    found = Made(range(200), make)

    assert (len(found), bool(found), made) == (200, True, [])
    assert found[3:5] == (b"\3", b"\4")
    assert found[199:300] == (bytes((199,)),)
    assert found[-1] == bytes((199,))
    assert made == [3, 4, 199, 199]
    assert next(iter(found)) == b"\0"


@pytest.mark.parametrize(
    ("start", "count", "expected"), [(1, 2, "bc"), (2, 3, "cab"), (0, 3, "abc")]
)
def test_a_circle_of_values_is_not_made_before_it_is_walked(
    start: int, count: int, expected: str
) -> None:
    """ENV-10: each comes first in turn, and the last ones are not made where there is no room."""
    made: list[int] = []

    def make(key: int) -> str:
        made.append(key)
        return "abc"[key]

    found = Made(range(3), make).turned(start, count)

    assert (len(found), made) == (count, [])
    assert "".join(found) == expected


def test_made_values_are_equal_to_their_tuple() -> None:
    """RRsets are compared with those that were made at once."""
    found, values = Made((1, 2), str), ("1", "2")

    assert (found == values, values == found, found == Made(("1", "2"), str)) == (True, True, True)
    assert (found == ("1",), found == ["1", "2"], values == Made((1,), str)) == (False,) * 3
    assert hash(found) == hash(values)
    assert list(found) == list(values)


def test_values_that_are_made_later_are_made_once_and_all_of_them() -> None:
    """RFC 2782: addresses beside SRV records, which only a whole answer has room for."""
    made: list[str] = []

    def make() -> tuple[int, ...]:
        made.append("all")
        return (7, 8, 9)

    def some(keys: Iterable[str]) -> tuple[int, ...]:
        return tuple(map(int, keys))

    found = Later(make, some)
    assert (bool(found), made) == (True, [])
    assert (len(found), found[0], found[1:], list(found)) == (3, 7, (8, 9), [7, 8, 9])
    assert made == ["all"]
    assert (found == (7, 8, 9), found == (7, 8, 9), found == Later(make, some)) == (True,) * 3
    assert (found == (7,), found == [7, 8, 9]) == (False, False)
    assert hash(found) == hash((7, 8, 9))
    assert Later(make, some).of(("9", "7")) == (9, 7)
    assert made == ["all", "all"]  # of the one that it was compared with
