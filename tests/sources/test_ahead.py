"""Lists that are asked for before anybody can read them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import CoroutineType

import pytest

from kubedns_py.cluster.requests import ListRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError
from kubedns_py.sources import apiserver
from kubedns_py.sources.ahead import Ahead
from kubedns_py.sources.apiserver import ApiServer, connect
from tests.helpers.builders import a_page, a_service_json
from tests.helpers.fake_apiserver import FakeApiServer, answer, refusal, silence, stream
from tests.helpers.lists import listed
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

SERVICES = ListRequest(Resource.SERVICES, 0, "")
NAMESPACES = ListRequest(Resource.NAMESPACES, 0, "")


def tasks_of_ours() -> list[str]:
    """Return which functions of the package run as tasks."""
    coroutines = [each.get_coro() for each in asyncio.all_tasks()]
    codes = [each.cr_code for each in coroutines if isinstance(each, CoroutineType)]
    return [code.co_qualname for code in codes if "/kubedns_py/" in code.co_filename]


async def test_lists_are_asked_for_though_nobody_opens_them(
    server: FakeApiServer, source: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 4, first sync: the API server makes them while what reads them is imported."""
    monkeypatch.setattr(apiserver, "_SENT_S", 60.0)  # not time, but that they went out ends it
    async with asyncio.timeout(9):
        await source.ask_ahead([Resource.SERVICES, Resource.NAMESPACES])
    await until(lambda: len(server.seen) == 2)

    assert {each.resource: each.params for each in server.seen} == {
        "services": {},
        "namespaces": {},
    }


async def test_whoever_opens_one_reads_what_was_asked_for(
    server: FakeApiServer, source: ApiServer
) -> None:
    """By one request, and once: the next list is of its own moment."""
    first, second = a_page(version="7"), a_page(version="8")
    server.then_list("services", answer(200, first), answer(200, second))
    await source.ask_ahead([Resource.SERVICES])

    assert await listed(source, SERVICES) == first
    assert len(server.seen) == 1
    assert await listed(source, SERVICES) == second


async def test_another_list_is_asked_for_as_ever(server: FakeApiServer, source: ApiServer) -> None:
    """Pages are not what was asked for."""
    await source.ask_ahead([Resource.SERVICES])
    await listed(source, ListRequest(Resource.SERVICES, 500, ""))

    assert [each.params for each in server.lists("services")] == [{}, {"limit": "500"}]


async def test_selectors_are_asked_with(server: FakeApiServer) -> None:
    """--labels: it would be another list without them."""
    async with await connect(kube_master_url=server.url, kubecfg_file="", labels="a=b") as source:
        await source.ask_ahead([Resource.SERVICES])
        await listed(source, SERVICES)

    assert [each.params for each in server.seen] == [{"labelSelector": "a=b"}]


async def test_a_refusal_waits_for_whoever_opens_the_list(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-12: to be told by the one who tries again, and by no one else."""
    server.then_list("services", refusal(403, "no", reason="Forbidden"))
    await source.ask_ahead([Resource.SERVICES])

    with pytest.raises(ApiError) as caught:
        await listed(source, SERVICES)

    assert caught.value.status == 403
    server.put("services", a_service_json("web.shop"))
    assert b'"web"' in await listed(source, SERVICES)


async def test_a_list_that_breaks_off_breaks_off_where_it_is_read(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-05."""
    server.then_list("services", stream(b'{"items":[', then="cut"))
    await source.ask_ahead([Resource.SERVICES])

    with pytest.raises(ApiError, match=r"broke off|reset"):
        await listed(source, SERVICES)


async def test_what_nobody_opened_is_left_at_the_end(
    server: FakeApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A start that fails in between leaves neither a task nor a connection, nor a word."""
    server.then_list("services", refusal(500))
    server.then_list("namespaces", silence())
    server.then_list("endpointslices", answer(200, a_page()))
    async with await connect(kube_master_url=server.url, kubecfg_file="") as source:
        await source.ask_ahead([Resource.SERVICES, Resource.NAMESPACES, Resource.ENDPOINTSLICES])
        await until(lambda: len(server.seen) == 3)

    gc.collect()  # a connection that nobody closed says so
    assert tasks_of_ours() == []
    assert caplog.text == ""


async def test_who_gives_up_waiting_leaves_the_list(
    server: FakeApiServer, source: ApiServer
) -> None:
    """The end of a program that was never answered."""
    server.then_list("services", silence())
    await source.ask_ahead([Resource.SERVICES])
    opens = asyncio.Event()

    async def open_it() -> bytes:
        opens.set()
        return await listed(source, SERVICES)

    waiting = asyncio.create_task(open_it())
    await opens.wait()
    await until(lambda: bool(server.seen))
    assert len(tasks_of_ours()) == 1
    waiting.cancel()
    await asyncio.wait([waiting])

    assert waiting.cancelled()
    assert tasks_of_ours() == []


async def test_a_server_that_takes_no_request_does_not_hold_up_the_start() -> None:
    """Health pages have to come up though the API server hangs (F-01)."""
    hangs = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hangs.wait()
        writer.close()

    listening = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, await connect(kube_master_url=url, kubecfg_file="") as source:
        async with asyncio.timeout(5):
            await source.ask_ahead([Resource.SERVICES])
        hangs.set()
        with pytest.raises(ApiError):
            await listed(source, SERVICES)


async def test_a_server_that_is_not_there_does_not_hold_up_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What has failed is not waited for."""
    monkeypatch.setattr(apiserver, "_SENT_S", 60.0)
    url = f"http://127.0.0.1:{free_port()}"
    async with await connect(kube_master_url=url, kubecfg_file="") as source:
        async with asyncio.timeout(9):
            await source.ask_ahead([Resource.SERVICES, Resource.NAMESPACES])
        with pytest.raises(ApiError):
            await listed(source, SERVICES)


# -- what no server can be made to do


class Answer:
    """An answer that opens when told, and knows whether it was closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.opens = asyncio.Event()
        self.is_closed = False
        self._error = error

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """Wait, then lend no parts at all, or raise."""
        await self.opens.wait()
        if self._error is not None:
            raise self._error
        try:
            yield aiter(NoParts())
        finally:
            self.is_closed = True


class NoParts:
    """Nothing to read."""

    def __aiter__(self) -> NoParts:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


async def test_an_answer_that_begins_as_its_taker_is_cancelled_is_left() -> None:
    """Nobody else knows of it any more."""
    ahead, begins = Ahead(), Answer()

    def cancel() -> None:
        taking.cancel()

    ahead.ask(SERVICES, begins.open(), settled=cancel)  # in the turn in which it begins
    taken = ahead.take(SERVICES)
    assert taken is not None
    taking = asyncio.create_task(taken.__aenter__())
    await asyncio.sleep(0)  # it waits
    begins.opens.set()
    await asyncio.wait([taking])

    assert taking.cancelled()
    assert begins.is_closed


async def test_an_accident_in_a_list_that_nobody_took_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Errors of our own are never silent; the other lists are left nevertheless."""
    ahead, broken, well = Ahead(), Answer(RuntimeError("ours")), Answer()
    for request, each in ((SERVICES, broken), (NAMESPACES, well)):
        each.opens.set()
        ahead.ask(request, each.open(), settled=lambda: None)
    await until(lambda: len(tasks_of_ours()) == 0)
    await ahead.close()

    assert "ours" in caplog.text
    assert well.is_closed
