"""The Protocols fit what the program really has, and the fakes of these tests too."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubedns_py.admin import forward_inputs as shapes
from kubedns_py.assembly import Identity, assemble
from kubedns_py.config.arguments import load
from kubedns_py.forwarding import Forwarding
from kubedns_py.resolver.view import View
from kubedns_py.server.respond import Chances
from kubedns_py.upstream.upstreams import Upstreams
from tests.admin.forward_numbers import busy_forwarding
from tests.helpers.fake_upstream import nobody


def assert_has(thing: object, shape: type) -> None:
    """Fail if an attribute of a shape is not there; the types are for mypy to check."""
    for name in vars(shape):
        if not name.startswith("_"):
            getattr(thing, name)


def assert_fits(forwarding: shapes.Forwarding) -> None:
    """Fail if something that a scrape may read is not there."""
    forwarder = forwarding.forwarder
    (health, *_) = forwarder.servers
    health.counts.durations()
    health.is_usable(0.0)
    for thing, shape in (
        (forwarding, shapes.Forwarding),
        (forwarding.upstreams, shapes.Upstreams),
        (forwarding.upstreams.counts(), shapes.CacheCounts),
        (forwarder, shapes.Forwarder),
        (forwarder.counts, shapes.ForwardCounts),
        (forwarder.counts.rejects, shapes.ByWord),
        (forwarder.counts.retries, shapes.ByWord),
        (health, shapes.Health),
        (health.counts, shapes.ServerCounts),
        (forwarding.datagrams, shapes.Datagrams),
        (forwarding.datagrams.mismatches, shapes.ByWord),
        (forwarding.streams, shapes.Streams),
        (forwarding.streams.mismatches, shapes.ByWord),
        (forwarding.configuration, shapes.ConfigurationStatus),
    ):
        assert_has(thing, shape)


async def test_forwarding_is_what_the_metrics_are_made_from(tmp_path: Path) -> None:
    """House rule 11: a seam is a Protocol of its reader's."""
    with nobody() as nameserver:
        flags = ["--resolv-conf=", f"--nameservers={nameserver}", f"--config-dir={tmp_path}"]
        config = load(flags, {}, program="test").config
        made: list[Forwarding] = []

        def upstreams(view: View) -> Upstreams:
            made.append(Forwarding(config, view))
            return made[0].upstreams

        chances = Chances(lambda: 0.0, lambda: 0)
        assemble(config, chances, identity=Identity("1", "a"), upstreams=upstreams)
        (forwarding,) = made
        await forwarding.start(None)
        try:
            assert_fits(forwarding)
        finally:
            await forwarding.aclose()


def test_the_fake_fits_too() -> None:
    """House rule 11: the fake and the real thing fit the same Protocol."""
    assert_fits(busy_forwarding())


def test_a_thing_that_lacks_something_does_not_fit() -> None:
    """What the tests above rest on."""
    with pytest.raises(AttributeError):
        assert_has(object(), shapes.Health)
