"""``kubedns-py serve``, as a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.helpers.ports import free_port

WITHIN_S = 20
HOST = "127.0.0.1"


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the command; end it, if it did not end by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBEDNS_")}
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "kubedns_py", "serve", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=kept | environment,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=WITHIN_S)


@pytest.fixture
def local(tmp_path: Path) -> list[str]:
    """Return arguments for an empty directory of manifests and loopback ports."""
    return [
        f"--manifests={tmp_path}",
        f"--dns-bind-address={HOST}",
        f"--dns-port={free_port()}",
        f"--admin-bind-address={HOST}",
        f"--healthz-port={free_port()}",
        "--metrics-port=0",
        "--lameduck=0",
    ]


def until_synced(process: "subprocess.Popen[str]") -> list[str]:
    """Return the lines of the log up to the one that says that all was read once."""
    assert process.stderr is not None
    lines: list[str] = []
    while not any("first sync complete" in line for line in lines):
        lines.append(process.stderr.readline())
        assert lines[-1], "".join(lines)
    return lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_with_code_0_and_no_traceback(
    number: signal.Signals, local: list[str]
) -> None:
    """Ecosystem 6.2: SIGTERM and SIGINT, exit 0."""
    with serving(*local, "--logging-format=json", "--logtostderr", KUBEDNS_TTL="7") as process:
        lines = until_synced(process)
        process.send_signal(number)
        out, rest = process.communicate(timeout=WITHIN_S)

    events = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert process.returncode == 0
    assert out == ""
    assert events[0]["msg"].startswith("kubedns-py ")
    assert next(each["msg"] for each in events if each["level"] == "warning") == (
        "--logtostderr: accepted without effect: log lines always go to standard error"
    )


def test_a_port_in_use_is_one_line_and_code_1(local: list[str]) -> None:
    """F-33: exit 1, one line naming address, errno and remedy."""
    with socket.create_server((HOST, 0)) as occupied:
        port = occupied.getsockname()[1]
        with serving(*local, f"--dns-port={port}") as process:
            _, err = process.communicate(timeout=WITHIN_S)

    said = err.splitlines()[-1]
    assert process.returncode == 1
    assert said.startswith(f"kubedns-py: cannot listen on {HOST}:{port} ")
    assert "EADDRINUSE" in said
    assert "Traceback" not in err


def test_a_health_port_in_use_is_one_line_and_code_1(local: list[str]) -> None:
    """F-34: exit 1 at the start, never later."""
    with socket.create_server((HOST, 0)) as occupied:
        port = occupied.getsockname()[1]
        with serving(*local, f"--healthz-port={port}") as process:
            _, err = process.communicate(timeout=WITHIN_S)

    said = err.splitlines()[-1]
    assert process.returncode == 1
    assert said.startswith(f"kubedns-py: cannot listen on {HOST}:{port} (HTTP)")
    assert "--healthz-port" in said
    assert "Traceback" not in err


def test_a_process_that_hangs_is_not_alive_until_it_goes_on(local: list[str]) -> None:
    """F-39: liveness is answered by the loop that answers DNS; SIGSTOP, then SIGCONT."""
    port = next(int(each.partition("=")[2]) for each in local if "--healthz-port" in each)
    with serving(*local) as process:
        until_synced(process)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            is_alive(port, within_s=0.5)
        process.send_signal(signal.SIGCONT)

        assert is_alive(port, within_s=WITHIN_S)


def is_alive(port: int, *, within_s: float) -> bool:
    """Ask as the kubelet does.

    Raises:
        TimeoutError: no answer came in time.
    """
    with socket.create_connection((HOST, port), within_s) as probe:
        probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return probe.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_wrong_usage_ends_before_anything_is_opened(local: list[str]) -> None:
    """Exit code 2, one line (ecosystem 6.2)."""
    with serving(*local, KUBEDNS_TTL="4000") as process:
        out, err = process.communicate(timeout=WITHIN_S)

    assert process.returncode == 2
    assert (out, err) == ("", "kubedns-py: KUBEDNS_TTL: 4000 is above 3600; give 0 to 3600\n")
