"""Name servers of others as upstreams: dnsmasq, unbound and Knot DNS of Debian's packages.

Rules of this file:

- Nothing of the machine's own configuration is read and no privilege is needed: high ports of
  loopback, and a folder of the test's own.
- Nothing is asked of anybody but loopback: what a peer does not know, it refuses or denies.
- A program that is missing fails the test in one line.
"""

import getpass
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.processes import Process, Processes, free_ports

PACKAGES = {"dnsmasq": "dnsmasq-base", "unbound": "unbound", "knotd": "knot"}
"""Programs, and the packages of Debian that they are in."""

_START_S = 10.0

_KNOT = """\
server:
  rundir: "{folder}"
  listen: [{listen}]
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "{folder}"
  journal-db-max-size: 16M
  kasp-db-max-size: 16M
log:
  - target: stderr
    any: info
policy:
  - id: one-key
    algorithm: ecdsap256sha256
    single-type-signing: on
"""
_KNOT_SIGNED = "\n    dnssec-signing: on\n    dnssec-policy: one-key"

_UNBOUND = """\
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  port: {port}
  interface: 127.0.0.1@{port}
  interface: ::1@{port}
  num-threads: 1
  do-not-query-localhost: no
  {lines}
remote-control:
  control-enable: no
{clauses}
"""


APEX = """\
$TTL 300
@ SOA ns hostmaster 1 3600 900 86400 60
@ NS ns
ns A 127.0.0.1
"""
"""What every zone begins with: it may be denied for 60 s that something exists."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One that runs; its text is how it is written as an upstream.

    Attributes:
        process: may be paused (it goes silent) and resumed.
        command: what it was started with.
        port: over UDP and TCP, on 127.0.0.1; that of unbound and Knot DNS also on ::1.
        folder: what it works in.
    """

    process: Process
    command: tuple[str, ...]
    port: int
    folder: Path

    def __str__(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def over_ipv6(self) -> str:
        """How it is written as an upstream by its other address."""
        return f"[::1]:{self.port}"

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Let it say nothing: questions are taken by the kernel and never read."""
        self.process.pause()
        try:
            yield
        finally:
            self.process.resume()


class Peers:
    """Starts peers; ``peers`` is the way to get one."""

    def __init__(self, processes: Processes, folder: Path) -> None:
        self._processes = processes
        self._folder = folder
        self._count = 0

    def dnsmasq(self, *flags: str) -> Peer:
        """Start dnsmasq, which knows and forwards what flags say, and refuses the rest."""
        port, folder = self._place("dnsmasq")
        command = [_program("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null"]
        command += ["--no-resolv", "--no-hosts", "--pid-file=", "--log-facility=-"]
        command += ["--listen-address=127.0.0.1", "--bind-interfaces", f"--port={port}"]
        command += [f"--user={getpass.getuser()}", *flags]
        return self._start(command, port, folder)

    def unbound(self, *lines: str, clauses: str = "", over_tls: bool = False) -> Peer:
        """Start unbound, which resolves from the root, of which it must be kept by its lines.

        Args:
            lines: of its ``server:`` clause, such as ``local-data: "www.test. 60 IN A 192.0.2.1"``.
            clauses: further ones.
            over_tls: whether its port speaks TLS, with the certificate that lines name.
        """
        port, folder = self._place("unbound")
        text = _UNBOUND.format(folder=folder, port=port, lines="\n  ".join(lines), clauses=clauses)
        if over_tls:
            text = text.replace("server:\n", f"server:\n  tls-port: {port}\n", 1)
        (folder / "unbound.conf").write_text(text)
        command = [_program("unbound"), "-d", "-p", "-c", str(folder / "unbound.conf")]
        return self._start(command, port, folder)

    def knot(self, zones: Mapping[str, str], *, signed: Sequence[str] = ()) -> Peer:
        """Start Knot DNS with whole zones, by their names; it refuses other names.

        Args:
            zones: the text of a zone file each, without SOA and NS.
            signed: those that it signs (DNSSEC).
        """
        port, folder = self._place("knotd")
        text = _KNOT.format(folder=folder, listen=f"127.0.0.1@{port}, ::1@{port}") + "zone:\n"
        for number, (name, records) in enumerate(zones.items()):
            file = folder / f"{number}.zone"
            file.write_text(f"$ORIGIN {name}\n{APEX}{records}")
            text += f'  - domain: "{name}"\n    file: "{file}"\n    zonefile-sync: -1'
            text += f"{_KNOT_SIGNED if name in signed else ''}\n"
        (folder / "knot.conf").write_text(text)
        return self._start([_program("knotd"), "-c", str(folder / "knot.conf")], port, folder)

    def restart(self, peer: Peer) -> Peer:
        """End a peer and start it again on the same port."""
        self._processes.stop(peer.process)
        return self._start(peer.command, peer.port, peer.folder)

    def _place(self, name: str) -> tuple[int, Path]:
        self._count += 1
        folder = self._folder / f"{name}-{self._count}"
        folder.mkdir()
        return free_ports(1)[0], folder

    def _start(self, command: Sequence[str], port: int, folder: Path) -> Peer:
        process = self._processes.start(folder.name, command)
        process.wait_ready(lambda: _is_open(port), within_s=_START_S)
        return Peer(process, tuple(command), port, folder)


def resolving(*zones: str) -> list[str]:
    """Return lines for unbound: resolve zones below ``test.``, else denied, and no others."""
    names = ("test.", *zones)
    return ['local-zone: "." refuse', *(f'local-zone: "{name}" transparent' for name in names)]


def stub(zone: str, peer: Peer) -> str:
    """Return a clause for unbound: ask another server for a zone."""
    return f'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{peer.port}\n'


@contextmanager
def running_peers(folder: Path) -> Iterator[Peers]:
    """Start peers, which end with the context."""
    processes = Processes(folder)
    try:
        yield Peers(processes, folder)
    finally:
        processes.stop_all()


def _program(name: str) -> str:
    """Return the path of a program; packages of servers put it where only root looks."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.fail(f"{name} is missing: install the package {PACKAGES[name]}", pytrace=False)
    return found


def _is_open(port: int) -> bool:
    """Tell whether connections are taken; each of them opens its UDP port before that."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
