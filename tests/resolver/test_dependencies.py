"""What an answer depended on, and what a change is called."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.objects import Address, Key
from kubedns_py.cluster.selector import parse_selector
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rrset import ANY, CH, IN, NS, PTR, TXT, A
from kubedns_py.resolver.dependencies import (
    Dependencies,
    changed_keys,
    contents_key,
    dependencies,
    namespace_key,
)
from kubedns_py.resolver.resolve import resolve
from kubedns_py.resolver.view import Known, Policy, View
from kubedns_py.zone.zone import Committed
from tests.helpers.objects import a_namespace, a_service, address
from tests.helpers.views import ASKED, a_view

WEB, DB, DNS = Key("shop", "web"), Key("shop", "db"), Key("kube-system", "kube-dns")
OBJECTS = (
    a_service("web.shop", cluster_ips=["10.96.0.10"]),
    a_service("db.shop", external_name="web.shop.svc.d"),
    a_service("loop.shop", external_name="loop.shop.svc.d"),
    a_namespace("shop", labels={"completes": "yes"}),
    a_namespace("void"),
)
CLUSTER = a_view(*OBJECTS)
WITH_DNS = a_view(*OBJECTS, a_service("kube-dns.kube-system", cluster_ips=["10.96.0.53"]))


def of(
    name: str, qtype: int = A, *, view: View = CLUSTER, qclass: int = IN
) -> tuple[set[Key], set[Address]] | None:
    """Return what an answer depended on; None where nobody keeps count of it."""
    asked = from_text(name)
    found = resolve(asked, qtype, qclass, view, asked=ASKED)
    depends = dependencies(asked, qtype, found, view)
    return None if depends is None else (set(depends.keys), set(depends.addresses))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("web.shop.svc.d", {WEB}),
        ("_http._tcp.web.shop.svc.d", {WEB}),
        ("nope.void.svc.d", {Key("void", "nope")}),
        ("api.example.com.shop.svc.d", {Key("shop", "com")}),
        ("db.shop.svc.d", {DB, WEB}),
        ("shop.svc.d", {namespace_key("shop")}),
        ("nobody.svc.d", {namespace_key("nobody")}),
        ("10-1-0-1.shop.pod.d", {namespace_key("shop")}),
        ("svc.d", set()),
        ("api.example.com.d", set()),
        ("example.org", set()),
    ],
)
def test_an_answer_depends_on_what_its_name_has_room_for(name: str, keys: set[Key]) -> None:
    """Whether or not it exists: denials too are to go when it comes."""
    assert of(name) == (keys, set())


def test_a_pointer_depends_on_the_address_and_on_who_has_it() -> None:
    """A service may come to have it, and one that has it may change its name for it."""
    assert of("10.0.96.10.in-addr.arpa", PTR) == ({WEB}, {address("10.96.0.10")})
    assert of("9.9.9.9.in-addr.arpa", PTR) == (set(), {address("9.9.9.9")})
    assert of("10.in-addr.arpa", PTR) == (set(), set())


def test_the_pods_of_a_namespace_count_where_they_are_looked_at() -> None:
    """--pods verified, --ptr-pods."""
    policy = Policy(pods="verified", pod_pointers=True)
    view = a_view(*OBJECTS, policy=policy)

    assert of("10-1-0-1.shop.pod.d", view=view) == (
        {namespace_key("shop"), contents_key("shop")},
        set(),
    )
    assert of("9.9.9.9.in-addr.arpa", PTR, view=view) == (
        {contents_key("*")},
        {address("9.9.9.9")},
    )


@pytest.mark.parametrize(
    ("name", "qtype"),
    [("ns.dns.d", A), ("d", NS), ("in-addr.arpa", NS)],
)
def test_the_name_servers_address_is_the_services_or_the_clients_to_know(
    name: str, qtype: int
) -> None:
    """APX-2: without the DNS Service it is the address that was asked."""
    assert of(name, qtype) is None
    assert of(name, qtype, view=WITH_DNS) == ({DNS}, set())


@pytest.mark.parametrize(
    ("name", "qtype", "qclass"),
    [
        ("version.bind", TXT, CH),
        ("web.shop.svc.d", A, CH),
        ("d", 252, IN),
        ("loop.shop.svc.d", A, IN),
    ],
    ids=["CHAOS", "no class of ours", "transfer", "alias loop"],
)
def test_what_nobody_keeps_count_of(name: str, qtype: int, qclass: int) -> None:
    """It is resolved anew each time, which is always right."""
    assert of(name, qtype, qclass=qclass) is None


def test_before_the_first_sync_an_answer_depends_on_nothing_else() -> None:
    """T-60: whatever the store has by then; that it is over is seen by whoever keeps answers."""
    view = a_view(*OBJECTS, known=Known.NOTHING)

    for name in ("web.shop.svc.d", "nothing.shop.svc.d", "d", "1.0.96.10.in-addr.arpa"):
        assert of(name, view=view) == (set(), set())


def test_failures_and_questions_for_others_are_not_kept_count_of() -> None:
    """What depends on endpoints that are refused; names that are forwarded."""
    refused = a_view(*OBJECTS, known=Known.WITHOUT_ENDPOINTS)
    assert of("nothing.web.shop.svc.d", view=refused) is None
    assert of("example.org", view=a_view(*OBJECTS, policy=Policy(forwards=True))) is None


def test_where_searches_are_completed_the_namespace_says_so_by_its_labels() -> None:
    """Completed ones look at other names, and are left to the resolver."""
    policy = Policy(forwards=True, search_completion=parse_selector("completes=yes"))
    view = a_view(*OBJECTS, policy=policy)

    assert of("api.void.svc.d", view=view) == ({Key("void", "api"), contents_key("void")}, set())
    assert of("api.shop.svc.d", view=view) is None


def test_the_alias_itself_is_enough_for_those_who_ask_for_it() -> None:
    """Its target counts too, which is harmless."""
    found = of("db.shop.svc.d", ANY)

    assert found is not None
    assert DB in found[0]


def test_changes_have_the_words_of_what_depends_on_them() -> None:
    """Services by their keys; namespaces that came or went; Pods and labels."""
    committed = Committed({WEB}, {"shop"}, {address("10.96.0.10")})

    assert changed_keys(committed, {"void"}) == {
        WEB,
        namespace_key("shop"),
        contents_key("void"),
        contents_key("*"),
    }
    assert changed_keys(Committed({WEB}), ()) == {WEB}
    assert Dependencies().keys == ()
