"""The start of the real process, and what it says when it cannot start."""

import asyncio
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from tests.helpers.builders import a_page, a_service_json, a_slice_json
from tests.helpers.fake_apiserver import FakeApiServer
from tests.helpers.ports import free_port
from tests.helpers.process import LOOPBACK, ServerProcess, run_once, serving, wait_until

WEB_A = "web.shop.svc.cluster.local. 30 IN A 10.96.0.10"


def one_line(text: str) -> str:
    """Return the last line of an error output, which must not be a traceback."""
    assert "Traceback" not in text
    return text.strip().splitlines()[-1]


def test_a_directory_of_manifests_is_served_over_udp_and_tcp(
    manifests: Path, tmp_path: Path
) -> None:
    """The main job, end to end."""
    with serving(tmp_path, f"--manifests={manifests}") as server:
        server.wait_ready()

        assert server.lines("web.shop.svc.cluster.local.") == [WEB_A]
        assert server.lines("web.shop.svc.cluster.local.", tcp=True) == [WEB_A]
        assert server.page("/healthz") == (200, "ok\n")
        assert server.page("/readiness") == (200, "ok\nupstreams: . none\n")


def test_pages_are_there_after_the_first_sync_though_nobody_asked(
    manifests: Path, tmp_path: Path
) -> None:
    """The first scrape does not wait for an import."""
    with serving(tmp_path, f"--manifests={manifests}") as server:
        wait_until(lambda: f"http listens on port {server.health_port}" in server.log)

        assert server.page("/readyz")[0] == 200


LOOKS_AT_GARBAGE = """if True:
    import asyncio, gc, logging, os, signal, sys
    from kubedns_py.cli import main

    def look():
        from kubedns_py.cluster.objects import Key
        print(any(type(each) is Key for each in gc.get_objects()))  # names of what was synced
        print(gc.get_threshold()[0])
        os.kill(os.getpid(), signal.SIGTERM)

    class Synced(logging.Handler):
        def emit(self, record):
            if record.msg.startswith("first sync complete"):
                asyncio.get_running_loop().call_soon(look)

    logging.getLogger("kubedns_py.program").addHandler(Synced())
    sys.exit(main(sys.argv[1:]))
"""


def test_what_was_synced_is_never_looked_at_for_garbage(manifests: Path) -> None:
    """Issue 4, scale: a collection would walk through the whole cluster, and answer nobody."""
    flags = [f"--manifests={manifests}", f"--dns-bind-address={LOOPBACK}", "--lameduck=0s"]
    ports = [f"--dns-port={free_port()}", "--healthz-port=0", "--metrics-port=0"]
    command = [sys.executable, "-c", LOOKS_AT_GARBAGE, "serve", *flags, *ports]
    found = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)  # noqa: S603 - our own

    assert found.stdout.splitlines() == ["False", "10000"]


def test_a_port_in_use_ends_the_start_with_one_line(manifests: Path) -> None:
    """F-33: address, reason and remedy; exit code 1."""
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, 0))
        port = taken.getsockname()[1]

        code, _, errors = run_once(
            "serve",
            f"--manifests={manifests}",
            f"--dns-bind-address={LOOPBACK}",
            f"--dns-port={port}",
        )

    assert code == 1
    line = one_line(errors)
    assert f"{LOOPBACK}:{port}" in line
    assert os.strerror(errno.EADDRINUSE) in line
    assert "--dns-port" in line


@pytest.mark.parametrize("flag", ["--healthz-port", "--metrics-port"])
def test_an_http_port_in_use_ends_the_start_too(manifests: Path, flag: str) -> None:
    """F-34: probes would fail anyway, so it is said at once; exit code 1."""
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = "--metrics-port" if flag == "--healthz-port" else "--healthz-port"

        code, _, errors = run_once(
            "serve",
            f"--manifests={manifests}",
            f"--dns-bind-address={LOOPBACK}",
            f"--admin-bind-address={LOOPBACK}",
            f"--dns-port={free_port()}",
            f"{flag}={port}",
            f"{other}=0",
        )

    assert code == 1
    assert str(port) in one_line(errors)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("serve", "--no-such-flag"), ("--no-such-flag",)),
        (("serve", "--ttl=4000"), ("--ttl", "4000", "3600")),
        (("serve", "--domain=bad_domain!"), ("--domain", "bad_domain!")),
        (("serve", "--lameduck=5"), ("--lameduck", "5")),
        (("frobnicate",), ("frobnicate",)),
    ],
    ids=["unknown flag", "out of range", "bad domain", "duration without unit", "unknown command"],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """The line names the thing and what is wrong with it."""
    code, _, errors = run_once(*arguments)

    assert code == 2
    assert all(word in one_line(errors) for word in words)


@pytest.mark.parametrize(
    ("flag", "name"),
    [("--manifests", "no-such-directory"), ("--kubecfg-file", "no-such-kubeconfig")],
)
def test_a_missing_source_is_one_line_and_exit_code_1(tmp_path: Path, flag: str, name: str) -> None:
    """A directory or file that is not there is named."""
    path = tmp_path / name

    code, _, errors = run_once(
        "serve",
        f"{flag}={path}",
        f"--dns-bind-address={LOOPBACK}",
        f"--dns-port={free_port()}",
        "--healthz-port=0",
        "--metrics-port=0",
    )

    assert code == 1
    assert str(path) in one_line(errors)


def test_broken_and_empty_manifests_leave_the_others_served(
    manifests: Path, tmp_path: Path
) -> None:
    """F-30: the file is named with its line; the rest serves."""
    (manifests / "broken.yaml").write_text("kind: Service\nmetadata: {name: [\n")
    (manifests / "empty.yaml").write_text("")

    with serving(tmp_path, f"--manifests={manifests}") as server:
        server.wait_ready()

        assert server.lines("web.shop.svc.cluster.local.") == [WEB_A]
        wait_until(lambda: "broken.yaml" in server.log)
        assert "kubedns_manifest_problems 1.0" in server.page("/metrics")[1]


def test_an_api_server_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """F-01, LIF-12: SERVFAIL with EDE 14, live, not ready, says what is missing, never exits."""
    url = f"http://{LOOPBACK}:{free_port()}"
    with serving(tmp_path, f"--kube-master-url={url}", "--initial-sync-timeout=1s") as server:
        wait_until(lambda: server.page("/healthz")[0] == 200)
        reply = server.ask("kubernetes.default.svc.cluster.local.")

        assert reply.rcode().name == "SERVFAIL"
        assert [option.code for option in reply.options if option.otype == 15] == [14]
        other = server.ask("example.org.")  # forwarded, but the machine has no nameserver
        assert other.rcode().name == "SERVFAIL"
        assert [option.code for option in other.options if option.otype == 15] == [22]
        wait_until(lambda: url in server.page("/readyz")[1])
        status, body = server.page("/readyz")
        assert status == 503
        assert "services: not synced yet" in body
        wait_until(lambda: "no first sync after 1 s" in server.log)
        assert server.process.poll() is None


def test_as_many_files_as_the_system_allows_may_be_open(manifests: Path, tmp_path: Path) -> None:
    """A socket for each question: 1024, the usual limit, is too few while upstreams are away."""
    with serving(tmp_path, f"--manifests={manifests}", files=(256, 20000)) as server:
        server.wait_ready()

        limits = Path(f"/proc/{server.process.pid}/limits").read_text().splitlines()
        assert [line.split()[3:5] for line in limits if "open files" in line] == [["20000"] * 2]
        assert "open files" not in server.log


def test_where_few_files_may_be_open_fewer_questions_are_asked(
    manifests: Path, tmp_path: Path
) -> None:
    """One line: both numbers, and what to do."""
    with serving(tmp_path, f"--manifests={manifests}", files=(256, 1024)) as server:
        server.wait_ready()

        (line,) = [line for line in server.log.splitlines() if "open files" in line]
        assert "] --max-concurrent 1000 may take 6000 open files, and the limit" in line
        assert line.endswith("or give --max-concurrent=64")
        assert line.startswith("W")


async def test_what_is_listed_is_taken_over_while_the_rest_is_made(tmp_path: Path) -> None:
    """T-60: endpoints come for a second in the largest clusters; the zone has them right after."""
    rest = asyncio.Event()
    loop = asyncio.get_running_loop()
    many = [(f"s{n}", f"{n // 200}.{n % 200}") for n in range(800)]
    slices = [a_slice_json(f"{name}-1.shop", endpoints=[f"10.1.{at}"]) for name, at in many]
    page = a_page(*slices, a_slice_json("last-1.shop", endpoints=["10.2.0.1"]))

    async def halting(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(page[:-100])
        await rest.wait()
        await response.write(page[-100:])
        return response

    def serial(server: ServerProcess) -> float:
        _, metrics = server.page("/metrics")
        lines = [line for line in metrics.splitlines() if line.startswith("kubedns_zone_serial")]
        return float(lines[0].rpartition(" ")[2]) if lines else 0.0

    def talk(url: str) -> None:
        with serving(tmp_path, f"--kube-master-url={url}", "--forward=false") as server:
            wait_until(lambda: serial(server) > 1)  # it begins with 1
            assert not server.is_ready()
            assert server.lines("s7.shop.svc.cluster.local.") == ["SERVFAIL"]

            loop.call_soon_threadsafe(rest.set)
            server.wait_ready()
            for name, address in (("s7", "10.96.0.7"), ("last", "10.96.9.9")):
                owner = f"{name}.shop.svc.cluster.local."
                assert server.lines(owner) == [f"{owner} 30 IN A {address}"]
            pointer = server.lines("1.0.2.10.in-addr.arpa.", "PTR")
            assert pointer == [
                "1.0.2.10.in-addr.arpa. 30 IN PTR 10-2-0-1.last.shop.svc.cluster.local."
            ]

    async with FakeApiServer() as api:
        for name, at in many:
            api.put("services", a_service_json(f"{name}.shop", cluster_ips=[f"10.96.{at}"]))
        api.put("services", a_service_json("last.shop", cluster_ips=["10.96.9.9"]))
        api.then_list("endpointslices", halting)
        await asyncio.to_thread(talk, api.url)
