"""The loops that drive reflectors, over a source that is no server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from kubedns_py.cluster.objects import Key
from kubedns_py.cluster.reflector import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.cluster.store import Store
from kubedns_py.errors import ApiError
from kubedns_py.sources.watch import Informer
from tests.helpers.builders import a_bookmark, a_page, a_service_json, an_event
from tests.helpers.syncs import all_synced
from tests.helpers.waiting import until

Lines = list[bytes | ApiError | Exception]


@dataclass
class FakeSource:
    """A ``ListerWatcher`` that gives what it is told, and then waits for ever."""

    pages: list[bytes | Exception] = field(default_factory=list)
    watches: list[Lines | Exception] = field(default_factory=list)
    requests: list[ListRequest | WatchRequest] = field(default_factory=list)
    closed: int = 0

    @asynccontextmanager
    async def list(self, request: ListRequest) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the next page that was given; it comes in two parts."""
        self.requests.append(request)
        if not self.pages:
            await asyncio.Event().wait()
        page = self.pages.pop(0)
        if isinstance(page, Exception):
            raise page
        yield _parts(page)

    @asynccontextmanager
    async def watch(self, request: WatchRequest) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the next watch that was given."""
        self.requests.append(request)
        lines: Lines | Exception = self.watches.pop(0) if self.watches else []
        if isinstance(lines, Exception):
            raise lines
        try:
            yield _given(lines)
        finally:
            self.closed += 1


async def _parts(page: bytes) -> AsyncGenerator[bytes, None]:
    yield page[: len(page) // 2]
    yield page[len(page) // 2 :]


async def _given(lines: Lines) -> AsyncGenerator[bytes, None]:
    for line in lines:
        if isinstance(line, Exception):
            raise line
        yield line
    await asyncio.Event().wait()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first wait be a sixteenth of what it is."""
    monkeypatch.setattr("kubedns_py.cluster.backoff.FIRST_S", 0.05)


@asynccontextmanager
async def running(
    source: FakeSource, *resources: Resource
) -> AsyncIterator[tuple[Informer, Store, list[Resource]]]:
    """Run an informer over a source; ends with the block."""
    store = Store(lambda: None)
    synced: list[Resource] = []
    chosen = resources or (Resource.SERVICES,)
    informer = Informer(source, store, chosen, on_sync=synced.append)
    task = asyncio.create_task(informer.run())
    try:
        yield informer, store, synced
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_list_syncs_and_says_so_once() -> None:
    """Ecosystem 1.6: list, then watch."""
    source = FakeSource(
        pages=[a_page(a_service_json("web.shop", version="7"), version="9")],
        watches=[[an_event("ADDED", a_service_json("db.shop", version="10"))]],
    )

    async with running(source) as (informer, store, synced):
        await until(lambda: store.service(Key("shop", "db")) is not None)

        assert all_synced(informer)
        assert synced == [Resource.SERVICES]
        assert store.service(Key("shop", "web")) is not None
        last = source.requests[-1]
        assert isinstance(last, WatchRequest)
        assert last.resource_version == "9"


async def test_events_that_come_together_are_taken_one_after_the_other() -> None:
    """Ecosystem 1.6 step 4: packets know nothing of events."""
    events = [an_event("ADDED", a_service_json(f"{name}.shop", version="7")) for name in "bcd"]
    events += [
        a_bookmark("9"),
        an_event("DELETED", a_service_json("a.shop", version="10")),
        an_event("ADDED", a_service_json("e.shop", version="11")),
    ]
    source = FakeSource(
        pages=[a_page(a_service_json("a.shop", version="1"), version="2")],
        watches=[[b"\n".join(events)]],
    )

    async with running(source) as (informer, store, synced):
        await until(lambda: store.service(Key("shop", "e")) is not None)

        assert sorted(key.name for key in store.keys(Resource.SERVICES)) == ["b", "c", "d", "e"]
        assert synced == [Resource.SERVICES]
        said = informer.statuses[Resource.SERVICES].events
        assert said == {"ADDED": 4, "BOOKMARK": 1, "DELETED": 1}


async def test_a_state_by_pages_syncs() -> None:
    """Ecosystem 1.6 step 3."""
    source = FakeSource(
        pages=[
            ApiError(500, "etcdserver: request timed out"),
            a_page(a_service_json("web.shop"), continue_token="two"),
            a_page(a_service_json("db.shop"), version="12"),
        ],
    )

    async with running(source) as (informer, store, _):
        await until(lambda: len(source.requests) == 4)

        assert all_synced(informer)
        assert len(store.keys(Resource.SERVICES)) == 2
        last = source.requests[-1]
        assert isinstance(last, WatchRequest)
        assert last.resource_version == "12"


async def test_all_resources_have_to_sync() -> None:
    """F-01: readiness lists those that have not."""
    source = FakeSource(pages=[a_page(version="9")])

    async with running(source, Resource.SERVICES, Resource.NAMESPACES) as (informer, _, synced):
        await until(lambda: bool(synced))

        assert not all_synced(informer)
        assert {each: status.synced for each, status in informer.statuses.items()} == {
            Resource.SERVICES: True,
            Resource.NAMESPACES: False,
        }


async def test_a_broken_stream_is_taken_up_again_from_its_last_version() -> None:
    """F-02: and the stream that broke is closed."""
    source = FakeSource(
        pages=[a_page(version="9")],
        watches=[
            [ApiError(0, "reset")],
            [an_event("ADDED", a_service_json("web.shop", version="10"))],
        ],
    )

    async with running(source) as (informer, store, _):
        await until(lambda: store.service(Key("shop", "web")) is not None)

        last = source.requests[-1]
        assert isinstance(last, WatchRequest)
        assert last.resource_version == "9"
        assert source.closed == 1
        assert informer.statuses[Resource.SERVICES].api_errors == {0: 1}


async def test_an_accident_of_our_own_is_said_and_retried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """House rule: no exception is swallowed, and none ends the loop."""
    source = FakeSource(
        pages=[a_page(version="9")],
        watches=[
            [RuntimeError("bug")],
            [an_event("ADDED", a_service_json("web.shop", version="10"))],
        ],
    )

    async with running(source) as (informer, store, _):
        await until(lambda: store.service(Key("shop", "web")) is not None)

        assert "services: an error of our own; retrying" in caplog.text
        assert informer.statuses[Resource.SERVICES].last_error == "internal: RuntimeError"


async def test_a_burst_of_events_lets_others_run() -> None:
    """F-06: lines that are there already are no reason to hold the event loop."""
    burst: Lines = [
        an_event("MODIFIED", a_service_json("web.shop", version=str(n))) for n in range(10, 2010)
    ]
    source = FakeSource(pages=[a_page(version="9")], watches=[burst])

    async with running(source) as (informer, _, __):
        events = informer.statuses[Resource.SERVICES].events
        turns = 0
        while events["MODIFIED"] < len(burst):
            await asyncio.sleep(0)
            turns += 1

        assert turns > 5


async def test_the_first_complete_state_is_told_at_its_end() -> None:
    """T-60: with all that was listed, and nothing that followed."""
    source = FakeSource(
        pages=[a_page(*(a_service_json(f"s{n}.shop") for n in range(3000)), version="20")],
        watches=[[an_event("DELETED", a_service_json("s2999.shop", version="21"))]],
    )
    store = Store(lambda: None)
    told: list[int] = []

    def tell(_: Resource) -> None:
        told.append(len(store.keys(Resource.SERVICES)))

    informer = Informer(source, store, [Resource.SERVICES], on_sync=tell)
    task = asyncio.create_task(informer.run())
    await until(lambda: len(store.keys(Resource.SERVICES)) == 2999 and bool(told))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert told == [3000]


async def test_a_state_that_is_listed_again_enters_over_many_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F-06: what one turn of the loop has to commit is bounded; F-18: what follows waits for it."""
    monkeypatch.setattr("kubedns_py.cluster.reflector.SPREAD_S", 0.0)
    source = FakeSource(
        pages=[
            a_page(version="19"),
            a_page(*(a_service_json(f"s{n}.shop") for n in range(3000)), version="20"),
        ],
        watches=[
            ApiError(410, "Expired"),
            [an_event("DELETED", a_service_json("s2999.shop", version="21"))],
        ],
    )
    loop = asyncio.get_running_loop()
    commits: list[set[Key]] = []

    def commit() -> None:
        commits.append(set(store.take_changes().services))

    def commit_soon() -> None:
        loop.call_soon(commit)

    store = Store(commit_soon)
    informer = Informer(source, store, [Resource.SERVICES], on_sync=lambda _: None)
    task = asyncio.create_task(informer.run())
    await until(lambda: sum(map(len, commits)) == 3001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert max(map(len, commits)) <= 50
    assert len(set().union(*commits)) == 3000
    assert len(store.keys(Resource.SERVICES)) == 2999


async def test_the_api_server_away_is_said_once_and_its_return_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """F-02: one WARN with the error, not one for each attempt."""
    caplog.set_level(logging.INFO)
    source = FakeSource(
        pages=[a_page(version="9")],
        watches=[
            [ApiError(0, "https://a:1: reset (errno 1)")],
            ApiError(0, "https://a:1: refused (errno 2)"),
            [an_event("ADDED", a_service_json("web.shop", version="10"))],
        ],
    )

    async with running(source) as (_, store, __):
        await until(lambda: store.service(Key("shop", "web")) is not None)

        warned = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
        assert len(warned) == 1
        assert warned[0].endswith(": https://a:1: reset (errno 1)")
        assert "services: the API server answers again" in caplog.messages
