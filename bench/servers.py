"""The servers that are measured, each as what it reads and the command that starts it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.build import coredns_version
from bench.names import write_manifests, write_zone
from bench.running import free_port

OURS = "kubedns-py"


@dataclass(frozen=True, slots=True)
class Job:
    """What a server has to do.

    Attributes:
        port: of loopback, to answer on.
        upstreams: ports of loopback where its upstreams answer.
        folder: a new one, for what it reads.
        most_waiting: how many questions may wait for upstreams at once; None is its default.
    """

    port: int
    upstreams: Sequence[int]
    folder: Path
    most_waiting: int | None = None

    @property
    def addresses(self) -> list[str]:
        """The upstreams as ``address:port``."""
        return [f"127.0.0.1:{port}" for port in self.upstreams]


@dataclass(frozen=True, slots=True)
class Server:
    """One that is measured.

    Attributes:
        name: in tables.
        version: of the program.
        prepare: writes what it reads for a job, and returns its command.
    """

    name: str
    version: str
    prepare: Callable[[Job], list[str]]


def coredns(program: Path) -> Server:
    """Return CoreDNS with the plugins that Kubernetes' installers give it (kubeadm's Corefile).

    ``file`` stands in for ``kubernetes``, which needs an API server. There is no ``loop`` and no
    ``max_concurrent``, which would refuse most of a load.
    """

    def prepare(job: Job) -> list[str]:
        admin = [
            f"{plugin} 127.0.0.1:{free_port()}" for plugin in ("health", "ready", "prometheus")
        ]
        return _coredns(program, job, ["errors", *admin, "cache 30", "reload", "loadbalance"])

    return Server("CoreDNS", coredns_version(), prepare)


def coredns_bare(program: Path) -> Server:
    """Return CoreDNS with ``cache`` and ``forward`` alone: nothing counted, nothing logged."""

    def prepare(job: Job) -> list[str]:
        return _coredns(program, job, ["cache"])

    return Server("CoreDNS bare", coredns_version(), prepare)


def _coredns(program: Path, job: Job, plugins: Sequence[str]) -> list[str]:
    """Write what CoreDNS reads and return its command; it orders the plugins itself."""
    zone, corefile = job.folder / "cluster.zone", job.folder / "Corefile"
    write_zone(zone)
    lines = ["bind 127.0.0.1", f"file {zone} cluster.local", *plugins]
    lines += [f"forward . {' '.join(job.addresses)}"]
    corefile.write_text("\n    ".join([f".:{job.port} {{", *lines]) + "\n}\n")
    return [str(program), "-conf", str(corefile)]


def kubedns_py() -> Server:
    """Return our own server, as a process that serves manifests."""

    def prepare(job: Job) -> list[str]:
        manifests = job.folder / "manifests"
        write_manifests(manifests)
        words = [sys.executable, "-m", "kubedns_py", "serve", "--manifests", str(manifests)]
        words += ["--nameservers", ",".join(job.addresses)]
        words += ["--dns-bind-address", "127.0.0.1", "--dns-port", str(job.port)]
        words += ["--healthz-port", "0", "--metrics-port", "0", "--lameduck", "0s"]
        if job.most_waiting is not None:
            words += ["--max-concurrent", str(job.most_waiting)]
        return words

    return Server(OURS, f"this tree, Python {platform.python_version()}", prepare)
