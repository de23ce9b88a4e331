"""Health, readiness and metrics, asked over real connections on loopback."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from kubedns_py.admin.exposition import Exposition
from kubedns_py.admin.http import AdminServer
from kubedns_py.config.arguments import load
from kubedns_py.errors import StartError
from kubedns_py.server.tally import Counts
from tests.admin.asking import HOST, WITHIN_S, ask, exchange, running
from tests.admin.numbers import some_sources
from tests.helpers.ports import free_port
from tests.helpers.waiting import until


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
async def test_liveness_is_ok_whatever_is_missing(path: str) -> None:
    """Ecosystem 6.2: liveness must not depend on the API server; F-01."""
    async with running() as server:
        server.missing = ["services: not synced yet"]

        status, _, body = await ask(server.health, path)

    assert (status, body) == (200, "ok\n")


@pytest.mark.parametrize("path", ["/readyz", "/readiness", "/ready"])
async def test_readiness_names_what_is_missing_one_thing_a_line(path: str) -> None:
    """F-01, F-12: ready 503 with the list of unsynced resources; F-42: and again when stopping."""
    async with running() as server:
        server.missing = ["services: not synced yet", "pods: 403 forbidden\nX: y\x1b[2J"]
        refused = await ask(server.health, path)
        server.missing = []
        ready = await ask(server.health, path)

    assert refused[0] == 503
    assert refused[2] == "services: not synced yet\npods: 403 forbidden\\010X: y\\027[2J\n"
    assert (ready[0], ready[2]) == (200, "ok\n")


async def test_metrics_come_in_the_format_that_is_asked_for() -> None:
    """Ecosystem 3.2: text/plain and OpenMetrics by Accept header."""
    async with running() as server:
        plain = await ask(server.metrics, "/metrics")
        openmetrics = await ask(
            server.metrics, "/metrics", "Accept: application/openmetrics-text;version=1.0.0"
        )

    assert plain[0] == openmetrics[0] == 200
    assert plain[1]["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "\nkubedns_services 3.0\n" in plain[2]
    assert openmetrics[1]["content-type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert openmetrics[2].endswith("# EOF\n")


async def test_each_port_has_its_own_pages() -> None:
    """Metrics may be open to more than the node."""
    async with running() as server:
        assert (await ask(server.health, "/metrics"))[0] == 404
        assert (await ask(server.metrics, "/healthz"))[0] == 404
        assert (await ask(server.metrics, "/metrics"))[0] == 200


async def test_equal_ports_share_one_listener() -> None:
    """Contract of Config."""
    async with running(one_port=True) as server:
        assert (await ask(server.health, "/metrics"))[0] == 200
        assert (await ask(server.health, "/healthz"))[0] == 200


async def test_port_zero_is_off() -> None:
    """Contract of Config; nothing is left to listen."""
    config = load(["--healthz-port=0", "--metrics-port=0"], {}, program="test").config
    server = AdminServer(config, readiness=list, exposition=Exposition(some_sources()))

    before = open_sockets()
    server.open()
    await server.serve()
    assert open_sockets() == before
    await server.stop()
    await server.stop()


def open_sockets() -> int:
    """Return how many sockets this process holds."""
    return sum(each.is_socket() for each in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("path", ["/", "/cache", "/debug/pprof", "/healthz/", "/metrics/x", "//"])
async def test_there_are_no_other_pages(path: str) -> None:
    """Reliability 4.2: no dump of records like kube-dns's /cache."""
    async with running(one_port=True) as server:
        assert (await ask(server.health, path))[0] == 404


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing", "/readyz"])
async def test_every_reply_has_the_security_headers_and_allows_no_other_origin(path: str) -> None:
    """Reliability 4.2: nosniff, CSP, no CORS (CVE-2026-0397)."""
    async with running(one_port=True) as server:
        _, headers, _ = await ask(server.health, path, "Origin: https://evil.example")

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["server"] == "kubedns-py"
    assert headers["connection"] == "close"
    assert not [name for name in headers if name.startswith("access-control")]


async def test_head_gets_the_headers_without_the_body() -> None:
    """RFC 9110, 9.3.2."""
    async with running() as server:
        status, headers, body = await ask(server.health, "/healthz", method="HEAD")

    assert (status, headers["content-length"], body) == (200, "3", "")


async def test_a_fault_in_a_page_is_said_once_and_shown_to_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No network input ends the process; the text of an exception stays inside."""

    def counts() -> Counts:
        raise ValueError("the secret")

    async with running(counts=counts) as server:
        status, headers, body = await ask(server.metrics, "/metrics")
        assert (await ask(server.health, "/healthz"))[0] == 200

    assert (status, body) == (500, "failed; the log says why\n")
    assert headers["x-content-type-options"] == "nosniff"
    assert caplog.messages == ["page /metrics failed"]


async def test_stopping_ends_open_connections_and_frees_the_port() -> None:
    """F-42: after the lameduck time everything is closed."""
    async with running() as server:
        reader, writer = await asyncio.open_connection(HOST, server.health)
        assert (await ask(server.health, "/healthz"))[0] == 200
    async with asyncio.timeout(WITHIN_S):
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await exchange(server.health, b"")


async def test_a_port_in_use_is_a_start_error_and_leaves_nothing_open() -> None:
    """F-34: exit at the start, never later."""
    async with running() as other:
        health = free_port()
        config = load(
            [
                f"--healthz-port={health}",
                f"--metrics-port={other.metrics}",
                f"--admin-bind-address={HOST}",
            ],
            {},
            program="test",
        ).config
        server = AdminServer(config, readiness=list, exposition=Exposition(some_sources()))

        with pytest.raises(StartError, match=rf"cannot listen on {HOST}:{other.metrics} "):
            server.open()

        with pytest.raises(ConnectionRefusedError):
            await exchange(health, b"")


async def test_who_asks_early_is_answered_when_there_is_time() -> None:
    """The ports are open from the start on; what answers comes later."""
    health = free_port()
    words = [f"--healthz-port={health}", "--metrics-port=0", f"--admin-bind-address={HOST}"]
    config = load(words, {}, program="test").config
    server = AdminServer(config, readiness=list, exposition=Exposition(some_sources()))
    before = open_sockets()
    server.open()
    asked = asyncio.create_task(ask(health, "/healthz"))
    await until(lambda: open_sockets() > before + 1)  # the port, and who asks
    assert not asked.done()

    await server.serve()

    assert (await asked)[0] == 200
    await server.stop()


async def test_it_is_told_that_somebody_asks() -> None:
    """At any port; what answers is not there before that or the first sync."""
    ports = [free_port(), free_port()]
    words = [f"--healthz-port={ports[0]}", f"--metrics-port={ports[1]}"]
    config = load([*words, f"--admin-bind-address={HOST}"], {}, program="test").config
    loop = asyncio.get_running_loop()
    for port, path in zip(ports, ("/healthz", "/metrics"), strict=True):
        server = AdminServer(config, readiness=list, exposition=Exposition(some_sources()))
        server.open()
        opened = listening(ports)
        told = asyncio.create_task(server.asked())
        await asyncio.sleep(0)
        assert not told.done()

        page = asyncio.create_task(ask(port, path))
        async with asyncio.timeout(WITHIN_S):
            await told
        assert not any(loop.remove_reader(each) for each in opened)
        await server.serve()

        assert (await page)[0] == 200
        assert (await ask(port, path))[0] == 200
        await server.stop()


def listening(ports: Sequence[int]) -> list[int]:
    """Return the descriptors with which this process listens on those ports."""
    found = []
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(int(each.name))) as sock:
            is_listening = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            if is_listening and sock.getsockname()[1] in ports:
                found.append(int(each.name))
    assert len(found) == len(ports)
    return found


async def test_ports_on_which_nobody_answered_are_closed_too() -> None:
    """A start may end before the first sync."""
    health = free_port()
    words = [f"--healthz-port={health}", "--metrics-port=0", f"--admin-bind-address={HOST}"]
    config = load(words, {}, program="test").config
    server = AdminServer(config, readiness=list, exposition=Exposition(some_sources()))
    server.open()

    await server.stop()

    with pytest.raises(ConnectionRefusedError):
        await exchange(health, b"")


async def test_no_task_is_left_behind() -> None:
    """Every task is held and ended (reliability 4.5)."""
    before = asyncio.all_tasks()

    async with running() as server:
        await ask(server.health, "/healthz")
        await ask(server.metrics, "/metrics")

    await until(lambda: asyncio.all_tasks() == before)
