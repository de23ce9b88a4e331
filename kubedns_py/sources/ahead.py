"""Lists that are asked for before anybody can read them.

Rules of this file:

- What comes waits in the connection, and the sender with it (row F-06); what goes wrong waits for
  whoever opens the list.
- Each is lent once. What nobody opened is left at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from kubedns_py.cluster.requests import ListRequest

List = AbstractAsyncContextManager[AsyncIterator[bytes]]
"""An answer to be opened, in parts as they come."""


class _Opened(NamedTuple):
    """An answer that has begun, and what ends with it."""

    parts: AsyncIterator[bytes]
    edges: AsyncExitStack


class Ahead:
    """The lists that wait to be opened."""

    def __init__(self) -> None:
        self._asked: dict[ListRequest, asyncio.Task[_Opened]] = {}

    def ask(self, request: ListRequest, answer: List) -> None:
        """Open an answer now, for whoever is going to take that of this request."""
        self._asked[request] = asyncio.create_task(_opened(answer))

    def take(self, request: ListRequest) -> List | None:
        """Return the answer to a request if it waits here; opening it raises what went wrong."""
        asked = self._asked.pop(request, None)
        return None if asked is None else _lent(asked)

    async def close(self) -> None:
        """Leave what nobody took."""
        asked = tuple(self._asked.values())
        self._asked.clear()
        for each in asked:
            each.cancel()
        for opened in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(opened, _Opened):
                await opened.edges.aclose()


async def _opened(answer: List) -> _Opened:
    async with AsyncExitStack() as edges:
        return _Opened(await edges.enter_async_context(answer), edges.pop_all())


@asynccontextmanager
async def _lent(asked: asyncio.Task[_Opened]) -> AsyncIterator[AsyncIterator[bytes]]:
    opened = await asked
    async with opened.edges:
        yield opened.parts
