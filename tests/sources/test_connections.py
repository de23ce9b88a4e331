"""What the kernel is told about connections to the API server, read back from real ones."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from kubedns_py.cluster.reflector import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import HttpError
from kubedns_py.sources.apiserver import ApiServer
from kubedns_py.sources.client_library import Configuration
from kubedns_py.sources.connections import (
    Origin,
    basic_of,
    open_connection,
    open_socket,
    origin_of,
)
from kubedns_py.sources.http_client import HttpClient
from tests.helpers.fake_apiserver import FakeApiServer, silence
from tests.helpers.lists import listed
from tests.helpers.waiting import until

A_LIST = ListRequest(Resource.SERVICES, 500, "")
A_WATCH = WatchRequest(Resource.SERVICES, "7", timeout_s=300)
TCP = socket.IPPROTO_TCP


@contextmanager
def sockets_to(port: int) -> Iterator[list[socket.socket]]:
    """Lend copies of this process's connections to a port of loopback."""
    found = []
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not files
        with suppress(OSError):
            if not os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):  # noqa: PTH115 - same
                continue
            copy = socket.socket(fileno=os.dup(int(name)))
            try:
                peer = copy.getpeername()
            except OSError:
                peer = None
            if peer and peer[1:2] == (port,):
                found.append(copy)
            else:
                copy.close()
    try:
        yield found
    finally:
        for each in found:
            each.close()


def options_to(port: int) -> list[dict[str, int]]:
    """Return what the kernel does about each connection to a port: seconds, milliseconds, times."""
    with sockets_to(port) as found:
        once = {each.getsockname(): each for each in found}  # a number of the listing may be a copy
        return [
            {
                "keepalive": each.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                "idle_s": each.getsockopt(TCP, socket.TCP_KEEPIDLE),
                "between_s": each.getsockopt(TCP, socket.TCP_KEEPINTVL),
                "probes": each.getsockopt(TCP, socket.TCP_KEEPCNT),
                "unanswered_ms": each.getsockopt(TCP, socket.TCP_USER_TIMEOUT),
            }
            for each in once.values()
        ]


WATCHED = {"keepalive": 1, "idle_s": 20, "between_s": 5, "probes": 2, "unanswered_ms": 30_000}


async def test_a_request_without_an_answer_is_watched_by_the_kernel_already(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-04: packets that vanish are noticed within 30 s, before any status came too."""
    server.then_list("services", silence())
    asking = asyncio.create_task(listed(source, A_LIST))
    await until(lambda: bool(server.seen))

    assert options_to(server.port) == [WATCHED]
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_watch_is_watched_by_the_kernel(server: FakeApiServer, source: ApiServer) -> None:
    """F-04: it is silent for most of its life."""
    async with source.watch(A_WATCH):
        await server.watched("services")

        assert options_to(server.port) == [WATCHED]


def a_server_context(ca: trustme.CA) -> ssl.SSLContext:
    """Return a TLS server's context with a certificate of an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    return context


async def status_of(configuration: Configuration) -> int:
    """Return the status of a list over new connections."""
    client = HttpClient(configuration)
    try:
        async with client.get(f"{configuration.host}/api/v1/services", {}, connect_s=5) as response:
            return response.status
    finally:
        client.close()


async def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    """Ecosystem 1.3: kubeconfigs of administrators have one, and no token."""
    ca = trustme.CA()
    context = a_server_context(ca)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    shown = ca.issue_cert("admin")
    authority, certificate = str(tmp_path / "ca.crt"), str(tmp_path / "client.pem")
    ca.cert_pem.write_to_path(authority)
    shown.private_key_and_cert_chain_pem.write_to_path(certificate)

    async with FakeApiServer(tls=context) as server:
        configuration = Configuration(f"https://localhost:{server.port}", ssl_ca_cert=authority)
        with pytest.raises((ssl.SSLError, ConnectionError, HttpError)):
            await status_of(configuration)
        configuration.cert_file = configuration.key_file = certificate

        assert await status_of(configuration) == 200


async def test_a_server_is_only_believed_unseen_where_the_kubeconfig_says_so() -> None:
    """Ecosystem 1.3: insecure-skip-tls-verify."""
    async with FakeApiServer(tls=a_server_context(trustme.CA())) as server:
        host = f"https://localhost:{server.port}"
        with pytest.raises(ssl.SSLCertVerificationError):
            await status_of(Configuration(host))

        assert await status_of(Configuration(host, verify_ssl=False)) == 200


async def test_a_certificate_may_be_for_another_name(tmp_path: Path) -> None:
    """Ecosystem 1.3: ``tls-server-name``, as for a server behind a load balancer."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("kubernetes.default").configure_cert(context)
    authority = str(tmp_path / "ca.crt")
    ca.cert_pem.write_to_path(authority)

    async with FakeApiServer(tls=context) as server:
        configuration = Configuration(f"https://localhost:{server.port}", ssl_ca_cert=authority)
        with pytest.raises(ssl.SSLCertVerificationError):
            await status_of(configuration)
        for name in ("kubernetes.default", "kubernetes.default."):
            configuration.tls_server_name = name

            assert await status_of(configuration) == 200


@pytest.mark.parametrize("name", [".a", "a..b", "a b", "a" * 64])
def test_a_name_that_no_certificate_can_have_is_said_at_once(name: str) -> None:
    """Not at each connection, and from inside of asyncio, with a socket left open."""
    with pytest.raises(ValueError, match=r"label|characters"):
        HttpClient(Configuration("https://localhost", tls_server_name=name))


@pytest.mark.parametrize(
    ("url", "expected", "authority"),
    [
        ("https://a.example", Origin("https", "a.example", 443), "a.example:443"),
        ("http://A.example:8080/k8s/x?y", Origin("http", "a.example", 8080), "a.example:8080"),
        ("https://u:p@[fd00::1]:6443", Origin("https", "fd00::1", 6443), "[fd00::1]:6443"),
        ("http://[fe80::1%25lo]", Origin("http", "fe80::1%25lo", 80), "[fe80::1%25lo]:80"),
        (
            "https://b\u00fccher.de",
            Origin("https", "xn--bcher-kva.de", 443),
            "xn--bcher-kva.de:443",
        ),
        ("https://a.example.:443", Origin("https", "a.example.", 443), "a.example.:443"),
    ],
)
def test_a_url_names_a_host_and_a_port(url: str, expected: Origin, authority: str) -> None:
    """RFC 3986, 3.2; RFC 5890, 2.3.2.1: names in ASCII."""
    assert origin_of(url) == expected
    assert expected.authority == authority


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        (Origin("https", "a.example", 443), "a.example"),
        (Origin("http", "fd00::1", 80), "[fd00::1]"),
        (Origin("https", "a.example", 80), "a.example:80"),
        (Origin("http", "a.example", 8080), "a.example:8080"),
    ],
)
def test_a_port_that_goes_without_saying_is_not_said(origin: Origin, named: str) -> None:
    """RFC 9110, 7.2: what routes by Host knows the name alone, as browsers and kubectl send it."""
    assert origin.named == named


def test_a_certificate_has_no_dot_at_the_end_of_a_name() -> None:
    """RFC 6066, 3: for DNS it says that no search list is wanted."""
    assert Origin("https", "kubernetes.default.svc.", 443).certified == "kubernetes.default.svc"


@pytest.mark.parametrize(
    "url",
    [
        *("a", "ftp://a", "http:///a", "http://a:b", "http://[", "//a", "http://a:0"),
        *("http://a..b", "http://.a", f"http://{'a' * 64}", "http://a\udcff", "http://a b"),
        *("http://a\0b", "http://\u2488.a", f"http://[::1%{'a' * 64}]"),
    ],
)
def test_a_url_that_names_nobody_is_an_error(url: str) -> None:
    """Of one line, and no ValueError."""
    with pytest.raises(HttpError, match="not a"):
        origin_of(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a", ""),
        ("http://u:p%40%3A@a", "Basic dTpwQDo="),
        ("http://u@a", "Basic dTo="),
        ("http://u:\udcff@a", "Basic dTr/"),
    ],
)
def test_a_url_may_say_who_asks(url: str, expected: str) -> None:
    """RFC 7617, 2; octets of an environment that are no UTF-8 go as they are."""
    assert basic_of(url) == expected


def test_who_asks_may_be_no_text() -> None:
    """A YAML file can name halves of characters."""
    with pytest.raises(HttpError, match="no text") as caught:
        basic_of("http://u:secret\ud800@a")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_address_is_connected_to_without_a_thread(
    server: FakeApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may all be taken: by a resolver that does not answer, or by what a start imports."""

    async def none_left(*_: object, **__: object) -> None:
        raise AssertionError("a thread is asked")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", none_left)
    opened = await open_connection(Origin("http", "127.0.0.1", server.port), None)
    opened.close()


async def test_a_name_is_looked_up(server: FakeApiServer) -> None:
    """In a thread, for that may last."""
    opened = await open_connection(Origin("http", "localhost", server.port), None)

    assert opened.is_open
    opened.close()


def test_a_socket_is_of_the_family_that_was_found() -> None:
    """Both families, as getaddrinfo names them."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with open_socket((family, socket.SOCK_STREAM, TCP, "", ("::1", 443))) as opened:
            assert (opened.family, opened.type) == (family, socket.SOCK_STREAM)


async def test_what_is_not_read_yet_is_not_fetched(
    server: FakeApiServer, source: ApiServer
) -> None:
    """F-06: a state of 30 MB on its way is not 4 MB of memory for each resource."""
    sent = Sent()
    server.then_watch("services", sent.for_ever)

    async with source.watch(A_WATCH) as lines:
        first = await anext(lines)
        await until(sent.stands_still)
        held = len(first.replace(b"\n", b""))
        turned = asyncio.Event()
        asyncio.get_running_loop().call_soon(turned.set)
        while not turned.is_set():  # lines that are here come without a turn of the loop
            held += len((await anext(lines)).replace(b"\n", b""))

    assert 0 < held < 500_000


@dataclass
class Sent:
    """A server that sends lines without end, as fast as they are taken."""

    octets: int = 0
    looks: int = 0
    seen: int = 0

    async def for_ever(self, request: web.Request) -> web.StreamResponse:
        """Send."""
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b'{"type":"ADDED"}\n' * 1000)
                self.octets += 17_000
        return response

    def stands_still(self) -> bool:
        """Tell whether nothing was taken for twenty looks."""
        self.looks = self.looks + 1 if self.octets == self.seen else 0
        self.seen = self.octets
        return self.looks >= 20
