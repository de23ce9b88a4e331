"""Workers beside the real control plane: what changes there is answered by all of them."""

from __future__ import annotations

import pytest

from tests.e2e.cluster import Cluster
from tests.e2e.dnsserver import DnsServers, data, fqdn, wait_answer
from tests.e2e.manifests import a_pod, a_service
from tests.e2e.wait import until
from tests.helpers.process import ServerProcess
from tests.helpers.workers import each_worker, stopped

pytestmark = pytest.mark.e2e

WEB = {"app": "web"}


def seen(server: ServerProcess, name: str) -> set[tuple[str, ...]]:
    """Return all answers to a question that each worker is asked."""
    return {tuple(data(server, name)) for _ in each_worker(server)}


def test_changes_are_answered_by_all_workers(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str
) -> None:
    """Endpoints that come and go, a Service that is replaced, and a name that was not there."""
    server = own_dns_servers.start(values={"dns": {"workers": 2}})
    name, later = fqdn(f"db.{namespace}"), fqdn(f"later.{namespace}")
    db = a_service("db", namespace, selector=WEB, ports=["pg:5432"], clusterIP="None")
    cluster.api.create(db)
    cluster.run_pod(a_pod("db-0", namespace, labels=WEB), addresses=["10.1.0.1"])
    wait_answer(server, name, ["10.1.0.1"])
    for _ in range(3):
        assert seen(server, name) == {("10.1.0.1",)}
        assert seen(server, later) == {("NXDOMAIN",)}

    cluster.run_pod(a_pod("db-1", namespace, labels=WEB), addresses=["10.1.0.2"])
    wait_answer(server, name, ["10.1.0.1", "10.1.0.2"])
    assert seen(server, name) == {("10.1.0.1", "10.1.0.2")}

    cluster.api.create(a_service("later", namespace, ports=["http:80"]))
    until(lambda: data(server, later), f"{later} is there", accept=lambda at: at != ["NXDOMAIN"])
    (found,) = seen(server, later)
    assert found != ("NXDOMAIN",)

    cluster.api.delete("Service", "db", namespace)
    wait_answer(server, name, ["NXDOMAIN"])
    assert seen(server, name) == {("NXDOMAIN",)}


def test_known_names_are_answered_while_the_main_process_stands_still(
    own_dns_servers: DnsServers, cluster: Cluster, namespace: str
) -> None:
    """Without word of the API server as well as without the main process."""
    server = own_dns_servers.start(values={"dns": {"workers": 1}})
    name = fqdn(f"web.{namespace}")
    cluster.api.create(a_service("web", namespace, ports=["http:80"]))
    until(lambda: data(server, name), f"{name} is there", accept=lambda at: at != ["NXDOMAIN"])
    known = seen(server, name)
    assert seen(server, name) == known

    with stopped([server.process.pid]):
        assert seen(server, name) == known
