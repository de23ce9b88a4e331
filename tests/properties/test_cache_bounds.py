"""Whatever is put, asked for and forgotten, the cache keeps its bounds and its word.

Rows C-09, C-11, C-16, C-20 and L-03: octets, shares, TTLs, and what stands after a failure.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.rcode import NXDOMAIN, SERVFAIL
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import IN, SOA, TXT, RRset
from kubedns_py.upstream.cache import Age, Cache
from kubedns_py.upstream.freshness import STALE_TTL, Kind, Limits
from tests.helpers.fake_forwarder import DEFAULT

OCTETS = 64 * 1024
LIMITS = Limits(max_ttl=100, max_negative_ttl=50, keep_stale_s=200)

ttls = st.sampled_from((0, 1, 5, 10, 50, 99, 101, 2**31, 2**32 - 1))
asks = st.builds(
    lambda number, do: Ask((b"name%d" % number, b"example"), TXT, IN, do),
    st.integers(0, 60),
    st.booleans(),
)
data = st.builds(
    lambda ttl, size, truncated: Reply(
        0, answer=(RRset((b"example",), TXT, ttl, (bytes(size),)),), truncated=truncated
    ),
    ttls,
    st.sampled_from((10, 1000, 2000, 9000)),
    st.sampled_from((False, False, False, True)),
)
denials = st.builds(
    lambda ttl, minimum, rcode: Reply(
        rcode,
        authority=(RRset((b"example",), SOA, ttl, (b"\0\0" + bytes(16) + minimum.to_bytes(4),)),),
    ),
    ttls,
    ttls,
    st.sampled_from((0, NXDOMAIN)),
)
failures = st.just(Reply(SERVFAIL))
puts = st.tuples(asks, st.one_of(data, denials, failures))
gets = st.tuples(asks, st.none())
steps = st.lists(
    st.tuples(st.floats(0, 40, allow_nan=False), st.one_of(puts, puts, gets)),
    min_size=1,
    max_size=120,
)


@settings(max_examples=200)
@given(steps)
def test_the_bounds_hold_and_ttls_are_sound(
    steps: list[tuple[float, tuple[Ask, Reply | None]]],
) -> None:
    """C-09, C-20: at every moment; a TTL is never 0, never above what was left of it."""
    cache, now = Cache(OCTETS, LIMITS), 0.0
    ends: dict[Ask, float] = {}
    for passed, (ask, reply) in steps:
        now += passed
        if reply is not None:
            verdict = cache.put(ask, reply, now, origin=DEFAULT)
            if verdict.kind is not Kind.FAILURE and not reply.truncated:
                ends[ask] = now + verdict.lifetime_s
        found = cache.get(ask, now)
        counts = cache.counts()
        assert counts.octets["success"] <= OCTETS * 3 // 4
        assert counts.octets["denial"] <= OCTETS // 4
        if found is None or found.reply.rcode == SERVFAIL:
            continue
        left = [rrset.ttl for rrset in found.reply.answer + found.reply.authority]
        if found.age is Age.STALE:
            assert set(left) == {STALE_TTL}
            assert ends[ask] <= now < ends[ask] + LIMITS.keep_stale_s
        else:
            assert 1 <= min(left) <= ends[ask] - now + 1
            assert now < ends[ask]


@settings(max_examples=200)
@given(steps)
def test_denials_and_failures_never_push_out_data(
    steps: list[tuple[float, tuple[Ask, Reply | None]]],
) -> None:
    """L-03: whatever their number and order, for names that have no data."""
    cache = Cache(OCTETS, LIMITS)
    kept = [Ask((b"kept%d" % number,), TXT, IN) for number in range(20)]
    for ask in kept:
        reply = Reply(0, answer=(RRset(ask.name, TXT, 100, (b"x",)),))
        cache.put(ask, reply, 0.0, origin=DEFAULT)

    for _, (ask, other) in steps:
        if other is not None and not other.answer:
            cache.put(ask, other, 0.0, origin=DEFAULT)

    assert all(cache.get(ask, 99.0) for ask in kept)


@settings(max_examples=200)
@given(puts, st.floats(0, 400, allow_nan=False))
def test_a_failure_takes_nothing_away(put: tuple[Ask, Reply], passed: float) -> None:
    """C-11, C-16: what could be used before it can be used after it."""
    ask, reply = put
    cache = Cache(OCTETS, LIMITS)
    cache.put(ask, reply, 0.0, origin=DEFAULT)
    before = cache.last_resort(ask, passed)

    cache.put(ask, Reply(SERVFAIL), passed, origin=DEFAULT)

    assert cache.last_resort(ask, passed) == before
    found = cache.get(ask, passed)
    assert found is not None
    assert found.reply == (before or Reply(SERVFAIL))
