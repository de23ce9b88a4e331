"""The real program on loopback: started, asked, signalled, ended; its log kept in a file."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import dns.message
import dns.query
import dns.rcode

from tests.helpers.ports import free_port

LOOPBACK = "127.0.0.1"
DEADLINE_S = 15.0
_LOOK_S = 0.01


def wait_until(condition: Callable[[], bool], *, deadline_s: float = DEADLINE_S) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: it did not within the deadline.
    """
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not so within {deadline_s:.0f} s")
        time.sleep(_LOOK_S)


def run_once(*arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run the program to its end; return exit code, standard output and standard error."""
    command = [sys.executable, "-m", "kubedns_py", *arguments]
    done = subprocess.run(  # noqa: S603 - our own program
        command, capture_output=True, text=True, timeout=DEADLINE_S, env=environment, check=False
    )
    return done.returncode, done.stdout, done.stderr


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server.

    Attributes:
        process: the operating system's process.
        port: of DNS.
        health_port: of the health pages and the metrics.
        log_file: what it writes to standard error.
    """

    process: subprocess.Popen[bytes]
    port: int
    health_port: int
    log_file: Path

    @property
    def log(self) -> str:
        """Everything logged so far."""
        return self.log_file.read_text()

    def ask(
        self, name: str, qtype: str = "A", *, tcp: bool = False, within_s: float = 5
    ) -> dns.message.Message:
        """Return the reply to one question, sent once."""
        query = dns.message.make_query(name, qtype, use_edns=0)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, LOOPBACK, timeout=within_s, port=self.port)

    def lines(
        self, name: str, qtype: str = "A", *, tcp: bool = False, within_s: float = 5
    ) -> list[str]:
        """Return the answer section, one record a line, or the rcode's name when it is empty."""
        reply = self.ask(name, qtype, tcp=tcp, within_s=within_s)
        found = [line for rrset in reply.answer for line in rrset.to_text().splitlines()]
        return sorted(found) or [dns.rcode.to_text(reply.rcode())]

    def answers(self, name: str, qtype: str = "A") -> list[str]:
        """Return ``lines`` once there is a server; an unopened port is no answer yet."""
        with contextlib.suppress(OSError, dns.exception.Timeout):
            return self.lines(name, qtype)
        return []

    def page(self, path: str) -> tuple[int, str]:
        """Return status and body of an HTTP page; status 0 while nobody listens."""
        url = f"http://{LOOPBACK}:{self.health_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self) -> bool:
        """Tell whether the readiness page says so."""
        return self.page("/readyz")[0] == 200

    def wait_ready(self) -> None:
        """Return when the server is ready.

        Raises:
            TimeoutError: it is not in time; the text is its log.
        """
        try:
            wait_until(self.is_ready)
        except TimeoutError as error:
            raise TimeoutError(f"not ready; its log:\n{self.log}") from error

    def wait_exit(self) -> int:
        """Return the exit code once the process has ended."""
        return self.process.wait(timeout=DEADLINE_S)


@contextlib.contextmanager
def serving(
    folder: Path, *flags: str, files: tuple[int, int] | None = None
) -> Iterator[ServerProcess]:
    """Run ``kubedns-py serve`` with free ports of loopback; end it afterwards by its id.

    Args:
        folder: where its log goes.
        flags: further flags; they must name a source.
        files: how many it may open, the soft and the hard limit; None for what this process has.
    """
    port, health_port = free_port(), free_port()
    log_file = folder / f"serve-{port}.log"
    command = [sys.executable, "-m", "kubedns_py", "serve", f"--dns-port={port}"]
    command += [f"--dns-bind-address={LOOPBACK}", f"--admin-bind-address={LOOPBACK}"]
    command += [f"--healthz-port={health_port}", f"--metrics-port={health_port}", *flags]
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, files) if files else None
    with log_file.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stderr=log,
            preexec_fn=limit,  # noqa: PLW1509 - a system call and nothing else
        )
    try:
        yield ServerProcess(process, port, health_port, log_file)
    finally:
        process.kill()
        process.wait(timeout=DEADLINE_S)
