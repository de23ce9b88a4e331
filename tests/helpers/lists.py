"""A list of a source, taken whole, and the error that one ends in."""

from __future__ import annotations

import pytest

from kubedns_py.cluster.requests import ListRequest
from kubedns_py.errors import ApiError
from kubedns_py.sources.watch import ListerWatcher


async def listed(source: ListerWatcher, request: ListRequest) -> bytes:
    """Return a list's document. Raises ApiError."""
    async with source.list(request) as parts:
        return b"".join([part async for part in parts])


async def list_error(source: ListerWatcher, request: ListRequest) -> ApiError:
    """Return the error that a list ends in."""
    with pytest.raises(ApiError) as caught:
        await listed(source, request)
    return caught.value
