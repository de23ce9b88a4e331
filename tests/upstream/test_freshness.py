"""How long replies are kept, and what their TTLs say; rows C-09 to C-12 of reliability.md."""

import pytest
from msgspec.structs import replace

from kubedns_py.dns.ask import Ask
from kubedns_py.dns.rcode import NXDOMAIN, REFUSED, SERVFAIL, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.upstream.freshness import (
    DEFAULT_LIMITS,
    Kind,
    Limits,
    counted_down,
    judge,
    stale,
)
from tests.helpers.fake_forwarder import SILENCE, a_reply, an_soa, no_such_name
from tests.helpers.replies import asking, lines_of, signature

WWW = "www.example. 300 IN A 192.0.2.80"


def judged(
    ask: Ask, reply: Reply, limits: Limits, *, is_cut: bool = False
) -> tuple[Kind, int, Reply]:
    """Return the parts of a verdict."""
    verdict = judge(ask, reply, limits, is_cut=is_cut)
    return verdict.kind, verdict.lifetime_s, verdict.reply


def test_data_live_as_long_as_the_shortest_lived_of_them() -> None:
    """C-09; RFC 2181, 5.2: a chain is no fresher than its first link to expire."""
    reply = a_reply(
        "www.example. 300 IN CNAME lb.example.",
        "lb.example. 20 IN A 192.0.2.80",
        "lb.example. 20 IN A 192.0.2.81",
    )

    verdict = judged(asking("www.example."), reply, DEFAULT_LIMITS)

    assert verdict == (Kind.SUCCESS, 20, reply)


def test_the_proofs_beside_data_expire_with_them() -> None:
    """RFC 4035, 3.1.3.3: a wildcard's NSEC has a TTL of its own."""
    ask = asking("www.example.", do=True)
    reply = a_reply(
        WWW, signature("www.example.", "A"), authority=["a.example. 60 IN NSEC z.example. A"]
    )

    assert judged(ask, reply, DEFAULT_LIMITS)[:2] == (Kind.SUCCESS, 60)


@pytest.mark.parametrize("ttl", [3601, 86400, 2**31 - 1, 2**31, 2**32 - 1])
def test_a_ttl_above_the_cap_is_the_cap(ttl: int) -> None:
    """C-09: 3600 s; 2**31 and more are no other than long."""
    (rrset,) = a_reply(WWW).answer
    reply = Reply(0, answer=(replace(rrset, ttl=ttl),))

    kind, lifetime_s, capped = judged(asking(), reply, DEFAULT_LIMITS)

    assert (kind, lifetime_s) == (Kind.SUCCESS, 3600)
    assert lines_of(capped.answer) == ("www.example. 3600 IN A 192.0.2.80",)


def test_data_with_a_ttl_of_0_are_handed_out_and_not_kept() -> None:
    """C-09; RFC 1035, 3.2.1: only for the transaction in progress."""
    reply = a_reply("www.example. 0 IN A 192.0.2.80")

    assert judged(asking(), reply, DEFAULT_LIMITS) == (Kind.UNKEPT, 0, reply)


@pytest.mark.parametrize(
    ("ttl", "minimum", "kept_s"),
    [(900, 60, 60), (60, 900, 60), (86400, 86400, 1800), (900, 2**32 - 1, 900)],
)
@pytest.mark.parametrize("rcode", [0, NXDOMAIN])
def test_a_denial_lives_as_long_as_its_soa_says(
    ttl: int, minimum: int, kept_s: int, rcode: int
) -> None:
    """C-10; RFC 2308, 5: the lesser of the SOA's TTL, its minimum and the cap."""
    reply = a_reply(authority=[an_soa(ttl=ttl, minimum=minimum)], rcode=rcode)

    kind, lifetime_s, capped = judged(asking(), reply, DEFAULT_LIMITS)

    assert (kind, lifetime_s) == (Kind.DENIAL, kept_s)
    assert lines_of(capped.authority) == (an_soa(ttl=kept_s, minimum=minimum),)


def test_the_other_records_of_a_denial_are_capped_too() -> None:
    """C-10: NSEC, and the aliases that lead to the name that is not there."""
    reply = a_reply(
        "www.example. 86400 IN CNAME lb.example.",
        authority=["lb.example. 9000 IN NSEC z.example. A", an_soa(ttl=600)],
    )

    kind, lifetime_s, capped = judged(asking(do=True), reply, DEFAULT_LIMITS)

    assert (kind, lifetime_s) == (Kind.DENIAL, 600)
    assert lines_of(capped.answer) == ("www.example. 3600 IN CNAME lb.example.",)
    assert lines_of(capped.authority)[0] == "lb.example. 1800 IN NSEC z.example. A"


def test_a_denial_at_the_end_of_an_alias_lives_no_longer_than_the_alias() -> None:
    """C-10; RFC 2308, 2.2: what is kept is that this name leads nowhere."""
    reply = a_reply("www.example. 30 IN CNAME lb.example.", authority=[an_soa()], rcode=NXDOMAIN)

    assert judged(asking(), reply, DEFAULT_LIMITS)[:2] == (Kind.DENIAL, 30)


@pytest.mark.parametrize(
    "reply",
    [
        a_reply(),
        a_reply(rcode=NXDOMAIN),
        a_reply("www.example. 300 IN CNAME lb.example."),
        a_reply("www.example. 300 IN CNAME lb.example.", rcode=NXDOMAIN),
    ],
    ids=["NODATA", "NXDOMAIN", "NODATA of an alias", "NXDOMAIN of an alias"],
)
def test_a_denial_without_an_soa_is_not_kept(reply: Reply) -> None:
    """C-10; RFC 2308, 5: it may be repeated for ever otherwise."""
    assert judged(asking(), reply, DEFAULT_LIMITS) == (Kind.UNKEPT, 0, reply)


def test_aliases_that_were_cut_are_all_that_was_asked_for() -> None:
    """C-07: what follows is asked for elsewhere; NXDOMAIN is never said of half a chain."""
    reply = a_reply("www.example. 300 IN CNAME web.shop.svc.cluster.local.")
    denial = a_reply("www.example. 300 IN CNAME web.shop.svc.cluster.local.", rcode=NXDOMAIN)

    assert judged(asking(), reply, DEFAULT_LIMITS, is_cut=True) == (Kind.SUCCESS, 300, reply)
    assert judge(asking(), denial, DEFAULT_LIMITS, is_cut=True).kind is Kind.UNKEPT


def test_an_alias_that_was_asked_for_is_data() -> None:
    """RFC 1034, 3.6.2: CNAME and ANY are not followed."""
    reply = a_reply("www.example. 300 IN CNAME lb.example.")

    for rtype in ("CNAME", "ANY"):
        assert judge(asking("www.example.", rtype), reply, DEFAULT_LIMITS).kind is Kind.SUCCESS


@pytest.mark.parametrize("reply", [SILENCE, Reply(SERVFAIL), Reply(REFUSED), Reply(4)])
def test_a_failure_is_kept_for_seconds(reply: Reply) -> None:
    """C-11; RFC 9520, 3.2: at least 1 s, at most 300."""
    assert judged(asking(), reply, DEFAULT_LIMITS) == (Kind.FAILURE, 5, reply)
    assert judge(asking(), reply, Limits(failure_s=300)).lifetime_s == 300


@pytest.mark.parametrize(
    "reply", [a_reply(WWW, truncated=True), a_reply(authority=[an_soa()], truncated=True)]
)
def test_half_a_reply_is_never_kept(reply: Reply) -> None:
    """C-12; RFC 2181, 9."""
    assert judged(asking(), reply, DEFAULT_LIMITS) == (Kind.UNKEPT, 0, reply)


def test_limits_of_0_keep_nothing() -> None:
    """Our choice: that is how an operator turns either of them off."""
    limits = Limits(max_ttl=0, max_negative_ttl=0)

    assert judge(asking(), a_reply(WWW), limits).kind is Kind.UNKEPT
    assert judge(asking(), no_such_name(), limits).kind is Kind.UNKEPT


def test_ttls_are_counted_down_in_both_sections() -> None:
    """C-09: whole seconds are taken off; the rest stays as it was."""
    reply = a_reply(
        "www.example. 300 IN CNAME lb.example.",
        authority=[an_soa(ttl=600)],
        authenticated=True,
    )

    later = counted_down(reply, 42)

    assert lines_of(later.answer) == ("www.example. 258 IN CNAME lb.example.",)
    assert lines_of(later.authority) == (an_soa(ttl=558),)
    assert later.authenticated


def test_a_failure_has_nothing_to_count_down() -> None:
    """C-11: many questions may share one reply."""
    assert counted_down(SILENCE, 3) is SILENCE


def test_stale_data_say_so_and_are_not_vouched_for() -> None:
    """C-16; RFC 8767, 5: TTL 30; 6: EDE 3."""
    reply = a_reply(WWW, authority=[an_soa(ttl=5)], authenticated=True)

    old = stale(reply)

    assert lines_of(old.answer) == ("www.example. 30 IN A 192.0.2.80",)
    assert lines_of(old.authority) == (an_soa(ttl=30),)
    assert old.ede == ExtendedError(3, "no upstream answered; this is what was known before")
    assert not old.authenticated
