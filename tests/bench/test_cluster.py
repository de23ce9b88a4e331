"""Clusters from a seed."""

import pytest

from bench.cluster import Kind, a_cluster


def test_the_numbers_are_exact() -> None:
    """Issue 4: 10,200 Services and 102,000 endpoints, here a tenth of it."""
    cluster = a_cluster(1_020, 10_200)

    assert len(cluster.services) == 1_020
    assert cluster.endpoints == 10_200


def test_the_same_arguments_make_the_same_cluster() -> None:
    """Issue 4: from a seed."""
    assert a_cluster(60, 600, seed=7) == a_cluster(60, 600, seed=7)
    assert a_cluster(60, 600, seed=7) != a_cluster(60, 600, seed=8)


def test_names_and_addresses_are_all_different() -> None:
    """A name that two Services have would make one of them disappear."""
    services = a_cluster(500, 5_000).services
    addresses = [each.address for each in services if each.address]
    addresses += [endpoint.address for each in services for endpoint in each.endpoints]

    assert len({each.owner for each in services}) == 500
    assert len(set(addresses)) == len(addresses)


def test_every_kind_is_there_and_has_what_it_needs() -> None:
    """Issue 4: headless and ClusterIP, named ports, ExternalName."""
    cluster = a_cluster(500, 5_000)
    by_kind = {kind: cluster.of_kind(kind) for kind in Kind}

    assert [len(found) > 0 for found in by_kind.values()] == [True, True, True]
    assert all(each.address and each.ports and each.endpoints for each in by_kind[Kind.CLUSTER_IP])
    assert all(each.ports and each.endpoints for each in by_kind[Kind.HEADLESS])
    assert not any(each.address for each in by_kind[Kind.HEADLESS])
    assert all(each.address.endswith(".example.com.") for each in by_kind[Kind.EXTERNAL_NAME])
    hostnames = {bool(each.endpoints[0].hostname) for each in by_kind[Kind.HEADLESS]}
    assert hostnames == {True, False}


def test_a_first_part_is_a_smaller_cluster_of_the_same_objects() -> None:
    """It grows in a run: what is there already stays as it is."""
    cluster = a_cluster(120, 1_200)

    assert cluster.first(60).services == cluster.services[:60]
    assert cluster.first(60).namespaces == cluster.namespaces[:2]


@pytest.mark.parametrize(("services", "endpoints"), [(0, 0), (10, 5), (100_000, 1_000_000)])
def test_impossible_numbers_are_refused(services: int, endpoints: int) -> None:
    """Every Service but an ExternalName has an endpoint; cluster IPs are a /16."""
    with pytest.raises(ValueError, match=f"no cluster of {services} Services"):
        a_cluster(services, endpoints)
