"""What is asked and what is served.

There are names outside the cluster, the same ones over and over or each new, and one made-up
cluster of Services in the two forms that the servers read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

from bench.running import question

CLUSTER_NAMES = 1_000
EXTERNAL_NAMES = 1_000
_NAMESPACE = "bench"
_ZONE = """\
$ORIGIN cluster.local.
@ 5 IN SOA ns.dns hostmaster 1 7200 1800 86400 5
@ 5 IN NS ns.dns
ns.dns 5 IN A 10.96.0.10
"""


def cluster_name(number: int) -> str:
    """Return the absolute name of one of the Services."""
    return f"web-{number:04}.{_NAMESPACE}.svc.cluster.local."


def cluster_address(number: int) -> str:
    """Return the cluster IP of one of the Services."""
    return f"10.97.{number >> 8}.{number & 0xFF}"


def write_manifests(folder: Path) -> None:
    """Write the Services as manifests, into a folder that is made."""
    folder.mkdir()
    documents = [f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {_NAMESPACE}}}\n"]
    documents += [
        "apiVersion: v1\nkind: Service\n"
        f"metadata: {{name: web-{each:04}, namespace: {_NAMESPACE}}}\n"
        f"spec:\n  clusterIP: {cluster_address(each)}\n  clusterIPs: [{cluster_address(each)}]\n"
        "  ipFamilies: [IPv4]\n  ports: [{name: http, port: 80, protocol: TCP}]\n"
        for each in range(CLUSTER_NAMES)
    ]
    (folder / "cluster.yaml").write_text("---\n".join(documents))


def write_zone(path: Path) -> None:
    """Write the Services' A records as a zone file (RFC 1035, 5.1), with the TTL of a cluster."""
    lines = [
        f"{cluster_name(each)} 30 IN A {cluster_address(each)}\n" for each in range(CLUSTER_NAMES)
    ]
    path.write_text(_ZONE + "".join(lines))


def write_external(path: Path) -> None:
    """Write questions for A and AAAA of every name outside, as dnsperf reads them."""
    lines = [
        f"api-{each:04}.example.com {qtype}\n"
        for each in range(EXTERNAL_NAMES)
        for qtype in ("A", "AAAA")
    ]
    path.write_text("".join(lines))


def write_new(path: Path, number: int) -> None:
    """Write questions for names that nobody has asked before, in this run or another."""
    mark = os.urandom(5).hex()
    path.write_text("".join(f"{mark}{each:x}.example.com A\n" for each in range(number)))


def cluster_questions() -> Iterator[bytes]:
    """Yield queries for the Services' names, over and over."""
    return cycle([question(cluster_name(each)) for each in range(CLUSTER_NAMES)])


def new_questions() -> Iterator[bytes]:
    """Yield queries for names outside, each new."""
    mark = os.urandom(5).hex()
    return (question(f"{mark}{each:x}.example.com.") for each in count())
