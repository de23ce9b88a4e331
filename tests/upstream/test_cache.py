"""What is remembered of other people's names; rows C-09 to C-21 and L-03 of reliability.md."""

import gc
import time
import tracemalloc

import pytest
from msgspec.structs import replace

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rcode import NXDOMAIN, REFUSED, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import CH, IN, SOA, TXT, A, RRset, soa
from kubedns_py.upstream.cache import Age, Cache, Found
from kubedns_py.upstream.freshness import Kind, Limits
from tests.helpers.fake_forwarder import DEFAULT, SILENCE, a_reply, an_soa, no_such_name
from tests.helpers.replies import asking, lines_of

WWW = asking("www.example.")
ADDRESS = a_reply("www.example. 300 IN A 192.0.2.80")
MEBIBYTE = 1 << 20
DAY = 86400


def a_cache(octets: int = MEBIBYTE, **limits: int) -> Cache:
    """Return an empty cache."""
    return Cache(octets, Limits(**limits))


def put(cache: Cache, ask: Ask, reply: Reply, now: float, *, is_cut: bool = False) -> Kind:
    """Store a reply of the default upstreams; return what it was taken for."""
    return cache.put(ask, reply, now, origin=DEFAULT, is_cut=is_cut).kind


def lines(found: Found | None) -> tuple[str, ...] | None:
    """Return the records of what was found."""
    return found and lines_of(found.reply.answer + found.reply.authority)


def soa_reply(number: int) -> Reply:
    """Return NXDOMAIN, made fast."""
    rdata = soa(from_text("ns.example"), from_text("root.example"), number, 900)
    return Reply(NXDOMAIN, authority=(RRset(from_text("example"), SOA, 900, (rdata,)),))


def test_what_was_put_is_found_with_its_ttl_counted_down() -> None:
    """C-09: 300 s, of which 42.7 have passed."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 100.0)

    found = cache.get(WWW, 142.7)

    assert found is not None
    assert found.age is Age.FRESH
    assert lines(found) == ("www.example. 258 IN A 192.0.2.80",)
    assert cache.counted(WWW) == (100.0, 42)
    assert a_cache().counted(WWW) == (0.0, 0)


def test_nothing_else_is_found() -> None:
    """C-06, C-07: nothing but what was given, under nothing but its question."""
    cache = a_cache()
    reply = a_reply("www.example. 300 IN CNAME lb.example.", "lb.example. 300 IN A 192.0.2.80")
    put(cache, WWW, reply, 0.0)

    assert cache.get(asking("lb.example."), 1.0) is None
    assert not cache.holds(asking("lb.example."))
    assert cache.get(asking("www.example.", "CNAME"), 1.0) is None
    assert cache.counts().entries == {"success": 1, "denial": 0}


def test_flags_and_class_make_other_questions() -> None:
    """C-18; FWD-11: DO, CD and class are part of the key."""
    cache = a_cache()
    asks = [replace(WWW, do=do, cd=cd) for do in (False, True) for cd in (False, True)]
    asks += [replace(WWW, qclass=CH), replace(WWW, qtype=TXT)]

    for number, ask in enumerate(asks):
        put(cache, ask, Reply(0, answer=(RRset(ask.name, ask.qtype, 60, (bytes((number,)),)),)), 0)

    found = [cache.get(ask, 0.0) for ask in asks]
    assert [each and each.reply.answer[0].rdatas for each in found] == [
        (bytes((number,)),) for number in range(len(asks))
    ]


def test_questions_with_the_same_hash_are_told_apart() -> None:
    """C-19; TOB-CDNS-8: the key is compared, whatever its hash."""
    cache = a_cache()
    one, other = replace(WWW, qtype=-1), replace(WWW, qtype=-2)  # CPython hashes both to -2
    assert hash(one) == hash(other)

    put(cache, one, no_such_name(), 0.0)

    assert cache.get(one, 0.0) is not None
    assert cache.get(other, 0.0) is None


def test_data_with_a_ttl_of_0_are_not_found_again() -> None:
    """C-09: nor is what they contradict."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)

    assert put(cache, WWW, a_reply("www.example. 0 IN A 192.0.2.81"), 301.0) is Kind.UNKEPT

    assert cache.get(WWW, 301.0) is None
    assert cache.last_resort(WWW, 301.0) is None


def test_what_is_handed_out_at_first_is_capped_as_what_is_kept() -> None:
    """C-09: the first client gets no other TTL than the second."""
    reply = a_reply("www.example. 86400 IN A 192.0.2.80")

    verdict = a_cache().put(WWW, reply, 0.0, origin=DEFAULT)

    assert lines_of(verdict.reply.answer) == ("www.example. 3600 IN A 192.0.2.80",)
    assert a_cache().judge(WWW, reply) == verdict


@pytest.mark.parametrize("rcode", [0, NXDOMAIN])
def test_a_denial_is_kept_as_long_as_its_soa_says(rcode: int) -> None:
    """C-10; FWD-10; RFC 2308, 5: counted down too."""
    cache = a_cache()
    put(cache, WWW, a_reply(authority=[an_soa(minimum=60)], rcode=rcode), 0.0)

    found = cache.get(WWW, 59.0)

    assert found is not None
    assert found.reply.rcode == rcode
    assert lines(found) == (an_soa(ttl=1, minimum=60),)
    assert cache.get(WWW, 60.0) is None


def test_a_denial_without_soa_is_not_kept_nor_what_it_denies() -> None:
    """C-10; RFC 2308, 5."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)

    put(cache, WWW, a_reply(rcode=NXDOMAIN), 301.0)

    assert cache.last_resort(WWW, 301.0) is None


def test_a_name_is_either_there_or_not() -> None:
    """RFC 2308, 5: the newest word takes the place of the one before, both ways."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)
    put(cache, WWW, no_such_name(), 10.0)
    assert lines(cache.get(WWW, 10.0)) == (an_soa(),)

    put(cache, WWW, ADDRESS, 20.0)

    assert lines(cache.get(WWW, 20.0)) == ("www.example. 300 IN A 192.0.2.80",)
    assert cache.counts().entries == {"success": 1, "denial": 0}


@pytest.mark.parametrize("rcode", [SERVFAIL, REFUSED])
def test_a_failure_is_kept_for_five_seconds(rcode: int) -> None:
    """C-11; RFC 9520, 3.2: with its EDE, and never as stale data."""
    failure = Reply(rcode, ede=ExtendedError(22, "192.0.2.1:53 said SERVFAIL"))
    cache = a_cache()
    put(cache, WWW, failure, 0.0)

    assert cache.get(WWW, 4.9) == Found(failure, Age.FRESH)
    assert cache.get(WWW, 5.0) is None
    assert cache.last_resort(WWW, 4.9) is None
    assert not cache.note_failure(WWW, 4.9)


def test_how_long_failures_are_kept_is_an_option() -> None:
    """C-11: up to 300 s."""
    cache = a_cache(failure_s=300)
    put(cache, WWW, SILENCE, 0.0)

    assert cache.get(WWW, 299.0) is not None


def test_a_newer_failure_takes_the_place_of_an_older_one() -> None:
    """C-11: the text is the newest, and the five seconds begin anew."""
    cache = a_cache()
    put(cache, WWW, SILENCE, 0.0)
    put(cache, WWW, Reply(REFUSED), 6.0)

    assert cache.get(WWW, 10.9) == Found(Reply(REFUSED), Age.FRESH)


@pytest.mark.parametrize("known", [ADDRESS, no_such_name()], ids=["data", "denial"])
@pytest.mark.parametrize("now", [10.0, 2000.0], ids=["usable", "stale"])
def test_a_failure_never_takes_the_place_of_what_is_known(known: Reply, now: float) -> None:
    """C-11, C-16; RFC 8767, 4."""
    cache = a_cache()
    put(cache, WWW, known, 0.0)

    assert put(cache, WWW, SILENCE, now) is Kind.FAILURE

    found = cache.get(WWW, now)
    assert found is not None
    assert found.reply.rcode == known.rcode


def test_a_failure_takes_the_place_of_what_is_too_old() -> None:
    """C-16: after a day nothing is known any more."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)

    put(cache, WWW, SILENCE, 300.0 + DAY)

    assert cache.get(WWW, 300.0 + DAY) == Found(SILENCE, Age.FRESH)


def test_half_a_reply_changes_nothing() -> None:
    """C-12: TC answers are never cached, and say nothing about what is."""
    cache = a_cache()
    half = a_reply("www.example. 300 IN A 192.0.2.99", truncated=True)
    put(cache, WWW, half, 0.0)
    assert cache.get(WWW, 0.0) is None

    put(cache, WWW, ADDRESS, 0.0)
    put(cache, WWW, half, 1.0)

    assert lines(cache.get(WWW, 1.0)) == ("www.example. 299 IN A 192.0.2.80",)


def test_expired_data_are_a_last_resort_for_a_day() -> None:
    """C-16; RFC 8767, 5: TTL 30, EDE 3; a denial is as good as data (search lists go on)."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)
    put(cache, asking("no.example."), no_such_name(), 0.0)

    for ask, line in (
        (WWW, "www.example. 30 IN A 192.0.2.80"),
        (asking("no.example."), an_soa(ttl=30)),
    ):
        assert cache.get(ask, 901.0) is None
        old = cache.last_resort(ask, 901.0)
        assert old is not None
        assert lines_of(old.answer + old.authority) == (line,)
        assert old.ede is not None
        assert old.ede.code == 3
    assert cache.holds(WWW)
    assert cache.last_resort(WWW, 300.0 + DAY) is None
    assert cache.counts().served_stale == 2


def test_no_stale_data_are_kept_where_nobody_wants_any() -> None:
    """C-16: an option."""
    cache = a_cache(keep_stale_s=0)
    put(cache, WWW, ADDRESS, 0.0)

    assert cache.last_resort(WWW, 300.0) is None


def test_the_last_resort_is_fresh_if_it_can_be() -> None:
    """C-16: somebody else may have brought the answer meanwhile."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)

    old = cache.last_resort(WWW, 1.0)

    assert old is not None
    assert lines_of(old.answer) == ("www.example. 299 IN A 192.0.2.80",)
    assert cache.counts().served_stale == 0


@pytest.mark.parametrize("how", ["failure", "note"])
def test_after_a_failure_stale_data_are_found_at_once_for_30_seconds(how: str) -> None:
    """C-16; RFC 8767, 5: the recheck timer."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)
    assert cache.get(WWW, 1000.0) is None

    if how == "failure":
        put(cache, WWW, SILENCE, 1000.0)
    else:
        assert cache.note_failure(WWW, 1000.0)

    found = cache.get(WWW, 1029.9)
    assert found is not None
    assert found.age is Age.STALE
    assert lines(found) == ("www.example. 30 IN A 192.0.2.80",)
    assert cache.get(WWW, 1030.0) is None
    assert cache.counts().served_stale == 1


def test_stale_data_that_grow_too_old_meanwhile_are_not_found() -> None:
    """C-16: the retention is the retention."""
    cache = a_cache(keep_stale_s=60)
    put(cache, WWW, ADDRESS, 0.0)
    put(cache, WWW, SILENCE, 350.0)

    assert cache.get(WWW, 359.9) is not None
    assert cache.get(WWW, 360.0) is None


def test_nobody_can_note_a_failure_of_what_is_not_known() -> None:
    """C-11: that is what put is for."""
    assert not a_cache().note_failure(WWW, 0.0)


def test_a_hot_name_is_due_before_it_expires() -> None:
    """Prefetch (behaviour 4.2): asked for twice, in the last tenth, once it is worth it."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)

    ages = [found and found.age for found in (cache.get(WWW, now) for now in (1.0, 271.0, 300.0))]

    assert ages == [Age.FRESH, Age.DUE, None]


def test_answers_from_copies_count() -> None:
    """Prefetch, metrics: the server has a table of its own in front."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)

    cache.credit(WWW, 40)
    cache.credit(asking("other.example."), 1)

    found = cache.get(WWW, 271.0)
    assert found is not None
    assert found.age is Age.DUE
    assert cache.counts().hits == {"success": 41, "denial": 0}


def test_time_is_what_it_is_told_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """C-21: a step of the wall clock by an hour, either way, is not seen."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 5.0)

    for step in (3600.0, -3600.0):
        monkeypatch.setattr(time, "time", lambda step=step: 1.7e9 + step)
        assert lines(cache.get(WWW, 15.0)) == ("www.example. 290 IN A 192.0.2.80",)


def flood(cache: Cache, count: int) -> None:
    """Ask for random names, 5,000 in a second; upstreams deny nine of ten and fail at one."""
    for number in range(count):
        reply = SILENCE if number % 10 == 0 else soa_reply(number)
        ask = Ask((b"%d" % number, b"torture", b"example"), A, IN)
        cache.put(ask, reply, number / 5000, origin=DEFAULT)


def test_random_names_that_do_not_exist_push_out_none_that_does() -> None:
    """L-03: 100,000 of them."""
    cache = a_cache()
    names = [asking(f"host{number}.example.") for number in range(300)]
    for ask in names:
        put(cache, ask, ADDRESS, 0.0)

    flood(cache, 100_000)

    assert all(cache.get(ask, 20.0) for ask in names)
    counts = cache.counts()
    assert counts.entries["success"] == 300
    assert counts.octets["denial"] <= MEBIBYTE // 4
    assert counts.evictions["success"] == 0
    assert counts.evictions["denial"] == 100_000 - counts.entries["denial"]


def test_random_names_take_no_more_memory_than_they_may() -> None:
    """L-03, C-20: as the interpreter counts it."""
    cache = a_cache(MEBIBYTE // 2)
    gc.collect()
    tracemalloc.start()
    try:
        flood(cache, 5000)
        gc.collect()  # the interpreter keeps up to 2,000 tuples of each length that nobody has
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert cache.counts().evictions["denial"] > 4000
    assert taken <= MEBIBYTE // 8 * 1.3


def test_the_limit_is_octets_not_entries() -> None:
    """C-20: answers of 8 KiB until they do not fit; whoever was asked for least recently goes."""
    cache = a_cache()
    asks = [asking(f"txt{number}.example.", "TXT") for number in range(200)]
    for number, ask in enumerate(asks):
        rdata = number.to_bytes(4) + bytes(8188)
        put(cache, ask, Reply(0, answer=(RRset(ask.name, TXT, 300, (rdata,)),)), 0.0)
        assert cache.get(asks[0], 0.0) is not None

    counts = cache.counts()
    assert 70 <= counts.entries["success"] <= 95
    assert counts.octets["success"] <= MEBIBYTE * 3 // 4
    assert counts.evictions == {"success": 200 - counts.entries["success"], "denial": 0}
    assert cache.get(asks[-1], 0.0) is not None
    assert cache.get(asks[1], 0.0) is None


def test_what_would_take_a_sixteenth_of_its_share_is_not_kept() -> None:
    """C-20: 64 KiB in a cache of 1 MiB would be few names' cache."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)
    huge = Reply(0, answer=(RRset(WWW.name, TXT, 300, (bytes(64000),)),))
    ask = replace(WWW, qtype=TXT)

    assert put(cache, ask, huge, 0.0) is Kind.SUCCESS

    assert cache.get(ask, 0.0) is None
    assert cache.counts().octets["success"] < 2000
    assert put(a_cache(4 * MEBIBYTE), ask, huge, 0.0) is Kind.SUCCESS


def test_a_review_drops_what_is_wrong_before_it_is_used_again() -> None:
    """Routes change (F-29): what others said goes, the rest stays and is judged once."""
    cache = a_cache()
    other = asking("other.example.")
    put(cache, WWW, ADDRESS, 0.0)
    put(cache, other, no_such_name(), 0.0)
    judged: list[Ask] = []

    def is_right(ask: Ask, _reply: Reply, origin: object) -> bool:
        judged.append(ask)
        return ask == WWW and origin == DEFAULT

    cache.review(is_right)

    for _ in range(2):
        assert cache.get(WWW, 1.0) is not None
        assert cache.get(other, 1.0) is None
    assert cache.last_resort(other, 1.0) is None
    assert judged == [WWW, other]
    assert cache.counts().entries == {"success": 1, "denial": 0}


def test_what_comes_after_a_review_is_not_judged() -> None:
    """Routes change: whoever stores has looked."""
    cache = a_cache()
    cache.review(lambda *_: False)

    put(cache, WWW, ADDRESS, 0.0)

    assert cache.get(WWW, 0.0) is not None


def test_everything_can_be_forgotten() -> None:
    """For operators; the counts stay, as counters have to."""
    cache = a_cache()
    put(cache, WWW, ADDRESS, 0.0)
    put(cache, asking("no.example."), no_such_name(), 0.0)
    cache.get(WWW, 0.0)

    cache.clear()

    counts = cache.counts()
    assert counts.entries == counts.octets == {"success": 0, "denial": 0}
    assert counts.hits == {"success": 1, "denial": 0}


def test_hits_and_misses_are_counted_by_type() -> None:
    """Metrics (CoreDNS's names): failures are denials."""
    cache = a_cache()
    cache.get(WWW, 0.0)
    put(cache, WWW, ADDRESS, 0.0)
    put(cache, asking("no.example."), no_such_name(), 0.0)
    put(cache, asking("bad.example."), SILENCE, 0.0)
    for name in ("www.example.", "no.example.", "bad.example.", "www.example."):
        cache.get(asking(name), 1.0)

    counts = cache.counts()

    assert counts.hits == {"success": 2, "denial": 2}
    assert counts.misses == 1
    assert counts.entries == {"success": 1, "denial": 2}
