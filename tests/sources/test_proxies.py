"""Proxies on the way to the API server, real ones on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trustme

from kubedns_py.errors import HttpError
from kubedns_py.sources.client_library import Configuration
from kubedns_py.sources.connections import Origin
from kubedns_py.sources.http_client import HttpClient
from kubedns_py.sources.proxies import Proxy, proxy_for
from tests.helpers.http_script import Said, ok, scripted

WAIT_S = 5.0
HTTP, HTTPS = Origin("http", "api.example", 80), Origin("https", "api.example", 443)
VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


# -- which one


@pytest.mark.parametrize(
    ("environment", "origin", "expected"),
    [
        ({}, HTTPS, None),
        ({"HTTPS_PROXY": "http://p:3128"}, HTTPS, Origin("http", "p", 3128)),
        ({"https_proxy": "https://p"}, HTTPS, Origin("https", "p", 443)),
        ({"HTTPS_PROXY": "http://p:3128"}, HTTP, None),
        ({"HTTP_PROXY": "http://p:3128"}, HTTP, Origin("http", "p", 3128)),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "example"}, HTTPS, None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "*"}, HTTPS, None),
        ({"HTTPS_PROXY": "http://p:3128", "NO_PROXY": "a.b"}, HTTPS, Origin("http", "p", 3128)),
        ({"HTTPS_PROXY": ""}, HTTPS, None),
    ],
)
def test_the_environment_names_a_proxy(
    environment: Mapping[str, str],
    origin: Origin,
    expected: Origin | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As for curl, and for what read it before."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    found = proxy_for(origin, None)

    assert (found and found.origin) == expected


def test_the_kubeconfigs_proxy_comes_before_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``proxy-url``, as kubectl reads it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    monkeypatch.setenv("NO_PROXY", "*")

    found = proxy_for(HTTPS, "http://u:p@proxy:3128")

    assert found == Proxy(Origin("http", "proxy", 3128), {"Proxy-Authorization": "Basic dTpw"})


@pytest.mark.parametrize(
    "url",
    [
        *("socks5://u:secret@p", "p:3128", "http://u:secret@:1", "http://["),
        *("http://u:secret/1@p:3128", "http://u:secret@\u2100", "http://u:secret\ud800@p"),
    ],
)
def test_a_proxy_that_cannot_be_asked_is_said_without_its_password(url: str) -> None:
    """One line; SOCKS is none of ours."""
    with pytest.raises(HttpError, match=r"the proxy is not an? ") as caught:
        proxy_for(HTTPS, url)
    assert "secret" not in str(caught.value)


# -- through it


@asynccontextmanager
async def a_tunnel(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """Run a proxy that opens tunnels; yield its port and the requests that it had."""
    heads: list[str] = []
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(65_536):
                writer.write(octets)
                await writer.drain()
        except ConnectionError:
            pass  # one side has left
        finally:
            writers.add(writer)
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heads.append(head)
        host, _, port = head.split()[1].rpartition(":")
        there = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        ways = [pump(reader, there[1]), pump(there[0], writer)]
        tasks.update(map(asyncio.create_task, ways))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], heads
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*tasks), WAIT_S)
        for each in writers:
            with suppress(OSError):
                await each.wait_closed()


def a_context(ca: trustme.CA, name: str) -> ssl.SSLContext:
    """Return a server's context with a certificate of an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


async def twice(configuration: Configuration, url: str) -> list[bytes]:
    """Return what two requests bring, one after the other."""
    client = HttpClient(configuration)
    found = []
    try:
        for _ in range(2):
            async with client.get(url, {}, connect_s=WAIT_S) as response:
                found.append(b"".join([each async for each in response.body(WAIT_S)]))
    finally:
        client.close()
    return found


@pytest.mark.parametrize("is_secure", [False, True], ids=["http proxy", "https proxy"])
async def test_tls_goes_through_a_tunnel(tmp_path: Path, *, is_secure: bool) -> None:
    """RFC 9110, 9.3.6: the proxy learns a host and a port; the certificate is the server's.

    A proxy with TLS to itself has its own, of the same authority, as for kubectl.
    """
    ca = trustme.CA()
    authority = str(tmp_path / "ca.crt")
    ca.cert_pem.write_to_path(authority)
    tls = a_context(ca, "localhost") if is_secure else None
    async with (
        scripted(ok(b"one"), ok(b"two"), tls=a_context(ca, "127.0.0.1")) as server,
        a_tunnel(tls) as (port, heads),
    ):
        scheme = "https" if is_secure else "http"
        configuration = Configuration(
            ssl_ca_cert=authority, proxy=f"{scheme}://u:p@localhost:{port}"
        )
        url = f"https://127.0.0.1:{server.port}/api"

        assert await twice(configuration, url) == [b"one", b"two"]

    at = f"127.0.0.1:{server.port}"
    assert heads == [
        f"CONNECT {at} HTTP/1.1\r\nHost: {at}\r\nProxy-Authorization: Basic dTpw\r\n\r\n"
    ]
    assert server.requests == [(0, ["GET /api HTTP/1.1", f"Host: {at}"])] * 2


async def test_a_certificate_is_looked_at_behind_a_tunnel_too() -> None:
    """Otherwise a proxy could read everything."""
    async with (
        scripted(ok(), tls=a_context(trustme.CA(), "127.0.0.1")) as server,
        a_tunnel() as (port, _),
    ):
        configuration = Configuration(proxy=f"http://localhost:{port}")
        with pytest.raises(ssl.SSLCertVerificationError):
            await twice(configuration, f"https://127.0.0.1:{server.port}/api")

    assert server.requests == []


async def test_a_proxy_may_refuse_a_tunnel() -> None:
    """Its words are told."""
    async with scripted(ok(b"who are you", status="407 Proxy Authentication Required")) as proxy:
        configuration = Configuration(proxy=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(HttpError) as caught:
            await twice(configuration, "https://api.example/api")

    assert str(caught.value) == "the proxy refuses: 407 Proxy Authentication Required"
    assert proxy.lines == ["CONNECT api.example:443 HTTP/1.1"]


async def test_a_proxy_may_close_a_tunnel_before_there_is_tls_in_it() -> None:
    """An error like any other."""
    async with scripted(Said(b"HTTP/1.1 200 OK\r\n\r\n", closes=True)) as proxy:
        configuration = Configuration(proxy=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ConnectionError):
            await twice(configuration, "https://api.example/api")

    assert proxy.lines == ["CONNECT api.example:443 HTTP/1.1"]


async def test_without_tls_the_proxy_is_asked_for_the_resource(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RFC 9112, 3.2.2."""
    async with scripted(ok(b"one"), ok(b"two")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://u:p@127.0.0.1:{proxy.port}")

        assert await twice(Configuration(), "http://api.example/a?b") == [b"one", b"two"]

    lines = [
        "GET http://api.example/a?b HTTP/1.1",
        "Host: api.example",
        "Proxy-Authorization: Basic dTpw",
    ]
    assert proxy.requests == [(0, lines), (0, lines)]
