"""A share of the cache: its bound, and who goes first."""

import pytest

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.render import Reply
from kubedns_py.upstream.entry import Entry
from kubedns_py.upstream.freshness import Kind
from kubedns_py.upstream.routes import Group
from kubedns_py.upstream.share import Share

GROUP = Group(".", ())


def an_ask(label: str) -> Ask:
    """Return a question."""
    return Ask((label.encode(),), 1, 1)


def an_entry(octets: int) -> Entry:
    """Return an entry that says how large it is."""
    return Entry(Kind.SUCCESS, Reply(0), 60, 0.0, GROUP, octets)


def filled(limit: int, **octets: int) -> Share:
    """Return a share with entries, put in that order."""
    share = Share(limit)
    for label, size in octets.items():
        share.put(an_ask(label), an_entry(size))
    return share


def there(share: Share, labels: str) -> str:
    """Return which of some one-letter names are there."""
    return "".join(label for label in labels if share.use(an_ask(label)) is not None)


def test_what_was_used_least_recently_goes_first() -> None:
    """C-20."""
    share = filled(30, a=10, b=10, c=10)
    assert share.use(an_ask("a")) is not None

    share.put(an_ask("d"), an_entry(10))

    assert there(share, "abcd") == "acd"
    assert (len(share), share.octets, share.evictions) == (3, 30, 1)


def test_a_large_entry_takes_the_place_of_several() -> None:
    """C-20: the limit is octets."""
    share = filled(30, a=10, b=10, c=10)

    share.put(an_ask("d"), an_entry(25))

    assert there(share, "abcd") == "d"
    assert (share.octets, share.evictions) == (25, 3)


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_dropped_leaves_its_room(times: int) -> None:
    """Once or twice."""
    share = filled(30, a=10, b=15)

    for _ in range(times):
        share.drop(an_ask("a"))

    assert there(share, "ab") == "b"
    assert (share.octets, share.evictions) == (15, 0)


def test_clearing_keeps_what_was_counted() -> None:
    """Counters of metrics only grow."""
    share = filled(10, a=10, b=10)
    share.hits += 3

    share.clear()

    assert (len(share), share.octets, share.evictions, share.hits) == (0, 0, 1, 3)
