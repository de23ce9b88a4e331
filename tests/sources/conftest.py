"""An API server and a source that asks it, for tests that need no other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from kubedns_py.sources.apiserver import ApiServer, connect
from tests.helpers.fake_apiserver import FakeApiServer


@pytest_asyncio.fixture
async def server() -> AsyncIterator[FakeApiServer]:
    """An API server without credentials."""
    async with FakeApiServer() as started:
        yield started


@pytest_asyncio.fixture
async def source(server: FakeApiServer) -> AsyncIterator[ApiServer]:
    """A source that asks it."""
    async with await connect(kube_master_url=server.url, kubecfg_file="") as connected:
        yield connected
