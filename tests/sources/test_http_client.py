"""Requests to a server: connections used again, and where a server sends us."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import trustme

from kubedns_py.errors import HttpError
from kubedns_py.sources.client_library import Configuration
from kubedns_py.sources.http_client import MOST_REDIRECTS, HttpClient
from tests.helpers.http_script import HttpScript, Said, ok, scripted
from tests.helpers.separately import printed

WAIT_S = 5.0
TOKEN = {"Authorization": "Bearer secret"}


async def body_of(client: HttpClient, url: str, headers: dict[str, str] | None = None) -> bytes:
    """Return what a server answers."""
    async with client.get(url, headers or {}, connect_s=WAIT_S) as response:
        return b"".join([each async for each in response.body(WAIT_S)])


def url_of(server: HttpScript, path: str = "/") -> str:
    """Return a URL of it."""
    return f"http://127.0.0.1:{server.port}{path}"


def connections_of(server: HttpScript) -> list[int]:
    """Return the number of the connection of each request."""
    return [number for number, _ in server.requests]


async def test_a_request_names_the_host_and_what_it_is_for() -> None:
    """RFC 9112, 3.2: the path as it is, and nothing but what was said."""
    async with scripted(ok(), ok()) as server:
        client = HttpClient(Configuration())
        await body_of(client, url_of(server, "/k8s/c-1/api?limit=5&continue=a%2Fb"), TOKEN)
        await body_of(client, f"http://127.0.0.1:{server.port}")
        client.close()

    first, second = [lines for _, lines in server.requests]
    host = f"Host: 127.0.0.1:{server.port}"
    assert first == [
        "GET /k8s/c-1/api?limit=5&continue=a%2Fb HTTP/1.1",
        host,
        "Authorization: Bearer secret",
    ]
    assert second == ["GET / HTTP/1.1", host]


async def test_it_is_told_when_a_request_has_gone_out() -> None:
    """Whoever has other things to do may do them now: nothing has come back yet."""
    told: list[int] = []
    asked = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()  # until the client leaves
        writer.close()

    listening = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with listening:
        client = HttpClient(Configuration())
        client.on_sent = lambda: told.append(1)
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        asking = asyncio.create_task(body_of(client, url))
        await asyncio.wait_for(asked.wait(), 9)

        assert told == [1]
        assert not asking.done()
        asking.cancel()
        await asyncio.wait([asking])


async def test_what_a_request_asks_for_is_escaped() -> None:
    """RFC 3986, 2: a space would end it; what is escaped stays so."""
    async with scripted(to("/b c?d e=\xfc"), ok()) as server:
        client = HttpClient(Configuration())
        await body_of(client, url_of(server, "/a b\xfc/%41?b=c+d&e=%2F"))
        client.close()

    assert server.lines == [
        "GET /a%20b%C3%BC/%41?b=c+d&e=%2F HTTP/1.1",
        "GET /b%20c?d%20e=%C3%BC HTTP/1.1",
    ]


async def test_who_asks_may_stand_in_the_url() -> None:
    """RFC 7617; what a kubeconfig says beside it comes first."""
    async with scripted(ok(), ok()) as server:
        client = HttpClient(Configuration())
        url = f"http://u:p@127.0.0.1:{server.port}/"
        await body_of(client, url)
        await body_of(client, url, TOKEN)
        client.close()

    host = f"Host: 127.0.0.1:{server.port}"
    assert [lines[1:] for _, lines in server.requests] == [
        [host, "Authorization: Basic dTpw"],
        [host, "Authorization: Bearer secret"],
    ]


# -- connections


async def test_a_connection_is_used_again_when_its_answer_is_whole() -> None:
    """A list and its watch need one."""
    async with scripted(ok(), ok(), ok()) as server:
        client = HttpClient(Configuration())
        for _ in range(3):
            assert await body_of(client, url_of(server)) == b"{}"
        client.close()

    assert connections_of(server) == [0, 0, 0]


async def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    """And each of these is used again."""
    async with scripted(*[ok()] * 4) as server:
        client = HttpClient(Configuration())
        async with client.get(url_of(server), {}, connect_s=WAIT_S) as one:
            await body_of(client, url_of(server))
            assert [each async for each in one.body(WAIT_S)] == [b"{}"]
        await body_of(client, url_of(server))
        await body_of(client, url_of(server))
        client.close()

    assert connections_of(server)[:2] == [0, 1]
    assert set(connections_of(server)) == {0, 1}


async def test_a_connection_with_octets_to_come_is_closed_when_its_answer_is_left() -> None:
    """Ecosystem 1.6 step 10: a watch."""
    async with scripted(ok(b"abc")[:-1], ok()) as server:
        client = HttpClient(Configuration())
        async with client.get(url_of(server), {}, connect_s=WAIT_S) as response:
            assert response.status == 200
        await body_of(client, url_of(server))
        client.close()

    assert connections_of(server) == [0, 1]


@pytest.mark.parametrize("closing", [[Said(ok(), closes=True)], [ok(), Said(b"", closes=True)]])
async def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
    closing: list[bytes | Said],
) -> None:
    """RFC 9112, 9.3.1: it may do so before it is asked again, and while it is."""
    async with scripted(*closing, ok(b"again")) as server:
        client = HttpClient(Configuration())
        assert await body_of(client, url_of(server)) == b"{}"
        assert await body_of(client, url_of(server)) == b"again"
        client.close()


async def test_a_server_that_closes_new_connections_is_not_asked_for_ever() -> None:
    """Once is enough to know."""
    async with scripted(ok()) as server:
        client = HttpClient(Configuration())
        await body_of(client, url_of(server))
        with pytest.raises(HttpError, match="closed without an answer"):
            await body_of(client, url_of(server))
        client.close()

    assert connections_of(server) == [0, 0, 1]


async def test_few_connections_wait_to_be_used_again() -> None:
    """Each costs the server something."""
    async with scripted(*[ok()] * 40) as server:
        client = HttpClient(Configuration())
        await _nested(client, url_of(server), 12)
        before = server.connections
        await _nested(client, url_of(server), 12)
        client.close()

    assert (before, server.connections) == (12, 16)


async def _nested(client: HttpClient, url: str, depth: int) -> None:
    if depth:
        async with client.get(url, {}, connect_s=WAIT_S) as response:
            await _nested(client, url, depth - 1)
            assert [each async for each in response.body(WAIT_S)] == [b"{}"]


async def test_what_is_under_way_outlives_the_end_of_the_client() -> None:
    """F-14: a watch goes on; its connection is closed behind it."""
    async with scripted(ok(), ok()) as server:
        client = HttpClient(Configuration())
        async with client.get(url_of(server), {}, connect_s=WAIT_S) as response:
            client.close()
            assert [each async for each in response.body(WAIT_S)] == [b"{}"]
        await body_of(client, url_of(server))

    assert connections_of(server) == [0, 1]


# -- being sent elsewhere


def to(url: str, status: str = "302 Found") -> bytes:
    """Return an answer that sends elsewhere."""
    return ok(b"", f"Location: {url}", status=status)


@pytest.mark.parametrize("status", ["301 a", "302 b", "303 c", "307 d", "308 e"])
async def test_a_redirect_is_followed(status: str) -> None:
    """RFC 9110, 15.4: to a path of the same server."""
    async with scripted(to("/there?a=b", status), ok(b"here")) as server:
        client = HttpClient(Configuration())
        assert await body_of(client, url_of(server, "/api"), TOKEN) == b"here"
        client.close()

    assert server.lines == ["GET /api HTTP/1.1", "GET /there?a=b HTTP/1.1"]
    assert all("Authorization: Bearer secret" in lines for _, lines in server.requests)


async def test_an_authorization_stays_with_the_server_that_it_is_for() -> None:
    """RFC 9110, 15.4: another one must not learn it."""
    async with scripted(ok(b"other")) as other, scripted(to(url_of(other, "/x"))) as server:
        client = HttpClient(Configuration())
        assert await body_of(client, url_of(server), {"Accept": "*/*", **TOKEN}) == b"other"
        client.close()

    assert other.requests == [
        (0, ["GET /x HTTP/1.1", f"Host: 127.0.0.1:{other.port}", "Accept: */*"])
    ]


async def test_who_asks_is_known_where_the_same_server_sends_us_to_itself() -> None:
    """RFC 9110, 15.4: its URL does not say it again."""
    async with scripted(b"", ok()) as server:
        server.answers[0].octets = to(url_of(server, "/there"))
        client = HttpClient(Configuration())
        await body_of(client, f"http://u:p@127.0.0.1:{server.port}/")
        client.close()

    assert ["Authorization: Basic dTpw" in lines for _, lines in server.requests] == [True, True]


async def test_servers_that_send_us_in_a_circle_are_left() -> None:
    """An error, which has a backoff."""
    async with scripted(*[to("/")] * (MOST_REDIRECTS + 1)) as server:
        client = HttpClient(Configuration())
        with pytest.raises(HttpError, match=f"redirected more than {MOST_REDIRECTS} times"):
            await body_of(client, url_of(server))
        client.close()

    assert not server.answers


@pytest.mark.parametrize("location", ["ftp://a/", "http://:80/", "http://a:x/", "http://[/"])
async def test_a_redirect_to_nowhere_is_an_error(location: str) -> None:
    """Of one line."""
    async with scripted(to(location)) as server:
        client = HttpClient(Configuration())
        with pytest.raises(HttpError, match="not a"):
            await body_of(client, url_of(server))
        client.close()


async def test_a_status_that_sends_nowhere_is_an_answer() -> None:
    """304, or a redirect without a place."""
    async with scripted(ok(b"x", status="302 Found")) as server:
        client = HttpClient(Configuration())
        async with client.get(url_of(server), {}, connect_s=WAIT_S) as response:
            assert response.status == 302
        client.close()


# -- TLS


def test_the_certificates_of_the_system_count_where_no_others_are_named(tmp_path: Path) -> None:
    """A kubeconfig without an authority."""
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    code = """if True:
        from kubedns_py.sources.client_library import Configuration
        from kubedns_py.sources.connections import tls_context
        print(len(tls_context(Configuration()).get_ca_certs()))
    """

    assert printed(code, SSL_CERT_FILE=str(authority)) == "1"
