"""Processes of the control plane: started with a log file, stopped by id, never left behind.

Each runs in a session of its own, so Ctrl-C reaches only the test run, which then stops them in
order. Should the run be killed, reaper.py does it (see there).
"""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.wait import NotInTimeError, until

TAIL_LINES = 30
"""Lines of a log that a failed start shows."""

PORTS = range(15_000, 30_000)
"""Below the ports that the system hands out by itself (32768 and up on Linux).

A port from that range could be taken by some client while its server is down for a restart; a
client that tries to reach the server may even connect to itself.
"""


class StartFailedError(Exception):
    """A process ended, or was not ready in time; the message has the end of its log."""


class Processes:
    """All processes of one control plane.

    Args:
        folder: Where they run, and their logs are.
        environment: Variables that they have besides ours.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._environment = {**os.environ, **(environment or {})}
        self._running: dict[int, Process] = {}
        script = Path(__file__).with_name("reaper.py")
        self._reaper = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", str(script)],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
            bufsize=1,
        )

    def start(self, name: str, command: Sequence[str]) -> "Process":
        """Start a program, its output going to the end of ``<name>.log``."""
        log = self._folder / f"{name}.log"
        with log.open("ab") as output:
            popen = subprocess.Popen(  # noqa: S603 - one of the pinned programs
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env=self._environment,
                start_new_session=True,
            )
        process = Process(name, popen, log)
        self._running[popen.pid] = process
        self._tell(f"+{popen.pid}")
        return process

    @contextmanager
    def guarded(self, pid: int) -> Iterator[None]:
        """Have the reaper end a process too that somebody else started and ends."""
        self._tell(f"+{pid}")
        try:
            yield
        finally:
            self._tell(f"-{pid}")

    def stop(self, process: "Process", *, crash: bool = False) -> None:
        """End a process and wait for it: gently with a deadline, or at once as in a crash."""
        process.end(crash=crash)
        if self._running.pop(process.pid, None):
            self._tell(f"-{process.pid}")

    def stop_all(self) -> None:
        """End every process at once, since nothing of theirs is needed again, and the reaper."""
        try:
            for process in list(self._running.values()):
                self.stop(process, crash=True)
        finally:
            if self._reaper.stdin:
                self._reaper.stdin.close()
            self._reaper.wait()

    def _tell(self, line: str) -> None:
        """Tell the reaper of a start or an end."""
        if self._reaper.stdin:
            self._reaper.stdin.write(f"{line}\n")
            self._reaper.stdin.flush()


class Process:
    """A running program of the control plane."""

    def __init__(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.pid = popen.pid
        self.log = log
        self._popen = popen

    def wait_ready(self, ready: Callable[[], bool], *, within_s: float) -> None:
        """Wait until ``ready`` says so.

        Raises:
            StartFailedError: The process ended first, or the time was over.
        """

        def ready_or_ended() -> bool:
            return self._popen.poll() is not None or ready()

        try:
            until(ready_or_ended, f"{self.name} is ready", within_s=within_s)
        except NotInTimeError as late:
            raise StartFailedError(self._failure(f"was not ready in {within_s:g} s")) from late
        if self._popen.returncode is not None:
            raise StartFailedError(self._failure(f"ended with status {self._popen.returncode}"))

    def pause(self) -> None:
        """Stop the process without closing its connections: they go silent (SIGSTOP)."""
        self._popen.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT)."""
        self._popen.send_signal(signal.SIGCONT)

    def end(self, *, crash: bool, within_s: float = 5.0) -> None:
        """End the process and collect its status; SIGKILL when it takes longer than allowed."""
        if crash:
            self._popen.kill()
        else:
            self._popen.send_signal(signal.SIGCONT)
            self._popen.terminate()
        try:
            self._popen.wait(within_s)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def _failure(self, what: str) -> str:
        """Return a message with the end of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        tail = "\n".join(lines[-TAIL_LINES:]) or "(the log is empty)"
        return f"{self.name} {what}; the end of {self.log}:\n{tail}"


def free_ports(count: int) -> list[int]:
    """Return loopback TCP ports that were free a moment ago, all different."""
    chosen: list[int] = []
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        if _is_free(port):
            chosen.append(port)
        if len(chosen) == count:
            return chosen
    raise OSError(f"fewer than {count} free ports from {PORTS.start} to {PORTS.stop - 1}")


def _is_free(port: int) -> bool:
    """Say whether the port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
