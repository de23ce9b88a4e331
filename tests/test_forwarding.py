"""Routes, forwarder and cache put together, before scripted upstreams on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kubedns_py.assembly import Core, Identity, assemble
from kubedns_py.cluster.objects import Object
from kubedns_py.cluster.resources import Resource
from kubedns_py.config.arguments import load
from kubedns_py.dns.ask import Ask
from kubedns_py.dns.name import from_text
from kubedns_py.dns.render import Reply
from kubedns_py.dns.rrset import AAAA, A
from kubedns_py.forwarding import Forwarding
from kubedns_py.resolver.view import Known, View
from kubedns_py.server.respond import Chances
from kubedns_py.upstream.upstreams import Upstreams
from tests.helpers.fake_upstream import FakeUpstream, fake_upstream
from tests.helpers.objects import a_service
from tests.helpers.upstream_script import answer, silent
from tests.helpers.views import section
from tests.helpers.waiting import until

HERE = answer("@ 60 IN A 192.0.2.1")
THERE = answer("@ 60 IN A 192.0.2.2")
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """A forwarding part and the core before it."""

    forwarding: Forwarding
    core: Core

    async def ask(self, name: str, qtype: int = A) -> Reply:
        """Return what a question is answered, from whatever is known or is to be asked."""
        ask = Ask(from_text(name), qtype, 1)
        known = self.forwarding.upstreams.find(ask)
        if known is not None:
            return known
        said: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        refusal = self.forwarding.upstreams.fetch(ask, "127.0.0.1", said.set_result)
        async with asyncio.timeout(10):
            return refusal or await said

    async def addresses(self, name: str) -> list[str]:
        """Return the last words of the answer's lines."""
        return [line.rpartition(" ")[2] for line in section((await self.ask(name)).answer)]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a changed file rest for a twentieth of the time that it has to."""
    monkeypatch.setattr("kubedns_py.sources.polling._REST_S", 0.01)


@asynccontextmanager
async def running(*flags: str, objects: tuple[Object, ...] = ()) -> AsyncIterator[Running]:
    """Run what the options ask for."""
    said = load(["--resolv-conf=", *flags], {}, program="test").config
    config = said._replace(config_period_s=LOOK_S)
    made: list[Forwarding] = []

    def upstreams(view: View) -> Upstreams:
        made.append(Forwarding(config, view))
        return made[0].upstreams

    chances = Chances(lambda: 0.0, lambda: 0)
    core = assemble(config, chances, identity=Identity("1", "a"), upstreams=upstreams)
    for each in objects:
        core.store.put(Resource.SERVICES, each)
    core.commit(0.0)
    core.view.known = Known.ALL
    (forwarding,) = made
    await forwarding.start(None)
    task = asyncio.create_task(forwarding.run())
    try:
        yield Running(forwarding, core)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await forwarding.aclose()


def at(upstream: FakeUpstream) -> str:
    """Return an upstream as an operator writes it."""
    return str(upstream.nameserver)


def write(folder: Path, **keys: object) -> None:
    """Write a ConfigMap's keys as a mounted directory has them."""
    for path in folder.iterdir():
        path.unlink()
    for key, value in keys.items():
        (folder / key).write_text(value if isinstance(value, str) else json.dumps(value))


@pytest.mark.usefixtures("patient")
async def test_the_option_names_who_is_asked() -> None:
    """--nameservers; the answer is kept."""
    async with fake_upstream(HERE) as up, running(f"--nameservers={at(up)}") as here:
        assert await here.addresses("example.org") == ["192.0.2.1"]
        assert await here.addresses("example.org") == ["192.0.2.1"]

        assert [asked.name for asked in up.asked].count("example.org.") == 1


async def test_without_any_nameserver_the_reason_is_said_at_once() -> None:
    """F-31: SERVFAIL with EDE 22."""
    async with running() as here:
        reply = await here.ask("example.org")

        assert reply.rcode == 2
        assert reply.ede is not None
        assert reply.ede.code == 22
        assert here.forwarding.describe() == ["upstreams: . none"]


async def test_the_nodes_nameservers_are_followed(tmp_path: Path) -> None:
    """FWD-12: resolv.conf is read again; loopback there is the pod's own, so it says who it saw."""
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.53\n")
    async with running(f"--resolv-conf={path}") as here:
        assert here.forwarding.describe() == ["upstreams: . 192.0.2.53:53"]
        path.write_text("nameserver 192.0.2.54\nsearch corp.example\n")

        await until(lambda: "192.0.2.54" in here.forwarding.describe()[0])
        assert not here.core.view.search_ends_here


async def test_the_config_map_beats_the_option_and_is_followed(tmp_path: Path) -> None:
    """N13: stubDomains and upstreamNameservers; changed, and taken away."""
    async with (
        fake_upstream(HERE) as option,
        fake_upstream(THERE) as mapped,
        running(f"--nameservers={at(option)}", f"--config-dir={tmp_path}") as here,
    ):
        assert await here.addresses("a.example") == ["192.0.2.1"]
        write(tmp_path, stubDomains={"acme.local": [at(mapped)]})
        await until(lambda: bool(here.core.view.stub_domains))
        assert await here.addresses("abc.acme.local") == ["192.0.2.2"]
        assert await here.addresses("b.example") == ["192.0.2.1"]

        write(tmp_path, upstreamNameservers=[at(mapped)])
        await until(lambda: not here.core.view.stub_domains)
        assert await here.addresses("c.example") == ["192.0.2.2"]
        assert await here.addresses("a.example") == ["192.0.2.2"]  # kept from elsewhere no more

        write(tmp_path)
        await until(lambda: at(option) in here.forwarding.describe()[0])
        assert await here.addresses("d.example") == ["192.0.2.1"]


async def test_a_bad_config_map_changes_nothing_and_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """F-29: all or nothing, last good value; the readiness page and the log name key and reason."""
    async with fake_upstream(HERE) as up, running(f"--config-dir={tmp_path}") as here:
        write(tmp_path, stubDomains={"acme.local": [at(up)]})
        await until(lambda: bool(here.core.view.stub_domains))
        write(tmp_path, stubDomains={"acme.local": [at(up)]}, upstreamNameservers='["not an ip"]')
        status = here.forwarding.configuration
        assert status is not None
        await until(lambda: not status.valid)

        assert await here.addresses("a.acme.local") == ["192.0.2.1"]
        assert "NOT in force: upstreamNameservers" in here.forwarding.describe()[1]
        assert "upstreamNameservers" in caplog.text


async def test_what_is_this_server_itself_is_not_asked(caplog: pytest.LogCaptureFixture) -> None:
    """C-22: a clear message, and the others are used."""
    own = a_service("kube-dns.kube-system", cluster_ips=["10.96.0.10"])
    async with (
        fake_upstream(HERE) as up,
        running(
            f"--nameservers=127.0.0.1:5353,10.96.0.10,{at(up)}",
            "--dns-bind-address=127.0.0.1",
            "--dns-port=5353",
            objects=(own,),
        ) as here,
    ):
        here.forwarding.on_sync()

        assert here.forwarding.describe() == [f"upstreams: . {at(up)}"]
        assert await here.addresses("example.org") == ["192.0.2.1"]
    lines = [line for line in caplog.messages if "loop" in line]
    assert len(lines) == 2


async def test_a_stub_domains_server_may_be_a_service(tmp_path: Path) -> None:
    """FWD-2: a host name, looked up among our own names first."""
    async with fake_upstream(HERE) as up:
        port = up.nameserver.port
        service = a_service("dns.corp", cluster_ips=["127.0.0.1"])
        write(tmp_path, stubDomains={"corp.example": [f"dns.corp.svc.cluster.local:{port}"]})
        async with running(f"--config-dir={tmp_path}", objects=(service,)) as here:
            await until(lambda: at(up) in here.forwarding.describe()[0])

            assert await here.addresses("db.corp.example") == ["192.0.2.1"]


async def test_a_stub_domains_server_may_be_named_as_the_node_resolves_it(tmp_path: Path) -> None:
    """FWD-2: any other host name."""
    async with fake_upstream(HERE) as up:
        write(tmp_path, stubDomains={"corp.example": [f"localhost:{up.nameserver.port}"]})
        async with running(f"--config-dir={tmp_path}") as here:
            await until(lambda: at(up) in here.forwarding.describe()[0])

            assert await here.addresses("db.corp.example") == ["192.0.2.1"]


def test_the_end_does_not_wait_for_a_look_up_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-42: the node's resolver is away and takes 20 s to say so; SIGTERM does not wait for it."""
    asked, back, ended = threading.Event(), threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        asked.set()
        back.wait(10)
        ended.set()
        return []

    async def program() -> None:
        write(tmp_path, stubDomains={"corp.example": ["ns.corp.example"]})
        async with running(f"--config-dir={tmp_path}"):
            await until(asked.is_set)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    asyncio.run(program())

    assert not ended.is_set()
    back.set()
    assert ended.wait(10)


async def test_a_service_that_is_not_there_is_no_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until it is; its stub domain says so."""
    write(tmp_path, stubDomains={"corp.example": ["none.corp.svc.cluster.local"]})
    async with running(f"--config-dir={tmp_path}") as here:
        await until(lambda: "none.corp.svc.cluster.local: no address" in caplog.text)

        assert (await here.ask("db.corp.example")).rcode == 2


@pytest.mark.parametrize("what", ["example.org", ".", "127.0.0.1"])
async def test_aaaa_is_filtered_for_domains_and_for_upstreams(what: str) -> None:
    """--filter-aaaa: nobody is asked, and EDE 17 says why."""
    async with (
        fake_upstream(HERE) as up,
        running(f"--nameservers={at(up)}", f"--filter-aaaa={what}") as here,
    ):
        reply = await here.ask("www.example.org", AAAA)

        assert (reply.rcode, reply.answer) == (0, ())
        assert reply.ede is not None
        assert reply.ede.code == 17
        assert await here.addresses("www.example.org") == ["192.0.2.1"]


async def test_no_upstream_that_answers_is_servfail_with_a_reason() -> None:
    """T-62."""
    async with fake_upstream(silent()) as up, running(f"--nameservers={at(up)}") as here:
        reply = await here.ask("example.org")

        assert reply.rcode == 2
        assert reply.ede is not None
        assert reply.ede.code in {22, 23}


async def test_a_resolv_conf_with_search_domains_lets_search_completion_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """5.3: and says so."""
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.53\nsearch corp.example\n")

    async with running(f"--resolv-conf={path}", "--search-completion") as here:
        assert not here.core.view.search_ends_here
    assert "--search-completion rests" in caplog.text
