"""The end of the real process: lameduck, drain, exit codes (reliability, 3.1)."""

import json
import signal
import socket
import threading
from pathlib import Path

import dns.exception
import pytest

from tests.helpers.ports import free_port
from tests.helpers.process import LOOPBACK, ServerProcess, serving, wait_until


def test_sigterm_takes_readiness_at_once_and_loses_no_query(
    manifests: Path, tmp_path: Path
) -> None:
    """F-42, LIF-17: live 200, ready 503, every query of the lameduck time answered, exit code 0."""
    with serving(tmp_path, f"--manifests={manifests}", "--lameduck=2s") as server:
        server.wait_ready()
        asker = _Asker(server)
        asker.start()
        wait_until(lambda: asker.answered > 50)

        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.page("/readyz")[0] == 503)
        assert "shutting down" in server.page("/readyz")[1]
        assert server.page("/healthz")[0] == 200
        answered = asker.answered
        wait_until(lambda: asker.answered > answered + 50)
        asker.stop()

        assert server.wait_exit() == 0
        assert asker.lost == 0
        assert "stopped" in server.log


def test_after_the_lameduck_time_tcp_ends_and_udp_is_answered_until_nobody_asks(
    manifests: Path, tmp_path: Path
) -> None:
    """F-42, shutdown contract: no more accepts, FIN to idle connections, drain, exit code 0.

    One client of each kind goes on asking past the end of the lameduck time, and one waits.
    """
    with serving(tmp_path, f"--manifests={manifests}", "--lameduck=300ms") as server:
        server.wait_ready()
        with socket.create_connection((LOOPBACK, server.port), timeout=10) as idle:
            udp, tcp = _Asker(server), _Asker(server, tcp=True)
            udp.start()
            tcp.start()
            wait_until(lambda: min(udp.answered, tcp.answered) > 10)
            server.process.send_signal(signal.SIGTERM)

            assert idle.recv(1) == b""  # FIN
        wait_until(lambda: tcp.refused)
        answered = udp.answered
        wait_until(lambda: udp.answered > answered + 50)
        udp.stop()

        assert server.wait_exit() == 0
        assert udp.lost == 0
        # the kernel resets the one that comes between the last accept and the end of listening
        assert tcp.lost <= 1


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_process_now(
    manifests: Path, tmp_path: Path, second: signal.Signals
) -> None:
    """F-43: nobody waits for a lameduck time of five minutes."""
    with serving(tmp_path, f"--manifests={manifests}", "--lameduck=5m") as server:
        server.wait_ready()
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.page("/readyz")[0] == 503)
        server.process.send_signal(second)

        assert server.wait_exit() == 0


def test_sigint_during_the_first_sync_ends_the_process(tmp_path: Path) -> None:
    """F-43: with an API server that never answers."""
    url = f"http://{LOOPBACK}:{free_port()}"
    with serving(tmp_path, f"--kube-master-url={url}", "--lameduck=0s") as server:
        wait_until(lambda: server.page("/healthz")[0] == 200)
        server.process.send_signal(signal.SIGINT)

        assert server.wait_exit() == 0
        assert "Traceback" not in server.log


def test_a_signal_ends_a_start_that_waits(tmp_path: Path) -> None:
    """F-43: a kubeconfig's plugin may take 30 s, and nobody is served meanwhile."""
    begun, config = tmp_path / "begun", tmp_path / "config"
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", f"touch {begun}; exec sleep 20"],
    }
    document = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": f"http://{LOOPBACK}:1"}}],
        "users": [{"name": "a", "user": {"exec": plugin}}],
    }
    config.write_text(json.dumps(document))
    with serving(tmp_path, f"--kubecfg-file={config}", "--lameduck=5m") as server:
        wait_until(begun.exists)
        server.process.send_signal(signal.SIGTERM)

        assert server.wait_exit() == 0
        assert server.log.endswith("stopped\n")


def test_sigterm_before_anything_is_open_ends_the_process(tmp_path: Path) -> None:
    """F-43: as process 1 it would be ignored by the kernel, were there no handler.

    The status file of the process tells when there is one.
    """
    with serving(tmp_path, f"--manifests={tmp_path}") as server:
        wait_until(lambda: _handles(server.process.pid, signal.SIGTERM))
        server.process.send_signal(signal.SIGTERM)

        assert server.wait_exit() == 0
        assert "Traceback" not in server.log


def _handles(pid: int, number: signal.Signals) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> (number - 1) & 1)


class _Asker(threading.Thread):
    """Asks one question after the other, and counts; over TCP, each on a connection of its own."""

    def __init__(self, server: ServerProcess, *, tcp: bool = False) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._tcp = tcp
        self._stopping = threading.Event()
        self.answered = 0
        self.lost = 0
        self.refused = False

    def run(self) -> None:
        while not self._stopping.is_set() and not self.refused:
            try:
                reply = self._server.ask("web.shop.svc.cluster.local.", tcp=self._tcp)
            except ConnectionRefusedError:
                self.refused = True
            except (OSError, EOFError, dns.exception.Timeout):
                self.lost += 1
            else:
                self.answered += bool(reply.answer)

    def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        self.join(timeout=10)
