"""Faults of the control plane happen when a test asks for them, and only then."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.e2e.apiclient import ApiClient, collection
from tests.e2e.binaries import Binaries
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane, running_control_plane
from tests.e2e.flags import Switches
from tests.e2e.manifests import a_pod, a_service
from tests.e2e.processes import StartFailedError

pytestmark = pytest.mark.e2e

WEB = {"app": "web"}
StartControlPlane = Callable[..., ControlPlane]


def test_a_silent_server_accepts_connections(control_plane: ControlPlane) -> None:
    """Unlike one that is down: only a client's own deadline ends the wait."""
    with control_plane.silence(), _connection(control_plane) as connection:
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            _handshake(connection)


def test_an_outage_ends_on_the_same_port_with_the_controllers_at_work(
    start_control_plane: StartControlPlane,
) -> None:
    """Only the API server goes away; what etcd has stays."""
    plane = start_control_plane()
    cluster = Cluster(plane.admin)
    cluster.api.create(a_service("web", "default", selector=WEB, ports=["http:80"]))

    with plane.outage(crash=True), pytest.raises(ConnectionRefusedError):
        cluster.api.list_all("Service")
    cluster.run_pod(a_pod("web-0", "default", labels=WEB), addresses=["10.1.0.1"])

    cluster.wait_endpoints("web", "default", {"10.1.0.1": True})


def test_a_version_from_before_an_outage_is_expired(
    start_control_plane: StartControlPlane,
) -> None:
    """The watch cache starts anew, so a client must list again (410 in the stream)."""
    plane = start_control_plane()
    before = plane.admin.request("GET", collection("Service"))["metadata"]["resourceVersion"]

    with plane.outage():
        pass  # leaving in order, the server takes itself out of the Service "kubernetes"

    with closing(plane.admin.watch(collection("Service"), {"resourceVersion": before})) as events:
        event = next(events)
    assert (event["type"], event["object"]["code"]) == ("ERROR", HTTPStatus.GONE)


def test_a_rotation_leaves_the_old_authority_untrusted_and_the_controllers_at_work(
    start_control_plane: StartControlPlane, tmp_path: Path
) -> None:
    """The files have the new CA; who kept the old one is locked out."""
    plane = start_control_plane()
    cluster = Cluster(plane.admin)
    old = tmp_path / "old.crt"
    old.write_bytes(plane.certificates.ca.read_bytes())

    plane.rotate_certificates()

    cluster.api.create(a_service("web", "default", selector=WEB, ports=["http:80"]))
    cluster.run_pod(a_pod("web-0", "default", labels=WEB), addresses=["10.1.0.1"])
    cluster.wait_endpoints("web", "default", {"10.1.0.1": True})
    with (
        closing(ApiClient(plane.server, old, plane.users.dns.token)) as behind,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        behind.list_all("Service")


def test_a_failed_start_shows_the_log_and_leaves_nothing_running(
    binaries: Binaries, tmp_path: Path
) -> None:
    """Here the API server ends at once, after etcd was started."""
    switches = Switches(apiserver=("--no-such-flag",))

    with (
        pytest.raises(StartFailedError, match=r"(?s)kube-apiserver ended.*no-such-flag"),
        running_control_plane(binaries, tmp_path, switches),
    ):
        pytest.fail("the start did not fail")

    assert (tmp_path / "etcd.log").exists()
    assert not [found for found in _command_lines() if str(tmp_path) in found]


def _connection(plane: ControlPlane) -> socket.socket:
    """Return a TCP connection to the API server."""
    host, _, port = plane.server.removeprefix("https://").partition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def _handshake(connection: socket.socket) -> None:
    """Begin TLS, trusting what the system trusts."""
    context = ssl.create_default_context()
    context.wrap_socket(connection, server_hostname="127.0.0.1").close()


def _command_lines() -> Iterator[str]:
    """Yield the command line of every process of this machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
