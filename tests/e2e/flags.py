"""The command lines of the three programs.

Every function returns our flags only; a scenario's own come after them, and for a flag that has
one value the last one counts.
"""

from dataclasses import dataclass
from pathlib import Path

from tests.e2e.certificates import Certificates

SERVICE_RANGES = "10.96.0.0/16,fd00:10:96::/112"
"""Cluster addresses, IPv4 first: a Service without ipFamilies is IPv4 only."""

ADVERTISED_ADDRESS = "192.0.2.10"
"""Endpoint of the Service "kubernetes"; documentation space, since loopback is refused there."""

CONTROLLERS = (
    "endpoints-controller",
    "endpointslice-controller",
    "endpointslice-mirroring-controller",
    "namespace-controller",
    "garbage-collector-controller",
)
"""What makes endpoints, and what completes the deletion of namespaces and owned objects."""


@dataclass(frozen=True, slots=True)
class Switches:
    """What a scenario adds to the command lines."""

    etcd: tuple[str, ...] = ()
    apiserver: tuple[str, ...] = ()
    """For example ``--watch-cache=false``, ``--etcd-compaction-interval=5s`` or
    ``--min-request-timeout=5``."""
    controllers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback TCP ports."""

    etcd: int
    etcd_peer: int
    apiserver: int
    controllers: int


def etcd_flags(folder: Path, ports: Ports) -> list[str]:
    """Return etcd's flags: one member, its data in ``folder``, no care for power cuts."""
    clients = f"http://127.0.0.1:{ports.etcd}"
    peers = f"http://127.0.0.1:{ports.etcd_peer}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver_flags(certificates: Certificates, tokens: Path, ports: Ports) -> list[str]:
    """Return kube-apiserver's flags: TLS, static tokens, RBAC, both address families."""
    return [
        f"--etcd-servers=http://127.0.0.1:{ports.etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports.apiserver}",
        f"--advertise-address={ADVERTISED_ADDRESS}",
        f"--tls-cert-file={certificates.server}",
        f"--tls-private-key-file={certificates.server_key}",
        f"--token-auth-file={tokens}",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        f"--service-cluster-ip-range={SERVICE_RANGES}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={certificates.account_key}",
        f"--service-account-signing-key-file={certificates.account_key}",
        # Pods here have no service account, since no controller makes the default ones.
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=true",
        "--profiling=false",
        # Without it a server that is told to stop waits up to a minute for its watches to end.
        "--shutdown-watch-termination-grace-period=3s",
    ]


def controller_flags(certificates: Certificates, kubeconfig: Path, ports: Ports) -> list[str]:
    """Return kube-controller-manager's flags: only the controllers that this suite needs."""
    return [
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(CONTROLLERS)}",
        "--leader-elect=false",
        "--use-service-account-credentials=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={ports.controllers}",
        f"--tls-cert-file={certificates.server}",
        f"--tls-private-key-file={certificates.server_key}",
        "--authentication-skip-lookup=true",
    ]
