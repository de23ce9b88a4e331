"""A list of a source, taken whole."""

from __future__ import annotations

from kubedns_py.cluster.requests import ListRequest
from kubedns_py.sources.watch import ListerWatcher


async def listed(source: ListerWatcher, request: ListRequest) -> bytes:
    """Return a list's document. Raises ApiError."""
    async with source.list(request) as parts:
        return b"".join([part async for part in parts])
