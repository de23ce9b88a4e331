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
        return coredns_command(program, job, [*_names(job), *kubeadm_plugins()])

    return Server("CoreDNS", coredns_version(), prepare)


def coredns_bare(program: Path) -> Server:
    """Return CoreDNS with ``cache`` and ``forward`` alone: nothing counted, nothing logged."""

    def prepare(job: Job) -> list[str]:
        return coredns_command(program, job, [*_names(job), "cache"])

    return Server("CoreDNS bare", coredns_version(), prepare)


def kubeadm_plugins() -> list[str]:
    """Return the lines of kubeadm's Corefile that every CoreDNS here shares, on free ports."""
    admin = [f"{plugin} 127.0.0.1:{free_port()}" for plugin in ("health", "ready", "prometheus")]
    return ["errors", *admin, "cache 30", "reload", "loadbalance"]


def coredns_command(program: Path, job: Job, lines: Sequence[str]) -> list[str]:
    """Write a Corefile and return the command; CoreDNS orders the plugins itself."""
    corefile = job.folder / "Corefile"
    lines = [f".:{job.port} {{", "bind 127.0.0.1", *lines]
    corefile.write_text("\n    ".join(lines) + "\n}\n")
    return [str(program), "-conf", str(corefile)]


def _names(job: Job) -> list[str]:
    """Write a zone of cluster names and return the lines that serve it, and forward the others."""
    zone = job.folder / "cluster.zone"
    write_zone(zone)
    return [f"file {zone} cluster.local", f"forward . {' '.join(job.addresses)}"]


def kubedns_py() -> Server:
    """Return our own server, as a process that serves manifests."""

    def prepare(job: Job) -> list[str]:
        manifests = job.folder / "manifests"
        write_manifests(manifests)
        words = ["--manifests", str(manifests), "--nameservers", ",".join(job.addresses)]
        if job.most_waiting is not None:
            words += ["--max-concurrent", str(job.most_waiting)]
        return our_command(job, words)

    return Server(OURS, our_version(), prepare)


def our_command(job: Job, words: Sequence[str]) -> list[str]:
    """Return the command of our server for a job, with further flags."""
    command = [sys.executable, "-m", "kubedns_py", "serve"]
    command += ["--dns-bind-address", "127.0.0.1", "--dns-port", str(job.port)]
    command += ["--healthz-port", "0", "--metrics-port", "0", "--lameduck", "0s"]
    return [*command, *words]


def our_version() -> str:
    """Return which tree and interpreter it is."""
    return f"this tree, Python {platform.python_version()}"
