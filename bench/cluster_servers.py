"""The servers that are measured with a cluster's names, each with its own way to learn them.

Ours and CoreDNS read the API server with the same service account, as in a Pod. Knot DNS, which
knows no Kubernetes, has the same records as zones: it is what a server gains that is written in C
and never has to learn of a change.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.build import coredns_version, knot_version
from bench.servers import (
    OURS,
    Job,
    Server,
    coredns_command,
    kubeadm_plugins,
    our_command,
    our_version,
)

_KUBERNETES = """\
kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 30
    }"""
_KNOT = """\
server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
  journal-db-max-size: 16M
  kasp-db-max-size: 16M
log:
  - target: stderr
    any: warning
zone:
"""
_OUR_NETWORKS = "10.0.0.0/8"
"""Unknown addresses in it do not exist for us, as for CoreDNS without ``fallthrough``."""


def coredns_kubernetes(program: Path) -> Server:
    """Return CoreDNS as kubeadm installs it, without ``forward``: nothing else is asked here."""

    def prepare(job: Job) -> list[str]:
        return coredns_command(program, job, [*kubeadm_plugins(), _KUBERNETES])

    return Server("CoreDNS", coredns_version(), prepare)


def coredns_uncached(program: Path) -> Server:
    """Return the same without ``cache``, which would hide a change for up to 30 seconds."""

    def prepare(job: Job) -> list[str]:
        plugins = [line for line in kubeadm_plugins() if not line.startswith("cache")]
        return coredns_command(program, job, [*plugins, _KUBERNETES])

    return Server("CoreDNS uncached", coredns_version(), prepare)


def knot(program: Path, zones: Mapping[str, Path]) -> Server:
    """Return Knot DNS with one thread for UDP, serving zone files."""

    def prepare(job: Job) -> list[str]:
        text = _KNOT.format(folder=job.folder, port=job.port)
        for name, path in zones.items():
            text += f'  - domain: "{name}"\n    file: "{path}"\n    zonefile-sync: -1\n'
        configuration = job.folder / "knot.conf"
        configuration.write_text(text)
        return [str(program), "-c", str(configuration)]

    return Server("Knot DNS", knot_version(program), prepare)


def ours(source: Sequence[str], *further: str, name: str = OURS) -> Server:
    """Return our server.

    Args:
        source: the flags that say where its cluster is; none for the API server.
        further: other flags.
        name: in tables.
    """

    def prepare(job: Job) -> list[str]:
        words = [*source, "--forward=false", "--local-cidrs", _OUR_NETWORKS, *further]
        return our_command(job, words)

    return Server(name, our_version(), prepare)


def knows(flag: str) -> bool:
    """Tell whether this tree's server has a flag."""
    words = [sys.executable, "-m", "kubedns_py", "serve", "--help"]
    said = subprocess.run(words, capture_output=True, text=True, check=True)  # noqa: S603 - our own words
    return f" {flag} " in said.stdout
