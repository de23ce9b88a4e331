"""The forms of answers from our own data (RFC 1034, RFC 2308, RFC 8482)."""

import pytest

from kubedns_py.cluster.objects import Address
from kubedns_py.dns.name import from_text
from kubedns_py.dns.rrset import AAAA, ANY, SRV, TXT, A, RRset, to_lines
from kubedns_py.resolver.answers import (
    data,
    from_rrsets,
    nameserver_rrsets,
    nodata,
    ns_reply,
    nxdomain,
    soa_rrset,
)
from kubedns_py.resolver.view import Policy
from tests.helpers.objects import a_key, a_service, address, an_endpoints
from tests.helpers.views import ASKED, a_question, a_view, section, shown

HTTPS = 65
NOWHERE = Address(b"")
DNS = a_service("dns.kube", cluster_ips=["fd00::a", "10.96.0.10"])
OWN_DNS = Policy(dns_service=a_key("dns.kube"), negative_ttl=7)


def test_the_soa_has_the_zones_server_serial_and_negative_ttl() -> None:
    """ENV-6: a reverse zone shares the cluster domain's."""
    view = a_view(DNS, policy=Policy(negative_ttl=7))
    rrset = soa_rrset(from_text("10.in-addr.arpa"), view.zones[0], view, 30)

    assert to_lines(rrset) == [
        "10.in-addr.arpa. 30 IN SOA ns.dns.d. hostmaster.d. 7 7200 1800 86400 7"
    ]


def test_negative_answers_carry_the_soa_with_the_negative_ttl() -> None:
    """ENV-2, A-01, A-03, RFC 2308, 3 and 5."""
    view = a_view(DNS, policy=Policy(negative_ttl=7))
    zone = view.zones[0]
    no_data, no_name = nodata(zone.apex, zone, view), nxdomain(zone.apex, zone, view)

    assert shown(no_data) == (0, True, [], ["SOA d."])
    assert shown(no_name) == (3, True, [], ["SOA d."])
    assert to_lines(no_data.authority[0]) == [
        "d. 7 IN SOA ns.dns.d. hostmaster.d. 7 7200 1800 86400 7"
    ]
    assert no_data.authority == no_name.authority


def test_data_is_authoritative_and_alone() -> None:
    """ENV-1."""
    rrset = RRset(from_text("web.d"), A, 30, (address("10.0.0.1"),))

    assert shown(data(rrset)) == (0, True, ["web.d. 30 IN A 10.0.0.1"], [])


@pytest.mark.parametrize(
    ("qtype", "answer", "authority"),
    [
        (A, ["web.d. 30 IN A 10.0.0.1"], []),
        (AAAA, [], ["SOA apex."]),
        (HTTPS, [], ["SOA apex."]),
        (0, [], ["SOA apex."]),
        (ANY, [r"web.d. 30 IN HINFO \# 9 075246433834383200"], []),
    ],
)
def test_an_existing_name_answers_the_type_or_says_no_data(
    qtype: int, answer: list[str], authority: list[str]
) -> None:
    """ENT-14, ENT-15, T-51: ``HINFO "RFC8482" ""`` for ANY."""
    view = a_view()
    question = a_question(view, "web.d", qtype)
    rrsets = {A: RRset(question.name, A, 30, (address("10.0.0.1"),))}

    reply = from_rrsets(rrsets, question, from_text("apex"), view.zones[0], view)

    assert shown(reply) == (0, True, answer, authority)


@pytest.mark.parametrize("qtype", [A, ANY, TXT])
def test_an_empty_name_has_no_data_of_any_type(qtype: int) -> None:
    """A-02, ENV-25: nothing is made up for ANY either."""
    view = a_view()
    zone = view.zones[0]

    reply = from_rrsets({}, a_question(view, "svc.d", qtype), zone.apex, zone, view)

    assert shown(reply) == (0, True, [], ["SOA d."])


def test_srv_answers_come_with_the_addresses_of_their_targets() -> None:
    """T-13, T-23, A-08: A before AAAA, each target once."""
    view = a_view(
        a_service("db.shop", headless=True),
        an_endpoints("db.shop", ["10.1.1.1 hostname=b", "10.1.1.2 hostname=a"], ["x:1/tcp"]),
        an_endpoints("db.shop", ["fd00::1 hostname=b"], ["x:1/tcp"], name="six"),
    )
    node = view.zones[0].find(from_text("db.shop"))
    assert node is not None
    question = a_question(view, "db.shop.svc.d", SRV)

    reply = from_rrsets(node.rrsets, question, view.zones[0].apex, view.zones[0], view)

    assert section(reply.answer) == [
        "db.shop.svc.d. 30 IN SRV 0 50 1 b.db.shop.svc.d.",
        "db.shop.svc.d. 30 IN SRV 0 50 1 a.db.shop.svc.d.",
    ]
    assert section(reply.additional) == [
        "b.db.shop.svc.d. 30 IN A 10.1.1.1",
        "b.db.shop.svc.d. 30 IN AAAA fd00::1",
        "a.db.shop.svc.d. 30 IN A 10.1.1.2",
    ]


def test_the_name_server_has_the_addresses_of_the_dns_service() -> None:
    """APX-5, ``--dns-service``: whatever address was asked."""
    view = a_view(DNS, policy=OWN_DNS)
    rrsets = nameserver_rrsets(view.zones[0], ASKED, view)

    assert section(tuple(rrsets.values())) == [
        "ns.dns.d. 30 IN A 10.96.0.10",
        "ns.dns.d. 30 IN AAAA fd00::a",
    ]


def test_a_headless_dns_service_gives_the_addresses_of_its_endpoints() -> None:
    """APX-2."""
    view = a_view(
        a_service("dns.kube", headless=True),
        an_endpoints("dns.kube", ["10.1.0.1", "10.1.0.2"]),
        policy=OWN_DNS,
    )

    assert section(tuple(nameserver_rrsets(view.zones[0], ASKED, view).values())) == [
        "ns.dns.d. 30 IN A 10.1.0.1",
        "ns.dns.d. 30 IN A 10.1.0.2",
    ]


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        (address("192.0.2.1"), ["ns.dns.d. 30 IN A 192.0.2.1"]),
        (address("2001:db8::1"), ["ns.dns.d. 30 IN AAAA 2001:db8::1"]),
        (NOWHERE, []),
    ],
)
def test_without_a_dns_service_the_name_server_is_where_it_was_asked(
    asked: Address, lines: list[str]
) -> None:
    """APX-2, APX-5: that address is known to work."""
    view = a_view()

    assert section(tuple(nameserver_rrsets(view.zones[0], asked, view).values())) == lines


def test_the_ns_answer_has_glue() -> None:
    """T-2, APX-2, APX-13."""
    view = a_view(DNS, policy=OWN_DNS)

    reply = ns_reply(from_text("in-addr.arpa"), view.zones[0], ASKED, view)

    assert shown(reply) == (0, True, ["in-addr.arpa. 30 IN NS ns.dns.d."], [])
    assert section(reply.additional) == [
        "ns.dns.d. 30 IN A 10.96.0.10",
        "ns.dns.d. 30 IN AAAA fd00::a",
    ]
