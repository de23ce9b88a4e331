"""A real control plane that ours and CoreDNS read: etcd and kube-apiserver, with a cluster in it.

It is the one that the end-to-end tests build and start. While it starts and is filled it may use
every core; afterwards it is kept on the clients', so that what it does is not taken for the
server's. Elsewhere its garbage is collected beside its work, on other cores. Here there are none:
a collection takes 0.3 s from whoever lists just then, every second or third time. So it is
collected less often.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.build import MissingError
from bench.cluster import Cluster, Service
from bench.cores import Cores, keep_on
from bench.objects import namespace_object, service_object, slice_objects
from bench.pod import have_own_mounts, lend_account
from tests.e2e import build
from tests.e2e.binaries import built_binaries, kubernetes_version
from tests.e2e.cluster import Cluster as Administered
from tests.e2e.controlplane import ControlPlane, running_control_plane
from tests.e2e.processes import StartFailedError

_WRITERS = 4
_SELDOM = {"GOGC": "400"}
"""For the control plane alone; the servers that are measured have Go's default."""
_SAID_EACH = 1_000


class Plane:
    """A control plane that runs; ``running_plane`` is the way to get one.

    Attributes:
        control: its parts, and ``control.admin`` to change objects.
        version: of Kubernetes.
    """

    def __init__(self, control: ControlPlane, cores: Cores) -> None:
        self.control = control
        self.version = kubernetes_version()
        self._cores = cores
        self._namespaces: set[str] = set()
        self._services = 0
        self._restarts = 0
        Administered(control.admin).grant_dns_access()

    def fill(self, cluster: Cluster) -> None:
        """Add what the cluster has more than what is there; the clusters are parts of one."""
        started = time.monotonic()
        new = cluster.services[self._services :]
        for name in cluster.namespaces:
            self._have_namespace(name)
        with spread(self._cores), ThreadPoolExecutor(_WRITERS) as writers:
            for each in writers.map(self._add, new):
                self._services += 1
                if self._services % _SAID_EACH == 0 or each is new[-1]:
                    taken_s = time.monotonic() - started
                    said = f"bench: {self._services} Services are there, after {taken_s:.0f} s\n"
                    sys.stderr.write(said)

    def add(self, service: Service) -> None:
        """Add a Service that is not of the cluster."""
        self._have_namespace(service.namespace)
        self._add(service)

    def restart_apiserver(self) -> None:
        """Crash the API server and start it again, so that all of its clients list anew.

        It starts with the objects of that moment and no older versions. So that every client's is
        older, something else is written last; nobody may change a slice or a Service meanwhile.

        Raises:
            OSError: it did not come back.
        """
        self._restarts += 1
        self.control.admin.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "bench", "namespace": "default"},
                "data": {"restarts": str(self._restarts)},
            }
        )
        try:
            with self.control.outage(crash=True):
                pass
        except StartFailedError as error:
            raise OSError(f"the API server did not come back: {error}") from error

    def _have_namespace(self, name: str) -> None:
        if name not in self._namespaces:
            self.control.admin.create(namespace_object(name))
            self._namespaces.add(name)

    def _add(self, service: Service) -> Service:
        self.control.admin.create(service_object(service))
        for each in slice_objects(service):
            self.control.admin.create(each)
        return service


@contextlib.contextmanager
def running_plane(cores: Cores) -> Iterator[Plane]:
    """Start a control plane, built first where it is missing; it ends with the context.

    This process and what it starts stay on the clients' core, and find the service account of a
    DNS server where Pods have theirs.

    Raises:
        MissingError: it could not be built, or no service account can be mounted.
    """
    if build.main():
        raise MissingError("bench: there is no control plane; the reason is above")
    have_own_mounts()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubedns-bench-")))
        with spread(cores):
            control = stack.enter_context(
                running_control_plane(built_binaries(), folder, None, _SELDOM)
            )
        lend_account(control.server, control.users.dns.token, control.certificates.ca)
        yield Plane(control, cores)


@contextlib.contextmanager
def spread(cores: Cores) -> Iterator[None]:
    """Let this process and what it started use both cores for a while, then the clients' alone."""
    keep_on(os.getpid(), {cores.server, cores.client})
    try:
        yield
    finally:
        keep_on(os.getpid(), {cores.client})
