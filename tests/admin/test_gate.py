"""What strangers on the pod network send to the health and metrics ports."""

import asyncio
import contextlib
import logging
import resource
import socket
import threading

import pytest

from kubedns_py.admin.gate import MAX_CONNECTIONS, host_is_ours
from kubedns_py.server.tally import Counts, Tally
from tests.admin.asking import HOST, WITHIN_S, ask, exchange, running
from tests.helpers.loop_clock import LoopClock
from tests.helpers.waiting import DEADLINE_S, until

SUFFIXES = ("svc", "kube-system", "cluster.local")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
async def test_other_methods_are_refused(method: str) -> None:
    """Reliability 4.2: GET and HEAD only."""
    async with running() as server:
        status, headers, _ = await ask(server.health, "/healthz", method=method)

    assert (status, headers["allow"]) == (405, "GET, HEAD")


async def test_a_body_is_not_waited_for() -> None:
    """Reliability 4.2: no body; here 1 GB is announced and nothing comes."""
    async with running() as server:
        status, _, _ = await ask(
            server.health, "/healthz", "Content-Length: 1000000000", method="POST"
        )

    assert status == 405


@pytest.mark.parametrize(
    "host",
    [
        "10.1.2.3",
        "10.1.2.3:8081",
        "[fd00::1]:8081",
        "[fd00::1]",
        "localhost",
        "LOCALHOST:8081",
        "kube-dns-5d78c9869d-abcde:8081",
        "kube-dns.kube-system:9153",
        "kube-dns.kube-system.svc:9153",
        "kube-dns.kube-system.svc.cluster.local:9153",
        "kube-dns.kube-system.svc.Cluster.Local.:9153",
        "10-1-2-3.kube-system.pod.cluster.local",
    ],
)
async def test_kubelet_and_prometheus_reach_it_by_the_names_they_use(host: str) -> None:
    """Reliability 4.2: probes send the Pod's address, Prometheus that or a Service's name."""
    assert host_is_ours(host, SUFFIXES)
    async with running() as server:
        assert (await ask(server.health, "/healthz", host=host))[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8081",
        "10.1.2.3.evil.example",
        "localhost.evil.example",
        "cluster.local.evil.example",
        "evilcluster.local",
        "1.2.3.4.5",
        "[evil.example]",
        "[::1]evil.example",
        "[::1",
        ".",
        ":8081",
        "user@10.1.2.3",
        "a.b@localhost:1",
    ],
)
async def test_a_name_that_strangers_can_point_here_is_refused(host: str) -> None:
    """Reliability 4.2: DNS rebinding: Host: evil.example is 421."""
    async with running() as server:
        status, headers, body = await ask(server.health, "/readyz", host=host)

    assert (status, body) == (421, "not served under this Host\n")
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),  # probes of old load balancers
        (b"GET /healthz HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: \r\n\r\n", b"421"),
    ],
)
async def test_there_is_one_host_header(request_line: bytes, status: bytes) -> None:
    """RFC 9112, 3.2."""
    async with running() as server:
        assert (await exchange(server.health, request_line)).split()[1] == status


@pytest.mark.parametrize(
    "header",
    [
        b"A: " + b"x" * 9000 + b"\r\n",
        b"".join(b"A%d: %s\r\n" % (number, b"x" * 300) for number in range(40)),
        b"".join(b"A%d: x\r\n" % number for number in range(1000)),
    ],
    ids=["one long field", "many fields", "very many fields"],
)
async def test_a_header_over_eight_kilobytes_is_refused(header: bytes) -> None:
    """Reliability 4.2: header of 8 KB at most."""
    async with running() as server:
        reply = await exchange(
            server.health, b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n"
        )

    assert reply.split()[1] in {b"400", b"431"}


async def test_a_path_over_eight_kilobytes_is_refused() -> None:
    """Reliability 4.2."""
    async with running() as server:
        reply = await exchange(
            server.health, b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"
        )

    assert reply.split()[1] in {b"400", b"414", b"431"}


@pytest.mark.parametrize(
    "octets",
    [b"\0\xff\xfe\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0", b"GET\r\n\r\n", b"SSH-2.0-x\r\n\r\n"],
)
async def test_garbage_is_refused_without_a_line_in_the_log(
    octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A port scan must not fill the log."""
    async with running() as server:
        with caplog.at_level(logging.WARNING):
            await exchange(server.health, octets + b"\r\n\r\n")
        assert (await ask(server.health, "/healthz"))[0] == 200

    assert caplog.records == []


async def test_too_many_connections_end_the_oldest_and_probes_still_pass() -> None:
    """Reliability 4.2: 64 connections at most; holding them all must not fail the probes."""
    idle = []
    async with running() as server:
        for _ in range(MAX_CONNECTIONS):
            idle += [await asyncio.open_connection(HOST, server.health)]

        assert (await ask(server.health, "/healthz"))[0] == 200

        await until(idle[0][0].at_eof)
        assert not idle[-1][0].at_eof()
        for _, writer in idle:
            writer.close()
            await writer.wait_closed()


async def test_without_descriptors_there_is_one_line_and_then_service(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F-36: asyncio of Python 3.11 wrote a hundred tracebacks for each turn of the loop."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with running() as server:
        waiting = socket.socket()
        waiting.settimeout(0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (waiting.fileno() + 1, hard))
        try:
            with contextlib.suppress(BlockingIOError):
                waiting.connect((HOST, server.health))
            await until(lambda: "out of system resource" in caplog.text)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            waiting.close()

        assert caplog.text.count("socket.accept() out of system resource") == 1
        assert (await ask(server.health, "/healthz"))[0] == 200


async def test_nobody_waits_longer_than_five_seconds() -> None:
    """Reliability 4.2: 5 s deadline: for a silent client, a slow one, and a page that hangs."""
    clock = LoopClock()
    let_go = threading.Event()
    closed_at: dict[str, float] = {}

    def counts() -> Counts:
        let_go.wait(DEADLINE_S)
        return Tally().snapshot()

    async def until_closed(what: str, *pieces: bytes) -> None:
        reader, writer = await asyncio.open_connection(HOST, server.health)
        try:
            for piece in pieces:
                writer.write(piece)
            opened.append(what)
            await reader.read()
        except ConnectionResetError as reset:
            assert pieces, reset  # noqa: PT017 - unread octets make the kernel send RST
        finally:
            writer.close()
        closed_at[what] = passed_s

    opened: list[str] = []
    passed_s = 0.0
    async with running(counts=counts) as server, asyncio.TaskGroup() as clients:
        clients.create_task(until_closed("silent"))
        clients.create_task(until_closed("slow", b"GET /healthz HTTP/1.1\r\n", b"Host: a\r\nX: "))
        page = clients.create_task(ask(server.metrics, "/metrics"))
        await until(lambda: len(opened) == 2)
        assert (await ask(server.health, "/healthz"))[0] == 200  # the two before it are accepted
        while passed_s < WITHIN_S - 0.5:
            await clock.pass_by(0.5)
            passed_s += 0.5
        let_go.set()

    assert 4 <= closed_at["silent"] <= 7
    assert 4 <= closed_at["slow"] <= 7
    assert (page.result()[0], page.result()[2]) == (503, "took too long\n")
