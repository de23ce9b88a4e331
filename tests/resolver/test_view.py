"""Where a name falls, and what an operator decides by default."""

import pytest

from kubedns_py.cluster.objects import Key
from kubedns_py.dns.name import from_text
from kubedns_py.resolver.view import Known, Policy, View
from tests.helpers.views import a_view

DOMAINS = ("cluster.local", "local", "corp.example")


@pytest.mark.parametrize("domains", [DOMAINS, DOMAINS[::-1]], ids=["long first", "short first"])
@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("web.shop.svc.cluster.local", "cluster.local"),
        ("cluster.local", "cluster.local"),
        ("mycluster.local", "local"),
        ("local", "local"),
        ("corp.example", "corp.example"),
        ("x.corp.example", "corp.example"),
    ],
)
def test_a_name_is_in_the_longest_zone_that_holds_it(
    domains: tuple[str, ...], name: str, domain: str
) -> None:
    """BAD-9: by labels, in whatever order the domains are given."""
    zone = a_view(domains=domains).zone_of(from_text(name))

    assert zone is not None
    assert zone.apex == from_text(domain)


@pytest.mark.parametrize("name", [".", "example", "example.org", "corp.example.org", "xlocal"])
def test_other_names_are_in_no_zone(name: str) -> None:
    """ENV-28b, M-22."""
    assert a_view(domains=DOMAINS).zone_of(from_text(name)) is None


def test_the_choices_that_nobody_made_are_those_of_kubeadm() -> None:
    """POD-2, PTR-7, HDL-2: pods insecure, all pointers, negative TTL 5."""
    policy = Policy()

    assert (policy.negative_ttl, policy.pods, policy.pointers) == (5, "insecure", "all")
    assert policy.dns_service == Key("kube-system", "kube-dns")
    assert (policy.local_networks, policy.chaos, policy.pod_pointers) == ((), (), False)


def test_nothing_is_known_before_the_first_sync() -> None:
    """T-60."""
    whole = a_view()

    assert View(whole.zones, whole.store, Policy()).known is Known.NOTHING
