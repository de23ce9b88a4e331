"""A service and its endpoints to records, in presentation format (DNS specification 1.1.0)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.cluster.objects import Service, Subset
from kubedns_py.dns.name import Name, from_text, to_text
from kubedns_py.dns.rrset import SRV, to_lines, type_text
from kubedns_py.structs import replace
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing
from kubedns_py.zone.records import address_literal, names_too_long
from kubedns_py.zone.tree import Node, PointerKind, Subtree
from tests.helpers.objects import a_service, a_subset, address
from tests.helpers.parts import parts_published, subtree_of

NAMING = Naming(from_text("d"), 30)
PLAIN = Publishing()
WEB = a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["https:443/tcp", ":80/tcp"])
DB = a_service("db.shop", headless=True, ports=["pg:5432/tcp"])


def made(
    service: Service,
    *subsets: Subset,
    naming: Naming = NAMING,
    publishing: Publishing = PLAIN,
) -> Subtree:
    """Return the subtree of a service that publishes something."""
    subtree = subtree_of(service, subsets, naming, publishing)
    assert subtree is not None
    return subtree


def lines(subtree: Subtree, *only: str) -> list[str]:
    """Return the records of a subtree: a name's before those below it, in the order of making."""
    found: list[str] = []
    nodes = [subtree.node]
    while nodes:
        node = nodes.pop(0)
        for rtype, rrset in node.rrsets.items():
            assert rrset.rtype == rtype
            if not only or type_text(rtype) in only:
                found += to_lines(rrset)
        nodes[:0] = node.children.values()
    return found


def names(node: Node, owner: Name = ()) -> set[str]:
    """Return the names below a node, relative to it."""
    found = set()
    for label, child in node.children.items():
        found |= {to_text((label, *owner)), *names(child, (label, *owner))}
    return found


def targets(subtree: Subtree, text: str) -> list[str]:
    """Return what an address points at, in the order of making."""
    return [to_text(each.target) for each in subtree.pointers.get(address(text), ())]


# -- ClusterIP (2.3)


def test_a_service_with_a_cluster_ip_has_that_address_and_its_ports() -> None:
    """T-9, T-12, T-14, T-16, CIP-1, SRV-6, SRV-9."""
    assert lines(made(WEB)) == [
        "web.shop.svc.d. 30 IN A 10.3.0.1",
        "web.shop.svc.d. 30 IN SRV 0 50 443 web.shop.svc.d.",
        "web.shop.svc.d. 30 IN SRV 0 50 80 web.shop.svc.d.",
        "_https._tcp.web.shop.svc.d. 30 IN A 10.3.0.1",
        "_https._tcp.web.shop.svc.d. 30 IN SRV 0 100 443 web.shop.svc.d.",
    ]


def test_only_named_ports_have_names() -> None:
    """SRV-6, ENT-8: with their protocol as an empty non-terminal."""
    assert names(made(WEB).node) == {"_tcp.", "_https._tcp."}
    assert names(made(a_service("web.shop", cluster_ips=["10.3.0.1"], ports=[":80"])).node) == set()


def test_both_families_are_published_in_either_order() -> None:
    """CIP-3, CIP-4, CIP-5, SRV-2: one SRV, whole weight."""
    dual = a_service("dual.shop", cluster_ips=["fd00::a", "10.3.0.2"], ports=["dns:53/udp"])

    assert lines(made(dual)) == [
        "dual.shop.svc.d. 30 IN AAAA fd00::a",
        "dual.shop.svc.d. 30 IN A 10.3.0.2",
        "dual.shop.svc.d. 30 IN SRV 0 100 53 dual.shop.svc.d.",
        "_dns._udp.dual.shop.svc.d. 30 IN AAAA fd00::a",
        "_dns._udp.dual.shop.svc.d. 30 IN A 10.3.0.2",
        "_dns._udp.dual.shop.svc.d. 30 IN SRV 0 100 53 dual.shop.svc.d.",
    ]
    assert targets(made(dual), "fd00::a") == ["dual.shop.svc.d."]
    assert targets(made(dual), "10.3.0.2") == ["dual.shop.svc.d."]


def test_one_port_name_may_stand_for_several_protocols() -> None:
    """SRV-3, SRV-4, BAD-6, T-13."""
    dns = a_service(
        "dns.shop", cluster_ips=["10.3.0.3"], ports=["dns:53/udp", "dns:53/tcp", "sig:9/sctp"]
    )

    assert names(made(dns).node) == {
        "_udp.",
        "_dns._udp.",
        "_tcp.",
        "_dns._tcp.",
        "_sctp.",
        "_sig._sctp.",
    }


def test_one_target_and_number_is_one_record_at_the_bare_name() -> None:
    """SRV-2: the same number for two protocols is deduplicated before it is weighed."""
    dns = a_service("dns.shop", cluster_ips=["10.3.0.3"], ports=["dns:53/udp", "dns-tcp:53/tcp"])

    assert lines(made(dns), "SRV")[0] == "dns.shop.svc.d. 30 IN SRV 0 100 53 dns.shop.svc.d."
    assert len(lines(made(dns), "SRV")) == 3


def test_a_port_without_a_number_has_no_srv_record() -> None:
    """BAD-5: the address is kept."""
    service = a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["http:0/tcp"])

    assert lines(made(service), "SRV") == []
    assert lines(made(service))[0] == "web.shop.svc.d. 30 IN A 10.3.0.1"


def test_endpoints_of_a_service_with_a_cluster_ip_have_names_too() -> None:
    """T-17, CIP-9, HDL-23, PTR-5: but neither addresses nor ports at the service's name."""
    subset = a_subset(["10.1.0.1", "10.1.0.2 hostname=web-0"], ["https:8443/tcp"])
    subtree = made(WEB, subset)

    assert lines(subtree, "A") == [
        "web.shop.svc.d. 30 IN A 10.3.0.1",
        "_https._tcp.web.shop.svc.d. 30 IN A 10.3.0.1",
        "10-1-0-1.web.shop.svc.d. 30 IN A 10.1.0.1",
        "web-0.web.shop.svc.d. 30 IN A 10.1.0.2",
    ]
    assert lines(subtree, "SRV") == lines(made(WEB), "SRV")
    assert targets(subtree, "10.1.0.1") == ["10-1-0-1.web.shop.svc.d."]
    assert targets(subtree, "10.1.0.2") == ["web-0.web.shop.svc.d."]


def test_an_endpoint_at_the_services_own_address_leaves_it_its_pointer() -> None:
    """PTR-1: one record."""
    subtree = made(WEB, a_subset(["10.3.0.1 hostname=a"]))

    assert targets(subtree, "10.3.0.1") == ["web.shop.svc.d."]


def test_a_cluster_ip_that_is_not_allocated_yet_makes_no_name() -> None:
    """CIP-11, CIP-12."""
    assert subtree_of(a_service("web.shop"), [a_subset(["10.1.0.1"])], NAMING, PLAIN) is None


def test_a_service_without_endpoints_keeps_its_address_unless_it_is_ignored() -> None:
    """CIP-10: ``--ignore-empty-service``; not ready is not enough."""
    ignoring = Publishing(ignore_empty_service=True)
    ready, unready = a_subset(["10.1.0.1"]), a_subset(["10.1.0.1 not-ready"])

    assert lines(made(WEB), "A") != []
    assert subtree_of(WEB, [], NAMING, ignoring) is None
    assert subtree_of(WEB, [unready], NAMING, ignoring) is None
    assert subtree_of(WEB, [ready], NAMING, ignoring) is not None


def test_kube_dns_labels_of_the_cluster_ip_are_understood_by_option() -> None:
    """CIP-8, SKY-1."""
    service = a_service("web.shop", cluster_ips=["10.0.0.1"])
    naming = replace(NAMING, endpoint_names="both")

    assert lines(made(service, naming=naming)) == [
        "web.shop.svc.d. 30 IN A 10.0.0.1",
        "3234633364383235.web.shop.svc.d. 30 IN A 10.0.0.1",
    ]


# -- headless (2.4)


def test_a_headless_service_has_its_endpoints_addresses_and_names() -> None:
    """T-19, T-21, T-23, T-24, HDL-1, HDL-8, HDL-9, SRV-11, SRV-12, SRV-13."""
    subset = a_subset(["10.1.1.1 hostname=db-0", "10.1.1.2"], ["pg:5433/tcp"])

    assert lines(made(DB, subset)) == [
        "db.shop.svc.d. 30 IN A 10.1.1.1",
        "db.shop.svc.d. 30 IN A 10.1.1.2",
        "db.shop.svc.d. 30 IN SRV 0 50 5433 db-0.db.shop.svc.d.",
        "db.shop.svc.d. 30 IN SRV 0 50 5433 10-1-1-2.db.shop.svc.d.",
        "_pg._tcp.db.shop.svc.d. 30 IN A 10.1.1.1",
        "_pg._tcp.db.shop.svc.d. 30 IN A 10.1.1.2",
        "_pg._tcp.db.shop.svc.d. 30 IN SRV 0 50 5433 db-0.db.shop.svc.d.",
        "_pg._tcp.db.shop.svc.d. 30 IN SRV 0 50 5433 10-1-1-2.db.shop.svc.d.",
        "db-0.db.shop.svc.d. 30 IN A 10.1.1.1",
        "10-1-1-2.db.shop.svc.d. 30 IN A 10.1.1.2",
    ]


def test_both_families_of_endpoints_are_published() -> None:
    """T-25, T-26, T-27, HDL-4: an unnamed port stands at the bare name only."""
    four, six = a_subset(["10.1.2.1"], [":9000/tcp"]), a_subset(["fd00:1::5"], [":9000/tcp"])

    assert lines(made(DB, four, six)) == [
        "db.shop.svc.d. 30 IN A 10.1.2.1",
        "db.shop.svc.d. 30 IN AAAA fd00:1::5",
        "db.shop.svc.d. 30 IN SRV 0 50 9000 10-1-2-1.db.shop.svc.d.",
        "db.shop.svc.d. 30 IN SRV 0 50 9000 fd00-1--5.db.shop.svc.d.",
        "10-1-2-1.db.shop.svc.d. 30 IN A 10.1.2.1",
        "fd00-1--5.db.shop.svc.d. 30 IN AAAA fd00:1::5",
    ]


def test_an_endpoint_with_both_families_is_one_target() -> None:
    """SRV-15: deduplicated by target and port."""
    four = a_subset(["10.1.1.1 hostname=db-0"], ["pg:1/tcp"])
    six = a_subset(["fd00::1 hostname=db-0"], ["pg:1/tcp"])

    assert lines(made(DB, four, six), "SRV")[0] == (
        "db.shop.svc.d. 30 IN SRV 0 100 1 db-0.db.shop.svc.d."
    )
    assert lines(made(DB, four, six))[-2:] == [
        "db-0.db.shop.svc.d. 30 IN A 10.1.1.1",
        "db-0.db.shop.svc.d. 30 IN AAAA fd00::1",
    ]


def test_service_records_have_the_addresses_of_their_targets_beside_them() -> None:
    """SRV-1, SRV-11: found once, when the subtree is grown; no question pays for 5,000."""
    four = a_subset(["10.1.1.1 hostname=b", "10.1.1.2 hostname=a"], ["x:1/tcp", "y:2/tcp"])
    six = a_subset(["fd00::1 hostname=b"], ["x:1/tcp"])
    node = made(DB, four, six).node

    for each in (node, node.children[b"_tcp"].children[b"_x"]):
        beside = each.rrsets[SRV].beside
        assert [line for rrset in beside for line in to_lines(rrset)] == [
            "b.db.shop.svc.d. 30 IN A 10.1.1.1",
            "b.db.shop.svc.d. 30 IN AAAA fd00::1",
            "a.db.shop.svc.d. 30 IN A 10.1.1.2",
        ]


def test_all_endpoints_of_one_hostname_answer_to_it() -> None:
    """HDL-11: in kube-dns the last one wins."""
    subset = a_subset(["10.1.1.1 hostname=db-0", "10.1.1.2 hostname=db-0"])

    assert lines(made(DB, subset))[2:] == [
        "db-0.db.shop.svc.d. 30 IN A 10.1.1.1",
        "db-0.db.shop.svc.d. 30 IN A 10.1.1.2",
    ]


def test_one_address_may_have_several_hostnames() -> None:
    """BAD-12: both names, one address."""
    subtree = made(DB, a_subset(["10.1.1.1 hostname=a", "10.1.1.1 hostname=b"]))

    assert lines(subtree) == [
        "db.shop.svc.d. 30 IN A 10.1.1.1",
        "a.db.shop.svc.d. 30 IN A 10.1.1.1",
        "b.db.shop.svc.d. 30 IN A 10.1.1.1",
    ]
    assert targets(subtree, "10.1.1.1") == ["a.db.shop.svc.d.", "b.db.shop.svc.d."]


def test_an_address_in_several_slices_is_published_once_with_the_ports_of_each() -> None:
    """HDL-12, HDL-29, SRV-14, ENV-11."""
    subtree = made(
        DB, a_subset(["10.1.1.1"], ["pg:1/tcp"]), a_subset(["10.1.1.1"], ["pg:2/tcp", "x:3/udp"])
    )

    assert lines(subtree) == [
        "db.shop.svc.d. 30 IN A 10.1.1.1",
        "db.shop.svc.d. 30 IN SRV 0 33 1 10-1-1-1.db.shop.svc.d.",
        "db.shop.svc.d. 30 IN SRV 0 33 2 10-1-1-1.db.shop.svc.d.",
        "db.shop.svc.d. 30 IN SRV 0 33 3 10-1-1-1.db.shop.svc.d.",
        "_pg._tcp.db.shop.svc.d. 30 IN A 10.1.1.1",
        "_pg._tcp.db.shop.svc.d. 30 IN SRV 0 50 1 10-1-1-1.db.shop.svc.d.",
        "_pg._tcp.db.shop.svc.d. 30 IN SRV 0 50 2 10-1-1-1.db.shop.svc.d.",
        "_x._udp.db.shop.svc.d. 30 IN A 10.1.1.1",
        "_x._udp.db.shop.svc.d. 30 IN SRV 0 100 3 10-1-1-1.db.shop.svc.d.",
        "10-1-1-1.db.shop.svc.d. 30 IN A 10.1.1.1",
    ]
    assert targets(subtree, "10.1.1.1") == ["10-1-1-1.db.shop.svc.d."]


def test_a_port_without_a_number_is_no_port_of_an_endpoint() -> None:
    """BAD-5, SRV-20: no SRV record, no name, the address is kept."""
    assert lines(made(DB, a_subset(["10.1.1.1 hostname=a"], ["pg:0/tcp"]))) == [
        "db.shop.svc.d. 30 IN A 10.1.1.1",
        "a.db.shop.svc.d. 30 IN A 10.1.1.1",
    ]


def test_the_weight_is_never_nothing() -> None:
    """SRV-16, RFC 2782: 0 would mean "hardly ever"."""
    subset = a_subset([f"10.1.1.{n}" for n in range(101)], ["pg:1/tcp"])

    weights = {line.split()[5] for line in lines(made(DB, subset), "SRV")}

    assert weights == {"1"}


def test_endpoints_that_are_not_ready_have_no_names() -> None:
    """SRV-18, PTR-9, HDL-19, A-09."""
    subtree = made(DB, a_subset(["10.1.1.1", "10.1.1.2 not-ready hostname=x"]))

    assert names(subtree.node) == {"10-1-1-1."}
    assert targets(subtree, "10.1.1.2") == []


def test_all_endpoints_have_names_where_the_service_says_so() -> None:
    """HDL-15, HDL-16: publishNotReadyAddresses."""
    service = a_service("db.shop", headless=True, publish_not_ready=True)

    assert lines(made(service, a_subset(["10.1.1.2 not-ready hostname=x"]))) == [
        "db.shop.svc.d. 30 IN A 10.1.1.2",
        "x.db.shop.svc.d. 30 IN A 10.1.1.2",
    ]


def test_an_address_that_is_ready_in_one_slice_is_ready() -> None:
    """HDL-12."""
    subtree = made(DB, a_subset(["10.1.1.1 not-ready"]), a_subset(["10.1.1.1"]))

    assert lines(subtree)[0] == "db.shop.svc.d. 30 IN A 10.1.1.1"


def test_a_headless_service_without_endpoints_does_not_exist_or_is_empty() -> None:
    """T-28, HDL-2, LIF-2: ``--headless-empty``."""
    assert subtree_of(DB, [], NAMING, PLAIN) is None
    assert subtree_of(DB, [a_subset(["10.1.1.1 not-ready"])], NAMING, PLAIN) is None
    assert made(DB, publishing=Publishing(headless_empty="nodata")) == Subtree(Node(), {})


def test_pods_names_and_hashes_answer_beside_the_address_by_option() -> None:
    """HDL-20, SKY-1: SRV and pointers use the first, all have the address."""
    naming = Naming(from_text("d"), 30, "both", pod_names=True)
    subtree = made(DB, a_subset(["10.0.0.1 pod=db-abc"], ["pg:1/tcp"]), naming=naming)

    assert lines(subtree, "SRV")[0] == "db.shop.svc.d. 30 IN SRV 0 100 1 db-abc.db.shop.svc.d."
    assert targets(subtree, "10.0.0.1") == ["db-abc.db.shop.svc.d."]
    assert lines(subtree, "A")[2:] == [
        "db-abc.db.shop.svc.d. 30 IN A 10.0.0.1",
        "10-0-0-1.db.shop.svc.d. 30 IN A 10.0.0.1",
        "3234633364383235.db.shop.svc.d. 30 IN A 10.0.0.1",
    ]


@pytest.mark.parametrize(
    ("service", "endpoint", "kind"),
    [
        (DB, "10.1.1.1 hostname=db-0", PointerKind.HEADLESS_HOSTNAME),
        (DB, "10.1.1.1", PointerKind.ADDRESS),
        (WEB, "10.1.1.1 hostname=db-0", PointerKind.HOSTNAME),
        (WEB, "10.1.1.1 pod=p", PointerKind.ADDRESS),
        (WEB, "10.3.0.1", PointerKind.SERVICE),
    ],
)
def test_a_pointer_says_what_its_target_is_called_by(
    service: Service, endpoint: str, kind: PointerKind
) -> None:
    """PTR-3, PTR-4, PTR-5, PTR-7."""
    subtree = made(service, a_subset([endpoint]))

    assert subtree.pointers[address(endpoint.split(maxsplit=1)[0])][0].kind is kind


# -- names that are too long (BAD-2)

LONG = Naming(tuple([b"a" * 60] * 3 + [b"b" * 55]), 30)


def test_an_endpoints_name_that_is_too_long_is_left_out() -> None:
    """BAD-2: no name, no target, no pointer; the address is kept, and so are the others."""
    subset = a_subset(["10.1.1.1 hostname=too-long", "10.1.1.2 hostname=x"], ["pg:1/tcp"])
    subtree = made(DB, subset, naming=LONG)

    assert names(subtree.node) == {"_tcp.", "_pg._tcp.", "x."}
    assert len(subtree.node.rrsets[SRV].rdatas) == 1
    assert [line.split()[-1] for line in lines(subtree, "A")[:2]] == ["10.1.1.1", "10.1.1.2"]
    assert targets(subtree, "10.1.1.1") == []


@pytest.mark.parametrize(
    "service",
    [
        a_service("too-long.shop", cluster_ips=["10.3.0.1"]),
        a_service("too-long.shop", external_name="example.org"),
    ],
)
def test_a_service_whose_name_is_too_long_makes_no_name(service: Service) -> None:
    """BAD-2: no pointer or target may lead to it."""
    assert subtree_of(service, [], LONG, PLAIN) is None


@pytest.mark.parametrize(
    ("service", "count"),
    [
        (DB, 2),
        (a_service("x.shop", cluster_ips=["10.3.0.1"]), 2),
        (a_service("too-long.shop", headless=True), 1),
        (a_service("too-long.shop", external_name="example.org"), 1),
        (a_service("ext.shop", external_name="example.org"), 0),
    ],
    ids=["headless", "cluster IP", "service", "alias", "alias that fits"],
)
def test_names_that_are_too_long_are_counted(service: Service, count: int) -> None:
    """BAD-2: of a service once, else of each endpoint that has one."""
    subset = a_subset(["10.1.1.1 hostname=long", "10.1.1.2 hostname=longer", "10.1.1.3 hostname=x"])

    assert names_too_long(service, parts_published(service, [subset], PLAIN), LONG) == count


# -- ExternalName (2.5)


@pytest.mark.parametrize(
    ("target", "written"),
    [("example.org", "example.org."), ("Example.ORG.", "example.org."), ("a_b.c", "a_b.c.")],
)
def test_an_external_name_is_an_alias_and_nothing_else(target: str, written: str) -> None:
    """T-30, EXT-1, EXT-13, EXT-15, EXT-17: endpoints of the same name are not looked at."""
    service = a_service("ext.shop", external_name=target, ports=["http:80/tcp"])
    subtree = made(service, a_subset(["10.1.1.1"]))

    assert lines(subtree) == [f"ext.shop.svc.d. 30 IN CNAME {written}"]
    assert names(subtree.node) == set()
    assert subtree.pointers == {}


@pytest.mark.parametrize("target", ["192.0.2.7", "192.0.2.7.", "2001:db8::7"])
def test_an_external_name_that_is_an_address_is_an_empty_name(target: str) -> None:
    """T-39, EXT-10."""
    assert made(a_service("lit.shop", external_name=target)) == Subtree(Node(), {})


def test_an_external_name_that_is_an_address_is_one_by_option() -> None:
    """EXT-10: ``--externalname-ip address``, as kube-dns users know it."""
    asking = Publishing(address_as_external_name=True)
    four = a_service("lit.shop", external_name="192.0.2.7.")
    six = a_service("lit.shop", external_name="2001:db8::7")

    assert lines(made(four, publishing=asking)) == ["lit.shop.svc.d. 30 IN A 192.0.2.7"]
    assert lines(made(six, publishing=asking)) == ["lit.shop.svc.d. 30 IN AAAA 2001:db8::7"]


@pytest.mark.parametrize("target", [".", "a..b", "münchen.example", "x" * 64])
def test_an_external_name_that_is_no_name_is_an_empty_name(target: str) -> None:
    """BAD-8: it is never an error of the zone."""
    assert made(a_service("bad.shop", external_name=target)) == Subtree(Node(), {})


@pytest.mark.parametrize("text", ["", "example.org", "10.0.0", "010.0.0.1", "1.2.3.4.5"])
def test_what_is_no_address_is_no_literal(text: str) -> None:
    """EXT-10."""
    assert address_literal(text) is None


_ENDPOINTS = st.sampled_from(
    [
        *("10.1.0.1", "10.1.0.2", "10.1.0.2 pod=p-1", "fd00::1", "::1", "10.1.0.1,fd00::1"),
        *("10.1.0.1 hostname=db-0", "10.1.0.3 hostname=db-0", "fd00::1 hostname=10-1-0-1"),
        *("10.1.0.4 not-ready", f"10.1.0.5 hostname={'n' * 63}", "10.1.0.6 pod=db-0"),
    ]
)
_NAMINGS = st.builds(
    Naming,
    apex=st.sampled_from([from_text("d"), from_text(".".join(["x" * 59] * 3 + ["d"]))]),
    ttl=st.just(30),
    endpoint_names=st.sampled_from(["dashed", "hash", "both"]),
    pod_names=st.booleans(),
)


@given(
    st.lists(st.lists(_ENDPOINTS, max_size=5), max_size=3),
    _NAMINGS,
    st.sampled_from([WEB, DB, a_service("db.shop", headless=True, publish_not_ready=True)]),
)
def test_a_name_made_alone_is_what_it_is_among_all(
    slices: list[list[str]], naming: Naming, service: Service
) -> None:
    """HDL-8 to HDL-11, PTR-6: a fast way may decline, and never disagree."""
    subsets = [a_subset(each, ["http:80/tcp", ":81/tcp"]) for each in slices]

    def new() -> Subtree | None:
        return subtree_of(service, subsets, naming, PLAIN)

    whole = new()
    if whole is None:
        return
    children, pointers = dict(whole.node.children), dict(whole.pointers)
    strange = [b"10-1-0-9", b"010-1-0-1", b"0--1", b"--1", b"fd00--1", b"db-0", b"\xff", b"_tcp"]
    for label in {*children, *strange}:
        alone = new()
        assert alone is not None
        assert _content(alone.node.children.get(label)) == _content(children.get(label))
    for holder in {*pointers, address("10.1.0.4"), address("10.1.0.9")}:
        alone = new()
        assert alone is not None
        assert alone.pointers.get(holder) == pointers.get(holder)


def _content(node: Node | None) -> object:
    """Return everything in a node, to be compared."""
    if node is None:
        return None
    below = {label: _content(each) for label, each in node.children.items()}
    return list(node.rrsets.items()), below
