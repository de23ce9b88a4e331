"""The endpoints controller's rules (behaviour rows HDL-*, SRV-13, SRV-14)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kubedns_py.cluster.endpoints import endpoints_from_pods
from kubedns_py.cluster.objects import Pod, Service, Subset
from tests.helpers.objects import a_pod, a_service, a_subset

SELECTOR = {"app": "db"}


def a_headless(**facts: object) -> Service:
    """``db.shop``, headless, selecting ``app=db``."""
    return a_service("db.shop", headless=True, selector=SELECTOR, ports=["pg:5432"], **facts)  # type: ignore[arg-type] # facts of a_service


def a_db(name: str, *addresses: str, **facts: object) -> Pod:
    """A Pod of ``shop`` that ``db.shop`` selects."""
    return a_pod(f"{name}.shop", addresses, **{"labels": SELECTOR, **facts})  # type: ignore[arg-type] # facts of a_pod


def ready_addresses(subsets: Iterable[Subset]) -> list[str]:
    """The dashed pod names of the ready endpoints."""
    return [each.pod_name for subset in subsets for each in subset.endpoints if each.ready]


def test_selected_pods_with_an_address_are_endpoints() -> None:
    """HDL-1."""
    pods = [a_db("db-0", "10.1.1.1"), a_db("db-1", "10.1.1.2")]

    assert endpoints_from_pods(a_headless(), pods) == (
        a_subset(["10.1.1.1 pod=db-0", "10.1.1.2 pod=db-1"], ["pg:5432"]),
    )


def test_every_pair_of_the_selector_must_match() -> None:
    """A selector is a conjunction; other labels of the Pod do not matter."""
    service = a_service("db.shop", headless=True, selector={"app": "db", "tier": "back"})
    pods = [
        a_db("both", "10.1.1.1", labels={"app": "db", "tier": "back", "rev": "7"}),
        a_db("one", "10.1.1.2", labels={"app": "db"}),
        a_db("other-value", "10.1.1.3", labels={"app": "db", "tier": "front"}),
        a_db("none", "10.1.1.4", labels={}),
    ]

    assert ready_addresses(endpoints_from_pods(service, pods)) == ["both"]


def test_pods_of_another_namespace_are_not_endpoints() -> None:
    """A selector looks at the Service's own namespace."""
    pods = [a_pod("db-0.elsewhere", ["10.1.1.1"], labels=SELECTOR)]

    assert endpoints_from_pods(a_headless(), pods) == ()


def test_a_service_without_a_selector_has_no_endpoints_from_pods() -> None:
    """HDL-5: an absent selector does not select everything."""
    service = a_service("db.shop", headless=True)

    assert endpoints_from_pods(service, [a_db("db-0", "10.1.1.1")]) == ()


def test_an_external_name_has_no_endpoints_even_with_a_selector() -> None:
    """EXT-17: the selector of an ExternalName is ignored."""
    service = a_service("db.shop", external_name="db.example.org", selector=SELECTOR)

    assert endpoints_from_pods(service, [a_db("db-0", "10.1.1.1")]) == ()


def test_a_pod_without_an_address_is_no_endpoint() -> None:
    """A Pod that waits for its address cannot be reached."""
    assert endpoints_from_pods(a_headless(publish_not_ready=True), [a_db("db-0")]) == ()


def test_a_failing_sidecar_makes_the_pod_not_ready() -> None:
    """HDL-19, SRV-18: the Ready condition asks for every container; the endpoint is kept."""
    pods = [a_db("db-0", "10.1.1.1", ready=False), a_db("db-1", "10.1.1.2")]

    assert endpoints_from_pods(a_headless(), pods) == (
        a_subset(["10.1.1.1 pod=db-0 not-ready", "10.1.1.2 pod=db-1"], ["pg:5432"]),
    )


def test_a_deleting_pod_is_not_ready_but_may_still_be_serving() -> None:
    """HDL-18: a Pod that shuts down leaves the answers at once, unless the option asks for it."""
    pods = [
        a_db("db-0", "10.1.1.1", deleting=True),
        a_db("db-1", "10.1.1.2"),
        a_db("db-2", "10.1.1.3", deleting=True, ready=False),
    ]

    assert endpoints_from_pods(a_headless(), pods) == (
        a_subset(
            ["10.1.1.1 pod=db-0 serving", "10.1.1.2 pod=db-1", "10.1.1.3 pod=db-2 not-ready"],
            ["pg:5432"],
        ),
    )


def test_publishing_not_ready_addresses_makes_every_endpoint_ready() -> None:
    """HDL-15: while starting and while terminating."""
    pods = [
        a_db("starting", "10.1.1.1", ready=False),
        a_db("terminating", "10.1.1.2", ready=False, deleting=True),
    ]

    endpoints = endpoints_from_pods(a_headless(publish_not_ready=True), pods)

    assert ready_addresses(endpoints) == ["starting", "terminating"]


def test_a_finished_pod_is_no_endpoint_whatever_is_published() -> None:
    """Succeeded and Failed Pods may have given their address back."""
    pods = [a_db("job", "10.1.1.1", terminal=True)]

    assert endpoints_from_pods(a_headless(publish_not_ready=True), pods) == ()


def test_a_hostname_counts_only_under_its_own_subdomain() -> None:
    """HDL-21: the Pod's subdomain must be the Service's name."""
    pods = [
        a_db("db-0", "10.1.1.1", hostname="first", subdomain="db"),
        a_db("db-1", "10.1.1.2", hostname="second", subdomain="other"),
        a_db("db-2", "10.1.1.3", hostname="third"),
        a_db("db-3", "10.1.1.4", subdomain="db"),
    ]

    assert endpoints_from_pods(a_headless(), pods) == (
        a_subset(
            [
                "10.1.1.1 hostname=first pod=db-0",
                "10.1.1.2 pod=db-1",
                "10.1.1.3 pod=db-2",
                "10.1.1.4 pod=db-3",
            ],
            ["pg:5432"],
        ),
    )


def test_an_endpoint_port_has_the_service_ports_name_and_the_target_number() -> None:
    """SRV-13."""
    service = a_service(
        "web.shop", cluster_ips=["10.3.0.1"], selector=SELECTOR, ports=["http:80/tcp->8080"]
    )

    assert endpoints_from_pods(service, [a_db("web-0", "10.1.1.1")]) == (
        a_subset(["10.1.1.1 pod=web-0"], ["http:8080/tcp"]),
    )


def test_a_named_target_is_looked_up_in_each_pod() -> None:
    """SRV-14: Pods with different numbers stand in different subsets."""
    service = a_service(
        "db.shop", headless=True, selector=SELECTOR, ports=["http:80->web", "pg:5432"]
    )
    pods = [
        a_db("a", "10.1.1.1", ports=["web:8080"]),
        a_db("b", "10.1.1.2", ports=["web:9090"]),
        a_db("c", "10.1.1.3", ports=["web:8080"]),
    ]

    assert endpoints_from_pods(service, pods) == (
        a_subset(["10.1.1.1 pod=a", "10.1.1.3 pod=c"], ["http:8080", "pg:5432"]),
        a_subset(["10.1.1.2 pod=b"], ["http:9090", "pg:5432"]),
    )


def test_a_pod_without_the_named_port_keeps_its_other_ports() -> None:
    """SRV-14: the address is never lost because of a port."""
    service = a_service(
        "db.shop", headless=True, selector=SELECTOR, ports=["http:80->web", "pg:5432"]
    )

    assert endpoints_from_pods(service, [a_db("a", "10.1.1.1", ports=["admin:9000"])]) == (
        a_subset(["10.1.1.1 pod=a"], ["pg:5432"]),
    )


def test_a_named_target_matches_the_protocol_too() -> None:
    """The controller finds a container port by name and protocol."""
    service = a_service("db.shop", headless=True, selector=SELECTOR, ports=["dns:53/udp->dns"])
    pods = [a_db("a", "10.1.1.1", ports=["dns:5300/tcp", "dns:5353/udp"])]

    assert endpoints_from_pods(service, pods) == (a_subset(["10.1.1.1 pod=a"], ["dns:5353/udp"]),)


def test_an_absent_target_means_the_ports_own_number() -> None:
    """As the API server's default does."""
    service = a_service("db.shop", headless=True, selector=SELECTOR, ports=["pg:5432->0"])

    assert endpoints_from_pods(service, [a_db("a", "10.1.1.1")]) == (
        a_subset(["10.1.1.1 pod=a"], ["pg:5432"]),
    )


def test_a_headless_service_without_ports_keeps_its_addresses() -> None:
    """CIP-15."""
    service = a_service("db.shop", headless=True, selector=SELECTOR)

    assert endpoints_from_pods(service, [a_db("a", "10.1.1.1")]) == (a_subset(["10.1.1.1 pod=a"]),)


def test_a_dual_stack_pod_gives_one_endpoint_for_each_family() -> None:
    """HDL-4: as two slices, one per address type; the hostname is in both."""
    pods = [a_db("db-0", "10.1.1.1", "fd00:1::1", hostname="db-0", subdomain="db")]

    assert endpoints_from_pods(a_headless(), pods) == (
        a_subset(["10.1.1.1 hostname=db-0 pod=db-0"], ["pg:5432"]),
        a_subset(["fd00:1::1 hostname=db-0 pod=db-0"], ["pg:5432"]),
    )


def test_a_cluster_ip_service_takes_endpoints_of_its_own_families_only() -> None:
    """A single-stack Service has slices of one address type, whatever its Pods have."""
    service = a_service("web.shop", cluster_ips=["10.3.0.1"], selector=SELECTOR)
    pods = [a_db("a", "10.1.1.1", "fd00:1::1"), a_db("b", "fd00:1::2")]

    assert endpoints_from_pods(service, pods) == (a_subset(["10.1.1.1 pod=a"]),)


@given(st.permutations(range(5)))
def test_the_order_of_pods_does_not_matter(order: list[int]) -> None:
    """Law: level, not edge; the result depends on the state and not on the order of events."""
    families = itertools.cycle([["10.1.1.{0}"], ["fd00:1::{0}"], ["10.1.2.{0}", "fd00:2::{0}"]])
    pods = [
        a_db(
            f"db-{n}", *(text.format(n + 1) for text in next(families)), ports=[f"web:{80 + n % 2}"]
        )
        for n in range(5)
    ]
    service = a_service("db.shop", headless=True, selector=SELECTOR, ports=["http:80->web"])

    shuffled = endpoints_from_pods(service, [pods[n] for n in order])

    assert shuffled == endpoints_from_pods(service, pods)
    assert sum(len(subset.endpoints) for subset in shuffled) == 6


def test_a_single_stack_headless_service_takes_one_family_of_dual_stack_pods() -> None:
    """HDL-4: ``spec.ipFamilies`` decides, as it does for the controller."""
    service = msgspec.structs.replace(a_headless(), families=(16,))
    pods = [a_db("db-0", "10.1.1.1", "fd00:1::1")]

    assert endpoints_from_pods(service, pods) == (a_subset(["fd00:1::1 pod=db-0"], ["pg:5432"]),)
