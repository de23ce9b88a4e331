"""Faults of the control plane, seen end to end: fake API server, HTTP, reflector, store.

Each test is a row of the fault catalogue (reliability, 3).
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import pytest

from kubedns_py.cluster.listing import PORTION_OCTETS
from kubedns_py.cluster.objects import Key, Service
from kubedns_py.cluster.reflector import ResourceStatus
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.sources.apiserver import connect
from kubedns_py.sources.watch import Informer
from tests.helpers.builders import a_page, a_service_json, a_slice_json, an_event
from tests.helpers.fake_apiserver import FakeApiServer, answer, refusal, silence, stream
from tests.helpers.loop_clock import LoopClock
from tests.helpers.parts import endpoints_of
from tests.helpers.syncs import all_synced
from tests.helpers.waiting import until

BOTH = (Resource.SERVICES, Resource.ENDPOINTSLICES)
_MANY = [a_service_json(f"b-{each}.shop") for each in range(999)]


@dataclass
class Cluster:
    """A server, and an informer that follows it."""

    server: FakeApiServer
    informer: Informer
    store: Store

    @property
    def services(self) -> ResourceStatus:
        """How Services fare."""
        return self.informer.statuses[Resource.SERVICES]

    def names(self, resource: Resource = Resource.SERVICES) -> list[str]:
        """Return the names in the store."""
        return sorted(key.name for key in self.store.keys(resource))

    def service(self, name: str) -> Service | None:
        """Return a Service of namespace shop."""
        return self.store.service(Key("shop", name))

    def put(self, *names: str) -> None:
        """Create or change Services."""
        for name in names:
            self.server.put("services", a_service_json(f"{name}.shop"))

    async def has(self, *names: str) -> None:
        """Wait until the store has just these Services."""
        await until(lambda: self.names() == sorted(names))


@asynccontextmanager
async def following(server: FakeApiServer, *resources: Resource) -> AsyncIterator[Cluster]:
    """Run an informer over a server that may or may not be there."""
    store = Store(lambda: None)
    async with await connect(
        kube_master_url=f"http://localhost:{server.port}", kubecfg_file=""
    ) as source:
        chosen = resources or (Resource.SERVICES,)
        informer = Informer(source, store, chosen, on_sync=lambda _: None)
        task = asyncio.create_task(informer.run())
        try:
            yield Cluster(server, informer, store)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@pytest.fixture(autouse=True)
def chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let waits be short: chance is 0, and the first of them a sixteenth of what it is."""
    monkeypatch.setattr("random.random", lambda: 0.0)
    monkeypatch.setattr("kubedns_py.cluster.backoff.FIRST_S", 0.05)


@pytest.fixture(params=["whole", "pages"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[FakeApiServer]:
    """A server that lists everything at once, and one that gives pages whatever it is asked."""
    size = {"whole": 500, "pages": 2}[request.param]
    async with FakeApiServer(page_size=size) as started:
        yield started


async def test_the_store_follows_the_cluster(server: FakeApiServer) -> None:
    """Ecosystem 1.6: a state, whole or in pages, then changes."""
    for name in "abcde":
        server.put("services", a_service_json(f"{name}.shop"))

    async with following(server) as cluster:
        await cluster.has(*"abcde")
        await server.watched("services")
        cluster.put("f")
        server.delete("services", "shop/a")
        await cluster.has(*"bcdef")


async def test_an_api_server_that_comes_late_is_found_soon(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-01: not synced until then, one line with URL and errno; ready soon after it is there."""
    server.put("services", a_service_json("a.shop"))
    await server.stop()

    async with following(server) as cluster:
        await until(lambda: cluster.services.api_errors[0] >= 2)
        assert not all_synced(cluster.informer)
        warned = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
        assert warned == [
            f"services: not synced, retrying: {server.url}: Connection refused (errno 111)"
        ]

        await server.start()
        # tried every 2 s at most while nobody answers; every 15 s at least if somebody did
        await until(lambda: all_synced(cluster.informer), deadline_s=12)
        assert cluster.names() == ["a"]


async def test_an_api_server_that_says_nothing_to_a_list_is_asked_for_pages() -> None:
    """F-04, F-05: it accepts, and is silent for 60 s; 10 s more are there to connect."""
    clock = LoopClock()
    async with FakeApiServer() as server:
        server.put("services", a_service_json("a.shop"))
        server.then_list("services", silence())

        async with following(server) as cluster:
            await until(lambda: bool(server.seen))
            await clock.pass_by(70)
            await cluster.has("a")

        assert [each.params for each in server.lists("services")] == [{}, {"limit": "500"}]


async def test_a_list_that_breaks_off_is_asked_for_in_pages() -> None:
    """F-05, F-10: half a list is none, and what is between may not bear the whole."""
    async with FakeApiServer() as server:
        server.put("services", a_service_json("a.shop"))
        page = a_page(a_service_json("b.shop"))
        server.then_list("services", stream(page[:-20], then="cut"))

        async with following(server) as cluster:
            await cluster.has("a")

        assert [each.params for each in server.lists("services")] == [{}, {"limit": "500"}]


@pytest.mark.parametrize("at", [0.5, 1.0], ids=["in the middle", "in its last octet"])
async def test_a_compressed_list_that_is_corrupt_is_asked_for_in_pages(at: float) -> None:
    """F-05, F-16: also where every object of it could be read before that was known."""
    async with FakeApiServer() as server:
        server.put("services", a_service_json("a.shop"))
        body = bytearray(gzip.compress(a_page(*_MANY)))
        body[int(at * (len(body) - 1))] ^= 1
        server.then_list("services", answer(200, bytes(body), Content_Encoding="gzip"))

        async with following(server) as cluster:
            await cluster.has("a")
            assert cluster.services.api_errors == {0: 1}

        assert [each.params for each in server.lists("services")] == [{}, {"limit": "500"}]


async def test_what_was_deleted_while_the_server_was_away_goes(server: FakeApiServer) -> None:
    """F-02, F-25: the data stay meanwhile; one list puts all right."""
    server.put("services", a_service_json("a.shop"))
    server.put("services", a_service_json("b.shop"))

    async with following(server) as cluster:
        await cluster.has("a", "b")
        await server.watched("services")
        await server.stop()
        await until(lambda: cluster.services.api_errors[0] >= 1)
        assert cluster.names() == ["a", "b"]
        assert all_synced(cluster.informer)

        server.delete("services", "shop/a")
        server.put("services", a_service_json("c.shop"))
        server.compact()
        await server.start()
        await until(lambda: cluster.names() == ["b", "c"], deadline_s=15)
        assert cluster.services.relists["expired"] == 1


async def test_a_watch_in_order_is_followed_by_another(server: FakeApiServer) -> None:
    """F-03: nothing is listed for it, and no event is lost in between."""
    async with following(server) as cluster:
        await server.watched("services")
        await until(lambda: all_synced(cluster.informer))
        lists = len(server.lists("services"))
        cluster.put("a")
        server.end_watches()
        cluster.put("b")

        await cluster.has("a", "b")
        assert len(server.lists("services")) == lists


async def test_a_refused_page_is_asked_for_again() -> None:
    """F-08, F-09, F-10, F-16: each kind of bad page costs a wait and nothing else."""
    async with FakeApiServer(page_size=1) as server:
        server.put("services", a_service_json("a.shop"))
        server.put("services", a_service_json("b.shop"))
        server.then_list(
            "services",
            refusal(429, "slow down", Retry_After="0"),
            answer(200, b"<html>", content_type="text/html"),
            answer(200, b'{"metadata":{"resourceVersion":"1"},"items":[{"a":'),
        )
        async with following(server) as cluster:
            await until(lambda: cluster.names() == ["a", "b"])
            assert cluster.services.decode_errors == 2
            assert cluster.services.api_errors == {429: 1}


async def test_an_expired_page_starts_the_list_over() -> None:
    """F-08: 410 on a continue token."""
    async with FakeApiServer(page_size=1) as server:
        server.put("services", a_service_json("a.shop"))
        server.put("services", a_service_json("b.shop"))

        page = a_page(a_service_json("z.shop"), continue_token="gone")
        server.then_list("services", answer(200, page), refusal(410, "old", reason="Expired"))
        server.page_size = 500
        async with following(server) as cluster:
            await cluster.has("a", "b")
            assert [dict(each.params) for each in server.lists("services")] == [
                {},
                {"continue": "gone"},
                {},
            ]


async def test_a_refused_resource_leaves_the_others_served(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-12: Services sync, slices do not; an ERROR names verb, resource and remedy."""
    message = 'endpointslices.discovery.k8s.io is forbidden: User "dns" cannot list resource'
    for _ in range(9):
        server.then_list("endpointslices", refusal(403, message, reason="Forbidden"))
    server.put("services", a_service_json("a.shop"))

    async with following(server, *BOTH) as cluster:
        await cluster.has("a")
        slices = cluster.informer.statuses[Resource.ENDPOINTSLICES]
        await until(lambda: slices.refused is not None and cluster.services.synced)

        assert not slices.synced
        (said,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
        assert "list endpointslices.discovery.k8s.io is forbidden (403)" in said
        assert 'User "dns" cannot list resource' in said


async def test_a_resource_that_is_not_served_is_said(server: FakeApiServer) -> None:
    """F-15: no discovery.k8s.io: unready, with a way out."""
    for _ in range(9):
        server.then_list(
            "endpointslices", answer(404, b"404 page not found", content_type="text/plain")
        )

    async with following(server, Resource.ENDPOINTSLICES) as cluster:
        slices = cluster.informer.statuses[Resource.ENDPOINTSLICES]
        await until(lambda: slices.refused is not None)

        assert not all_synced(cluster.informer)
        assert "--endpoints-api=endpoints" in (slices.refused or "")


@pytest.mark.parametrize(
    "line",
    [b'{"type":"ADDED","object":{"a', b"\xff\xfe", b"<html></html>"],
    ids=["cut", "no text", "html"],
)
async def test_a_line_that_cannot_be_read_loses_nothing(server: FakeApiServer, line: bytes) -> None:
    """F-16: the stream is dropped and the state asked for anew."""
    async with following(server) as cluster:
        await until(lambda: all_synced(cluster.informer))
        await server.watched("services")
        cluster.put("a")
        await cluster.has("a")
        server.send("services", line)
        cluster.put("b")

        await cluster.has("a", "b")
        assert cluster.services.decode_errors == 1
        assert cluster.services.relists["unreadable"] == 1


async def test_odd_objects_do_not_keep_others_from_being_served(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-17: in the first state and in events; said once for each."""
    odd = a_service_json("odd.shop")
    odd["spec"]["ports"] = "many"
    server.put("services", odd)
    server.put("services", a_service_json("a.shop"))

    async with following(server) as cluster:
        await cluster.has("a")
        await server.watched("services")
        server.put("services", odd)
        server.put("services", a_service_json("b.shop"))
        await cluster.has("a", "b")

        assert cluster.services.bad_objects == {("Service", "type"): 2}
        said = [each for each in caplog.messages if each.startswith("Service shop/odd: type:")]
        assert len(said) == 1


async def test_slices_may_come_before_their_service(server: FakeApiServer) -> None:
    """F-26, LIF-1: both orders end the same."""
    async with following(server, *BOTH) as cluster:
        await until(lambda: all_synced(cluster.informer))
        server.put("endpointslices", a_slice_json("a-1.shop", endpoints=["10.1.0.1"]))
        await until(lambda: bool(endpoints_of(cluster.store, Key("shop", "a"))))
        assert cluster.service("a") is None

        server.put("services", a_service_json("a.shop"))
        await cluster.has("a")
        server.put("services", a_service_json("b.shop"))
        await cluster.has("a", "b")
        server.put("endpointslices", a_slice_json("b-1.shop", endpoints=["10.1.0.2"]))
        await until(lambda: bool(endpoints_of(cluster.store, Key("shop", "b"))))


async def test_a_watch_that_closes_at_once_is_no_hot_loop(server: FakeApiServer) -> None:
    """F-22: at most a request a second at first, and fewer later."""
    async with following(server) as cluster:
        await until(lambda: all_synced(cluster.informer))
        await server.watched("services")
        server.then_watch("services", *[stream()] * 50)
        before = len(server.watches("services"))
        server.end_watches()
        await until(lambda: cluster.services.short_watches >= 2)

        assert len(server.watches("services")) - before <= 3
        cluster.put("a")
        assert cluster.names() == []


async def test_a_server_restored_from_a_backup_is_believed(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """F-23: it does not know our version; its state counts, with a WARN."""
    server.put("services", a_service_json("a.shop"))
    async with following(server) as cluster:
        await cluster.has("a")
        await server.watched("services")
        server.forget("services", "shop/a")
        server.restore(10)
        server.put("services", a_service_json("old.shop"))
        message = "Too large resource version: 1001, current: 11"
        server.then_watch("services", refusal(504, message, reason="Timeout"))
        server.end_watches()

        await cluster.has("old")
        assert cluster.services.relists["too-large-version"] == 1
        assert "was it restored from a backup?" in caplog.text


async def test_data_of_many_replicas_are_not_asked_for_together(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-27: a relist waits by chance, up to 10 s; here chance says 0.5 s."""
    monkeypatch.setattr("random.random", lambda: 0.05)
    async with following(server) as cluster:
        await until(lambda: all_synced(cluster.informer))
        await server.watched("services")
        before = len(server.seen)
        started = asyncio.get_running_loop().time()
        server.send("services", an_event("ERROR", {"code": 410, "message": "old"}))
        await until(lambda: len(server.seen) > before)

        assert asyncio.get_running_loop().time() - started >= 0.47


async def test_the_wall_clock_is_not_asked(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-28: a step of a day changes nothing about waits and ages."""
    async with following(server) as cluster:
        await until(lambda: all_synced(cluster.informer))
        began = asyncio.get_running_loop().time()
        monkeypatch.setattr("time.time", lambda: 0.0)
        cluster.put("a")
        await cluster.has("a")

        now = asyncio.get_running_loop().time()
        assert cluster.services.last_contact is not None
        assert began <= cluster.services.last_contact <= now


async def test_a_slow_list_says_how_long_it_takes(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-05: a line each 10 s, here each 0.1 s, and no limit while it lasts."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("kubedns_py.sources.notices._PROGRESS_EVERY_S", 0.1)
    async with FakeApiServer() as server:
        server.then_list("services", stream(b'{"metadata":', then="hang"))
        async with following(server):
            said = "services: still waiting for the list, "
            await until(lambda: sum(each.startswith(said) for each in caplog.messages) >= 2)


async def test_a_large_cluster_does_not_hold_the_event_loop() -> None:
    """F-06: 20,000 endpoints, and others run all the time."""
    async with FakeApiServer() as server:
        for n in range(200):
            addresses = [f"10.{n}.{each}.1" for each in range(100)]
            server.put("endpointslices", a_slice_json(f"s{n}-1.shop", endpoints=addresses))
        turns = 0
        async with following(server, Resource.ENDPOINTSLICES) as cluster:
            slices = cluster.informer.statuses[Resource.ENDPOINTSLICES]
            while not slices.synced:
                await asyncio.sleep(0)
                turns += slices.last_contact is not None

        assert len(cluster.names(Resource.ENDPOINTSLICES)) == 200
        assert slices.list_octets > 1_000_000
        assert turns >= slices.list_octets // PORTION_OCTETS - 1
