"""Each rule of the table: what it decides, and what it leaves to the next one."""

from __future__ import annotations

import pytest

from kubedns_py.dns.name import from_text
from kubedns_py.dns.rrset import (
    AAAA,
    ANY,
    AXFR,
    CH,
    CNAME,
    IN,
    IXFR,
    NS,
    PTR,
    SOA,
    SRV,
    TXT,
    A,
)
from kubedns_py.resolver import rules
from kubedns_py.resolver.rules import RULES, Rule, rules_for
from kubedns_py.resolver.view import Known, Policy, Resolution, View
from kubedns_py.zone.publishing import Publishing
from tests.helpers.objects import (
    a_namespace,
    a_pod,
    a_service,
    address,
    an_endpoints,
)
from tests.helpers.views import a_question, a_view, section, shown

HTTPS = 65
Shown = tuple[int, bool, list[str], list[str]]
WEB = a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["http:80/tcp"])
DB = a_service("db.shop", headless=True)
EXT = a_service("ext.shop", external_name="example.org")
ENDPOINTS = (
    an_endpoints("web.shop", ["10.1.0.1"]),
    an_endpoints("db.shop", ["10.1.1.1 hostname=db-0", "fd00:0:0:1::5"]),
)
CLUSTER = a_view(WEB, DB, EXT, *ENDPOINTS, a_namespace("void"))
NX: Shown = (3, True, [], ["SOA d."])
NODATA: Shown = (0, True, [], ["SOA d."])


def verdict(
    rule: Rule, name: str, qtype: int = A, *, view: View = CLUSTER, qclass: int = IN
) -> Resolution | None:
    """Return what one rule says."""
    return rule(a_question(view, name, qtype, qclass), view)


def decided(
    rule: Rule, name: str, qtype: int = A, *, view: View = CLUSTER, qclass: int = IN
) -> Shown:
    """Return the reply of a rule that must decide, and be named in the resolution."""
    found = verdict(rule, name, qtype, view=view, qclass=qclass)
    assert found is not None
    assert found.rule == rule.__name__
    return shown(found.reply)


def ede(rule: Rule, name: str, qtype: int = A, *, view: View = CLUSTER) -> int | None:
    """Return the extended error of a rule that must decide."""
    found = verdict(rule, name, qtype, view=view)
    assert found is not None
    return found.reply.ede.code if found.reply.ede else None


def test_the_table_is_in_its_order() -> None:
    """What comes first matters: classes before zones, and "not yet" before "no"."""
    assert [rule.__name__ for rule in RULES] == [
        "other_class",
        "transfer",
        "stub_domain",
        "not_synced",
        "outside",
        "reverse_names",
        "apex",
        "infrastructure",
        "pod_names",
        "alias",
        "service_names",
        "other_spelling",
        "search_completion",
        "missing",
    ]


@pytest.mark.parametrize("rule", RULES[6:], ids=lambda rule: rule.__name__)
def test_the_rules_of_a_zone_leave_other_names_alone(rule: Rule) -> None:
    """ENV-28b: names in no zone, reverse ones too."""
    for name in (".", "example.org", "pod", "svc", "1.0.0.10.in-addr.arpa"):
        assert verdict(rule, name) is None


# -- other_class


@pytest.mark.parametrize("qclass", [0, CH, 4, 254, 255, 65535])
def test_other_classes_are_refused(qclass: int) -> None:
    """T-54, M-26, ENV-24."""
    assert decided(rules.other_class, "web.shop.svc.d", qclass=qclass) == (5, False, [], [])


def test_class_in_is_left_to_the_other_rules() -> None:
    """T-54."""
    assert verdict(rules.other_class, "web.shop.svc.d") is None


def test_chaos_names_are_answered_by_option() -> None:
    """ENV-23: TXT only, TTL 0; other names and classes stay refused."""
    chaos = ((from_text("version.bind"), "1.0"), (from_text("id.server"), "n" * 300))
    view = a_view(policy=Policy(chaos=chaos))
    found = verdict(rules.other_class, "version.bind", TXT, view=view, qclass=CH)

    assert found is not None
    assert found.reply.authoritative
    assert found.reply.answer[0].rdatas == (b"\x031.0",)
    assert found.reply.answer[0].ttl == 0
    long = verdict(rules.other_class, "id.server", TXT, view=view, qclass=CH)
    assert long is not None
    assert long.reply.answer[0].rdatas == (b"\xff" + b"n" * 255,)
    refused: Shown = (5, False, [], [])
    assert decided(rules.other_class, "version.bind", A, view=view, qclass=CH) == refused
    assert decided(rules.other_class, "authors.bind", TXT, view=view, qclass=CH) == refused
    assert decided(rules.other_class, "version.bind", TXT, view=view, qclass=4) == refused


# -- transfer


@pytest.mark.parametrize("qtype", [AXFR, IXFR])
@pytest.mark.parametrize("name", ["d", "web.shop.svc.d", "example.org", "in-addr.arpa"])
def test_zone_transfers_are_refused(qtype: int, name: str) -> None:
    """T-53, M-28, ENV-27: EDE "Prohibited"."""
    assert decided(rules.transfer, name, qtype) == (5, False, [], [])
    assert ede(rules.transfer, name, qtype) == 18


def test_other_types_are_no_transfer() -> None:
    """T-53."""
    assert verdict(rules.transfer, "d", ANY) is None


# -- not_synced


@pytest.mark.parametrize(
    "name", ["d", "svc.d", "web.shop.svc.d", "nope.d", "1.0.0.10.in-addr.arpa", "ip6.arpa"]
)
def test_before_the_first_sync_own_names_fail(name: str) -> None:
    """T-60, LIF-15: reverse names too, for they may be ours; EDE "Not Ready"."""
    view = a_view(WEB, known=Known.NOTHING)

    assert decided(rules.not_synced, name, view=view) == (2, False, [], [])
    assert ede(rules.not_synced, name, view=view) == 14


@pytest.mark.parametrize("known", Known)
def test_names_outside_do_not_wait_for_the_cluster(known: Known) -> None:
    """T-60."""
    assert verdict(rules.not_synced, "example.org", view=a_view(known=known)) is None


def test_once_synced_nothing_waits() -> None:
    """T-60."""
    assert verdict(rules.not_synced, "nope.d") is None


UNKNOWN_ENDPOINTS = a_view(
    WEB, DB, EXT, a_service("new.shop"), a_namespace("void"), known=Known.WITHOUT_ENDPOINTS
)


@pytest.mark.parametrize(
    "name",
    [
        "db.shop.svc.d",
        "x.db.shop.svc.d",
        "_pg._tcp.db.shop.svc.d",
        "10-1-0-1.web.shop.svc.d",
        "new.shop.svc.d",
        "1.0.1.10.in-addr.arpa",
        "1.10.in-addr.arpa",
    ],
)
def test_without_endpoints_what_may_depend_on_them_fails(name: str) -> None:
    """F-12: an API server that refuses EndpointSlices must not make names vanish."""
    assert decided(rules.not_synced, name, view=UNKNOWN_ENDPOINTS) == (2, False, [], [])
    assert ede(rules.not_synced, name, view=UNKNOWN_ENDPOINTS) == 14


@pytest.mark.parametrize(
    "name",
    [
        "d",
        "svc.d",
        "shop.svc.d",
        "void.svc.d",
        "10-1-0-1.shop.pod.d",
        "web.shop.svc.d",
        "_http._tcp.web.shop.svc.d",
        "_nope._tcp.web.shop.svc.d",
        "ext.shop.svc.d",
        "x.ext.shop.svc.d",
        "nope.shop.svc.d",
        "x.nope.shop.svc.d",
        "1.0.3.10.in-addr.arpa",
    ],
)
def test_without_endpoints_what_services_alone_decide_is_answered(name: str) -> None:
    """F-12."""
    assert verdict(rules.not_synced, name, view=UNKNOWN_ENDPOINTS) is None


def test_without_endpoints_a_service_that_needs_them_to_exist_fails() -> None:
    """F-12 with CIP-10: under ``--ignore-empty-service`` absence proves nothing."""
    ignoring = Publishing(ignore_empty_service=True)
    view = a_view(WEB, publishing=ignoring, known=Known.WITHOUT_ENDPOINTS)

    assert decided(rules.not_synced, "web.shop.svc.d", view=view) == (2, False, [], [])
    assert decided(rules.not_synced, "_http._tcp.web.shop.svc.d", view=view)[0] == 2


# -- outside


@pytest.mark.parametrize("name", [".", "local", "example.org", "arpa", "xd", "1.10.e164.arpa"])
def test_names_of_nobody_here_are_refused(name: str) -> None:
    """ENV-28b, M-22: EDE "Not Authoritative"."""
    assert decided(rules.outside, name) == (5, False, [], [])
    assert ede(rules.outside, name) == 20


@pytest.mark.parametrize("name", ["d", "nope.d", "in-addr.arpa", "1.ip6.arpa"])
def test_names_of_our_zones_and_reverse_names_are_not_outside(name: str) -> None:
    """ENV-28b."""
    assert verdict(rules.outside, name) is None


# -- apex


def test_the_apex_has_a_soa_and_a_name_server() -> None:
    """T-1, T-2, APX-1, APX-2."""
    assert decided(rules.apex, "d", SOA) == (0, True, ["SOA d."], [])
    assert decided(rules.apex, "d", NS) == (0, True, ["d. 30 IN NS ns.dns.d."], [])
    found = verdict(rules.apex, "d", NS)
    assert found is not None
    assert section(found.reply.additional) == ["ns.dns.d. 30 IN A 127.0.0.1"]


@pytest.mark.parametrize("qtype", [A, AAAA, TXT, HTTPS, SRV, PTR, CNAME, 43])
def test_the_apex_has_nothing_else(qtype: int) -> None:
    """T-3, APX-3, APX-4, ENV-28a."""
    assert decided(rules.apex, "d", qtype) == NODATA


def test_names_below_are_not_the_apex() -> None:
    """APX-12."""
    assert verdict(rules.apex, "svc.d", SOA) is None


# -- infrastructure


@pytest.mark.parametrize("name", ["dns.d", "svc.d", "pod.d"])
@pytest.mark.parametrize("qtype", [A, TXT, SRV, SOA, NS, ANY])
def test_the_branches_of_the_zone_are_empty_names(name: str, qtype: int) -> None:
    """T-5, ENT-1, ENT-2, APX-6, A-02."""
    assert decided(rules.infrastructure, name, qtype) == NODATA


def test_the_schema_version_is_told_as_text() -> None:
    """T-6, T-7, APX-8, APX-9: DNS specification, 2.1."""
    assert decided(rules.infrastructure, "dns-version.d", TXT) == (
        0,
        True,
        ['dns-version.d. 28800 IN TXT "1.1.0"'],
        [],
    )
    assert decided(rules.infrastructure, "dns-version.d", A) == NODATA


def test_the_name_server_has_an_address() -> None:
    """T-4, APX-5."""
    assert decided(rules.infrastructure, "ns.dns.d") == (
        0,
        True,
        ["ns.dns.d. 30 IN A 127.0.0.1"],
        [],
    )
    assert decided(rules.infrastructure, "ns.dns.d", AAAA) == NODATA


@pytest.mark.parametrize("name", ["x.dns.d", "x.ns.dns.d", "x.dns-version.d", "shop.svc.d", "x.d"])
def test_other_names_are_no_infrastructure(name: str) -> None:
    """ENT-17, APX-11."""
    assert verdict(rules.infrastructure, name) is None


# -- pod_names


def pods(mode: str) -> View:
    """Return a cluster with a pod of two addresses, under a mode."""
    policies = {
        "disabled": Policy(pods="disabled"),
        "insecure": Policy(pods="insecure"),
        "verified": Policy(pods="verified"),
    }
    pod = a_pod("p.shop", ["10.1.0.1", "fd00::1"])
    return a_view(WEB, pod, a_pod("q.dark", ["10.1.0.9"]), policy=policies[mode])


@pytest.mark.parametrize("mode", ["insecure", "verified"])
def test_a_pods_dashed_name_has_its_address(mode: str) -> None:
    """T-47, T-48, POD-2, POD-3, POD-4, POD-8: any of its addresses."""
    view = pods(mode)

    assert decided(rules.pod_names, "10-1-0-1.shop.pod.d", view=view) == (
        0,
        True,
        ["10-1-0-1.shop.pod.d. 30 IN A 10.1.0.1"],
        [],
    )
    assert decided(rules.pod_names, "fd00--1.shop.pod.d", AAAA, view=view) == (
        0,
        True,
        ["fd00--1.shop.pod.d. 30 IN AAAA fd00::1"],
        [],
    )
    assert decided(rules.pod_names, "10-1-0-1.shop.pod.d", AAAA, view=view) == NODATA
    assert decided(rules.pod_names, "10-1-0-1.shop.pod.d", SRV, view=view) == NODATA


@pytest.mark.parametrize("mode", ["insecure", "verified"])
@pytest.mark.parametrize(
    "name",
    [
        "abc.shop.pod.d",
        "1-2-3.shop.pod.d",
        "010-1-0-1.shop.pod.d",
        "10-1-0-1.nope.pod.d",
        "10-1-0-9.dark.pod.d",
        "x.10-1-0-1.shop.pod.d",
        "nope.pod.d",
    ],
)
def test_other_names_of_pods_do_not_exist(mode: str, name: str) -> None:
    """T-49, POD-5, POD-6, POD-7, POD-12, POD-13, POD-14, ENT-4: the namespace has to exist."""
    for qtype in (A, SRV, ANY):
        assert decided(rules.pod_names, name, qtype, view=pods(mode)) == NX


def test_only_pods_that_exist_are_verified_in_their_own_namespace() -> None:
    """POD-9, POD-10."""
    assert decided(rules.pod_names, "10-7-7-7.shop.pod.d", view=pods("insecure"))[0] == 0
    assert decided(rules.pod_names, "10-7-7-7.shop.pod.d", view=pods("verified")) == NX
    assert decided(rules.pod_names, "10-1-0-9.shop.pod.d", view=pods("verified")) == NX


def test_a_namespace_has_an_empty_name_under_pod_unless_pods_are_disabled() -> None:
    """ENT-6, POD-1, POD-16."""
    assert decided(rules.pod_names, "shop.pod.d", TXT, view=pods("insecure")) == NODATA
    assert decided(rules.pod_names, "shop.pod.d", TXT, view=pods("disabled")) == NX
    assert decided(rules.pod_names, "10-1-0-1.shop.pod.d", view=pods("disabled")) == NX


def test_a_service_or_namespace_called_pod_is_no_pod() -> None:
    """BAD-13: positions decide, not words."""
    view = a_view(a_service("pod.pod", cluster_ips=["10.3.0.5"]))

    assert verdict(rules.pod_names, "pod.pod.svc.d", view=view) is None
    assert decided(rules.service_names, "pod.pod.svc.d", view=view) == (
        0,
        True,
        ["pod.pod.svc.d. 30 IN A 10.3.0.5"],
        [],
    )


# -- alias


@pytest.mark.parametrize("qtype", [A, AAAA, TXT, SRV, HTTPS, NS])
def test_an_external_name_is_to_be_followed_for_every_type(qtype: int) -> None:
    """T-31, T-35, EXT-12."""
    found = verdict(rules.alias, "ext.shop.svc.d", qtype)

    assert found is not None
    assert section(found.reply.answer) == ["ext.shop.svc.d. 30 IN CNAME example.org."]
    assert found.alias == from_text("example.org")


@pytest.mark.parametrize("qtype", [CNAME, ANY])
def test_a_type_that_the_alias_itself_answers_is_not_followed(qtype: int) -> None:
    """T-30, RFC 1034, 4.3.2, step 3a; RFC 8482, 4.2."""
    found = verdict(rules.alias, "ext.shop.svc.d", qtype)

    assert found is not None
    assert section(found.reply.answer) == ["ext.shop.svc.d. 30 IN CNAME example.org."]
    assert found.alias is None


@pytest.mark.parametrize("name", ["x.ext.shop.svc.d", "web.shop.svc.d", "shop.svc.d", "ext.d"])
def test_other_names_are_no_alias(name: str) -> None:
    """T-40, EXT-13."""
    assert verdict(rules.alias, name) is None


# -- service_names


@pytest.mark.parametrize("name", ["shop.svc.d", "void.svc.d", "_tcp.web.shop.svc.d"])
@pytest.mark.parametrize("qtype", [A, TXT, SRV, ANY])
def test_namespaces_and_protocols_are_empty_names(name: str, qtype: int) -> None:
    """T-5, ENT-3, ENT-5, ENT-8."""
    assert decided(rules.service_names, name, qtype) == NODATA


@pytest.mark.parametrize(
    ("name", "qtype", "line"),
    [
        ("web.shop.svc.d", A, "web.shop.svc.d. 30 IN A 10.3.0.1"),
        ("_http._tcp.web.shop.svc.d", A, "_http._tcp.web.shop.svc.d. 30 IN A 10.3.0.1"),
        ("10-1-0-1.web.shop.svc.d", A, "10-1-0-1.web.shop.svc.d. 30 IN A 10.1.0.1"),
        ("db-0.db.shop.svc.d", A, "db-0.db.shop.svc.d. 30 IN A 10.1.1.1"),
        ("db.shop.svc.d", AAAA, "db.shop.svc.d. 30 IN AAAA fd00:0:0:1::5"),
    ],
)
def test_names_of_services_ports_and_endpoints_are_answered(
    name: str, qtype: int, line: str
) -> None:
    """T-9, T-16, T-17, T-21, T-25."""
    assert decided(rules.service_names, name, qtype) == (0, True, [line], [])


@pytest.mark.parametrize(
    "name",
    [
        "nope.svc.d",
        "nope.shop.svc.d",
        "x.web.shop.svc.d",
        "*.web.shop.svc.d",
        "web.*.svc.d",
        "a.b.web.shop.svc.d",
        "_.web.shop.svc.d",
        "_._tcp.web.shop.svc.d",
        "web.shop.d",
    ],
)
def test_other_names_are_left_to_be_missing(name: str) -> None:
    """T-8, T-18, T-50, ENT-12, ENT-13, SRV-6, A-07, M-23, SKY-2."""
    assert verdict(rules.service_names, name) is None
    assert decided(rules.missing, name) == NX


# -- other_spelling


@pytest.mark.parametrize("label", ["fd00-0-0-1--5", "fd00-0-0-1-0-0-0-5", "fd00-0000-0-1--0005"])
def test_an_endpoint_answers_to_any_spelling_of_its_address(label: str) -> None:
    """HDL-10: with the name that was asked as the owner."""
    name = f"{label}.db.shop.svc.d"
    rule = rules.service_names if label == "fd00-0-0-1--5" else rules.other_spelling

    assert decided(rule, name, AAAA) == (0, True, [f"{name}. 30 IN AAAA fd00:0:0:1::5"], [])
    assert decided(rule, name, A) == NODATA


@pytest.mark.parametrize(
    "name",
    [
        "fd00-0-0-1--5.db.shop.svc.d",
        "fd00--0006.db.shop.svc.d",
        "10-1-0-1.web.shop.svc.d",
        "010-1-0-1.web.shop.svc.d",
        "a-b.db.shop.svc.d",
        "x.fd00--0005.db.shop.svc.d",
        "fd00-0-0-1--0005.shop.svc.d",
        "fd00-0-0-1--0005.shop.pod.d",
    ],
)
def test_a_spelling_that_is_no_endpoints_address_is_left_to_be_missing(name: str) -> None:
    """HDL-10."""
    assert verdict(rules.other_spelling, name, AAAA) is None


# -- missing


def test_what_is_left_in_our_zones_does_not_exist() -> None:
    """T-8, T-63, BAD-11, APX-11."""
    assert decided(rules.missing, "api.github.com.prod.svc.d") == NX
    assert verdict(rules.missing, "example.org") is None


def test_the_address_of_the_question_is_kept() -> None:
    """The name server's address without a DNS Service."""
    assert a_question(CLUSTER, "d", A).asked == address("127.0.0.1")


SHAPES = (
    *("d", "svc.d", "pod.d", "dns.d", "ns.dns.d", "dns-version.d", "nope.d", "a.b.c.d"),
    *("shop.svc.d", "nope.svc.d", "web.shop.svc.d", "nope.shop.svc.d", "_http._tcp.web.shop.svc.d"),
    *("ext.shop.svc.d", "x.ext.shop.svc.d", "10-1-0-1.db.shop.svc.d", "fd00-0--5.db.shop.svc.d"),
    *("shop.pod.d", "10-1-0-1.shop.pod.d", "a.b.shop.pod.d", "example.org", "arpa", "in-addr.arpa"),
    *("1.0.1.10.in-addr.arpa", "9.9.9.9.in-addr.arpa", "x.ip6.arpa", ".", "stub.test", "a.stub.d"),
)


@pytest.mark.parametrize("qtype", [A, AAAA, SRV, PTR, NS, SOA, CNAME, ANY, AXFR, TXT])
@pytest.mark.parametrize("known", [Known.ALL, Known.WITHOUT_ENDPOINTS, Known.NOTHING])
@pytest.mark.parametrize("stubs", [frozenset(), frozenset({("stub", "test"), ("stub", "d")})])
def test_rules_that_are_not_asked_would_have_had_no_verdict(
    qtype: int, known: Known, stubs: frozenset[tuple[str, ...]]
) -> None:
    """``rules_for`` leaves out what cannot decide, and nothing else."""
    view = a_view(
        a_service("web.shop", cluster_ips=["10.96.0.10"], ports=["http:80/tcp"]),
        a_service("db.shop", headless=True),
        a_service("ext.shop", external_name="web.shop.svc.d"),
        an_endpoints("db.shop", ["10.1.0.1", "fd00::5"]),
        known=known,
    )
    view.stub_domains = frozenset(tuple(map(str.encode, stub)) for stub in stubs)
    for name in SHAPES:
        for qclass in (IN, CH):
            question = a_question(view, name, qtype, qclass)
            verdicts = [
                next(found for rule in rules if (found := rule(question, view)) is not None)
                for rules in (RULES, rules_for(question, view))
            ]
            assert verdicts[0] == verdicts[1], name
