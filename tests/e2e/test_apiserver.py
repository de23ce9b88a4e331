"""The API server goes away, forgets and cuts: what is answered meanwhile, and after.

Row ids are those of reliability 3.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus

import pytest

from tests.e2e.apiclient import ApiError, collection
from tests.e2e.binaries import Binaries
from tests.e2e.certificates import issue_certificates
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import StartControlPlane
from tests.e2e.controlplane import ControlPlane, running_control_plane
from tests.e2e.dnsserver import (
    DnsServers,
    data,
    dns_servers,
    fqdn,
    metric,
    pointers,
    wait_answer,
    wait_log,
)
from tests.e2e.relay import Relay, relaying
from tests.e2e.wait import until

pytestmark = pytest.mark.e2e

KUBERNETES = "kubernetes.default.svc.cluster.local."
AFTER_BACKOFF_S = 60.0
"""A relist after an outage comes up to 10 s late on purpose (F-27), beside backoff (F-01)."""


@pytest.fixture(scope="module")
def plane(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Run a control plane whose API server the tests of this file may stop."""
    with running_control_plane(binaries, tmp_path_factory.mktemp("apiserver")) as plane:
        Cluster(plane.admin).add_node()
        yield plane


@pytest.fixture(scope="module")
def stopped_dns_servers(plane: ControlPlane) -> Iterator[DnsServers]:
    """Start DNS servers of that control plane."""
    with dns_servers(plane) as servers:
        yield servers


def test_an_outage_changes_no_answer_and_is_caught_up_after(
    plane: ControlPlane, stopped_dns_servers: DnsServers
) -> None:
    """F-02, LIF-13: the API server crashes; ready all along, the age of the data in a metric."""
    cluster = Cluster(plane.admin)
    server = stopped_dns_servers.start()
    cluster.add_headless("outage", "default", "10.6.0.1")
    name = fqdn("outage.default")
    wait_answer(server, name, ["10.6.0.1"])

    with plane.outage(crash=True):
        wait_log(server, "no contact with the API server", "W")
        assert server.lines(name) == [f"{name} 30 IN A 10.6.0.1"]
        assert server.lines(name, tcp=True) == [f"{name} 30 IN A 10.6.0.1"]
        assert pointers(server, "10.6.0.1") == [f"10-6-0-1.{name}"]
        assert data(server, fqdn("nope.default")) == ["NXDOMAIN"]
        assert server.is_ready()
        assert metric(server, "informer_last_contact_seconds", resource="services") > 0

    cluster.move_headless("outage", "default", "10.6.0.2")
    wait_answer(server, name, ["10.6.0.2"], within_s=AFTER_BACKOFF_S)
    assert pointers(server, "10.6.0.1") == ["REFUSED"]
    assert server.is_ready()
    wait_log(server, "the API server answers again")


def test_what_changed_behind_an_expired_version_is_right_after_a_relist(
    plane: ControlPlane, stopped_dns_servers: DnsServers
) -> None:
    """F-07, F-25, LIF-14: deleted and made while away, and the version is too old to watch from."""
    cluster = Cluster(plane.admin)
    with relaying(plane.server) as relay:
        server = stopped_dns_servers.start(through=relay.url)
        for name, address in (("stays", "10.6.1.1"), ("goes", "10.6.1.2")):
            cluster.add_headless(name, "default", address)
        stays, goes, comes = (fqdn(f"{name}.default") for name in ("stays", "goes", "comes"))
        wait_answer(server, stays, ["10.6.1.1"])
        wait_answer(server, goes, ["10.6.1.2"])

        relay.refuse()
        plane.admin.delete("EndpointSlice", "goes-1", "default")
        plane.admin.delete("Service", "goes", "default")
        cluster.add_headless("comes", "default", "10.6.1.3")
        with plane.outage():
            assert data(server, stays) == ["10.6.1.1"]
        relay.admit()

        wait_answer(server, comes, ["10.6.1.3"], within_s=AFTER_BACKOFF_S)
        wait_answer(server, goes, ["NXDOMAIN"], within_s=AFTER_BACKOFF_S)
        assert pointers(server, "10.6.1.2") == ["REFUSED"]
        assert data(server, stays) == ["10.6.1.1"]
        assert server.is_ready()
        assert metric(server, "relists_total", resource="services", reason="expired") >= 1


def test_a_version_that_etcd_has_compacted_away_leads_to_a_relist(
    start_control_plane: StartControlPlane,
) -> None:
    """F-07: 410 after compaction. Without its watch cache the API server passes on what etcd says.

    With the cache a version stays good for long after etcd forgot it.
    """
    plane = start_control_plane(apiserver=["--watch-cache=false", "--etcd-compaction-interval=2s"])
    cluster = Cluster(plane.admin)
    with dns_servers(plane) as servers, relaying(plane.server) as relay:
        server = servers.start(through=relay.url)
        cluster.add_headless("web", "default", "10.6.6.1")
        name = fqdn("web.default")
        wait_answer(server, name, ["10.6.6.1"])

        relay.refuse()
        slices = collection("EndpointSlice", "default")
        before = plane.admin.request("GET", slices)["metadata"]["resourceVersion"]
        cluster.move_headless("web", "default", "10.6.6.2")
        until(lambda: _is_gone(plane, slices, before), "etcd has compacted the version away")
        relay.admit()

        wait_answer(server, name, ["10.6.6.2"], within_s=AFTER_BACKOFF_S)
        expired = metric(server, "relists_total", resource="endpointslices", reason="expired")
        assert expired >= 1
        assert server.is_ready()


def _is_gone(plane: ControlPlane, path: str, version: str) -> bool:
    """Tell whether a watch from a version is answered with 410, in the stream or at once."""
    try:
        with closing(plane.admin.watch(path, {"resourceVersion": version})) as events:
            event = next(events)
    except ApiError as refused:
        return refused.status == HTTPStatus.GONE
    return bool(event["type"] == "ERROR" and event["object"]["code"] == HTTPStatus.GONE)


def test_a_new_authority_is_taken_from_its_file(
    plane: ControlPlane, stopped_dns_servers: DnsServers
) -> None:
    """F-13: another CA and another certificate of the server, and the process goes on."""
    server = stopped_dns_servers.start()
    before = plane.certificates.ca.read_bytes()

    with plane.outage(crash=True):
        issue_certificates(plane.folder)
        assert plane.certificates.ca.read_bytes() != before
    Cluster(plane.admin).add_headless("rotated", "default", "10.6.2.1")

    wait_answer(server, fqdn("rotated.default"), ["10.6.2.1"], within_s=AFTER_BACKOFF_S)
    assert server.is_ready()
    wait_log(server, "new certificates are in use")


NO_CONFIG_MAP = "--config-dir="
"""Where nothing is forwarded it would be said to be in vain."""


def test_everything_is_listed_at_once_and_then_followed(
    start_control_plane: StartControlPlane,
) -> None:
    """Ecosystem 1.6: a list of each resource, compressed, and a watch from its version on."""
    plane = start_control_plane()
    cluster = Cluster(plane.admin)
    cluster.add_headless("before", "default", "10.6.3.1")
    with dns_servers(plane) as servers:
        server = servers.start(NO_CONFIG_MAP)
        assert data(server, fqdn("before.default")) == ["10.6.3.1"]
        assert metric(server, "events_total", resource="services", type="ADDED") == 0

        cluster.add_headless("after", "default", "10.6.3.2")
        wait_answer(server, fqdn("after.default"), ["10.6.3.2"])
        cluster.move_headless("before", "default", "10.6.3.3")
        wait_answer(server, fqdn("before.default"), ["10.6.3.3"])
        assert metric(server, "relists_total") == metric(server, "relists_total", reason="start")
        wait_log(server, "first sync complete")
        assert not re.search(r"^[WEF]\d{4} ", server.log, re.MULTILINE)


def test_watches_that_are_cut_short_go_on_from_where_they_were(
    own_dns_servers: DnsServers, relay: Relay, cluster: Cluster, namespace: str
) -> None:
    """F-03: no relist, no gap; also for what changed just when there was no watch.

    The API server ends watches by itself (--min-request-timeout) only where a client asks for no
    time; ours does, so a load balancer's limit is what cuts them.
    """
    server = own_dns_servers.start(through=relay.url)
    cluster.add_headless("web", namespace, "10.6.4.0")
    name = fqdn(f"web.{namespace}")
    wait_answer(server, name, ["10.6.4.0"])

    for number in (1, 2):
        relay.cut()
        cluster.move_headless("web", namespace, f"10.6.4.{number}")
        wait_answer(server, name, [f"10.6.4.{number}"])

    assert server.is_ready()
    assert metric(server, "watch_restarts_total", resource="endpointslices") >= 2
    assert metric(server, "relists_total") == metric(server, "relists_total", reason="start") == 3


def test_a_server_that_starts_first_waits_for_the_api_server(
    own_dns_servers: DnsServers, relay: Relay
) -> None:
    """F-01, LIF-12: SERVFAIL with EDE 14 for own names, never NXDOMAIN; then at once ready."""
    relay.refuse()
    server = own_dns_servers.start(through=relay.url, wait=False)
    until(lambda: relay.url in server.page("/readyz")[1], "the page says what is missing")
    reply = server.ask(KUBERNETES)
    assert reply.rcode().name == "SERVFAIL"
    assert [option.code for option in reply.options if option.otype == 15] == [14]
    assert data(server, fqdn("no-such-service.default")) == ["SERVFAIL"]
    assert server.page("/readyz")[0] == 503
    assert server.page("/healthz")[0] == 200

    relay.admit()

    until(server.is_ready, "ready", within_s=5)
    assert data(server, KUBERNETES) == ["10.96.0.1"]
