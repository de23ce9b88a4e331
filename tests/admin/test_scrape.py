"""What one scrape takes."""

from __future__ import annotations

from kubedns_py.admin.scrape import scrape
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.sources.configuration import ConfigurationStatus
from kubedns_py.structs import replace
from kubedns_py.upstream.cache import CacheCounts
from kubedns_py.upstream.health import Health
from tests.admin.forward_numbers import NOTHING, FakeForwarder, FakeForwarding, FakeUpstreams
from tests.admin.numbers import FakeStatus, some_sources


class CountingUpstreams(FakeUpstreams):
    """Counts something between any two looks at it."""

    def counts(self) -> CacheCounts:
        """See ``Upstreams``."""
        self.cache = replace(self.cache, misses=self.cache.misses + 1)
        return self.cache


def test_what_changes_after_a_scrape_is_not_in_it() -> None:
    """The event loop goes on while the page is made."""
    resources = {"services": FakeStatus()}
    drops = {"short": 1}
    sources = replace(some_sources(resources=resources), datagram_drops=lambda: drops)

    taken = scrape(sources)
    drops["long"] = 2

    assert taken.datagram_drops == {"short": 1}
    assert taken.resources.keys() == {"services"}
    assert (taken.server, taken.services, taken.now) == ("dns://:53", 3, 1000.0)


def test_the_cache_is_looked_at_once() -> None:
    """Hits and misses of one page make its requests."""
    forwarding = FakeForwarding(upstreams=CountingUpstreams(NOTHING))

    taken = scrape(some_sources(forwarding=forwarding))

    assert taken.forwarded is not None
    assert taken.forwarded.cache.misses == 1
    assert forwarding.upstreams.cache.misses == 1


def test_without_forwarding_there_is_nothing_of_it() -> None:
    """--forward=false."""
    assert scrape(some_sources()).forwarded is None


def test_the_upstreams_and_the_config_map_are_those_of_the_moment() -> None:
    """F-29, F-32: routes are replaced whole, so what was taken stays as it was."""
    health, status = Health(Nameserver("192.0.2.1")), ConfigurationStatus("--config-dir /kube")
    forwarder = FakeForwarder((health,))
    forwarding = FakeForwarding(forwarder=forwarder, configuration=status)

    taken = scrape(some_sources(forwarding=forwarding))
    forwarder.servers = ()

    assert taken.forwarded is not None
    assert taken.forwarded.servers == (health,)
    assert taken.forwarded.configuration is status
