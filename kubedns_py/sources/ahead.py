"""Lists that are asked for before anybody can read them.

Rules of this file:

- What comes waits in the connection, and the sender with it (row F-06); what goes wrong waits for
  whoever opens the list.
- Each is lent once. What nobody opened is left at the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from kubedns_py.cluster.requests import ListRequest
from kubedns_py.errors import ApiError

_LOG = logging.getLogger(__name__)

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

    def ask(self, request: ListRequest, answer: List, *, settled: Callable[[], None]) -> None:
        """Open an answer now, for whoever is going to take that of this request.

        Args:
            request: which one.
            answer: what is opened.
            settled: called when the answer has begun, or there is none.
        """
        self._asked[request] = asked = asyncio.create_task(_opened(answer))
        asked.add_done_callback(lambda _: settled())

    def take(self, request: ListRequest) -> List | None:
        """Return the answer to a request if it waits here; opening it raises what went wrong."""
        asked = self._asked.pop(request, None)
        return None if asked is None else _lent(asked)

    async def close(self) -> None:
        """Leave what nobody took."""
        asked = tuple(self._asked.values())
        self._asked.clear()
        await _leave(asked)


async def _opened(answer: List) -> _Opened:
    async with AsyncExitStack() as edges:
        return _Opened(await edges.enter_async_context(answer), edges.pop_all())


@asynccontextmanager
async def _lent(asked: asyncio.Task[_Opened]) -> AsyncIterator[AsyncIterator[bytes]]:
    try:
        opened = await asked
    except asyncio.CancelledError:
        await _leave((asked,))  # it may have begun in the same turn
        raise
    async with opened.edges:
        yield opened.parts


async def _leave(asked: Collection[asyncio.Task[_Opened]]) -> None:
    for each in asked:
        each.cancel()
    async with AsyncExitStack() as edges:
        for found in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(found, _Opened):
                edges.push_async_callback(found.edges.aclose)
            elif not isinstance(found, (ApiError, asyncio.CancelledError)):
                _LOG.error("an error of our own, in a list that nobody took", exc_info=found)
