"""Measure the DNS server on the real control plane: ``python -m tests.e2e.measure [--services N]``.

Prints Markdown. No test: nothing here passes or fails. What is measured, on one machine that runs
the control plane as well:

- from the start of the process, as the kernel counts it (in steps of 10 ms), to its first right
  answer over UDP;
- from the API server's answer to a changed EndpointSlice, and from that request, to the changed
  answer over UDP, asked every 0.2 ms; an answer that is changed before the API server's own has
  arrived counts as the one question that it takes to see it;
- memory of the process, after the first sync and after all these changes.
"""

import argparse
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import dns.message

from tests.e2e.apiclient import JsonObject
from tests.e2e.binaries import BinariesMissingError, built_binaries, kubernetes_version
from tests.e2e.cluster import Cluster
from tests.e2e.controlplane import ControlPlane, running_control_plane
from tests.e2e.dnsserver import DnsServers, dns_servers, fqdn
from tests.e2e.manifests import a_service, a_slice
from tests.helpers.process import LOOPBACK, ServerProcess

STARTS = 7
ROUNDS = 200
SPACING_S = 0.0002
DEADLINE_S = 30.0
NAMESPACE = "measured"
PAUSE_S = 0.02
"""Between two rounds, so that each finds the API server at rest."""

ADDRESSES = [f"10.7.{high}.{low}" for high in range(8) for low in range(1, 101)]


class Asker:
    """Asks one question over UDP until the answer has an address in it."""

    def __init__(self, port: int, name: str) -> None:
        self._query = dns.message.make_query(name, "A", use_edns=0).to_wire()
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.settimeout(1.0)
        self._socket.connect((LOOPBACK, port))

    def wait(self, address: str) -> float:
        """Return the monotonic time at which the first answer with this address was there.

        Raises:
            TimeoutError: there was none within the deadline.
        """
        octets = socket.inet_aton(address)
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            try:
                self._socket.send(self._query)
                if octets in self._socket.recv(4096):
                    return time.monotonic()
            except OSError:
                pass  # nobody listens yet, or the datagram was lost
            time.sleep(SPACING_S)
        raise TimeoutError(f"no answer with {address} within {DEADLINE_S:g} s")

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.measure", description=__doc__)
    parser.add_argument("--services", type=int, default=0, help="further Services, one slice each")
    services: int = parser.parse_args(arguments).services
    try:
        binaries = built_binaries()
    except BinariesMissingError as missing:
        sys.stderr.write(f"{missing}\n")
        return 1
    with (
        tempfile.TemporaryDirectory(prefix="kubedns-measure-") as folder,
        running_control_plane(binaries, Path(folder)) as plane,
    ):
        fill(plane, services)
        starts = measure_starts(plane)
        with dns_servers(plane, "rounds") as servers:
            server = servers.start()
            fresh = memory_kib(server.process.pid)
            accepted, sent = measure_rounds(plane, server)
            used = memory_kib(server.process.pid)
    lines = [
        f"{services} Services beside the measured one, the control plane on the same machine;",
        f"Kubernetes {kubernetes_version()}, {machine()}.",
        "",
        "| Measured | p50 | p99 | Worst | Times |",
        "| --- | ---: | ---: | ---: | ---: |",
        row("Start of the process to its first right answer, s", starts, 1),
        row("Slice change accepted to changed answer, ms", accepted, 1000),
        row("Slice change sent to changed answer, ms", sent, 1000),
        "",
        "| Memory of the process, MiB | PSS | RSS |",
        "| --- | ---: | ---: |",
        memory_row("after the first sync", fresh),
        memory_row(f"after {ROUNDS} changes", used),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def fill(plane: ControlPlane, services: int) -> None:
    """Make the measured Service and as many others."""
    cluster = Cluster(plane.admin)
    cluster.add_namespace(NAMESPACE)
    for name in ["measured", *(f"other-{number}" for number in range(services))]:
        headless: JsonObject = {"clusterIP": "None"} if name == "measured" else {}
        plane.admin.create(a_service(name, NAMESPACE, ports=["http:80"], **headless))
        endpoints = [{"addresses": [ADDRESSES[0]]}]
        ports = ["http:8080"]
        made = a_slice(f"{name}-1", NAMESPACE, service=name, endpoints=endpoints, ports=ports)
        plane.admin.create(made)


def measure_starts(plane: ControlPlane) -> list[float]:
    """Return the seconds from the start of a process to its first right answer."""
    found = []
    for number in range(STARTS):
        with dns_servers(plane, f"start-{number}") as servers:
            found.append(measure_start(servers))
    return found


def measure_start(servers: DnsServers) -> float:
    """Start a server and return the seconds until its first right answer."""
    server = servers.start(wait=False)
    started = started_at(server.process.pid)
    asker = Asker(server.port, fqdn(f"measured.{NAMESPACE}"))
    try:
        return asker.wait(ADDRESSES[0]) - started
    finally:
        asker.close()


def measure_rounds(plane: ControlPlane, server: ServerProcess) -> tuple[list[float], list[float]]:
    """Return the seconds from a change to the changed answer: since accepted, and since sent."""
    asker = Asker(server.port, fqdn(f"measured.{NAMESPACE}"))
    since_accepted, since_sent = [], []
    for address in ADDRESSES[1 : ROUNDS + 1]:
        time.sleep(PAUSE_S)
        change = {"endpoints": [{"addresses": [address]}]}
        sent = time.monotonic()
        plane.admin.patch("EndpointSlice", "measured-1", NAMESPACE, change)
        accepted = time.monotonic()
        changed = asker.wait(address)
        since_accepted.append(changed - accepted)
        since_sent.append(changed - sent)
    asker.close()
    return since_accepted, since_sent


def started_at(pid: int) -> float:
    """Return when a process started, in monotonic seconds, as the kernel noted it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    since_boot_s = int(fields[19]) / 100
    return since_boot_s - time.clock_gettime(time.CLOCK_BOOTTIME) + time.monotonic()


def memory_kib(pid: int) -> dict[str, int]:
    """Return ``Pss`` and ``Rss`` of a process, in KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    lines = [line.split() for line in text.splitlines()[1:]]
    return {words[0].rstrip(":"): int(words[1]) for words in lines if words[0] in {"Pss:", "Rss:"}}


def machine() -> str:
    """Return what runs the measured program."""
    return f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}"


def row(what: str, seconds: Sequence[float], unit: int) -> str:
    """Return a row of the table of times."""
    ranked = sorted(each * unit for each in seconds)
    p99 = ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
    shown = (statistics.median(ranked), p99, ranked[-1])
    return f"| {what} | {' | '.join(f'{each:.2f}' for each in shown)} | {len(ranked)} |"


def memory_row(what: str, found: dict[str, int]) -> str:
    """Return a row of the table of memory."""
    return f"| {what} | {found['Pss'] / 1024:.1f} | {found['Rss'] / 1024:.1f} |"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
