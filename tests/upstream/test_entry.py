"""One reply as time goes by; rows C-09, C-16 and C-21 of reliability.md."""

from kubedns_py.dns.render import Reply
from kubedns_py.upstream.entry import Entry
from kubedns_py.upstream.freshness import Kind
from tests.helpers.fake_forwarder import DEFAULT, SILENCE, a_reply
from tests.helpers.replies import lines_of

WWW = a_reply("www.example. 300 IN A 192.0.2.80")


def an_entry(
    reply: Reply = WWW, *, kind: Kind = Kind.SUCCESS, lifetime_s: int = 300, now: float = 100.0
) -> Entry:
    """Return an entry that was just made."""
    return Entry(kind, reply, lifetime_s, now, DEFAULT, 1000)


def ttl(reply: Reply | None) -> int | None:
    """Return the TTL of the first record."""
    return None if reply is None else reply.answer[0].ttl


def test_the_ttl_is_what_is_left_rounded_up_and_never_0() -> None:
    """C-09, C-21: it depends on nothing but the monotonic seconds that it is given."""
    entry = an_entry()

    seen = [ttl(entry.fresh_reply(now)) for now in (100.0, 100.9, 101.0, 257.5, 399.99, 400.0)]

    assert seen == [300, 300, 299, 143, 1, None]


def test_a_reply_is_made_once_per_second() -> None:
    """Speed: a hot name costs a look-up and nothing else."""
    entry = an_entry()

    assert entry.fresh_reply(100.5) is WWW
    assert entry.fresh_reply(105.1) is entry.fresh_reply(105.9)


def test_a_stale_reply_is_made_once() -> None:
    """C-16: with all upstreams dead every name is stale, and hot ones still are hot."""
    entry = an_entry()

    old = entry.stale_reply()

    assert lines_of(old.answer) == ("www.example. 30 IN A 192.0.2.80",)
    assert entry.stale_reply() is old


def test_data_are_there_until_they_are_too_stale() -> None:
    """C-16: retention begins with expiry."""
    entry = an_entry()

    assert entry.has_data(409.9, 10)
    assert not entry.has_data(410.0, 10)
    assert not entry.has_data(400.0, 0)


def test_a_failure_is_no_data() -> None:
    """C-11: nothing of it can be served stale."""
    entry = an_entry(SILENCE, kind=Kind.FAILURE, lifetime_s=5)

    assert entry.fresh_reply(104.9) is SILENCE
    assert not entry.has_data(104.9, 10)


def test_an_entry_is_due_in_the_last_tenth_if_it_was_asked_for_twice() -> None:
    """Prefetch (behaviour 4.2: on by default for hot names)."""
    entry = an_entry()

    entry.hits = 1
    assert not entry.is_due(399.0)
    entry.hits = 2
    assert not entry.is_due(369.9)
    assert entry.is_due(370.1)


def test_an_entry_is_not_due_again_soon_after_that_failed() -> None:
    """C-16; RFC 8767, 5: a failing source is left alone for a while."""
    entry = an_entry()
    entry.hits = 9
    entry.failed_until = 380.0

    assert not entry.is_due(379.9)
    assert entry.is_due(380.0)


def test_what_is_short_lived_or_a_failure_is_never_due() -> None:
    """Prefetch: from ten seconds on."""
    for entry, now in (
        (an_entry(lifetime_s=9), 108.9),
        (an_entry(SILENCE, kind=Kind.FAILURE, lifetime_s=300), 399.0),
    ):
        entry.hits = 100
        assert not entry.is_due(now)


def test_what_lives_for_ten_seconds_is_due_in_its_last() -> None:
    """Prefetch: the border is inside."""
    entry = an_entry(lifetime_s=10)
    entry.hits = 2

    assert entry.is_due(109.0)
