"""Filter, cache and forwarder as one; rows C-07 to C-21 (reliability.md), FWD-9 to 11, T-62."""

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import Name, from_text, is_below
from kubedns_py.dns.rcode import REFUSED, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.upstream.cache import Cache
from kubedns_py.upstream.filters import AaaaFilter, Authority
from kubedns_py.upstream.routes import Group, Routes
from kubedns_py.upstream.upstreams import MOST_AHEAD, Upstreams
from tests.helpers.fake_forwarder import (
    DEFAULT,
    FULL,
    SILENCE,
    FakeForwarder,
    ManualLoop,
    a_reply,
    an_soa,
    no_such_name,
)
from tests.helpers.replies import asking, lines_of

CLIENT = "10.1.2.3"
WWW = asking("www.example.")
ADDRESS = a_reply("www.example. 300 IN A 192.0.2.80")
OTHER = a_reply("www.example. 300 IN A 192.0.2.99")
STALE = "www.example. 30 IN A 192.0.2.80"
CORP = Group("corp.example.", (Nameserver("192.0.2.53"),))
WITH_CORP = Routes(DEFAULT, {from_text("corp.example"): CORP})


@dataclass
class House:
    """Upstreams with all that they need, and what clients were told."""

    forwarder: FakeForwarder = field(default_factory=FakeForwarder)
    loop: ManualLoop = field(default_factory=ManualLoop)
    routes: Routes = field(default_factory=lambda: Routes(DEFAULT, {}))
    elsewhere: list[str] = field(default_factory=lambda: ["cluster.local"])
    told: list[Reply] = field(default_factory=list)
    most_ahead: int = MOST_AHEAD

    def __post_init__(self) -> None:
        self.upstreams = Upstreams(
            Cache(1 << 20),
            self.forwarder,
            self.routes,
            is_elsewhere=self.is_elsewhere,
            loop=self.loop,
            most_ahead=self.most_ahead,
        )

    def is_elsewhere(self, name: Name, _: Name) -> bool:
        """Tell whether chains are cut there."""
        return any(is_below(name, from_text(domain)) for domain in self.elsewhere)

    def find(self, ask: Ask = WWW) -> tuple[str, ...] | None:
        """Return the records that are known at once, or None."""
        reply = self.upstreams.find(ask)
        return None if reply is None else lines_of(reply.answer + reply.authority)

    def fetch(self, ask: Ask = WWW) -> Reply | None:
        """Ask for a client."""
        return self.upstreams.fetch(ask, CLIENT, self.told.append)

    def learn(self, reply: Reply, ask: Ask = WWW) -> None:
        """Fetch, and have the forwarder answer."""
        assert self.fetch(ask) is None
        self.forwarder.answer(reply)

    def told_lines(self) -> list[tuple[str, ...]]:
        """Return the records that clients were told."""
        return [lines_of(reply.answer + reply.authority) for reply in self.told]


@pytest.fixture
def house() -> House:
    """Return upstreams that know nothing."""
    return House()


def test_what_is_not_known_is_asked_for_and_known_from_then_on(house: House) -> None:
    """The contract of find and fetch: done is called once, and the forwarder asked once."""
    assert house.find() is None
    assert house.fetch() is None
    assert house.told == []
    (asked,) = house.forwarder.waiting
    assert (asked.ask, asked.group, asked.client) == (WWW, DEFAULT, CLIENT)

    house.forwarder.answer(ADDRESS)

    assert house.told == [ADDRESS]
    house.loop.advance(60)
    assert house.find() == ("www.example. 240 IN A 192.0.2.80",)
    assert house.forwarder.count == 1


def test_nothing_but_what_was_fetched_is_known(house: House) -> None:
    """C-06, C-07: own names never enter, because nobody asks for them here."""
    house.learn(a_reply("www.example. 300 IN CNAME lb.example.", "lb.example. 300 IN A 192.0.2.80"))

    assert house.find(asking("lb.example.")) is None
    assert house.upstreams.counts().entries == {"success": 1, "denial": 0}


def test_the_first_client_gets_capped_ttls_too(house: House) -> None:
    """C-09: 3600 s."""
    house.learn(a_reply("www.example. 86400 IN A 192.0.2.80"))

    assert house.told_lines() == [("www.example. 3600 IN A 192.0.2.80",)]


def test_a_ttl_of_0_is_handed_out_and_asked_for_again(house: House) -> None:
    """C-09."""
    house.learn(a_reply("www.example. 0 IN A 192.0.2.80"))

    assert house.told_lines() == [("www.example. 0 IN A 192.0.2.80",)]
    assert house.find() is None


def test_denials_are_known_and_those_without_soa_are_not(house: House) -> None:
    """C-10; FWD-10: RFC 2308."""
    house.learn(no_such_name(minimum=60))
    house.learn(a_reply(), replace(WWW, qtype=16))

    assert house.find() == (an_soa(ttl=60, minimum=60),)
    assert house.find(replace(WWW, qtype=16)) is None


def test_a_denial_of_a_stub_domain_is_final(house: House) -> None:
    """FWD-9: NXDOMAIN of the route is the answer; no other route is asked."""
    house.upstreams.replace_routes(WITH_CORP)
    house.learn(no_such_name("corp.example."), asking("no.corp.example."))

    assert house.told[0].rcode == 3
    assert house.forwarder.count == 1
    assert house.forwarder.waiting == []


def test_it_is_known_how_far_the_ttls_have_counted_down(house: House) -> None:
    """So that who repeats what was found counts on at the same moments."""
    began = house.loop.time()
    house.learn(ADDRESS)
    house.loop.advance(42.7)

    assert house.find() == ("www.example. 258 IN A 192.0.2.80",)
    assert house.upstreams.counted(WWW) == (began, 42)
    assert house.upstreams.counted(replace(WWW, do=True)) == (0.0, 0)


def test_flags_make_other_questions(house: House) -> None:
    """C-18; FWD-11: AD is kept with the reply, DO and CD in the key."""
    house.learn(a_reply("www.example. 300 IN A 192.0.2.80", authenticated=True))

    found = house.upstreams.find(WWW)
    assert found is not None
    assert found.authenticated
    assert house.find(replace(WWW, do=True)) is None
    assert house.find(replace(WWW, cd=True)) is None


@pytest.mark.parametrize("failure", [SILENCE, Reply(REFUSED)], ids=["timeout", "REFUSED"])
def test_a_failure_is_known_for_five_seconds(house: House, failure: Reply) -> None:
    """C-11; RFC 9520, 3.2; T-62: SERVFAIL with EDE 23, then from memory."""
    house.learn(failure)

    house.loop.advance(4.9)
    assert house.upstreams.find(WWW) == failure
    house.loop.advance(0.1)
    assert house.upstreams.find(WWW) is None
    assert house.told == [failure]


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "stale"])
def test_a_refusal_at_once_says_nothing_about_the_name(house: House, known: object) -> None:
    """C-11, L-04, C-16: one client's limit must not take the name from the others."""
    if known:
        house.learn(ADDRESS)
        house.loop.advance(301)
    house.forwarder.refusal = FULL

    said = house.fetch()

    assert said is not None
    assert said.rcode == (0 if known else 2)
    assert lines_of(said.answer) == ((STALE,) if known else ())
    assert house.find() is None
    assert house.loop.timers == []


def test_without_a_route_the_forwarder_says_why(house: House) -> None:
    """F-31: EDE 22 is the forwarder's; nobody is asked in the name of another route."""
    why = Reply(2, ede=ExtendedError(22, "no upstream is configured"))
    house.upstreams.replace_routes(Routes(None, {}))
    house.forwarder.refusal = why

    assert house.fetch() is why


def test_half_a_reply_is_handed_out_and_not_kept(house: House) -> None:
    """C-12: the client comes again over TCP, and is asked for again."""
    half = a_reply("www.example. 300 IN A 192.0.2.80", truncated=True)
    house.learn(half)

    assert house.told == [half]
    assert house.find() is None


# -- stale data


@pytest.fixture
def stale(house: House) -> House:
    """Return upstreams that know one name, whose time is over."""
    house.learn(ADDRESS)
    house.told.clear()
    house.loop.advance(301)
    return house


def test_stale_data_are_not_found_while_upstreams_may_answer(stale: House) -> None:
    """C-16; RFC 8767, 4: fresh data are always better."""
    assert stale.find() is None
    stale.learn(OTHER)

    assert stale.told_lines() == [("www.example. 300 IN A 192.0.2.99",)]


def test_when_upstreams_fail_stale_data_are_the_answer(stale: House) -> None:
    """C-16; T-62: TTL 30, EDE 3; for 30 s without asking again."""
    stale.learn(SILENCE)

    (said,) = stale.told
    assert lines_of(said.answer) == (STALE,)
    assert said.ede is not None
    assert said.ede.code == 3
    stale.loop.advance(29.9)
    assert stale.find() == (STALE,)
    stale.loop.advance(0.1)
    assert stale.find() is None
    assert stale.upstreams.counts().served_stale == 2


def test_after_1800_ms_stale_data_are_the_answer_and_the_fetch_goes_on(stale: House) -> None:
    """C-16; RFC 8767, 5: the client response timer."""
    assert stale.fetch() is None
    stale.loop.advance(1.79)
    assert stale.told == []

    stale.loop.advance(0.02)

    assert stale.told_lines() == [(STALE,)]
    assert stale.find() == (STALE,), "nobody else waits as long"
    stale.forwarder.answer(OTHER)
    assert len(stale.told) == 1, "done is called once"
    assert stale.find() == ("www.example. 300 IN A 192.0.2.99",)


def test_half_a_reply_is_no_failure(stale: House) -> None:
    """C-12: the client that comes again over TCP gets the whole of it, which stale data are not."""
    half = a_reply(truncated=True)
    stale.learn(half)

    assert stale.told == [half]


def test_a_failure_after_that_changes_nothing(stale: House) -> None:
    """C-16: done is called once, the stale data stay."""
    stale.fetch()
    stale.loop.advance(1.9)
    stale.forwarder.answer(SILENCE)

    assert stale.told_lines() == [(STALE,)]
    assert stale.find() == (STALE,)


def test_an_answer_in_time_needs_no_timer_any_more(stale: House) -> None:
    """C-16: exactly one answer."""
    stale.fetch()
    stale.loop.advance(1.0)
    stale.forwarder.answer(OTHER)
    stale.loop.advance(1.0)

    assert stale.told == [OTHER]


def test_stale_data_that_are_gone_when_they_are_wanted_are_waited_for(stale: House) -> None:
    """C-16, C-20: they may have had to make room; here other routes made them wrong."""
    stale.fetch()
    stale.upstreams.replace_routes(Routes(CORP, {}))
    stale.loop.advance(1.9)
    assert stale.told == []

    stale.forwarder.answer(SILENCE)

    assert stale.told == [SILENCE]


def test_a_denial_can_be_stale_as_well(house: House) -> None:
    """C-16: or the search lists of all pods end in failures."""
    house.learn(no_such_name(minimum=60))
    house.loop.advance(61)
    house.learn(SILENCE)

    assert house.told[1].rcode == 3
    assert house.told_lines()[1] == (an_soa(ttl=30, minimum=60),)


# -- fetching ahead


@pytest.fixture
def hot(house: House) -> House:
    """Return upstreams that know one name, hot and in its last tenth."""
    house.learn(ADDRESS)
    house.find()
    house.find()
    house.loop.advance(275)
    return house


def test_a_hot_name_is_fetched_before_it_expires(hot: House) -> None:
    """Prefetch (behaviour 4.2): at once from memory, then from new data."""
    assert hot.find() == ("www.example. 25 IN A 192.0.2.80",)

    (asked,) = hot.forwarder.waiting
    assert (asked.ask, asked.group, asked.client) == (WWW, DEFAULT, "")
    hot.find()
    assert hot.forwarder.count == 2, "one at a time"
    hot.forwarder.answer(OTHER)
    assert hot.find() == ("www.example. 300 IN A 192.0.2.99",)
    assert hot.upstreams.prefetches == 1
    assert hot.told == [ADDRESS]


def test_a_name_that_few_ask_for_is_not_fetched_ahead(house: House) -> None:
    """Prefetch: twice since it was fetched, copies in the server's table included."""
    house.learn(ADDRESS)
    house.loop.advance(275)
    house.find()
    assert house.forwarder.waiting == []

    house.upstreams.credit(WWW, 1)
    house.find()

    assert len(house.forwarder.waiting) == 1


def test_a_failure_ahead_is_silent_and_not_repeated(hot: House) -> None:
    """Prefetch, C-16: the data are good until they expire; then upstreams have another chance."""
    hot.find()
    hot.forwarder.answer(SILENCE)

    hot.loop.advance(20)
    assert hot.find() == ("www.example. 5 IN A 192.0.2.80",)
    assert hot.forwarder.waiting == []
    hot.loop.advance(6)
    assert hot.find() is None
    assert hot.fetch() is None
    hot.forwarder.answer(SILENCE)
    assert hot.told_lines()[-1] == (STALE,)
    assert hot.find() == (STALE,)


def test_nothing_is_fetched_ahead_where_clients_need_the_room(hot: House) -> None:
    """Prefetch: not above half of the forwarder's limit."""
    hot.forwarder.load = 0.51
    hot.find()
    assert hot.forwarder.waiting == []

    hot.forwarder.load = 0.5
    hot.find()

    assert len(hot.forwarder.waiting) == 1


def test_few_names_are_fetched_ahead_at_one_time(house: House) -> None:
    """Prefetch: bounded."""
    asks = [asking(f"host{number}.example.") for number in range(MOST_AHEAD + 5)]
    for ask in asks:
        house.learn(ADDRESS, ask)
        house.upstreams.credit(ask, 2)
    house.loop.advance(275)

    for ask in asks:
        house.find(ask)
    assert len(house.forwarder.waiting) == MOST_AHEAD
    house.forwarder.answer(OTHER)
    house.find(asks[-1])

    assert len(house.forwarder.waiting) == MOST_AHEAD


def test_nothing_is_fetched_ahead_where_nobody_wants_it() -> None:
    """--prefetch=false."""
    house = House(most_ahead=0)
    house.learn(ADDRESS)
    house.upstreams.credit(WWW, 9)
    house.loop.advance(275)

    house.find()

    assert house.forwarder.waiting == []


def test_a_refusal_ahead_is_no_fetch(hot: House) -> None:
    """Prefetch: it may be tried again."""
    hot.forwarder.refusal = FULL
    assert hot.find() is not None
    hot.forwarder.refusal = None
    hot.find()

    assert hot.upstreams.prefetches == 1


# -- routes


def test_other_servers_know_other_things(house: House) -> None:
    """F-29: what the old ones said is not used any more, what is on another route is."""
    house.upstreams.replace_routes(WITH_CORP)
    db = asking("db.corp.example.")
    house.learn(ADDRESS)
    house.learn(a_reply("db.corp.example. 300 IN A 10.0.0.1"), db)
    before = house.upstreams.generation

    other = Group(CORP.route, (Nameserver("192.0.2.54"),))
    house.upstreams.replace_routes(Routes(DEFAULT, {from_text("corp.example"): other}))

    assert house.find() == ("www.example. 300 IN A 192.0.2.80",)
    assert house.find(db) is None
    assert house.upstreams.generation > before


@pytest.mark.parametrize(
    ("servers", "stays"),
    [
        (DEFAULT.servers[::-1], True),
        ((*DEFAULT.servers, Nameserver("192.0.2.3")), True),
        (DEFAULT.servers[:1], False),
        ((), True),
    ],
    ids=["order", "one more", "one less", "none"],
)
def test_what_is_known_stays_if_whoever_said_it_is_still_asked(
    house: House, servers: tuple[Nameserver, ...], stays: object
) -> None:
    """Cache kept over changes; F-31: with nobody left it is all that there is."""
    house.learn(ADDRESS)

    house.upstreams.replace_routes(Routes(Group(".", servers), {}))

    assert (house.find() is not None) == stays


def test_without_any_route_what_is_known_stays(house: House) -> None:
    """F-31: resolv.conf is empty for a moment."""
    house.learn(ADDRESS)

    house.upstreams.replace_routes(Routes(None, {}))

    assert house.find() is not None


def test_what_arrives_from_an_earlier_route_is_handed_out_and_not_kept(house: House) -> None:
    """Routes change while a question is in flight: the TTL is capped all the same."""
    house.fetch()
    house.upstreams.replace_routes(Routes(CORP, {}))
    house.forwarder.answer(a_reply("www.example. 86400 IN A 192.0.2.80"))

    assert house.told_lines() == [("www.example. 3600 IN A 192.0.2.80",)]
    assert house.find() is None


def test_what_arrives_from_a_route_that_is_the_same_is_kept(house: House) -> None:
    """Routes change elsewhere while a question is in flight."""
    house.fetch()
    house.upstreams.replace_routes(WITH_CORP)
    house.forwarder.answer(ADDRESS)

    assert house.find() is not None


# -- aliases


def test_an_alias_to_what_is_elsewhere_is_known(house: House) -> None:
    """C-07: the chain is cut in front of our own name; only its first part is remembered."""
    house.learn(a_reply("www.example. 300 IN CNAME web.shop.svc.cluster.local."))

    assert house.find() == ("www.example. 300 IN CNAME web.shop.svc.cluster.local.",)


@pytest.mark.parametrize("rtype", ["A", "ANY"])
def test_an_alias_to_nowhere_is_a_denial_without_soa(house: House, rtype: str) -> None:
    """C-10: it was not cut, so there is nothing at its end; ANY asks for the alias itself."""
    ask = asking("www.example.", rtype)
    house.learn(a_reply("www.example. 300 IN CNAME lb.example."), ask)

    assert (house.find(ask) is None) == (rtype == "A")


def test_an_alias_into_a_new_stub_domain_is_asked_for_again(house: House) -> None:
    """C-07: the public servers' word for a name that is the stub domain's now."""
    house.learn(
        a_reply("www.example. 300 IN CNAME db.corp.example.", "db.corp.example. 300 IN A 192.0.2.9")
    )

    house.upstreams.replace_routes(WITH_CORP)

    assert house.find() is None


@pytest.mark.parametrize("stays", [True, False])
def test_an_alias_that_was_cut_stays_while_it_would_be_cut_again(
    house: House, stays: object
) -> None:
    """C-07: when the stub domain is gone, the rest of the chain belongs to the answer."""
    house.upstreams.replace_routes(WITH_CORP)
    house.elsewhere.append("corp.example")
    house.learn(a_reply("www.example. 300 IN CNAME db.corp.example."))
    if not stays:
        house.elsewhere.remove("corp.example")

    house.upstreams.replace_routes(WITH_CORP if stays else Routes(DEFAULT, {}))

    assert (house.find() is not None) == stays


def test_other_aliases_stay_when_other_routes_change(house: House) -> None:
    """C-07, C-10: one whose end is denied, and one that was asked for itself."""
    alias = "www.example. 300 IN CNAME lb.example."
    whole = replace(WWW, qtype=255)
    house.learn(a_reply(alias, authority=[an_soa()]))
    house.learn(a_reply(alias), whole)

    house.upstreams.replace_routes(WITH_CORP)

    assert house.find() == (alias, an_soa())
    assert house.find(whole) == (alias,)


# -- AAAA filter


def test_filtered_names_are_denied_before_anything_else(house: House) -> None:
    """AAAA filter: nobody is asked, not even the cache; other types and names are not filtered."""
    ask = asking("www.example.", "AAAA")
    house.learn(a_reply("www.example. 300 IN AAAA 2001:db8::80"), ask)
    before = house.upstreams.generation
    authority = Authority(from_text("ns.test"), from_text("root.test"), 60)

    house.upstreams.replace_filter(AaaaFilter([from_text("example")], (), authority))

    assert house.find(ask) == ("example. 60 IN SOA ns.test. root.test. 1 7200 1800 86400 60",)
    assert house.find(asking("www.example.org.", "AAAA")) is None
    assert house.find(asking("www.example.", "A")) is None
    assert house.upstreams.generation > before
    house.upstreams.replace_filter(None)
    assert house.find(ask) == ("www.example. 300 IN AAAA 2001:db8::80",)


def test_the_filter_by_upstream_follows_the_routes(house: House) -> None:
    """AAAA filter: a route whose upstreams are all listed."""
    authority = Authority(from_text("ns.test"), from_text("root.test"), 60)
    house.upstreams.replace_filter(AaaaFilter((), ["192.0.2.53"], authority))
    ask = asking("db.corp.example.", "AAAA")
    assert house.find(ask) is None

    house.upstreams.replace_routes(WITH_CORP)

    denial = ("corp.example. 60 IN SOA ns.test. root.test. 1 7200 1800 86400 60",)
    assert house.find(ask) == denial
    house.upstreams.replace_filter(AaaaFilter((), ["192.0.2.53"], authority))
    assert house.find(ask) == denial


def test_a_thousand_waiters_for_one_answer_are_all_told(house: House) -> None:
    """C-17: the forwarder asks once; each done is called once."""
    for _ in range(1000):
        house.fetch()
    while house.forwarder.waiting:
        house.forwarder.answer(ADDRESS)

    assert house.told == [ADDRESS] * 1000
    assert house.upstreams.counts().entries == {"success": 1, "denial": 0}
