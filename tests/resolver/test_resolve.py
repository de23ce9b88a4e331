"""The loop over the rules, and aliases followed inside our own zones (section 1.7)."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.objects import Object
from kubedns_py.dns.name import from_text, to_text
from kubedns_py.dns.rrset import AAAA, ANY, AXFR, CH, CNAME, IN, PTR, SRV, A
from kubedns_py.resolver.resolve import MOST_ALIASES, resolve
from kubedns_py.resolver.view import Known, Policy, Resolution, View
from tests.helpers.objects import a_service, address, an_endpoints
from tests.helpers.views import ASKED, a_view, section, shown

Shown = tuple[int, bool, list[str], list[str]]
WEB = a_service("web.prod", cluster_ips=["10.96.0.10"], ports=["http:80/tcp"])


def an_alias(name: str, target: str) -> Object:
    """Return an ExternalName in ``prod``."""
    return a_service(f"{name}.prod", external_name=target)


CLUSTER = a_view(
    WEB,
    an_alias("alias", "web.prod.svc.d"),
    an_alias("twice", "alias.prod.svc.d"),
    an_alias("port", "_http._tcp.web.prod.svc.d"),
    an_alias("broken", "none.prod.svc.d"),
    an_alias("ext", "example.org"),
    an_alias("far", "ext.prod.svc.d"),
    an_alias("loopa", "loopb.prod.svc.d"),
    an_alias("loopb", "loopa.prod.svc.d"),
    an_alias("self", "SELF.prod.svc.d."),
    an_alias("into", "loopa.prod.svc.d"),
    an_alias("lit", "192.0.2.7"),
    an_alias("tolit", "lit.prod.svc.d"),
    an_alias("pod", "10-1-0-1.prod.pod.d"),
    an_alias("ptr", "10.0.96.10.in-addr.arpa"),
    an_alias("nobody", "1.0.200.10.in-addr.arpa"),
)


def resolved(name: str, qtype: int = A, *, view: View = CLUSTER, qclass: int = IN) -> Resolution:
    """Return what a question gets."""
    return resolve(from_text(name), qtype, qclass, view, asked=ASKED)


def reply(name: str, qtype: int = A, view: View = CLUSTER) -> Shown:
    """Return the reply that a question gets."""
    found = resolved(name, qtype, view=view)
    assert found.alias is None  # nothing is left to be followed
    return shown(found.reply)


@pytest.mark.parametrize(
    ("name", "qtype", "qclass", "rule", "zone"),
    [
        ("web.prod.svc.d", A, CH, "other_class", None),
        ("d", AXFR, IN, "transfer", "d."),
        ("example.org", AXFR, IN, "transfer", None),
        ("example.org", A, IN, "outside", None),
        (".", A, IN, "outside", None),
        ("10.0.96.10.in-addr.arpa", PTR, IN, "reverse_names", "in-addr.arpa."),
        ("1.ip6.arpa", PTR, IN, "reverse_names", "ip6.arpa."),
        ("d", A, IN, "apex", "d."),
        ("svc.d", A, IN, "infrastructure", "d."),
        ("10-1-0-1.prod.pod.d", A, IN, "pod_names", "d."),
        ("alias.prod.svc.d", A, IN, "alias", "d."),
        ("prod.svc.d", A, IN, "service_names", "d."),
        ("web.prod.svc.d", A, IN, "service_names", "d."),
        ("nope.prod.svc.d", A, IN, "missing", "d."),
        ("nope.d", A, IN, "missing", "d."),
    ],
)
def test_the_first_rule_that_decides_is_named_with_its_zone(
    name: str, qtype: int, qclass: int, rule: str, zone: str | None
) -> None:
    """2.2, metrics: zone and rule are labels."""
    found = resolved(name, qtype, qclass=qclass)

    assert found.rule == rule
    assert (to_text(found.zone) if found.zone is not None else None) == zone


def test_before_the_first_sync_the_sync_decides() -> None:
    """T-60, LIF-15."""
    found = resolved("nope.d", view=a_view(known=Known.NOTHING))

    assert (found.rule, shown(found.reply)) == ("not_synced", (2, False, [], []))


def test_other_spellings_are_tried_before_no_is_said() -> None:
    """HDL-10."""
    view = a_view(a_service("db.prod", headless=True), an_endpoints("db.prod", ["fd00::5"]))

    assert resolved("fd00--05.db.prod.svc.d", AAAA, view=view).rule == "other_spelling"


def test_the_address_that_was_asked_is_the_name_servers() -> None:
    """APX-5."""
    found = resolve(from_text("ns.dns.d"), A, IN, CLUSTER, asked=address("192.0.2.53"))

    assert section(found.reply.answer) == ["ns.dns.d. 30 IN A 192.0.2.53"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("web.prod.svc.d", ["web.prod.svc.d. 5 IN A 10.96.0.10"]),
        (
            "alias.prod.svc.d",
            [
                "alias.prod.svc.d. 5 IN CNAME web.prod.svc.d.",
                "web.prod.svc.d. 5 IN A 10.96.0.10",
            ],
        ),
    ],
)
def test_old_data_is_answered_and_said_to_be_old(name: str, answer: list[str]) -> None:
    """T-61: TTL 5, EDE 3; refusals have no age."""
    view = a_view(WEB, an_alias("alias", "web.prod.svc.d"))
    view.stale = True

    found = resolved(name, view=view)

    assert shown(found.reply) == (0, True, answer, [])
    assert found.reply.ede is not None
    assert found.reply.ede.code == 3
    outside = resolved("example.org", view=view).reply.ede
    assert outside is not None
    assert outside.code == 20


# -- aliases


def test_an_alias_is_followed_inside_our_zone() -> None:
    """T-36, EXT-6."""
    assert reply("alias.prod.svc.d") == (
        0,
        True,
        [
            "alias.prod.svc.d. 30 IN CNAME web.prod.svc.d.",
            "web.prod.svc.d. 30 IN A 10.96.0.10",
        ],
        [],
    )


def test_an_alias_of_an_alias_is_followed_too() -> None:
    """EXT-8."""
    assert reply("twice.prod.svc.d")[2] == [
        "twice.prod.svc.d. 30 IN CNAME alias.prod.svc.d.",
        "alias.prod.svc.d. 30 IN CNAME web.prod.svc.d.",
        "web.prod.svc.d. 30 IN A 10.96.0.10",
    ]


def test_every_type_is_followed_with_its_additional_records() -> None:
    """EXT-12, T-35."""
    found = resolved("port.prod.svc.d", SRV)

    assert section(found.reply.answer) == [
        "port.prod.svc.d. 30 IN CNAME _http._tcp.web.prod.svc.d.",
        "_http._tcp.web.prod.svc.d. 30 IN SRV 0 100 80 web.prod.svc.d.",
    ]
    assert section(found.reply.additional) == ["web.prod.svc.d. 30 IN A 10.96.0.10"]


@pytest.mark.parametrize(
    ("name", "target", "rcode"),
    [
        ("alias.prod.svc.d", "web.prod.svc.d", 0),
        ("broken.prod.svc.d", "none.prod.svc.d", 3),
        ("tolit.prod.svc.d", "lit.prod.svc.d", 0),
        ("pod.prod.svc.d", "10-1-0-1.prod.pod.d", 0),
    ],
)
def test_what_the_last_name_lacks_is_said_behind_the_alias(
    name: str, target: str, rcode: int
) -> None:
    """T-37, EXT-7, RFC 6604: CNAME and the rcode of the last name, with its SOA."""
    assert reply(name, AAAA) == (rcode, True, [f"{name}. 30 IN CNAME {target}."], ["SOA d."])


@pytest.mark.parametrize("qtype", [CNAME, ANY])
def test_an_alias_that_is_itself_the_answer_is_not_followed(qtype: int) -> None:
    """T-30, RFC 8482, 4.2: nothing of the target, which may be anybody's."""
    assert reply("alias.prod.svc.d", qtype) == (
        0,
        True,
        ["alias.prod.svc.d. 30 IN CNAME web.prod.svc.d."],
        [],
    )


@pytest.mark.parametrize(
    ("name", "chain"),
    [
        ("ext.prod.svc.d", ["ext.prod.svc.d. 30 IN CNAME example.org."]),
        (
            "far.prod.svc.d",
            [
                "far.prod.svc.d. 30 IN CNAME ext.prod.svc.d.",
                "ext.prod.svc.d. 30 IN CNAME example.org.",
            ],
        ),
        ("nobody.prod.svc.d", ["nobody.prod.svc.d. 30 IN CNAME 1.0.200.10.in-addr.arpa."]),
    ],
)
def test_an_alias_that_leads_outside_is_given_alone(name: str, chain: list[str]) -> None:
    """EXT-11: it is ours to say; what comes then is the client's resolver's, so without EDE 20."""
    found = resolved(name)

    assert shown(found.reply) == (0, True, chain, [])
    assert found.reply.ede is None
    assert (found.rule, found.zone) == ("alias", from_text("d"))


def test_an_alias_may_lead_to_a_reverse_name_of_ours() -> None:
    """PTR-15 the other way round."""
    assert reply("ptr.prod.svc.d", PTR)[2] == [
        "ptr.prod.svc.d. 30 IN CNAME 10.0.96.10.in-addr.arpa.",
        "10.0.96.10.in-addr.arpa. 30 IN PTR web.prod.svc.d.",
    ]


@pytest.mark.parametrize("name", ["loopa", "loopb", "self", "into"])
def test_a_loop_of_aliases_is_a_failure_with_a_reason(name: str) -> None:
    """T-38, EXT-9, A-06: also when the loop does not hold the name that was asked."""
    found = resolved(f"{name}.prod.svc.d")

    assert shown(found.reply) == (2, True, [], [])
    assert found.reply.ede is not None
    assert (found.reply.ede.code, found.reply.ede.text) == (0, "CNAME loop")
    assert found.rule == "alias_loop"  # so it is counted apart


def a_chain(length: int) -> View:
    """Return a cluster where ``a0`` leads to ``web`` over so many aliases."""
    targets = [f"a{n}.prod.svc.d" for n in range(1, length)] + ["web.prod.svc.d"]
    return a_view(WEB, *(an_alias(f"a{n}", target) for n, target in enumerate(targets)))


def test_a_chain_of_ten_aliases_is_followed() -> None:
    """EXT-8, A-06."""
    found = reply("a0.prod.svc.d", view=a_chain(MOST_ALIASES))

    assert found[:2] == (0, True)
    assert len(found[2]) == 11
    assert found[2][-1] == "web.prod.svc.d. 30 IN A 10.96.0.10"


def test_a_longer_chain_is_cut_and_said() -> None:
    """EXT-8, A-06: with the chain so far."""
    found = resolved("a0.prod.svc.d", view=a_chain(MOST_ALIASES + 1))

    assert shown(found.reply)[:2] == (2, True)
    assert len(found.reply.answer) == 10
    assert found.reply.ede is not None
    assert (found.reply.ede.code, found.reply.ede.text) == (0, "CNAME chain is too long")


def test_an_alias_to_what_is_not_known_yet_fails_with_the_alias() -> None:
    """F-12, T-60: never "no", and nothing half, before we know."""
    view = a_view(
        a_service("db.prod", headless=True),
        an_alias("alias", "db.prod.svc.d"),
        known=Known.WITHOUT_ENDPOINTS,
    )
    found = resolved("alias.prod.svc.d", view=view)

    assert shown(found.reply) == (
        2,
        False,
        ["alias.prod.svc.d. 30 IN CNAME db.prod.svc.d."],
        [],
    )
    assert found.reply.ede is not None
    assert found.reply.ede.code == 14


def test_an_alias_leads_from_one_of_our_domains_into_another() -> None:
    """BAD-9."""
    view = a_view(WEB, an_alias("alias", "web.prod.svc.two"), domains=("one", "two"))

    assert reply("alias.prod.svc.one", view=view)[2] == [
        "alias.prod.svc.one. 30 IN CNAME web.prod.svc.two.",
        "web.prod.svc.two. 30 IN A 10.96.0.10",
    ]
    assert reply("alias.prod.svc.one", AAAA, view=view)[3] == ["SOA two."]


def test_an_alias_of_a_pod_follows_the_policy_for_pods() -> None:
    """POD-1."""
    view = a_view(an_alias("pod", "10-1-0-1.prod.pod.d"), policy=Policy(pods="disabled"))

    assert reply("pod.prod.svc.d", view=view)[0] == 3
