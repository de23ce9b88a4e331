"""A real control plane on loopback: etcd, kube-apiserver and kube-controller-manager.

Everything that a run needs lies in one folder: certificates, tokens, etcd's data and one log per
program. There is no kubelet and no scheduler; see cluster.py for what the tests do in their place.
"""

import http.client
import shutil
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.apiclient import ApiClient, ApiError
from tests.e2e.binaries import Binaries
from tests.e2e.certificates import issue_certificates
from tests.e2e.credentials import User, Users, write_kubeconfig, write_tokens
from tests.e2e.flags import Ports, Switches, apiserver_flags, controller_flags, etcd_flags
from tests.e2e.processes import Process, Processes, free_ports

START_S = 60.0
"""Seconds that one program is given to become ready; about three are usual."""


@contextmanager
def running_control_plane(
    binaries: Binaries,
    folder: Path,
    switches: Switches | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator["ControlPlane"]:
    """Start a control plane, and stop it at the end, also when the start fails halfway.

    Args:
        binaries: The built programs.
        folder: An existing empty folder; its logs are kept, etcd's data is not.
        switches: Flags of a scenario.
        environment: Variables that its programs have besides ours.

    Raises:
        StartFailedError: with the end of the failing program's log.
    """
    plane = ControlPlane(binaries, folder, switches or Switches(), environment)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()


class ControlPlane:
    """One control plane; running_control_plane() is the way to get one."""

    def __init__(
        self,
        binaries: Binaries,
        folder: Path,
        switches: Switches,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.certificates = issue_certificates(folder)
        self.users = Users()
        self._binaries = binaries
        self._switches = switches
        self._ports = Ports(*free_ports(4))
        self.server = f"https://127.0.0.1:{self._ports.apiserver}"
        self.admin = self.client(self.users.admin)
        self.processes = Processes(folder, environment)
        """What runs; a test may start further programs here."""
        self._apiserver: Process | None = None
        self._controllers: Process | None = None

    @property
    def apiserver(self) -> Process:
        """The running API server, to pause() and resume()."""
        if self._apiserver is None:
            raise RuntimeError("the API server is stopped")
        return self._apiserver

    def client(self, user: User) -> ApiClient:
        """Return a client that acts as ``user``; the caller closes it."""
        return ApiClient(self.server, self.certificates.ca, user.token)

    def kubeconfig(self, name: str, user: User) -> Path:
        """Write ``<name>.kubeconfig`` with the token of ``user`` and return its path."""
        return write_kubeconfig(
            self.folder / f"{name}.kubeconfig",
            server=self.server,
            ca=self.certificates.ca,
            user={"token": user.token},
        )

    def start(self) -> None:
        """Start the three programs, each when the one before it is ready."""
        write_tokens(self._tokens, self.users)
        etcd = self._run("etcd", [*etcd_flags(self.folder, self._ports), *self._switches.etcd])
        etcd.wait_ready(self._etcd_ready, within_s=START_S)
        self.start_apiserver()
        self._controllers = self._start_controllers()

    def stop(self) -> None:
        """Stop what runs and forget etcd's data."""
        self.admin.close()
        self.processes.stop_all()
        shutil.rmtree(self.folder / "etcd", ignore_errors=True)

    def start_apiserver(self, *flags: str) -> None:
        """Start the API server, on the same port each time, and wait until it serves.

        Args:
            flags: Further flags for this start only, after the scenario's.
        """
        own = apiserver_flags(self.certificates, self._tokens, self._ports)
        server = self._run("kube-apiserver", [*own, *self._switches.apiserver, *flags])
        self._apiserver = server
        server.wait_ready(self._apiserver_ready, within_s=START_S)

    def stop_apiserver(self, *, crash: bool = False) -> None:
        """Stop the API server; in a crash it closes nothing in order."""
        self.processes.stop(self.apiserver, crash=crash)
        self._apiserver = None
        self.admin.close()

    @contextmanager
    def outage(self, *, crash: bool = False) -> Iterator[None]:
        """Have no API server for a while: a connection to its port is refused.

        The controllers are stopped with it. Left running they would wait longer after each failed
        attempt, up to a minute, and a test would then wait for them and not for what it tests.
        """
        if self._controllers:
            self.processes.stop(self._controllers, crash=True)
        self.stop_apiserver(crash=crash)
        try:
            yield
        finally:
            self.start_apiserver()
            self._controllers = self._start_controllers()

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Have an API server that accepts connections and says nothing for a while."""
        self.apiserver.pause()
        try:
            yield
        finally:
            self.apiserver.resume()

    def rotate_certificates(self) -> None:
        """Have a short outage, and after it a new CA and a new certificate of the API server.

        The files that kubeconfigs name have the new CA then; a client that keeps what it read
        before can connect no more.
        """
        with self.outage():
            issue_certificates(self.folder)

    @property
    def _tokens(self) -> Path:
        return self.folder / "tokens.csv"

    def _run(self, program: str, flags: list[str]) -> Process:
        return self.processes.start(program, [str(self._binaries.path(program)), *flags])

    def _start_controllers(self) -> Process:
        """Start the controllers and wait until their health page answers."""
        kubeconfig = self.kubeconfig("controllers", self.users.admin)
        own = controller_flags(self.certificates, kubeconfig, self._ports)
        controllers = self._run("kube-controller-manager", [*own, *self._switches.controllers])
        controllers.wait_ready(self._controllers_ready, within_s=START_S)
        return controllers

    def _etcd_ready(self) -> bool:
        return _answers(f"http://127.0.0.1:{self._ports.etcd}/health")

    def _apiserver_ready(self) -> bool:
        """Say whether the server is ready and has made what it makes by itself.

        ``/readyz`` does not wait for the system namespaces and the Service "kubernetes".
        """
        try:
            self.admin.read("GET", "/readyz")
            self.admin.get("Namespace", "kube-system")
            return bool(self.admin.get("EndpointSlice", "kubernetes", "default")["endpoints"])
        except (ApiError, OSError, http.client.HTTPException):
            return False

    def _controllers_ready(self) -> bool:
        context = ssl.create_default_context(cafile=str(self.certificates.ca))
        return _answers(f"https://127.0.0.1:{self._ports.controllers}/healthz", context)


def _answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    """Say whether a health page on loopback, asked without any proxy, answers with status 200."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == http.HTTPStatus.OK)
    except (OSError, http.client.HTTPException):
        return False
