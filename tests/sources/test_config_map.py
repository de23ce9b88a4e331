"""--config-map: one ConfigMap, listed and watched, whatever the API server does."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import pytest
import pytest_asyncio

from kubedns_py.cluster.objects import Key
from kubedns_py.config.dynamic import Dynamic, read_dynamic
from kubedns_py.config.nameserver import Nameserver
from kubedns_py.dns.name import from_text
from kubedns_py.sources.apiserver import ApiServer, connect
from kubedns_py.sources.config_map import ConfigMapWatch
from tests.helpers.builders import Json, an_error
from tests.helpers.fake_apiserver import FakeApiServer, Script, answer, refusal, stream
from tests.helpers.waiting import until

MAPS = "/api/v1/namespaces/kube-system/configmaps"
KEY = Key("kube-system", "kube-dns")
ONE, TWO = '["10.0.0.1"]', '["10.0.0.2"]'


def a_map(upstreams: str = "", *, name: str = "kube-dns") -> Json:
    """Return a ConfigMap as the API server writes it."""
    data = {"data": {"upstreamNameservers": upstreams}} if upstreams else {}
    return {"metadata": {"name": name, "namespace": "kube-system"}, **data}


@dataclass
class Following:
    """A watch that runs, and what it told: the upstreams of each value."""

    server: FakeApiServer
    watch: ConfigMapWatch
    told: list[tuple[Nameserver, ...]] = field(default_factory=list)

    async def upstreams(self, *addresses: str) -> None:
        """Wait until these are in force."""
        wanted = tuple(Nameserver(each) for each in addresses)
        await until(lambda: self.watch.kept.value.upstream_nameservers == wanted)

    async def generation(self, number: int) -> None:
        """Wait until so many values were accepted."""
        await until(lambda: self.watch.kept.status.generation == number)

    async def lists(self, number: int) -> None:
        """Wait until the map was listed so many times."""
        await until(lambda: len(self.server.lists(MAPS)) == number)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    """An API server without credentials."""
    async with FakeApiServer() as started:
        yield started


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first wait be a sixteenth of what it is."""
    monkeypatch.setattr("kubedns_py.cluster.backoff.FIRST_S", 0.05)


@asynccontextmanager
async def following(server: FakeApiServer) -> AsyncIterator[Following]:
    """Follow kube-system/kube-dns until the block ends."""
    async with await connect(kube_master_url=server.url, kubecfg_file="") as source:
        told: list[tuple[Nameserver, ...]] = []
        made = Following(server, a_watch(source, told), told)
        task = asyncio.create_task(made.watch.run())
        try:
            yield made
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def a_watch(source: ApiServer, told: list[tuple[Nameserver, ...]]) -> ConfigMapWatch:
    """Return what follows the map once it runs."""

    def tell(value: Dynamic) -> None:
        told.append(value.upstream_nameservers)

    read = partial(read_dynamic, cluster_domains=(from_text("cluster.local"),))
    return ConfigMapWatch(source, KEY, read, on_change=tell)


async def test_it_asks_for_that_one_map_and_no_other(server: FakeApiServer) -> None:
    """RBAC with resourceNames: a list or watch is allowed by the field selector."""
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        await server.watched(MAPS)

    listed, watched = server.seen
    assert listed.params == {"fieldSelector": "metadata.name=kube-dns"}
    assert watched.params["fieldSelector"] == "metadata.name=kube-dns"
    assert watched.params["resourceVersion"] == "1001"
    assert watched.params["allowWatchBookmarks"] == "true"
    assert 300 <= int(watched.params["timeoutSeconds"]) < 600


async def test_a_map_is_followed_from_its_creation_to_its_deletion(server: FakeApiServer) -> None:
    """N13: not there; created; modified; removed; and created again."""
    async with following(server) as follower:
        await follower.generation(1)
        await server.watched(MAPS)
        server.put(MAPS, a_map(ONE))
        await follower.upstreams("10.0.0.1")
        server.put(MAPS, a_map(TWO))
        await follower.upstreams("10.0.0.2")
        server.delete(MAPS, "kube-system/kube-dns")
        await follower.upstreams()
        server.put(MAPS, a_map(ONE))
        await follower.upstreams("10.0.0.1")
        server.put(MAPS, a_map())
        await follower.upstreams()

    one, two = (Nameserver("10.0.0.1"),), (Nameserver("10.0.0.2"),)
    assert follower.told == [one, two, (), one, ()]


async def test_other_maps_change_nothing(server: FakeApiServer) -> None:
    """A proxy that drops the selector."""
    server.put(MAPS, a_map(TWO, name="other"))
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        await server.watched(MAPS)
        server.put(MAPS, a_map(TWO, name="other"))
        server.delete(MAPS, "kube-system/other")
        server.bookmark(MAPS)
        server.put(MAPS, a_map(TWO))
        await follower.upstreams("10.0.0.2")

    assert len(follower.told) == 2


async def test_a_bad_map_keeps_the_last_good_one_and_is_said_once(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-29: key and reason; then it is mended."""
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        await server.watched(MAPS)
        for _ in range(3):
            server.put(MAPS, a_map('["dns.example"]'))
        await until(lambda: not follower.watch.kept.status.valid)
        message = follower.watch.kept.status.message
        server.put(MAPS, a_map(TWO))
        await follower.upstreams("10.0.0.2")

    assert message.startswith("upstreamNameservers: 'dns.example' is not the address of a server")
    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert caplog.messages[0].startswith(
        "--config-map kube-dns in kube-system: cannot be used: upstreamNameservers: "
    )


async def test_a_map_that_cannot_be_read_keeps_the_last_good_one(server: FakeApiServer) -> None:
    """F-17: bad data is one object's trouble."""
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        await server.watched(MAPS)
        server.put(MAPS, a_map() | {"data": {"upstreamNameservers": 1}})
        await until(lambda: not follower.watch.kept.status.valid)
        assert follower.watch.kept.status.message.startswith("ConfigMap kube-system/kube-dns: type")
        server.put(MAPS, a_map(TWO))
        await follower.upstreams("10.0.0.2")


async def test_an_outage_leaves_the_value_in_force_and_is_said_once(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-02, F-25: what was deleted meanwhile is gone after the one list."""
    caplog.set_level(logging.INFO, logger="kubedns_py.sources.config_map")
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        await server.watched(MAPS)
        await server.stop()
        await until(lambda: any("not read, retrying" in each for each in caplog.messages))
        in_between = follower.watch.kept.value.upstream_nameservers
        server.forget(MAPS, "kube-system/kube-dns")
        await server.start()
        await follower.upstreams()
        await server.watched(MAPS)
        await until(lambda: any("answers again" in each for each in caplog.messages))

    assert in_between == (Nameserver("10.0.0.1"),)
    levels = [each.levelname for each in caplog.records if "config_map" in each.name]
    assert levels == ["WARNING", "INFO"]


async def test_an_api_server_that_is_down_at_the_start_means_the_default(
    server: FakeApiServer,
) -> None:
    """F-01: other names are forwarded; then the map counts."""
    server.put(MAPS, a_map(ONE))
    await server.stop()
    async with following(server) as follower:
        await until(lambda: follower.watch.kept.status.generation == 0)
        assert follower.watch.kept.value == Dynamic()
        await server.start()
        await follower.upstreams("10.0.0.1")


@pytest.mark.parametrize(
    "script",
    [
        stream(an_error(410, "too old resource version", reason="Expired")),
        refusal(410, "too old", reason="Expired"),
        refusal(503, "wait", Retry_After="0"),
        stream(b'{"type":"MODIFIED","object":{"meta', then="cut"),
        stream(b"no JSON\n"),
        stream(b'{"type":"DELETED","object":[]}\n'),
        stream(b'{"type":"NEW","object":{}}\n'),
    ],
)
async def test_after_any_end_of_a_watch_the_map_is_listed_again(
    server: FakeApiServer, script: Script
) -> None:
    """F-07, F-09, F-16, F-22: what changed meanwhile is not missed."""
    server.put(MAPS, a_map(ONE))
    server.then_watch(MAPS, script)
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        server.put(MAPS, a_map(TWO))
        await follower.upstreams("10.0.0.2")

    assert len(server.lists(MAPS)) == 2


async def test_a_watch_that_ends_in_order_is_followed_by_a_list_without_a_word(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ecosystem 1.6 step 4: the server ends it each five to ten minutes; here at once."""
    monkeypatch.setattr("kubedns_py.sources.config_map.SHORT_WATCH_S", 0.0)
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        for number in range(2, 4):
            await server.watched(MAPS)
            server.end_watches()
            await follower.lists(number)

    assert caplog.messages == []


async def test_a_watch_that_the_server_forgets_to_end_is_ended(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-04: here after 0.1 s instead of the time asked for and half a minute more."""
    monkeypatch.setattr("kubedns_py.sources.config_map._WATCH_S", 1)
    monkeypatch.setattr("kubedns_py.sources.config_map.OVERTIME_S", -0.9)
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.lists(2)

    assert follower.told == [(Nameserver("10.0.0.1"),)]
    assert caplog.messages == []


async def test_a_missing_right_is_said_once_with_the_remedy(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-12: ERROR naming verb, resource and what to grant; the default stays in force."""
    denied = refusal(403, 'User "dns" cannot list resource "configmaps"', reason="Forbidden")
    server.put(MAPS, a_map(ONE))
    server.then_list(MAPS, denied, denied)
    async with following(server) as follower:
        await follower.lists(2)
        status = follower.watch.kept.status
        assert not status.valid
        assert status.message.startswith(
            "list configmaps in kube-system is forbidden (403): let the service account get, list "
            "and watch the ConfigMap kube-dns (Role with resourceNames); the API server says: "
        )
        await follower.upstreams("10.0.0.1")

    assert [each.levelname for each in caplog.records] == ["ERROR"]


async def test_one_denial_of_a_server_that_just_started_is_no_missing_right(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-12: it denies everything until it has read its roles."""
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        await server.watched(MAPS)
        server.then_list(MAPS, refusal(403, "no", reason="Forbidden"))
        server.end_watches()
        await follower.lists(3)
        await server.watched(MAPS)

    assert follower.watch.kept.status.valid
    assert caplog.messages == []


async def test_without_the_right_to_watch_the_map_is_listed_now_and_then(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-12: said once; changes still come, only late."""
    server.put(MAPS, a_map(ONE))
    denied = refusal(403, "no", reason="Forbidden")
    server.then_watch(MAPS, denied, denied, denied)
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        server.put(MAPS, a_map(TWO))
        await follower.upstreams("10.0.0.2")
        await until(lambda: len(server.watches(MAPS)) == 2)

    assert [each.levelname for each in caplog.records] == ["ERROR"]
    assert "changes come late: watch configmaps in kube-system is forbidden" in caplog.text


async def test_a_list_that_cannot_be_read_changes_nothing(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-16: a page that does not say what it holds is no empty list."""
    server.put(MAPS, a_map(ONE))
    async with following(server) as follower:
        await follower.upstreams("10.0.0.1")
        await server.watched(MAPS)
        server.then_list(MAPS, answer(200, {"kind": "Table"}))
        server.end_watches()
        await follower.lists(3)

    assert follower.told == [(Nameserver("10.0.0.1"),)]
    assert "items or metadata.resourceVersion is missing" in caplog.text


async def test_an_accident_of_ours_ends_nothing(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Only cancellation ends the loop."""
    broken = True

    def read(_: object) -> Dynamic:
        if broken:
            raise RuntimeError("an accident")
        return Dynamic()

    async with await connect(kube_master_url=server.url, kubecfg_file="") as source:
        watch = ConfigMapWatch(source, KEY, read, on_change=lambda _: None)
        task = asyncio.create_task(watch.run())
        await until(lambda: "an error of our own" in caplog.text)
        broken = False
        await until(lambda: watch.kept.status.generation == 1)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
