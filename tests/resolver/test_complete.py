"""What an upstream said, joined to what came before (sections 1.7, 1.15, 5.3)."""

from __future__ import annotations

import ipaddress

import pytest
from msgspec.structs import replace

from kubedns_py.cluster.objects import Key, Namespace
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.dns.rcode import EDE_NETWORK_ERROR, EDE_OTHER, ExtendedError
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import AAAA, IN, TXT, A
from kubedns_py.resolver.complete import complete, declined, is_elsewhere
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Policy, Resolution, View
from tests.helpers.fake_forwarder import a_reply, an_soa, no_such_name
from tests.helpers.objects import a_service, an_endpoints
from tests.helpers.views import ASKED, a_view, section

COMPLETION = parse_selector("complete=yes")
FORWARDS = Policy(forwards=True, search_completion=COMPLETION)
DEAD = Reply(2, ede=ExtendedError(EDE_NETWORK_ERROR, "nobody answered"))


def a_forwarding_view() -> View:
    """Return a cluster with aliases to names outside, and one stub domain."""
    view = a_view(
        a_service("web.prod", cluster_ips=["10.96.0.10"]),
        a_service("ext.prod", external_name="example.org"),
        a_service("round.prod", external_name="round.example.org"),
        a_service("db.prod", headless=True),
        an_endpoints("db.prod", ["10.1.0.1"]),
        Namespace(Key("", "done"), labels=(("complete", "yes"),)),
        policy=FORWARDS,
    )
    view.stub_domains = frozenset({from_text("corp.example"), from_text("x.svc.d")})
    return view


VIEW = a_forwarding_view()


def found(name: str, qtype: int = A, *, view: View = VIEW) -> Resolution:
    """Return what a question gets before anybody was asked."""
    return resolve(from_text(name), qtype, IN, view, asked=ASKED)


def asks(resolution: Resolution) -> str | None:
    """Return the name that has to be asked for."""
    return to_text(resolution.onward.name) if resolution.onward else None


def completed(name: str, said: Reply, *, qtype: int = A, view: View = VIEW) -> Resolution:
    """Return what a question gets with an upstream's word."""
    return complete(found(name, qtype, view=view), said, view)


def shown(reply: Reply) -> tuple[int, bool, list[str]]:
    """Return rcode, AA and the answer."""
    return reply.rcode, reply.authoritative, section(reply.answer)


def test_a_name_of_ours_is_nobody_elses_business() -> None:
    """L-05."""
    for name in ("web.prod.svc.d", "none.prod.svc.d", "d", "10.0.96.10.in-addr.arpa"):
        assert asks(found(name)) is None


@pytest.mark.parametrize(
    ("name", "asked", "zone"),
    [
        ("example.org", "example.org.", "."),
        ("a.corp.example", "a.corp.example.", "corp.example."),
        ("a.x.svc.d", "a.x.svc.d.", "x.svc.d."),
        ("1.0.200.10.in-addr.arpa", "1.0.200.10.in-addr.arpa.", "in-addr.arpa."),
        ("ext.prod.svc.d", "example.org.", "d."),
    ],
)
def test_who_has_to_be_asked_for_what(name: str, asked: str, zone: str) -> None:
    """FWD-1, FWD-2, T-31, T-46; the zone is a label of metrics."""
    resolution = found(name)

    assert asks(resolution) == asked
    assert resolution.zone is not None
    assert to_text(resolution.zone) == zone


def test_an_upstreams_word_is_passed_on_without_aa() -> None:
    """ENV-1."""
    resolution = completed("example.org", a_reply("example.org. 60 IN A 192.0.2.1"))

    assert shown(resolution.reply) == (0, False, ["example.org. 60 IN A 192.0.2.1"])
    assert resolution.onward is None


@pytest.mark.parametrize(
    ("said", "rcode", "aa", "authority"),
    [
        (no_such_name("org."), 3, True, ["SOA org."]),
        (a_reply(authority=[an_soa("org.")]), 0, True, ["SOA org."]),
        (DEAD, 2, False, []),
        (replace(DEAD, rcode=5), 5, False, []),
    ],
)
def test_an_alias_of_ours_stands_before_whatever_its_target_is(
    said: Reply,
    rcode: int,
    aa: bool,  # noqa: FBT001 - a column
    authority: list[str],
) -> None:
    """T-32 to T-34, EXT-3 to EXT-5 (RFC 6604, 3)."""
    reply = completed("ext.prod.svc.d", said).reply

    assert shown(reply) == (rcode, aa, ["ext.prod.svc.d. 30 IN CNAME example.org."])
    assert section(reply.authority) == authority
    assert reply.ede == said.ede


def test_data_behind_an_alias_of_ours_is_not_vouched_for_as_a_whole() -> None:
    """AD covers the whole answer (RFC 4035, 3.2.3), and nobody signed our alias."""
    said = replace(a_reply("example.org. 60 IN A 192.0.2.1"), authenticated=True)

    assert not completed("ext.prod.svc.d", said).reply.authenticated
    assert completed("example.org", said).reply.authenticated


def test_a_chain_into_our_zone_ends_with_what_we_know() -> None:
    """C-07: whoever points at a name of ours."""
    said = a_reply("example.org. 60 IN CNAME WEB.prod.svc.d.")
    answer = ["example.org. 60 IN CNAME WEB.prod.svc.d.", "web.prod.svc.d. 30 IN A 10.96.0.10"]

    assert shown(completed("example.org", said).reply) == (0, False, answer)


def test_a_chain_into_a_stub_domain_is_asked_for_there() -> None:
    """C-07, EXT-14: and joined when that is known too."""
    said = a_reply("example.org. 60 IN CNAME db.corp.example.")

    half = completed("example.org", said)
    whole = complete(half, a_reply("db.corp.example. 5 IN A 10.9.9.9"), VIEW)

    assert asks(half) == "db.corp.example."
    assert shown(whole.reply) == (
        0,
        False,
        ["example.org. 60 IN CNAME db.corp.example.", "db.corp.example. 5 IN A 10.9.9.9"],
    )


def test_an_upstreams_chain_that_it_finished_is_finished() -> None:
    """Its target has no such type: nobody else is asked."""
    said = a_reply("example.org. 60 IN CNAME www.example.org.", authority=[an_soa("example.org.")])

    assert completed("example.org", said, qtype=AAAA).onward is None


def test_asked_for_the_alias_itself_nothing_is_followed() -> None:
    """RFC 1034, 4.3.2, 3a."""
    said = a_reply("example.org. 60 IN CNAME web.prod.svc.d.")

    assert shown(completed("example.org", said, qtype=5).reply)[2] == [
        "example.org. 60 IN CNAME web.prod.svc.d."
    ]


def test_a_loop_out_and_in_again_ends() -> None:
    """EXT-9."""
    reply = completed(
        "round.prod.svc.d", a_reply("round.example.org. 60 IN CNAME round.prod.svc.d.")
    ).reply

    assert (reply.rcode, reply.ede) == (2, ExtendedError(EDE_OTHER, "CNAME loop"))


def test_a_chain_that_leads_in_and_out_for_ever_ends() -> None:
    """EXT-8: upstreams can make up a new name each time."""
    resolution = found("c0.corp.example")
    for number in range(100):
        if resolution.onward is None:
            break
        name, following = (
            f"c{each}.{'x.svc.d' if each % 2 else 'corp.example'}." for each in (number, number + 1)
        )
        resolution = complete(resolution, a_reply(f"{name} 60 IN CNAME {following}"), VIEW)

    assert number == 24
    assert resolution.onward is None
    assert (resolution.reply.rcode, resolution.reply.answer) == (2, ())


def test_without_recursion_only_what_is_ours_is_said() -> None:
    """RFC 1035, 4.1.1."""
    ours, other = declined(found("ext.prod.svc.d")), declined(found("example.org"))

    assert shown(ours.reply) == (0, True, ["ext.prod.svc.d. 30 IN CNAME example.org."])
    assert shown(other.reply) == (5, False, [])
    assert ours.onward is other.onward is None


@pytest.mark.parametrize(
    ("name", "asked", "expected"),
    [
        ("none.prod.svc.d", "example.org", True),
        ("none.prod.svc.d", "a.corp.example", True),
        ("db.corp.example", "example.org", True),
        ("db.corp.example", "a.corp.example", False),
        ("corp.example", "example.org", True),
        ("acorp.example", "example.org", False),
        ("b.x.svc.d", "a.x.svc.d", False),
        ("b.x.svc.d", "a.corp.example", True),
        ("10.0.96.10.in-addr.arpa", "example.org", True),
        ("1.0.200.10.in-addr.arpa", "2.0.200.10.in-addr.arpa", False),
        ("5.0-127.2.0.192.in-addr.arpa", "5.2.0.192.in-addr.arpa", False),
        ("example.org", "www.example.org", False),
        ("example.org", "a.corp.example", False),
    ],
)
def test_whose_word_is_not_taken_for_what(
    name: str,
    asked: str,
    expected: bool,  # noqa: FBT001 - a column
) -> None:
    """C-07: names of ours and of other routes; a classless delegation stays whole (RFC 2317)."""
    assert is_elsewhere(from_text(name), from_text(asked), VIEW) is expected


def test_addresses_in_local_networks_are_ours_known_or_not() -> None:
    """T-46."""
    policy = Policy(forwards=True, local_networks=(ipaddress.ip_network("10.200.0.0/16"),))

    name = from_text("1.0.200.10.in-addr.arpa")
    assert is_elsewhere(name, from_text("example.org"), a_view(policy=policy))


def test_private_networks_are_ours_unless_a_stub_domain_takes_them() -> None:
    """T-46, FWD-2: --private-reverse nxdomain is about the default route."""
    policy = Policy(forwards=True, private_networks=(ipaddress.ip_network("10.0.0.0/8"),))
    view = a_view(policy=policy)

    assert shown(found("1.0.200.10.in-addr.arpa", 12, view=view).reply)[0] == 3
    view.stub_domains = frozenset({from_text("10.in-addr.arpa")})
    assert asks(found("1.0.200.10.in-addr.arpa", 12, view=view)) == "1.0.200.10.in-addr.arpa."


# -- search completion


def test_the_first_step_of_a_search_asks_for_its_end() -> None:
    """5.3: the first query carries its namespace."""
    resolution = found("api.github.com.done.svc.d")

    assert asks(resolution) == "api.github.com."
    assert resolution.reply.rcode == 3


def test_the_name_outside_stands_behind_an_alias() -> None:
    """5.3: TTL is the least of the parts."""
    reply = completed(
        "api.github.com.done.svc.d", a_reply("api.github.com. 60 IN A 192.0.2.1")
    ).reply

    assert shown(reply) == (
        0,
        True,
        [
            "api.github.com.done.svc.d. 5 IN CNAME api.github.com.",
            "api.github.com. 60 IN A 192.0.2.1",
        ],
    )


@pytest.mark.parametrize("said", [no_such_name(), DEAD, replace(DEAD, rcode=5)])
def test_what_is_not_there_outside_is_not_there(said: Reply) -> None:
    """5.3: never a lie; the client goes on."""
    reply = completed("api.github.com.done.svc.d", said).reply

    assert shown(reply) == (3, True, [])
    assert section(reply.authority) == ["SOA d."]


def test_a_node_with_search_domains_of_its_own_completes_nothing() -> None:
    """5.3: other steps would follow, which nobody here knows."""
    view = a_forwarding_view()
    view.search_ends_here = False

    assert asks(found("api.github.com.done.svc.d", view=view)) is None


def test_a_stub_domain_in_the_way_completes_nothing() -> None:
    """5.3: every later step has to be ours to deny."""
    view = a_forwarding_view()
    view.stub_domains = frozenset({from_text("com.svc.d")})

    assert asks(found("github.com.done.svc.d", view=view)) is None


def test_a_question_for_dnssec_or_another_type_is_not_completed() -> None:
    """5.3."""
    name = from_text("api.github.com.done.svc.d")

    assert resolve(name, A, IN, VIEW, asked=ASKED, do=True).onward is None
    assert resolve(name, TXT, IN, VIEW, asked=ASKED).onward is None


def test_a_name_of_ours_without_its_last_dot_is_nobody_elses_business() -> None:
    """5.3, C-07: the walk of ``web.prod.svc.d`` is over at its first step."""
    view = a_forwarding_view()
    there = found("web.prod.svc.d.done.svc.d", view=view)

    assert shown(there.reply) == (
        0,
        True,
        [
            "web.prod.svc.d.done.svc.d. 5 IN CNAME web.prod.svc.d.",
            "web.prod.svc.d. 30 IN A 10.96.0.10",
        ],
    )
    for name in ("none.prod.svc.d", "10.0.96.10.in-addr.arpa"):
        absent = found(f"{name}.done.svc.d", view=view)
        assert (asks(absent), shown(absent.reply)) == (None, (3, True, []))


def test_a_chain_outside_that_leads_back_is_followed_here() -> None:
    """5.3, C-07: never an alias without its end."""
    said = a_reply("in.example.org. 60 IN CNAME web.prod.svc.d.")
    gone = a_reply("in.example.org. 60 IN CNAME none.prod.svc.d.")
    far = a_reply("in.example.org. 60 IN CNAME db.corp.example.")

    assert shown(completed("in.example.org.done.svc.d", said).reply)[2][-1] == (
        "web.prod.svc.d. 30 IN A 10.96.0.10"
    )
    for each in (gone, far):
        reply = completed("in.example.org.done.svc.d", each).reply
        assert (shown(reply), section(reply.authority)) == ((3, True, []), ["SOA d."])


def test_the_target_of_an_alias_is_not_completed() -> None:
    """5.3: only what a client asks is a step of its search."""
    view = a_view(
        a_service("to.prod", external_name="api.github.com.done.svc.d"),
        Namespace(Key("", "done"), labels=(("complete", "yes"),)),
        policy=FORWARDS,
    )

    assert found("to.prod.svc.d", view=view).onward is None
