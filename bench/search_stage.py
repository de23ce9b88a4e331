"""What the measurement of searches runs in its own network: upstream, server, and lookups.

Rules of this file:

- Everything is on loopback of a network namespace that ends with the measurement. On port 53 of it,
  for a C library cannot be told another, is the server, or a relay before it that takes its time.
- ``/etc/resolv.conf`` is a pod's, for this mount namespace alone.
- Names are new for each run, so that nothing is known of them the first time.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from bench.cores import Cores, wait_quiet
from bench.running import running, wait_until_right

_PORT, _BEHIND_RELAY, _UPSTREAM_PORT, _ADMIN_PORT = 53, 5300, 5301, 9153
_PAGE_IS_OLD_S = 1.1  # the metrics page is kept for a second
_LOOKUPS_S = 120.0
_PATIENCE_S = 1.0
_POD = """\
nameserver 127.0.0.1
search shop.svc.cluster.local svc.cluster.local cluster.local
options ndots:5
"""
_SWITCH = "hosts: dns\n"
_CLUSTER = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {kubedns-py/search-completion: enabled}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIPs: [10.96.0.10, "fd00:96::10"]
  ipFamilies: [IPv4, IPv6]
  ports: [{port: 80}]
"""


class Lookup(NamedTuple):
    """One of the C library's.

    Attributes:
        name: what was looked up.
        ms: how long it took.
        canonical: the name that the addresses are of; ``-`` for none.
        found: the addresses in order of their texts, or the library's words.
    """

    name: str
    ms: float
    canonical: str
    found: tuple[str, ...]


class Figures(NamedTuple):
    """Of a run, per lookup.

    Attributes:
        queries: that the server got.
        asked: of the upstream.
        ms: median time.
    """

    queries: float
    asked: float
    ms: float


class Stage:
    """A running server, and what it has counted so far."""

    def __init__(self, cores: Cores) -> None:
        self._cores = cores
        self._counts = _counts()

    def measure(self, program: Path, names: Sequence[str]) -> tuple[Figures, list[Lookup]]:
        """Look up names, one after the other, and tell what that took."""
        wait_quiet(self._cores, _PATIENCE_S)
        lookups = _look_up(program, names)
        before, self._counts = self._counts, _counts()
        queries, asked = (
            (now - then) / len(names) for now, then in zip(self._counts, before, strict=True)
        )
        return Figures(queries, asked, median(each.ms for each in lookups)), lookups


@dataclass(frozen=True, slots=True)
class Distances:
    """How long things take to come and go, in milliseconds.

    Attributes:
        upstream: to the upstream and back.
        pod: from the pod to the server and back; 0 is as fast as loopback is.
    """

    upstream: float
    pod: float


@contextlib.contextmanager
def staged(cores: Cores, relay: Path, distances: Distances, *, completes: bool) -> Iterator[Stage]:
    """Start an upstream and the server in front of it.

    Args:
        cores: the server's, and everybody else's.
        relay: the program, from ``peers/relay.c``.
        distances: of pod, server and upstream.
        completes: whether searches are completed.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubedns-search-")))
        words = [sys.executable, "-m", "bench.search_upstream", str(_UPSTREAM_PORT)]
        words.append(str(distances.upstream))
        stack.enter_context(running(words, cores.client, folder / "upstream.log"))
        port = _PORT
        if distances.pod:
            port, one_way_us = _BEHIND_RELAY, round(distances.pod * 1000 / 2)
            words = [str(relay), str(_PORT), str(port), str(one_way_us)]
            stack.enter_context(running(words, cores.client, folder / "relay.log"))
        log = folder / "server.log"
        stack.enter_context(running(_server(folder, port, completes=completes), cores.server, log))
        try:
            wait_until_right(port, "first.example.org.", time.monotonic())
        except TimeoutError as error:
            error.add_note(log.read_text()[-2000:])
            raise
        yield Stage(cores)


def _server(folder: Path, port: int, *, completes: bool) -> list[str]:
    """Write the cluster and return the server's command."""
    (folder / "cluster").mkdir()
    (folder / "cluster" / "cluster.yaml").write_text(_CLUSTER)
    words = [sys.executable, "-m", "kubedns_py", "serve", f"--manifests={folder / 'cluster'}"]
    words += [f"--nameservers=127.0.0.1:{_UPSTREAM_PORT}", f"--resolv-conf={os.devnull}"]
    words += ["--dns-bind-address=127.0.0.1", f"--dns-port={port}", "--lameduck=0s"]
    words += [f"--healthz-port={_ADMIN_PORT}", f"--metrics-port={_ADMIN_PORT}"]
    return [*words, f"--search-completion={'true' if completes else 'false'}"]


def become_a_pod(folder: Path) -> None:
    """Give this mount namespace a pod's resolver configuration, and its network loopback."""
    for name, text in (("resolv.conf", _POD), ("nsswitch.conf", _SWITCH)):
        (folder / name).write_text(text)
        _run("mount", "--bind", str(folder / name), f"/etc/{name}")
    _run("ip", "link", "set", "lo", "up")


def _run(*words: str) -> None:
    subprocess.run(words, check=True, timeout=10)  # noqa: S603 - our own words


def _look_up(program: Path, names: Sequence[str]) -> list[Lookup]:
    done = subprocess.run(  # noqa: S603 - built here
        [program],
        input="".join(f"{name}\n" for name in names),
        capture_output=True,
        text=True,
        check=True,
        timeout=_LOOKUPS_S,
    )
    lookups = [read_lookup(line) for line in done.stdout.splitlines()]
    if [each.name for each in lookups] != list(names):
        raise ValueError(f"{program.name}: {len(lookups)} answers for {len(names)} names")
    return lookups


def read_lookup(line: str) -> Lookup:
    """Return what a line of ``peers/lookup.c`` says."""
    name, took, canonical, found = line.split(" ", 3)
    texts = (found,) if canonical == "-" else tuple(sorted(found.split(",")))
    return Lookup(name, int(took) / 1000, canonical, texts)


def _counts() -> tuple[float, float]:
    """Return how many queries the server has had, and how many replies of its upstream."""
    time.sleep(_PAGE_IS_OLD_S)
    url = f"http://127.0.0.1:{_ADMIN_PORT}/metrics"
    with urllib.request.urlopen(url, timeout=5) as page:
        text = page.read().decode()
    totals = {
        "kubedns_dns_requests_total": 0.0,
        "kubedns_proxy_request_duration_seconds_count": 0.0,
    }
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in totals:
                totals[sample.name] += sample.value
    queries, asked = totals.values()
    return queries, asked
