"""What every failure becomes: one line that names the server and says what is wrong."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from kubedns_py.cluster.requests import ListRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.sources.apiserver import ApiServer, connect
from tests.helpers.builders import a_status, octets
from tests.helpers.fake_apiserver import FakeApiServer, answer, refusal
from tests.helpers.lists import list_error

A_LIST = ListRequest(Resource.SERVICES, 500, "")


async def test_a_refusal_tells_the_servers_words(server: FakeApiServer, source: ApiServer) -> None:
    """F-12: the message names the account; the URL says which server it was."""
    server.then_list(
        "services", refusal(403, 'services is forbidden: User "x"', reason="Forbidden")
    )

    error = await list_error(source, A_LIST)

    assert error.status == 403
    assert error.detail == f'{server.url}: Forbidden: services is forbidden: User "x"'


async def test_a_compressed_refusal_tells_the_same(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-12: a proxy may compress what is small, too; one that is corrupt has its status left."""
    body = gzip.compress(octets(a_status(403, "no", reason="Forbidden")))
    for each in (body, body[9:]):
        server.then_list("services", answer(403, each, Content_Encoding="gzip"))

    errors = [await list_error(source, A_LIST), await list_error(source, A_LIST)]

    assert [each.status for each in errors] == [403, 403]
    assert [each.detail for each in errors] == [
        f"{server.url}: Forbidden: no",
        f"{server.url}: Forbidden",
    ]


async def test_a_page_of_html_is_cut_and_escaped(server: FakeApiServer, source: ApiServer) -> None:
    """F-10: at most 200 characters, and none that moves a cursor."""
    body = b"<html>\n\x1b[31m" + b"x" * 5000
    server.then_list("services", answer(502, body, content_type="text/html"))

    error = await list_error(source, A_LIST)

    assert error.status == 502
    assert error.detail.startswith(server.url + r": <html>\n\x1b[31mxxx")
    assert error.detail.isprintable()
    assert len(error.detail) < 250


async def test_an_empty_refusal_tells_its_reason(server: FakeApiServer, source: ApiServer) -> None:
    """F-10: something is always said."""
    server.then_list("services", answer(504))

    assert (await list_error(source, A_LIST)).detail == f"{server.url}: Gateway Timeout"


@pytest.mark.parametrize(("header", "expected"), [("5", 5.0), ("soon", None), ("-1", None)])
async def test_the_wish_to_wait_is_told(
    server: FakeApiServer, source: ApiServer, header: str, expected: float | None
) -> None:
    """F-09: Retry-After in seconds."""
    server.then_list("services", refusal(429, "slow down", Retry_After=header))

    assert (await list_error(source, A_LIST)).retry_after_s == expected


async def test_a_server_that_is_not_there_is_told_with_its_error_number(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-01: URL and errno."""
    await server.stop()

    error = await list_error(source, A_LIST)

    assert error.status == 0
    assert error.detail == f"{server.url}: Connection refused (errno 111)"


async def test_what_lets_us_in_is_not_told(server: FakeApiServer) -> None:
    """Errors are logged: a URL is told without the password in it."""
    await server.stop()
    url = server.url.replace("://", "://u:se%40cret@") + "/k8s/@1"

    async with await connect(kube_master_url=url, kubecfg_file="") as source:
        error = await list_error(source, A_LIST)

    assert error.detail == f"{server.url}/k8s/@1: Connection refused (errno 111)"


async def test_a_host_that_is_not_known_is_told_once() -> None:
    """In the resolver's words, and with its number."""
    async with await connect(
        kube_master_url="http://[fe80::1%nowhere]:1", kubecfg_file=""
    ) as source:
        error = await list_error(source, A_LIST)

    assert error.detail == "http://[fe80::1%nowhere]:1: Name or service not known (errno -2)"


async def test_a_server_that_leaves_before_there_is_tls_is_told() -> None:
    """The event loop has no words for it."""

    async def leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.close()

    listening = await asyncio.start_server(leave, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening, await connect(kube_master_url=url, kubecfg_file="") as source:
        error = await list_error(source, A_LIST)

    assert error.detail == f"{url}: ConnectionResetError: the connection was closed"


async def test_a_name_that_is_none_is_an_error_like_any_other() -> None:
    """F-01: what has a backoff, and no accident of ours."""
    async with await connect(kube_master_url="http://a..b", kubecfg_file="") as source:
        error = await list_error(source, A_LIST)

    assert error.detail == "http://a..b: not a URL: its host or port is none"
