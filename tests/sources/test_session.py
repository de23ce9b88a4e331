"""Rotation of tokens and certificates, against a server with TLS."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from aiohttp import web

from kubedns_py.cluster.reflector import ListRequest, WatchRequest
from kubedns_py.cluster.resources import Resource
from kubedns_py.errors import ApiError, StartError
from kubedns_py.sources.apiserver import ApiServer, connect
from kubedns_py.sources.credentials import loader
from kubedns_py.sources.session import Session
from tests.helpers.builders import a_page
from tests.helpers.fake_apiserver import FakeApiServer, answer, refusal
from tests.helpers.lists import listed

OLD_CA = trustme.CA()
NEW_CA = trustme.CA()
A_LIST = ListRequest(Resource.SERVICES, 500, "")
A_WATCH = WatchRequest(Resource.SERVICES, "7", timeout_s=300)


def tls(ca: trustme.CA) -> ssl.SSLContext:
    """Return a server's context with a certificate of an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    return context


@dataclass
class Pod:
    """A server that speaks TLS, and a source with a service account in a directory."""

    server: FakeApiServer
    directory: Path

    @property
    def token(self) -> Path:
        """The token's file."""
        return self.directory / "token"

    @property
    def certificate(self) -> Path:
        """The authority's file."""
        return self.directory / "ca.crt"

    @asynccontextmanager
    async def source(self) -> AsyncIterator[ApiServer]:
        """Run a source in the Pod."""
        environment = {
            "KUBERNETES_SERVICE_HOST": "localhost",
            "KUBERNETES_SERVICE_PORT": str(self.server.port),
        }
        session = Session(loader("", "", environment, self.directory))
        async with await ApiServer.begin(session, labels="") as source:
            yield source


@pytest.fixture
async def pod(tmp_path: Path) -> AsyncIterator[Pod]:
    """A Pod whose credentials are good."""
    async with FakeApiServer(token="one", tls=tls(OLD_CA)) as server:
        started = Pod(server, tmp_path)
        started.token.write_text("one")
        OLD_CA.cert_pem.write_to_path(str(started.certificate))
        yield started


async def test_a_new_token_is_used_by_the_next_request(pod: Pod) -> None:
    """F-11: well within 60 s; nothing is refused in between."""
    async with pod.source() as source:
        await listed(source, A_LIST)
        pod.token.write_text("second")
        pod.server.token = "second"

        await listed(source, A_LIST)

    assert len(pod.server.seen) == 2


async def test_a_refused_token_is_read_again_and_tried_once_more_at_once(pod: Pod) -> None:
    """F-11: the file changed while the request was on its way."""

    async def refuse_while_rotating(request: web.Request) -> web.StreamResponse:
        pod.token.write_text("second")
        pod.server.token = "second"
        return await refusal(401, "Unauthorized")(request)

    pod.server.then_list("services", refuse_while_rotating, answer(200, a_page()))

    async with pod.source() as source:
        assert await listed(source, A_LIST) == a_page()

    sent = [each.headers["Authorization"] for each in pod.server.seen]
    assert sent == ["Bearer one", "Bearer second"]


async def test_a_plugin_that_names_no_expiry_is_asked_again_when_its_token_is_refused(
    tmp_path: Path,
) -> None:
    """F-11, ecosystem 1.3: no file has changed, and no time has passed."""
    api = "client.authentication.k8s.io/v1"
    token = tmp_path / "issued"
    token.write_text("one")
    plugin = tmp_path / "plugin"
    body = '{"apiVersion":"%s","kind":"ExecCredential","status":{"token":"%s"}}'
    plugin.write_text(f"#!/bin/sh\nprintf '{body}' {api} \"$(cat {token})\"\n")
    plugin.chmod(0o700)
    async with FakeApiServer(token="one") as server:
        config = tmp_path / "config"
        config.write_text(
            json.dumps(
                {
                    "current-context": "x",
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "clusters": [{"name": "c", "cluster": {"server": server.url}}],
                    "users": [
                        {"name": "u", "user": {"exec": {"apiVersion": api, "command": str(plugin)}}}
                    ],
                }
            )
        )
        async with await connect(kube_master_url="", kubecfg_file=str(config)) as source:
            await listed(source, A_LIST)
            token.write_text("second")
            server.token = "second"

            await listed(source, A_LIST)

    sent = [each.headers["Authorization"] for each in server.seen]
    assert sent == ["Bearer one", "Bearer one", "Bearer second"]


async def test_a_token_that_stays_refused_is_an_error_after_the_second_time(pod: Pod) -> None:
    """F-11: the waiting is the reflector's."""
    pod.server.token = "other"

    async with pod.source() as source:
        with pytest.raises(ApiError, match="token rejected, also when read again") as caught:
            await listed(source, A_LIST)

    assert caught.value.status == 401
    assert len(pod.server.seen) == 2


@pytest.mark.parametrize("damage", ["missing", "empty"])
async def test_a_token_file_that_is_away_for_a_moment_costs_nothing(
    pod: Pod, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    """F-14: what is in memory is kept, with a WARN, once; then the new one counts."""
    async with pod.source() as source:
        if damage == "missing":
            pod.token.unlink()
        else:
            pod.token.write_text("")
        await listed(source, A_LIST)
        await listed(source, A_LIST)
        assert [each.levelname for each in caplog.records] == ["WARNING"]
        assert caplog.messages[0].endswith("; keeping what we had")

        pod.token.write_text("second")
        pod.server.token = "second"
        await listed(source, A_LIST)


async def test_a_new_authority_is_used_by_the_next_request(pod: Pod) -> None:
    """F-13: refused until the file changes, accepted at once when it has."""
    async with pod.source() as source:
        await listed(source, A_LIST)
        await pod.server.stop()
        pod.server.tls = tls(NEW_CA)
        await pod.server.start()
        with pytest.raises(ApiError, match="certificate verify failed"):
            await listed(source, A_LIST)

        NEW_CA.cert_pem.write_to_path(str(pod.certificate))
        await listed(source, A_LIST)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nMIIB"])
async def test_an_authority_half_written_changes_nothing(
    pod: Pod, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """F-14: the old client stays."""
    async with pod.source() as source:
        await listed(source, A_LIST)
        pod.certificate.write_bytes(content)

        await listed(source, A_LIST)

    assert [each.levelname for each in caplog.records] == ["WARNING"]


async def test_an_open_watch_outlives_its_client(
    pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    """F-13: a new authority is no reason to break off what works."""
    caplog.set_level(logging.INFO)
    async with pod.source() as source:
        async with source.watch(A_WATCH) as lines:
            await pod.server.watched("services")
            both = OLD_CA.cert_pem.bytes() + NEW_CA.cert_pem.bytes()
            pod.certificate.write_bytes(both)
            await listed(source, A_LIST)
            assert "credentials: new certificates are in use" in caplog.messages

            pod.server.bookmark("services")
            assert b"BOOKMARK" in await anext(lines)
        await listed(source, A_LIST)


async def test_a_start_with_a_bad_authority_is_said(pod: Pod) -> None:
    """Bad input gets one clear line."""
    pod.certificate.write_text("nonsense")

    with pytest.raises(StartError, match=r"^certificates \(.*ca\.crt\): "):
        async with pod.source():
            pass
