"""Routes: the longest suffix by labels."""

from __future__ import annotations

import pytest

from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import ROOT, from_text
from kubedns_py.upstream.routes import Group, Routes

DEFAULT = Group(".", (Nameserver("10.0.0.1"),))


def stub(domain: str) -> Group:
    """Return the group of a stub domain."""
    return Group(domain, (Nameserver("10.0.0.2"),))


def routes(*domains: str, default: Group | None = DEFAULT) -> Routes:
    """Return routes with these stub domains."""
    return Routes(default, {from_text(domain): stub(domain) for domain in domains})


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("example.org.", "example.org."),
        ("www.example.org.", "example.org."),
        ("a.example.org.", "a.example.org."),
        ("www.a.example.org.", "a.example.org."),
        ("aexample.org.", "."),
        ("a.example.org.uk.", "."),
        ("org.", "."),
        (".", "."),
    ],
)
def test_the_longest_stub_domain_by_labels_is_taken(name: str, route: str) -> None:
    """C-23, FWD-2, CVE-2026-33489."""
    found = routes("example.org.", "a.example.org.").route(from_text(name))

    assert found is not None
    assert found.route == route


def test_a_dot_within_a_label_is_no_border_between_labels() -> None:
    r"""C-23: ``a\.example.org.`` is below org. alone."""
    assert routes("example.org.").route((b"a.example", b"org")) == DEFAULT


def test_the_order_of_the_configuration_does_not_matter() -> None:
    """C-23: CVE-2026-33489 chose by the order of strings."""
    domains = ["b.example.org.", "example.org.", "a.b.example.org.", "org."]

    for order in (domains, domains[::-1]):
        found = routes(*order).route(from_text("x.a.b.example.org."))
        assert found == stub("a.b.example.org.")


def test_without_a_default_other_names_have_no_route() -> None:
    """C-23: a cluster may know stub domains alone."""
    known = routes("example.org.", default=None)

    assert known.route(from_text("example.com.")) is None
    assert known.route(from_text("example.org.")) == stub("example.org.")


def test_a_stub_domain_may_be_the_root() -> None:
    """The root is above everything."""
    assert routes(".", default=None).route(from_text("example.com.")) == stub(".")


def test_every_group_is_listed_with_its_domain() -> None:
    """Probes ask for the domain of the route."""
    assert routes("example.org.").groups == {
        ROOT: DEFAULT,
        from_text("example.org."): stub("example.org."),
    }
    assert routes(default=None).groups == {}
