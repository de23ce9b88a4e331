"""Which endpoints get names, and which addresses the index holds (DNS specification 2.4)."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.objects import Endpoint, Service, Subset
from kubedns_py.dns.name import from_text
from kubedns_py.zone.naming import Naming
from kubedns_py.zone.publishing import Publishing, held_addresses
from tests.helpers.objects import a_service, a_subset, address
from tests.helpers.parts import parts_published, subtree_of

PLAIN = Publishing()
WEB = a_service("web.shop", cluster_ips=["10.3.0.1"], ports=["https:443/tcp", ":80/tcp"])
DB = a_service("db.shop", headless=True, ports=["pg:5432/tcp"])


def leaving(text: str) -> Subset:
    """Return an endpoint that is terminating and still serves."""
    return Subset((Endpoint((address(text),), ready=False, serving=True),))


def test_endpoints_that_still_serve_stand_in_when_none_is_ready_by_option() -> None:
    """HDL-18: ``--terminating include-if-none-ready``, as kube-proxy does."""
    standing_in = Publishing(terminating="include-if-none-ready")
    ready, unready = a_subset(["10.1.1.1"]), a_subset(["10.1.1.3 not-ready"])

    def chosen(publishing: Publishing, *subsets: Subset) -> list[bytes]:
        return [
            each for part in parts_published(DB, subsets, publishing) for each in part.addresses
        ]

    assert chosen(PLAIN, leaving("10.1.1.2")) == []
    assert chosen(standing_in, leaving("10.1.1.2"), unready) == [address("10.1.1.2")]
    assert chosen(standing_in, leaving("10.1.1.2"), ready) == [address("10.1.1.1")]
    assert chosen(standing_in, unready) == []


def test_all_endpoints_have_names_where_the_service_says_so() -> None:
    """HDL-15: ``publishNotReadyAddresses``, whatever stands in when none is ready."""
    service = a_service("db.shop", headless=True, publish_not_ready=True)
    subsets = (a_subset(["10.1.1.1 not-ready"]), leaving("10.1.1.2"), a_subset([]))

    parts = parts_published(service, subsets, Publishing(terminating="include-if-none-ready"))

    assert [each.addresses for each in parts] == [(address("10.1.1.1"),), (address("10.1.1.2"),)]


# -- the index of addresses


@pytest.mark.parametrize(
    "service",
    [WEB, DB, a_service("ext.shop", external_name="example.org"), a_service("web.shop")],
    ids=["cluster-ip", "headless", "external-name", "unallocated"],
)
def test_the_index_knows_every_address_that_has_pointers(service: Service) -> None:
    """The index is made without growing a subtree, and may not miss one of its addresses."""
    subsets = (a_subset(["10.1.1.1", "fd00::1 hostname=a", "10.1.1.3 not-ready"]),)
    subtree = subtree_of(service, subsets, Naming(from_text("d"), 30), PLAIN)

    groups = held_addresses(service, parts_published(service, subsets, PLAIN))
    indexed = {each for group in groups for each in group}

    assert indexed >= set(subtree.pointers if subtree else ())


def test_the_index_holds_what_is_published_and_no_more() -> None:
    """PTR-9; an ExternalName holds no address at all (EXT-17)."""
    subsets = (a_subset(["10.1.1.1", "10.1.1.3 not-ready"]),)

    def indexed(service: Service) -> tuple[tuple[bytes, ...], ...]:
        return held_addresses(service, parts_published(service, subsets, PLAIN))

    assert indexed(WEB) == ((address("10.3.0.1"), address("10.1.1.1")),)
    assert indexed(DB) == ((address("10.1.1.1"),),)
    assert indexed(a_service("ext.shop", external_name="example.org")) == ()


def test_the_groups_of_several_slices_are_the_slices_own() -> None:
    """PTR-9: so a change of one slice leaves the others' groups the very same."""
    subsets = (a_subset(["10.1.1.1"]), a_subset(["10.1.1.3 not-ready"]), a_subset(["fd00::1"]))
    for service, own in ((WEB, WEB.cluster_ips), (DB, ())):
        parts = parts_published(service, subsets, PLAIN)

        groups = held_addresses(service, parts)

        assert groups == (*((own,) if own else ()), (address("10.1.1.1"),), (address("fd00::1"),))
        assert all(map(list(groups).count, groups))
        assert {id(each.addresses) for each in parts} <= set(map(id, groups))


def test_a_service_that_has_only_its_own_addresses_has_one_group() -> None:
    """PTR-1."""
    assert held_addresses(WEB, ()) == (WEB.cluster_ips,)
