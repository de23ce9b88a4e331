"""Reverse names: whose they are, and which zone says so (T-41 to T-46, section 1.8)."""

from __future__ import annotations

import ipaddress

import pytest

from kubedns_py.dns.name import to_text
from kubedns_py.dns.reverse import Network
from kubedns_py.dns.rrset import ANY, NS, PTR, SOA, SRV, TXT, A
from kubedns_py.resolver.reverse_rules import reverse_names
from kubedns_py.resolver.view import Policy, View
from tests.helpers.objects import a_namespace, a_pod, a_service, an_endpoints
from tests.helpers.views import a_question, a_view, section, shown

Shown = tuple[int, bool, list[str], list[str]]
OBJECTS = (
    a_service("web.prod", cluster_ips=["10.96.0.10", "fd00:96::11"]),
    a_service("db.prod", headless=True),
    an_endpoints("web.prod", ["10.1.0.1"]),
    an_endpoints("db.prod", ["10.1.1.1 hostname=db-0"]),
)
V6 = "1.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa"
REFUSED: Shown = (5, False, [], [])


def networks(*texts: str) -> tuple[Network, ...]:
    """Return ``--local-cidrs``."""
    return tuple(map(ipaddress.ip_network, texts))


PLAIN = a_view(*OBJECTS)
LOCAL = a_view(*OBJECTS, policy=Policy(local_networks=networks("10.96.0.0/12", "fd00:96::/108")))


def decided(name: str, qtype: int = PTR, view: View = PLAIN) -> Shown:
    """Return the reply to a reverse name."""
    found = reverse_names(a_question(view, name, qtype), view)
    assert found is not None
    assert found.rule == "reverse_names"
    assert found.zone is not None
    assert to_text(found.zone) in {"in-addr.arpa.", "ip6.arpa."}
    return shown(found.reply)


@pytest.mark.parametrize("name", ["web.prod.svc.d", "arpa", ".", "1.e164.arpa"])
def test_other_names_are_left_to_the_other_rules(name: str) -> None:
    """T-46."""
    assert reverse_names(a_question(PLAIN, name, PTR), PLAIN) is None


def test_a_zone_of_our_own_under_arpa_is_not_a_reverse_name() -> None:
    """BAD-9: a domain is a domain wherever it stands."""
    view = a_view(domains=("k8s.in-addr.arpa",))

    assert reverse_names(a_question(view, "x.k8s.in-addr.arpa", PTR), view) is None


@pytest.mark.parametrize("view", [PLAIN, LOCAL], ids=["plain", "local"])
@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("10.0.96.10.in-addr.arpa", "web.prod.svc.d."),
        (V6, "web.prod.svc.d."),
        ("1.1.1.10.in-addr.arpa", "db-0.db.prod.svc.d."),
        ("1.0.1.10.in-addr.arpa", "10-1-0-1.web.prod.svc.d."),
    ],
)
def test_known_addresses_have_pointers(view: View, name: str, target: str) -> None:
    """T-41 to T-44, PTR-1 to PTR-5."""
    assert decided(name, view=view) == (0, True, [f"{name}. 30 IN PTR {target}"], [])


def test_several_services_give_several_pointers() -> None:
    """PTR-6: hostnames of headless services first; the policy chooses (PTR-7)."""
    both = (*OBJECTS, an_endpoints("web.prod", ["10.1.1.1"], name="more"))
    name = "1.1.1.10.in-addr.arpa"

    assert decided(name, view=a_view(*both))[2] == [
        f"{name}. 30 IN PTR db-0.db.prod.svc.d.",
        f"{name}. 30 IN PTR 10-1-1-1.web.prod.svc.d.",
    ]
    first = a_view(*both, policy=Policy(pointers="first"))
    assert decided(name, view=first)[2] == [f"{name}. 30 IN PTR db-0.db.prod.svc.d."]


def test_pointers_name_the_first_domain() -> None:
    """BAD-9."""
    view = a_view(*OBJECTS, domains=("one", "two"))

    assert decided(V6, view=view)[2] == [f"{V6}. 30 IN PTR web.prod.svc.one."]


@pytest.mark.parametrize(
    ("view", "owner"), [(PLAIN, "in-addr.arpa."), (LOCAL, "96.10.in-addr.arpa.")]
)
@pytest.mark.parametrize("qtype", [A, TXT, SRV, SOA, NS])
def test_a_known_address_has_no_data_of_other_types(view: View, owner: str, qtype: int) -> None:
    """T-45, PTR-11, ENV-7: incumbents say NXDOMAIN."""
    assert decided("10.0.96.10.in-addr.arpa", qtype, view) == (0, True, [], [f"SOA {owner}"])


def test_any_gets_one_small_record() -> None:
    """T-51."""
    name = "10.0.96.10.in-addr.arpa"

    assert decided(name, ANY) == (0, True, [rf"{name}. 30 IN HINFO \# 9 075246433834383200"], [])


@pytest.mark.parametrize(
    "name",
    [
        "1.0.200.10.in-addr.arpa",
        "10.in-addr.arpa",
        "96.10.in-addr.arpa",
        "0/25.0.96.10.in-addr.arpa",
        "1.0.0.0.10.in-addr.arpa",
        "d.f.ip6.arpa",
        "lb._dns-sd._udp.d.f.ip6.arpa",
        f"2{V6[1:]}",
    ],
)
@pytest.mark.parametrize("qtype", [PTR, A, SOA])
def test_what_is_not_ours_is_refused(name: str, qtype: int) -> None:
    """T-46, PTR-10, PTR-12, PTR-15, APX-12, APX-14, ENV-28b: never NXDOMAIN; EDE 20."""
    found = reverse_names(a_question(PLAIN, name, qtype), PLAIN)

    assert decided(name, qtype) == REFUSED
    assert found is not None
    assert found.reply.ede is not None
    assert found.reply.ede.code == 20


@pytest.mark.parametrize("name", ["x.ip6.arpa", "10.d.f.ip6.arpa", f"0.{V6}"])
def test_what_cannot_exist_does_not_exist(name: str) -> None:
    """A-10."""
    assert decided(name) == (3, True, [], ["SOA ip6.arpa."])


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("1.0.97.10.in-addr.arpa", "97.10.in-addr.arpa."),
        ("1.0.0.111.10.in-addr.arpa", "111.10.in-addr.arpa."),
        ("x.0.96.10.in-addr.arpa", "96.10.in-addr.arpa."),
        ("lb._dns-sd._udp.96.10.in-addr.arpa", "96.10.in-addr.arpa."),
        (f"2{V6[1:]}", f"{V6[10:]}."),
        (f"x{V6[1:]}", f"{V6[10:]}."),
    ],
)
def test_what_is_unknown_in_a_local_network_does_not_exist(name: str, owner: str) -> None:
    """T-46, PTR-10: it never leaks; the zone ends where the next octet or nibble does (ENV-7)."""
    assert decided(name, view=LOCAL) == (3, True, [], [f"SOA {owner}"])


@pytest.mark.parametrize(
    "name", ["1.0.112.10.in-addr.arpa", "10.in-addr.arpa", "300.10.in-addr.arpa", f"{V6[12:]}"]
)
def test_what_is_outside_of_every_local_network_is_not_ours(name: str) -> None:
    """PTR-10, APX-14: 10.112.0.0 is not in 10.96.0.0/12, nor is all of 10.0.0.0/8."""
    assert decided(name, view=LOCAL) == REFUSED


def test_names_on_the_way_to_local_addresses_are_empty() -> None:
    """APX-14, PTR-12: empty non-terminals of a range of ours."""
    assert decided("0.96.10.in-addr.arpa", view=LOCAL) == (0, True, [], ["SOA 96.10.in-addr.arpa."])
    assert decided(V6[2:], view=LOCAL) == (0, True, [], [f"SOA {V6[10:]}."])


@pytest.mark.parametrize(
    ("view", "name"),
    [(PLAIN, "in-addr.arpa"), (PLAIN, "ip6.arpa"), (LOCAL, "96.10.in-addr.arpa")],
)
def test_where_a_reverse_zone_begins_it_has_a_soa_and_a_name_server(view: View, name: str) -> None:
    """APX-13: the same host as the cluster domain."""
    found = reverse_names(a_question(view, name, NS), view)

    assert decided(name, SOA, view) == (0, True, [f"SOA {name}."], [])
    assert decided(name, NS, view) == (0, True, [f"{name}. 30 IN NS ns.dns.d."], [])
    assert decided(name, PTR, view) == (0, True, [], [f"SOA {name}."])
    assert found is not None
    assert section(found.reply.additional) == ["ns.dns.d. 30 IN A 127.0.0.1"]


def test_a_local_network_of_one_address_is_a_zone_with_a_pointer() -> None:
    """APX-13: its SOA stands beside the pointer, and does not hide it."""
    view = a_view(*OBJECTS, policy=Policy(local_networks=networks("10.96.0.10/32")))
    name = "10.0.96.10.in-addr.arpa"

    assert decided(name, PTR, view) == (0, True, [f"{name}. 30 IN PTR web.prod.svc.d."], [])
    assert decided(name, SOA, view) == (0, True, [f"SOA {name}."], [])
    assert decided(name, A, view) == (0, True, [], [f"SOA {name}."])
    assert decided("11.0.96.10.in-addr.arpa", PTR, view) == REFUSED


def test_a_local_network_of_everything_leaves_nothing_to_others() -> None:
    """PTR-16: ``--local-cidrs 0.0.0.0/0,::/0``."""
    view = a_view(*OBJECTS, policy=Policy(local_networks=networks("0.0.0.0/0", "::/0")))

    assert decided("1.0.200.10.in-addr.arpa", PTR, view) == (3, True, [], ["SOA in-addr.arpa."])
    assert decided("10.in-addr.arpa", PTR, view) == (0, True, [], ["SOA in-addr.arpa."])
    assert decided("d.f.ip6.arpa", PTR, view) == (0, True, [], ["SOA ip6.arpa."])


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_specific_local_network_speaks(order: int) -> None:
    """ENV-7: in whatever order they are given."""
    local = networks("10.0.0.0/8", "10.96.0.0/16")[::order]
    view = a_view(*OBJECTS, policy=Policy(local_networks=local))

    assert decided("1.1.96.10.in-addr.arpa", PTR, view)[3] == ["SOA 96.10.in-addr.arpa."]
    assert decided("1.1.97.10.in-addr.arpa", PTR, view)[3] == ["SOA 10.in-addr.arpa."]


def test_a_pod_in_no_service_has_its_dashed_name_by_option() -> None:
    """PTR-8: ``--ptr-pods``; services come first, and hidden namespaces have no pods."""
    objects = (
        *OBJECTS,
        a_namespace("app"),
        a_pod("p.app", ["10.1.0.7", "10.1.0.1"]),
        a_pod("p.prod", ["10.1.0.7"]),
        a_pod("p.unseen", ["10.1.0.7"]),
    )
    view = a_view(*objects, policy=Policy(pod_pointers=True))
    name = "7.0.1.10.in-addr.arpa"

    assert decided(name, view=view)[2] == [
        f"{name}. 30 IN PTR 10-1-0-7.app.pod.d.",
        f"{name}. 30 IN PTR 10-1-0-7.prod.pod.d.",
    ]
    assert decided("1.0.1.10.in-addr.arpa", view=view)[2] == [
        "1.0.1.10.in-addr.arpa. 30 IN PTR 10-1-0-1.web.prod.svc.d."
    ]
    assert decided(name, view=a_view(*objects)) == REFUSED


def test_a_pods_name_that_would_be_too_long_is_not_pointed_at() -> None:
    """BAD-2, PTR-8: 255 octets are the most (RFC 1035, 2.3.4)."""
    domain = ".".join(["d" * 63] * 3 + ["d" * 46])
    pods = [a_pod(f"p.{'n' * length}", ["10.1.0.7"]) for length in (1, 2)]
    namespaces = [a_namespace("n"), a_namespace("nn")]
    view = a_view(*namespaces, *pods, domains=(domain,), policy=Policy(pod_pointers=True))

    assert decided("7.0.1.10.in-addr.arpa", view=view)[2] == [
        f"7.0.1.10.in-addr.arpa. 30 IN PTR 10-1-0-7.n.pod.{domain}."
    ]


def test_an_address_points_at_eight_pods_names_at_most() -> None:
    """PTR-6, PTR-8: pods of the host's network share its address."""
    names = [f"n{number}" for number in range(9)]
    objects = [a_namespace(name) for name in names]
    pods = [a_pod(f"p.{name}", ["10.1.0.7"]) for name in names]
    view = a_view(*objects, *pods, policy=Policy(pod_pointers=True))

    assert decided("7.0.1.10.in-addr.arpa", view=view)[2] == [
        f"7.0.1.10.in-addr.arpa. 30 IN PTR 10-1-0-7.{name}.pod.d." for name in names[:8]
    ]
