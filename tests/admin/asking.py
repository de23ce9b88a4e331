"""A running admin server on loopback, and how to ask it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kubedns_py.admin.exposition import Exposition
from kubedns_py.admin.http import AdminServer
from kubedns_py.config.arguments import load
from kubedns_py.server.tally import Counts
from kubedns_py.structs import replace
from tests.admin.numbers import some_sources
from tests.helpers.ports import free_port

HOST = "127.0.0.1"
WITHIN_S = 8.0


@dataclass(slots=True)
class Running:
    """A running server and what its readiness says."""

    health: int
    metrics: int
    missing: list[str] = field(default_factory=list)


@asynccontextmanager
async def running(
    *, one_port: bool = False, counts: Callable[[], Counts] | None = None
) -> AsyncIterator[Running]:
    """Serve on free ports of loopback."""
    health = free_port()
    metrics = health if one_port else free_port()
    state = Running(health, metrics)
    arguments = [
        f"--healthz-port={health}",
        f"--metrics-port={metrics}",
        f"--admin-bind-address={HOST}",
    ]
    sources = some_sources()
    server = AdminServer(
        load(arguments, {}, program="test").config,
        readiness=lambda: state.missing,
        exposition=Exposition(replace(sources, counts=counts or sources.counts)),
    )
    server.open()
    await server.serve()
    try:
        yield state
    finally:
        await server.stop()


async def exchange(port: int, request: bytes) -> bytes:
    """Send octets, and return all that comes back until the other side closes."""
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection(HOST, port)
        try:
            writer.write(request)
            return await reader.read()
        finally:
            writer.close()


async def ask(
    port: int, path: str, *headers: str, method: str = "GET", host: str = HOST
) -> tuple[int, dict[str, str], str]:
    """Return status, headers in lower case, and body."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
    head, _, body = (await exchange(port, "\r\n".join(lines).encode())).partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in rest)
    return int(first.split()[1]), {k.lower(): v for k, v in fields.items()}, body.decode()
