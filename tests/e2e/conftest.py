"""Fixtures of the end-to-end suite. Build the programs first: ``make e2e``.

``control_plane`` (session)
    The default ControlPlane: started once, shared by all tests, so no test stops its API server.
``cluster`` (session)
    Cluster of that control plane, with node ``node-1`` and the DNS server's role granted.
    ``cluster.api`` is the administrator's ApiClient.
``namespace`` (each test)
    Name of a namespace made for one test and removed after it.
``dns_api`` (session)
    ApiClient that acts as the DNS server's service account.
``start_control_plane`` (each test)
    ``start_control_plane(apiserver=["--min-request-timeout=5"])`` starts a ControlPlane of the
    test's own, with the same node and role, and stops it after the test: for flags, outages
    (``plane.outage()``), silence (``plane.silence()``) and a new CA
    (``plane.rotate_certificates()``). Its cluster is ``Cluster(plane.admin)``.

``dns_server`` (session)
    The DNS server of the default control plane, with the chart's rights and flags: shared.
``prober`` (session)
    Asks it by dig, over UDP and TCP.
``own_dns_servers`` (each test)
    ``own_dns_servers.start(values={"dns": {"pods": "verified"}})`` starts a DNS server of the
    test's own on the default control plane: with other values of the chart, flags or rights, see
    dnsserver.py. For another control plane: ``with dns_servers(plane) as servers``.
``relay`` (each test)
    Relay before the default API server, for ``own_dns_servers.start(through=relay.url)``: its
    connections can be cut and refused, so this needs no control plane of the test's own.

``control_plane.kubeconfig("dns", control_plane.users.dns)`` writes the file for the DNS server, and
``control_plane.processes.start(name, command)`` runs it with a log and without ever leaving it.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from http import HTTPStatus

import pytest

from tests.e2e.apiclient import ApiClient, ApiError
from tests.e2e.binaries import Binaries, BinariesMissingError, built_binaries
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane, running_control_plane
from tests.e2e.dnsserver import DnsServers, dns_servers
from tests.e2e.flags import Switches
from tests.e2e.prober import Prober
from tests.e2e.relay import Relay, relaying
from tests.e2e.wait import until
from tests.helpers.process import ServerProcess

StartControlPlane = Callable[..., ControlPlane]


@pytest.fixture(scope="session")
def binaries() -> Binaries:
    """Return the built programs, or fail with the line that says what to run."""
    try:
        return built_binaries()
    except BinariesMissingError as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="session")
def control_plane(
    binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """Run the default control plane for the whole session."""
    folder = tmp_path_factory.mktemp("control-plane")
    with running_control_plane(binaries, folder) as plane:
        yield plane


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> Cluster:
    """Return the default control plane's cluster, prepared."""
    return _prepared(control_plane)


@pytest.fixture(scope="session")
def dns_api(control_plane: ControlPlane, cluster: Cluster) -> Iterator[ApiClient]:  # noqa: ARG001 - its role
    """Return access as the DNS server's service account, its role granted."""
    with closing(control_plane.client(control_plane.users.dns)) as client:
        yield client


@pytest.fixture(scope="session")
def dns_server(control_plane: ControlPlane) -> Iterator[ServerProcess]:
    """Run the DNS server of the default control plane for the whole session."""
    with dns_servers(control_plane) as servers:
        yield servers.start()


@pytest.fixture
def own_dns_servers(control_plane: ControlPlane, numbers: Iterator[int]) -> Iterator[DnsServers]:
    """Start DNS servers of the default control plane for one test."""
    with dns_servers(control_plane, f"own-{next(numbers)}") as servers:
        yield servers


@pytest.fixture(scope="session")
def prober(dns_server: ServerProcess) -> Prober:
    """Ask the shared DNS server as Kubernetes' own tests do."""
    return Prober(dns_server.port)


@pytest.fixture
def relay(control_plane: ControlPlane) -> Iterator[Relay]:
    """Stand before the default API server."""
    with relaying(control_plane.server) as relay:
        yield relay


@pytest.fixture
def namespace(cluster: Cluster, numbers: Iterator[int]) -> Iterator[str]:
    """Make a namespace for one test."""
    name = cluster.add_namespace(f"e2e-{next(numbers)}")
    yield name
    cluster.remove_namespace(name)


@pytest.fixture(scope="session")
def numbers() -> Iterator[int]:
    """Count the namespaces of a session."""
    return itertools.count(1)


@pytest.fixture
def start_control_plane(
    binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartControlPlane]:
    """Start control planes with a scenario's flags, for one test."""
    with ExitStack() as running:

        def start(
            *,
            etcd: Sequence[str] = (),
            apiserver: Sequence[str] = (),
            controllers: Sequence[str] = (),
        ) -> ControlPlane:
            switches = Switches(tuple(etcd), tuple(apiserver), tuple(controllers))
            folder = tmp_path_factory.mktemp("scenario")
            plane = running.enter_context(running_control_plane(binaries, folder, switches))
            _prepared(plane)
            return plane

        yield start


def _prepared(plane: ControlPlane) -> Cluster:
    """Return a control plane's cluster with a node and the DNS server's role."""
    cluster = Cluster(plane.admin)
    cluster.add_node()
    cluster.grant_dns_access()
    # the API server's authorizer hears of a new role a moment after it was accepted
    with closing(plane.client(plane.users.dns)) as client:
        until(lambda: _may_list(client), "the DNS server's role is in force")
    return cluster


def _may_list(client: ApiClient) -> bool:
    try:
        client.list_all("Service")
    except ApiError as refused:
        if refused.status != HTTPStatus.FORBIDDEN:
            raise
        return False
    return True
