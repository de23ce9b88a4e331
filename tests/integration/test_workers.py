"""The real program with workers: they are told, they are kept, and they answer by themselves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest
from aiohttp import web

from tests.helpers.builders import a_page, a_service_json
from tests.helpers.fake_apiserver import FakeApiServer, answer
from tests.helpers.process import LOOPBACK, ServerProcess, run_once, serving, wait_until
from tests.helpers.workers import each_worker, stopped, workers_of

WEB = "web.shop.svc.cluster.local."


class Asker:
    """Asks a server, each time from another port.

    Attributes:
        asked: how often.
    """

    def __init__(self, server: ServerProcess) -> None:
        self.asked = 0
        self._server = server

    def lines(self, name: str, *, within_s: float = 5) -> list[str]:
        """Return one answer, as ``ServerProcess.lines`` does."""
        self.asked += 1
        return self._server.lines(name, within_s=within_s)

    def answers(self, name: str, *, within_s: float = 5) -> set[str]:
        """Return all answers that are heard when each worker is asked alone."""
        workers = each_worker(self._server)
        return {line for _ in workers for line in self.lines(name, within_s=within_s)}

    def learn(self, name: str) -> None:
        """Ask until the workers answer by themselves: nothing is handed over any more."""
        main = self._server.process.pid

        def is_known() -> bool:
            self.answers(name)
            with stopped([main]), contextlib.suppress(dns.exception.Timeout):
                self.answers(name, within_s=0.5)
                return True
            return False

        wait_until(is_known)


def number_of(server: ServerProcess, metric: str) -> float:
    """Return the sum of a metric's values."""
    _, page = server.page("/metrics")
    lines = [line for line in page.splitlines() if line.startswith(f"kubedns_{metric}")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_a_change_reaches_all_workers_and_every_answer_is_counted(
    manifests: Path, tmp_path: Path
) -> None:
    """Derived once, told to all."""
    with serving(tmp_path, f"--manifests={manifests}", "--workers=2", "--forward=false") as server:
        server.wait_ready()
        asker = Asker(server)
        before = asker.answers(WEB)
        assert len(before) == 1
        asker.learn(WEB)
        text = (manifests / "web.yaml").read_text()
        (old,) = {line.rpartition(" ")[2] for line in before}
        (manifests / "web.yaml").write_text(text.replace(old, "10.96.99.99"))

        wait_until(lambda: asker.lines(WEB)[0].endswith("10.96.99.99"))
        after = asker.answers(WEB)
        assert {line.rpartition(" ")[2] for line in after} == {"10.96.99.99"}

        wait_until(lambda: number_of(server, "dns_responses_total") == asker.asked)
        assert number_of(server, "workers") == 2
        assert number_of(server, "answer_table_entries") == 1


def begun(server: ServerProcess) -> int:
    """Return how many processes are workers: until then they are copies of the main process."""
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in workers_of(server)]
    return sum(b"kubedns_py.server.worker" in line for line in lines)


def said_by_workers(server: ServerProcess, name: str) -> set[str]:
    """Return what workers say while the main process is stopped, if they say anything."""
    said: set[str] = set()
    for _ in each_worker(server):
        with contextlib.suppress(dns.exception.Timeout):
            said.update(server.lines(name, within_s=0.3))
    return said


def said_alone(server: ServerProcess, name: str) -> set[str]:
    """Return the same, the main process being stopped for it."""
    with stopped([server.process.pid]):
        return said_by_workers(server, name)


async def test_no_worker_says_that_nothing_is_known_when_the_server_is_ready(
    tmp_path: Path,
) -> None:
    """T-60: they learn of the first sync before readiness does."""
    synced = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def late(request: web.Request) -> web.StreamResponse:
        await synced.wait()
        page = a_page(a_service_json("web.shop", cluster_ips=["10.96.0.10"]), version="1000")
        return await answer(200, page)(request)

    def talk(url: str) -> None:
        flags = (f"--kube-master-url={url}", "--workers=2", "--forward=false")
        with serving(tmp_path, *flags) as server:
            wait_until(lambda: server.answers(WEB) == ["SERVFAIL"])
            wait_until(lambda: begun(server) == 2)
            Asker(server).learn(WEB)
            wait_until(lambda: said_alone(server, WEB) == {"SERVFAIL"})

            loop.call_soon_threadsafe(synced.set)
            server.wait_ready()
            with stopped([server.process.pid]):  # it has told them; they may not have read it yet
                wait_until(lambda: said_by_workers(server, WEB) == set())
            assert server.lines(WEB) == [f"{WEB} 30 IN A 10.96.0.10"]

    async with FakeApiServer() as api:
        api.then_list("services", late)
        await asyncio.to_thread(talk, api.url)


def test_without_an_answer_table_workers_hand_all_over(manifests: Path, tmp_path: Path) -> None:
    """--answer-table-size 0: whatever is asked again is answered anew, and counted at once."""
    flags = ["--workers=1", "--forward=false", "--answer-table-size=0"]
    with serving(tmp_path, f"--manifests={manifests}", *flags) as server:
        server.wait_ready()
        asker = Asker(server)

        assert asker.answers(WEB) == {f"{WEB} 30 IN A 10.96.0.10"}
        wait_until(lambda: number_of(server, "dns_responses_total") == asker.asked)
        assert "kubedns_answer_table_entries{" not in server.page("/metrics")[1]
        assert "--workers: of no use with --answer-table-size=0" in server.log


def test_a_stalled_main_process_stops_no_known_answer(manifests: Path, tmp_path: Path) -> None:
    """And what is not known waits for it, or is dropped: nothing wrong is said."""
    with serving(tmp_path, f"--manifests={manifests}", "--workers=2", "--forward=false") as server:
        server.wait_ready()
        asker = Asker(server)
        known = asker.answers(WEB)
        asker.learn(WEB)

        with stopped([server.process.pid]):
            assert asker.answers(WEB) == known


def test_a_killed_worker_is_replaced_and_a_killed_main_process_leaves_none(
    manifests: Path, tmp_path: Path
) -> None:
    """Supervision, in both directions."""
    with serving(tmp_path, f"--manifests={manifests}", "--workers=2", "--forward=false") as server:
        server.wait_ready()
        wait_until(lambda: len(workers_of(server)) == 2)
        first, second = workers_of(server)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: len(workers_of(server)) == 2 and first not in workers_of(server))
        assert second in workers_of(server)
        server.wait_ready()
        assert len(Asker(server).answers(WEB)) == 1
        assert number_of(server, "worker_restarts_total") == 1
        assert "worker 1 ended with -9; starting it again" in server.log

        left = workers_of(server)
        server.process.kill()
        server.process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))


def test_an_end_that_was_asked_for_ends_the_workers_too(manifests: Path, tmp_path: Path) -> None:
    """A signal to a terminal's or a service's processes is the main process's to act on."""
    flags = (f"--manifests={manifests}", "--workers=2", "--forward=false", "--lameduck=300ms")
    with serving(tmp_path, *flags) as server:
        server.wait_ready()
        wait_until(lambda: len(workers_of(server)) == 2)
        left = workers_of(server)
        assert os.getpgid(server.process.pid) not in {os.getpgid(pid) for pid in left}
        Asker(server).learn(WEB)
        for pid in left:
            os.kill(pid, signal.SIGTERM)
        server.process.send_signal(signal.SIGINT)
        assert len(Asker(server).answers(WEB)) == 1  # the lameduck time

        assert server.wait_exit() == 0
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))
        assert "ended with" not in server.log


def test_a_second_server_cannot_take_our_queries(manifests: Path, tmp_path: Path) -> None:
    """Sockets that are shared among workers are shared with nobody else."""
    with serving(tmp_path, f"--manifests={manifests}", "--workers=2", "--forward=false") as server:
        server.wait_ready()
        code, _, said = run_once(
            "serve",
            f"--manifests={manifests}",
            "--workers=2",
            f"--dns-bind-address={LOOPBACK}",
            f"--dns-port={server.port}",
        )

    assert code == 1
    assert f"cannot listen on {LOOPBACK}:{server.port}" in said


@pytest.mark.parametrize("number", ["-1", "65", "two"])
def test_a_wrong_number_of_workers_is_said(number: str) -> None:
    """Bad input: one line, exit code 2."""
    code, _, said = run_once("serve", "--manifests=.", f"--workers={number}")

    assert code == 2
    assert "--workers" in said
