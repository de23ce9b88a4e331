"""List and watch over HTTP: what is sent, what comes back, and what every failure becomes."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import subprocess
import sys
import zlib
from contextlib import ExitStack
from typing import Any

import pytest

from kubedns_py.cluster.reflector import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError
from kubedns_py.sources import apiserver
from kubedns_py.sources.apiserver import ApiServer, connect
from tests.helpers.builders import a_page, a_service_json, an_event
from tests.helpers.fake_apiserver import (
    FakeApiServer,
    Script,
    answer,
    compressed,
    refusal,
    silence,
    stream,
)
from tests.helpers.lists import list_error, listed
from tests.helpers.loop_clock import LoopClock
from tests.helpers.waiting import until

A_LIST = ListRequest(Resource.SERVICES, 500, "")
A_WATCH = WatchRequest(Resource.SERVICES, "7", timeout_s=300)


async def lines_of(source: ApiServer, request: WatchRequest = A_WATCH) -> list[bytes]:
    """Return all lines of a watch that the server ends."""
    async with source.watch(request) as lines:
        return [line async for portion in lines for line in portion.split(b"\n") if line]


async def given_up(waiting: asyncio.Future[Any], clock: LoopClock, seconds: float) -> ApiError:
    """Return the error that something ends in when it has waited so long, and no earlier."""
    try:
        await clock.pass_by(seconds - 10)
        assert not waiting.done()
        await clock.pass_by(10)
        await until(waiting.done)
    finally:
        waiting.cancel()
        await asyncio.wait([waiting])
    error = waiting.exception()
    assert isinstance(error, ApiError)
    return error


# -- requests


async def test_a_list_asks_for_a_page(server: FakeApiServer, source: ApiServer) -> None:
    """Ecosystem 1.6 step 3, and who we are."""
    await listed(source, A_LIST)

    (seen,) = server.seen
    assert (seen.resource, seen.params) == ("services", {"limit": "500"})
    assert seen.headers["Accept"] == "application/json"
    assert seen.headers["User-Agent"].startswith("kubedns-py/")
    assert seen.headers["Accept-Encoding"] == "gzip"


async def test_a_list_goes_on_with_its_token(server: FakeApiServer, source: ApiServer) -> None:
    """Ecosystem 1.6 step 3; without a limit all is asked for."""
    server.then_list("endpointslices", answer(200, a_page()), answer(200, a_page()))

    await listed(source, ListRequest(Resource.ENDPOINTSLICES, 500, "a b/c"))
    await listed(source, ListRequest(Resource.ENDPOINTSLICES, 0, ""))

    first, second = server.seen
    assert first.params == {"limit": "500", "continue": "a b/c"}
    assert second.params == {}


async def test_a_watch_asks_for_bookmarks_and_an_end(
    server: FakeApiServer, source: ApiServer
) -> None:
    """Ecosystem 1.6 step 4."""
    server.then_watch("services", stream())

    await lines_of(source)

    assert server.seen[0].params == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": "300",
        "resourceVersion": "7",
    }


async def test_services_are_selected_by_labels_and_pods_by_phase(server: FakeApiServer) -> None:
    """--labels is for Services only; finished Pods have no address of their own."""
    async with await connect(
        kube_master_url=server.url, kubecfg_file="", labels="tier in (a, b)"
    ) as source:
        for resource in (Resource.SERVICES, Resource.ENDPOINTS, Resource.PODS):
            await listed(source, ListRequest(resource, 0, ""))

    services, endpoints, pods = server.seen
    assert services.params == {"labelSelector": "tier in (a, b)"}
    assert endpoints.params == {}
    assert pods.params == {
        "fieldSelector": "status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown"
    }


async def test_a_page_comes_back_as_it_was_sent(server: FakeApiServer, source: ApiServer) -> None:
    """Octets in, octets out: decoding is the reflector's."""
    page = a_page(a_service_json("web.shop"), version="9")
    server.then_list("services", answer(200, page))

    assert await listed(source, A_LIST) == page


async def test_a_compressed_page_comes_back_as_it_was(
    server: FakeApiServer, source: ApiServer
) -> None:
    """Ecosystem 1.6: in more than one portion."""
    page = a_page(*[a_service_json(f"web-{each}.shop") for each in range(2000)])
    server.then_list("services", compressed(page))

    assert await listed(source, A_LIST) == page


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            answer(200, gzip.compress(a_page())[:-8] + bytes(8), Content_Encoding="gzip"),
            "gzip: Error -6 Incorrect checksum found",
        ),
        (
            answer(200, gzip.compress(a_page())[:-9], Content_Encoding="gzip"),
            "gzip: cut off",
        ),
        (
            answer(200, zlib.compress(a_page()), Content_Encoding="deflate"),
            "Content-Encoding deflate, which was not asked for",
        ),
    ],
    ids=["corrupt", "cut off", "not asked for"],
)
async def test_a_page_that_cannot_be_unpacked_is_an_error(
    server: FakeApiServer, source: ApiServer, script: Script, words: str
) -> None:
    """F-16: like one that breaks off; whatever came before is of no use."""
    server.then_list("services", script)

    error = await list_error(source, A_LIST)

    assert (error.status, error.detail) == (0, f"{server.url}: {words}")


async def test_a_refused_watch_is_an_error_before_any_line(
    server: FakeApiServer, source: ApiServer
) -> None:
    """Ecosystem 1.2: the status comes first; its body is no event."""
    server.then_watch("services", refusal(410, "too old", reason="Expired"))

    with pytest.raises(ApiError) as caught:
        await lines_of(source)
    assert caught.value.status == 410


# -- connections that fail


async def test_a_list_that_breaks_off_is_an_error(server: FakeApiServer, source: ApiServer) -> None:
    """F-16: half a page is none."""
    server.then_list("services", stream(b'{"metadata":', then="cut"))

    assert (await list_error(source, A_LIST)).status == 0


async def test_a_silent_list_is_given_up(server: FakeApiServer, source: ApiServer) -> None:
    """F-05: idle for 60 s, of an answer too that has begun; before it there are 10 s to connect."""
    clock = LoopClock()
    server.then_list("services", silence(), stream(b'{"metadata":', then="hang"))

    waiting = asyncio.create_task(listed(source, A_LIST))
    await until(lambda: len(server.seen) == 1)
    assert (await given_up(waiting, clock, 70)).detail == f"{server.url}: no data for 60 s"

    async with source.list(A_LIST) as parts:
        assert await anext(parts) == b'{"metadata":'
        error = await given_up(asyncio.ensure_future(anext(parts)), clock, 60)
    assert error.detail == f"{server.url}: no data for 60 s"


async def test_a_silent_watch_is_given_up(server: FakeApiServer, source: ApiServer) -> None:
    """F-04: no octet for 150 s, not even of a bookmark."""
    clock = LoopClock()
    server.then_watch("services", stream(b'{"type":"ADDED"}\n', then="hang"))

    async with source.watch(A_WATCH) as lines:
        assert await anext(lines) == b'{"type":"ADDED"}'
        error = await given_up(asyncio.ensure_future(anext(lines)), clock, 150)
    assert error.status == 0
    assert error.detail == f"{server.url}: no data for 150 s"


async def test_a_watch_that_is_not_accepted_is_given_up(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-04: connected, and not even a status for 30 s."""
    clock = LoopClock()
    server.then_watch("services", silence())

    waiting = asyncio.create_task(lines_of(source))
    await until(lambda: len(server.seen) == 1)
    error = await given_up(waiting, clock, 30)
    assert (error.status, error.silent) == (0, True)
    assert error.detail == f"{server.url}: no data for 30 s"


async def test_a_server_that_accepts_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """F-04: no connection; here 0.1 s instead of 10 s."""
    monkeypatch.setattr("kubedns_py.sources.apiserver._CONNECT_S", 0.1)
    with ExitStack() as opened:
        full = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = full.getsockname()[1]
        for _ in range(3):  # whoever comes after these is not answered
            waiting = opened.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(("127.0.0.1", port))
        url = f"http://127.0.0.1:{port}"
        async with await connect(kube_master_url=url, kubecfg_file="") as source:
            error = await list_error(source, A_LIST)

    assert (error.status, error.silent) == (0, False)
    assert error.detail == f"{url}: no connection within 0 s"


def test_the_bounds_are_those_of_the_catalogue() -> None:
    """F-04, F-05: 10 s to connect, 60 s for a list, 30 s to accept a watch, 150 s within one.

    The tests above see that they bind.
    """
    bounds = (
        apiserver._CONNECT_S,
        apiserver._LIST_IDLE_S,
        apiserver._WATCH_OPEN_S,
        apiserver._WATCH_IDLE_S,
    )

    assert bounds == (10, 60, 30, 150)


# -- lines


async def test_lines_come_whole_however_they_are_cut(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-16: packets know nothing of lines."""
    one, two = an_event("ADDED", a_service_json("web.shop")), an_event("DELETED", {})
    server.then_watch("services", stream(one[:20], one[20:] + b"\n" + two[:5], two[5:] + b"\n\n"))

    assert await lines_of(source) == [one, two]


async def test_a_line_that_is_cut_at_the_end_is_passed_on(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-16: the reflector finds it unreadable and lists again."""
    server.then_watch("services", stream(b'{"type":"A"}\n{"typ'))

    assert await lines_of(source) == [b'{"type":"A"}', b'{"typ']


async def test_a_watch_that_is_reset_is_an_error(server: FakeApiServer, source: ApiServer) -> None:
    """F-02: the whole lines before it count."""
    server.then_watch("services", stream(b'{"type":"A"}\n{"typ', then="cut"))

    async with source.watch(A_WATCH) as lines:
        assert await anext(lines) == b'{"type":"A"}'
        with pytest.raises(ApiError) as caught:
            await anext(lines)
    assert caught.value.status == 0


async def test_a_line_over_ten_megabytes_is_refused(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-16: its beginning comes out, which no one can read, and the stream ends."""
    server.then_watch("services", stream(*[b"x" * 1_000_000] * 11, b"\n{}\n"))

    assert await lines_of(source) == [b"x" * 200]


async def test_events_arrive_as_they_happen(server: FakeApiServer, source: ApiServer) -> None:
    """Nothing waits for a buffer to fill."""
    async with source.watch(A_WATCH) as lines:
        await server.watched("services")
        server.put("services", a_service_json("web.shop"))

        assert b'"name":"web"' in await anext(lines)


async def test_compressed_events_arrive_as_they_happen(
    server: FakeApiServer, source: ApiServer
) -> None:
    """An API server does not compress a watch, but a proxy may."""
    line = an_event("ADDED", a_service_json("web.shop"))
    packing = zlib.compressobj(wbits=31)
    sent = packing.compress(line + b"\n") + packing.flush(zlib.Z_SYNC_FLUSH)
    server.then_watch("services", stream(sent, then="hang", Content_Encoding="gzip"))

    async with source.watch(A_WATCH) as lines:
        assert await anext(lines) == line


async def test_what_is_left_is_closed_at_once_and_not_when_it_is_found(
    server: FakeApiServer, source: ApiServer
) -> None:
    """A generator that is only dropped is closed by a task of its own, some time later."""
    server.then_watch(
        "services", stream(an_event("ADDED", a_service_json("web.shop")) + b"\n", then="hang")
    )
    before, found = sys.get_asyncgen_hooks(), list[object]()
    sys.set_asyncgen_hooks(firstiter=before.firstiter, finalizer=found.append)
    try:
        async with source.watch(A_WATCH) as lines:
            assert await anext(lines)
        assert found == []
    finally:
        sys.set_asyncgen_hooks(*before)


async def test_a_watch_that_is_left_is_closed(
    server: FakeApiServer, source: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Ecosystem 1.6 step 10: hard, so that nothing is left unclosed."""
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        async with source.watch(A_WATCH) as lines:
            await server.watched("services")
            server.bookmark("services")
            await anext(lines)

    assert caplog.text == ""


def test_importing_the_source_does_not_import_the_client() -> None:
    """Ecosystem 1.3: it takes 64 MiB and half a second, which offline commands do not pay."""
    code = (
        "import sys, kubedns_py.sources.apiserver, kubedns_py.sources.watch;"
        "print(sorted({'aiohttp', 'kubernetes_asyncio'} & set(sys.modules)))"
    )

    command = [sys.executable, "-c", code]
    found = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own

    assert found.stdout.strip() == "[]"
