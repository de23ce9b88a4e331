"""Replies that are cut out of a large set of addresses."""

from kubedns_py.server.ring import Ring

ALL = Ring(b"<", b"aabbccddee", 2, 3, b">", is_whole=True)


def test_each_record_may_come_first_and_the_first_follows_the_last() -> None:
    """ENV-10, A-04."""
    assert len(ALL) == 5
    assert [ALL[first] for first in range(5)] == [
        *(b"<aabbcc>", b"<bbccdd>", b"<ccddee>", b"<ddeeaa>", b"<eeaabb>"),
    ]


def test_a_part_of_a_set_has_no_first_that_follows_the_last() -> None:
    """What stands between them is not there."""
    part = Ring(b"<", b"aabbccddee", 2, 3, b">", is_whole=False)

    assert [part[first] for first in range(len(part))] == [b"<aabbcc>", b"<bbccdd>", b"<ccddee>"]


def test_all_records_may_be_shown() -> None:
    """Many, and they fit."""
    whole = Ring(b"", b"abc", 1, 3, b"", is_whole=True)

    assert [whole[first] for first in range(len(whole))] == [b"abc", b"bca", b"cab"]
